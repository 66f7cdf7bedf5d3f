"""What a run has come to: rows of whole numbers, the same wherever it ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ape_v2v.simulation.scenario.model import Scenario
    from ape_v2v.simulation.vehicles.population import Visit


@dataclass
class AuctionRow:
    """An auction, from its start to what came of it.

    Amounts are smallest units of the market's currency, rates units per Wh: of ether, wei.
    """

    number: int
    replicate: int
    consumer: str
    site: str
    started: int
    """Seconds since the start, as all times here."""
    closed: int | None
    energy: int
    max_rate: int
    bids: int
    bidders: int
    provider: str
    """Empty: nobody's bid stood in the end."""
    rate: int | None
    cost: int
    """What energy costs the provider, units per Wh; 0 without one."""
    how: str
    """What came of it: `unsold`, `cancelled`, or how the connection ended."""
    delivered: int
    """Wh that were paid for."""
    paid: int
    penalty: int
    """Of each side, or of a provider that forfeits."""
    ended: int | None


@dataclass
class BidRow:
    """A bid that a block has."""

    auction: int
    replicate: int
    provider: str
    time: int
    rate: int
    accepted: bool
    refusal: str
    gas: int
    fee: int
    """Wei."""


@dataclass
class VehicleRow:
    """What a vehicle has come to."""

    vehicle: str
    replicate: int
    group: str
    role: str
    strategy: str
    visits: int
    trades: int
    energy: int
    """Wh that were paid for."""
    money: int
    """What it has more in the market than it had put there, units of its currency."""
    value: int
    """What the energy was worth to a consumer, or has cost a provider, in the same."""
    fees: int
    """In the same, whatever gas is paid in."""
    transactions: int

    @property
    def gain(self) -> int:
        """Better off by, in the same, gas included."""
        worth = self.value if self.role == "consumer" else -self.value
        return self.money + worth - self.fees


@dataclass
class RunResult:
    """One run of a scenario."""

    scenario: Scenario
    seed: int
    replicate: int
    visits: list[Visit]
    auctions: list[AuctionRow] = field(default_factory=list)
    bids: list[BidRow] = field(default_factory=list)
    vehicles: list[VehicleRow] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    """Calls that clients did not send, because the market would have refused them, by error."""
    blocks: int = 0
    """Blocks with transactions; the books were checked after each."""
    transactions: int = 0
    gas: int = 0
    fees: int = 0
    """Wei."""
    burnt: int = 0
    """Units of the market's currency."""

    @property
    def trades(self) -> list[AuctionRow]:
        """The auctions that energy was paid for in."""
        return [row for row in self.auctions if row.delivered]
