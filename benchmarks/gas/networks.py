"""What a trade costs on each network, in euro cents, at prices that are stated with it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ape_v2v.evm.contracts import Interface
from ape_v2v.evm.node import AnvilChain
from benchmarks.gas import scenarios
from benchmarks.gas.stage import Stage

if TYPE_CHECKING:
    from ape.managers import ProjectManager

EUR_PER_ETHER = Decimal(3_000)
LAYER_1_GWEI = Decimal(1)
_GWEI_PER_ETHER = 10**9
_BESIDE_THE_DATA = 120
"""Bytes of a transaction without its data: nonce, fees, limit, receiver, signature, packed."""
_PER_BYTE = 16
"""Gas of layer 1 by which the OP stack counts a byte."""


@dataclass(frozen=True)
class Place:
    """A network, and the order of magnitude of its prices."""

    name: str
    gas_price: Decimal
    """Gwei."""
    data_scalar: Decimal = Decimal(0)
    """The share of layer 1's base fee that it charges for data (`baseFeeScalar` of its chain)."""

    def cents(self, gas: int) -> Decimal:
        """Euro cents for so much gas."""
        return self._cents(gas * self.gas_price)

    def cents_for_data(self, size: int) -> Decimal:
        """Euro cents at most for so many bytes."""
        return self._cents(size * _PER_BYTE * LAYER_1_GWEI * self.data_scalar)

    @staticmethod
    def _cents(gwei: Decimal) -> Decimal:
        return gwei / _GWEI_PER_ETHER * EUR_PER_ETHER * 100


PLACES = (
    Place("Ethereum", LAYER_1_GWEI),
    Place("Base", Decimal("0.01"), Decimal("0.002269")),
    Place("OP Mainnet", Decimal("0.001"), Decimal("0.005227")),
    Place("Arbitrum One", Decimal("0.01")),
)


class Measured(NamedTuple):
    """A trade with two bids, and what deploying the market takes."""

    trade: int
    """Gas."""
    size: int
    """Bytes of the trade's five transactions."""
    creation: int


def measured(project: ProjectManager) -> Measured:
    with AnvilChain() as chain:
        stage = Stage(chain, Interface(project.V2VMarket.contract_type), trace=False)
        calls = scenarios.all_calls(scenarios.used_market(stage))
    trade = [calls[label] for label in scenarios.TRADE]
    return Measured(
        trade=sum(call.gas for call in trade),
        size=sum(len(call.data) + _BESIDE_THE_DATA for call in trade),
        creation=stage.creation,
    )


def table(found: Measured) -> list[str]:
    """The lines of a table in Markdown."""
    lines = [
        "| euro cents | gas at | a trade with two bids | its data, at most | deploying a market |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for place in PLACES:
        data = f"{place.cents_for_data(found.size):.3f}" if place.data_scalar else "in the gas"
        cells = (
            place.name,
            f"{place.gas_price:f} gwei",
            f"{place.cents(found.trade):.2f}",
            data,
            f"{place.cents(found.creation):,.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines
