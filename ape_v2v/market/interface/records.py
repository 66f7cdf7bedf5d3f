"""What the market has on record, in the user's units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ape_v2v.currency import ETHER
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from ape_v2v.currency import Currency

NO_MONEY = Money(0)
"""Nothing is nothing in every currency."""


def moment(timestamp: int) -> datetime:
    """A block's time as a datetime."""
    return datetime.fromtimestamp(timestamp, UTC)


def auction_id(consumer: str, round_: int) -> int:
    """The id of a consumer's auction: its address and which of its auctions it is."""
    return int(consumer, 16) << 32 | round_


def consumer_of(auction_id: int) -> str:
    """The consumer's address, lower case, out of an auction's id."""
    return f"0x{auction_id >> 32:040x}"


def in_currency(amount: Money | Rate) -> dict[str, Any]:
    """What JSON has beside amounts that are not in ether: whose smallest units they count."""
    return {} if amount.currency.is_ether else {"currency": amount.currency.as_json()}


@dataclass(frozen=True)
class AuctionInfo:
    """Everything about an auction, as the market gives it at one block."""

    id: int
    state: State
    consumer: str
    energy: Energy
    max_rate: Rate
    closing_time: datetime
    validity: timedelta
    open_award: bool
    """Whether anybody may end the auction after the close."""
    provider: str | None
    """Who made the standing bid."""
    rate: Rate | None
    """The standing bid."""
    connected_at: datetime | None
    free_until: datetime | None
    """Before then cancelling is free, because a bid was removed; None when none was."""
    removals: int
    """How many bids have been removed."""

    @classmethod
    def read(cls, auction_id: int, record: Any, currency: Currency = ETHER) -> AuctionInfo:
        """What the contract's `auctions` view gives, in the market's currency.

        Raises:
            Refused: The auction is over, or never was.
        """
        state = State(record.state)
        if state is State.NONE:
            raise Refused(
                "UnexpectedState",
                {"auctionId": auction_id, "actual": State.NONE, "expected": State.OPEN},
            )
        stands = int(record.provider, 16) != 0
        return cls(
            id=auction_id,
            state=state,
            consumer=record.consumer,
            energy=Energy(record.energyWh),
            max_rate=Rate(record.maxRate, currency),
            closing_time=moment(record.closingTime),
            validity=timedelta(seconds=record.validity),
            open_award=record.openAward,
            provider=record.provider if stands else None,
            rate=Rate(record.rate, currency) if stands else None,
            connected_at=moment(record.connectedAt) if record.connectedAt else None,
            free_until=moment(record.freeUntil) if record.freeUntil else None,
            removals=record.removals,
        )

    @property
    def terms(self) -> int:
        """What a bid is made for, in one number."""
        validity = int(self.validity.total_seconds())
        return messages.offered(int(self.energy), int(self.max_rate), validity)

    @property
    def reserve(self) -> Money:
        """What the consumer has locked: the most that the energy can cost."""
        return self.max_rate * self.energy

    @property
    def cost(self) -> Money | None:
        """What the whole energy costs at the standing bid."""
        return None if self.rate is None else self.rate * self.energy

    def as_json(self) -> dict[str, Any]:
        """For programs, under the contract's names."""
        return {
            "auctionId": str(self.id),
            "state": self.state.shown,
            "consumer": self.consumer,
            "energyWh": self.energy.as_json(),
            "maxRate": self.max_rate.as_json(),
            "closingTime": self.closing_time.isoformat(),
            "validity": int(self.validity.total_seconds()),
            "openAward": self.open_award,
            "provider": self.provider,
            "rate": None if self.rate is None else self.rate.as_json(),
            "cost": None if self.cost is None else self.cost.as_json(),
            "connectedAt": None if self.connected_at is None else self.connected_at.isoformat(),
            "freeUntil": None if self.free_until is None else self.free_until.isoformat(),
            "removals": self.removals,
            **in_currency(self.max_rate),
        }

    def highest_rate(self, min_decrement_bps: int) -> Rate | None:
        """The highest rate that would be accepted; None when no bid can undercut.

        Args:
            min_decrement_bps: The market's parameter of that name.
        """
        if self.rate is None:
            return self.max_rate
        highest = int(self.rate) - max(1, -(-int(self.rate) * min_decrement_bps // 10_000))
        return Rate(highest, self.rate.currency) if highest > 0 else None


@dataclass(frozen=True)
class SignedBid:
    """A bid that anyone may relay. `deadline` is the last second in which it is valid."""

    auction_id: int
    provider: str
    rate: Rate
    nonce: int
    """How many bids had been removed and revoked when it was signed; one more makes it void."""
    deadline: int
    signature: bytes
