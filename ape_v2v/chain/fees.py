"""What the next transaction on the connected network offers per gas, by its gas policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape import chain

from ape_v2v.chain.networks import upstream_name
from ape_v2v.config import Fees, V2VConfig
from ape_v2v.errors import V2VError
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUMP_PERCENT = 13
"""Nodes replace a transaction by one that pays at least a tenth more, some an eighth."""


@dataclass(frozen=True)
class Price:
    """What one transaction offers, wei per gas."""

    max_fee: int
    priority_fee: int

    def raised(self) -> Price:
        """The least that replaces a transaction with this price on every node."""
        return Price(_raised(self.max_fee), _raised(self.priority_fee))

    @property
    def options(self) -> dict[str, int]:
        """What Ape takes with a transaction."""
        return {"max_fee": self.max_fee, "max_priority_fee": self.priority_fee}


def configured_fees() -> Fees:
    """What `v2v: fees:` says of the connected network."""
    return V2VConfig.current().fees.get(upstream_name(), Fees())


def price(fees: Fees) -> Price:
    """The fees of a transaction that is sent now.

    Raises:
        V2VError: The most that may be paid is less than every transaction pays now.
    """
    provider = chain.provider
    base = provider.base_fee
    priority = provider.priority_fee if fees.priority_fee is None else int(fees.priority_fee)
    if fees.max_fee is None:
        return Price(int(base * provider.network.base_fee_multiplier) + priority, priority)
    if (maximum := int(fees.max_fee)) < base:
        raise V2VError(
            f"max_fee is {fees.max_fee} per gas, and the base fee is {Money(base)}: wait until it "
            "has fallen, or allow more"
        )
    return Price(maximum, min(priority, maximum))


def transaction_options(fees: Fees) -> dict[str, int]:
    """What Ape takes with a transaction; nothing where the policy leaves it to Ape."""
    options: dict[str, int] = {}
    if fees.max_fee is not None or fees.priority_fee is not None:
        options = price(fees).options
    if fees.confirmations is not None:
        options["required_confirmations"] = confirmations(fees)
    return options


def confirmations(fees: Fees) -> int:
    """How many blocks a transaction waits for: none where blocks only come when they are asked for.

    A fork has the policy of the network that it forks, and not its blocks.
    """
    network = chain.provider.network
    if network.is_dev:
        return 0
    return network.required_confirmations if fees.confirmations is None else fees.confirmations


def amount_paid(receipt: Mapping[str, object]) -> int:
    """What a transaction has cost by its node's receipt, wei.

    Rollups of the OP stack charge for the data on layer 1 beside the gas.
    """
    layer_1 = receipt.get("l1Fee") or 0
    data_fee = int(layer_1, 16) if isinstance(layer_1, str) else int(str(layer_1))
    return int(str(receipt["gasUsed"])) * int(str(receipt["effectiveGasPrice"])) + data_fee


def _raised(fee: int) -> int:
    return -(-fee * (100 + _BUMP_PERCENT) // 100) if fee else 1
