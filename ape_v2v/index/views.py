"""What is known of a market's past: who is registered, every auction, charge detail records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar

from eth_utils.conversions import to_hex

from ape_v2v.errors import V2VError
from ape_v2v.market.interface.records import in_currency
from ape_v2v.market.interface.states import Ending

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from ape_v2v.units import Energy, Money, Rate

Item = TypeVar("Item")

_LONGEST_NUMBER = 18


class Cursor(NamedTuple):
    """A place on the chain, from which a reader goes on: a block, and an event's place in it."""

    block: int
    log_index: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "1234-5".

        Raises:
            V2VError: It is something else.
        """
        block, dash, log_index = text.partition("-")
        numbers = (block, log_index)
        if not dash or not all(
            number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER
            for number in numbers
        ):
            raise V2VError(
                f"{text!r} is no cursor: take one as it was given, such as '1234-5', or none to "
                "begin with the newest"
            )
        return cls(int(block), int(log_index))

    def __str__(self) -> str:
        return f"{self.block}-{self.log_index}"


@dataclass(frozen=True)
class Page(Generic[Item]):
    """So many of the newest, the newest first."""

    items: list[Item]
    next: Cursor | None
    """Where the page after this one begins; None when this is the last."""


@dataclass(frozen=True)
class Registration:
    """An account that the organization registered as an EV."""

    address: str
    infos: str
    """The organization's notes."""
    added_at: datetime
    removed_at: datetime | None = None
    """When its registration ended; None while it is registered."""


class Outcome(StrEnum):
    """How far an auction has come, or how it ended."""

    OPEN = "open"
    UNSOLD = "unsold"
    """Ended without a bid."""
    CANCELLED = "cancelled"
    CONNECTED = "connected"
    ENDED = "ended"
    """Settled: the energy was paid for, as both sides agreed."""
    SHORT = "short"
    """Settled, but somebody stopped on the way: both sides have lost a part of the penalty."""
    FORFEITED = "forfeited"
    EXPIRED = "expired"


@dataclass(frozen=True)
class AuctionSummary:
    """An auction from its start on, over or not."""

    id: int
    consumer: str
    energy: Energy
    max_rate: Rate
    started_at: datetime
    closing_time: datetime
    """When bidding closes or closed: bids and removals have moved it."""
    validity: timedelta
    details: str
    bids: int = 0
    removals: int = 0
    provider: str | None = None
    """Who made the standing bid, or won."""
    rate: Rate | None = None
    """The standing bid, or the one that won."""
    outcome: Outcome = Outcome.OPEN


@dataclass(frozen=True)
class ChargeRecord:
    """A charge detail record: one connection, from the award to its end."""

    auction_id: int
    consumer: str
    provider: str
    token: bytes
    """What the two sides' signed receipts name."""
    connected_at: datetime
    ended_at: datetime
    contracted: Energy
    energy: Energy
    """What was delivered and paid for."""
    rate: Rate
    cost: Money
    outcome: Outcome
    penalty: Money
    """Paid by the provider when it forfeits, else what each side has lost: it is burnt."""
    meter_data_hash: bytes | None
    """Commits to the meter's record; None when nothing was settled, or in full without one."""
    block: int
    transaction: str
    """In which the connection ended, in that block."""

    @property
    def duration(self) -> timedelta:
        """From the award to the end."""
        return self.ended_at - self.connected_at

    def as_json(self) -> dict[str, Any]:
        """What is exported, and printed for programs."""
        values = (
            str(self.auction_id),
            self.consumer,
            self.provider,
            self.connected_at.isoformat(),
            self.ended_at.isoformat(),
            int(self.duration.total_seconds()),
            int(self.contracted),
            int(self.energy),
            str(int(self.rate)),
            str(int(self.cost)),
            self.outcome.value,
            str(int(self.penalty)),
            to_hex(self.token),
            None if self.meter_data_hash is None else to_hex(self.meter_data_hash),
            self.block,
            self.transaction,
        )
        return dict(zip(RECORD_COLUMNS, values, strict=True)) | in_currency(self.cost)


RECORD_COLUMNS = (
    "auctionId",
    "consumer",
    "provider",
    "connectedAt",
    "endedAt",
    "duration",
    "contractedWh",
    "energyWh",
    "rate",
    "cost",
    "outcome",
    "penalty",
    "token",
    "meterDataHash",
    "block",
    "transaction",
)
"""What `ChargeRecord.as_json` has, and `currency` behind it where that is not ether."""


OUTCOMES: dict[int, Outcome] = {
    Ending.PAID: Outcome.ENDED,
    Ending.AGREED: Outcome.ENDED,
    Ending.SHORT: Outcome.SHORT,
    Ending.FORFEITED: Outcome.FORFEITED,
    Ending.EXPIRED: Outcome.EXPIRED,
}
"""What has become of a connection, by how the market says that it ended."""
