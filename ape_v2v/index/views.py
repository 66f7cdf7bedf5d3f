"""What follows from a market's events: who is registered, every auction, charge detail records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from eth_utils.conversions import to_hex

from ape_v2v.market.records import NO_MONEY, moment
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ape_v2v.market.events import Event

NO_ENERGY = Energy(0)


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
    """Settled: the energy was paid for."""
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
    """Paid by the provider when it forfeits, burnt by each side when the connection expires."""
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
        return dict(zip(RECORD_COLUMNS, values, strict=True))


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
"""What `ChargeRecord.as_json` has."""


CHARGE_EVENTS = (
    "AuctionEnded",
    "Connected",
    "ConnectionEnded",
    "ConnectionForfeited",
    "ConnectionExpired",
)
"""What `charge_records` reads."""
AUCTION_EVENTS = ("AuctionStarted", "BidPlaced", "BidRemoved", "AuctionCancelled", *CHARGE_EVENTS)
"""What `auctions` reads."""


def registrations(events: Iterable[Event]) -> list[Registration]:
    """Every account that was ever registered, by its latest registration."""
    found: dict[str, Registration] = {}
    for event in events:
        if event.name == "EVAdded":
            ev = event.args["ev"]
            found.pop(ev, None)
            found[ev] = Registration(ev, event.args["infos"], event.timestamp)
        elif event.name == "EVRemoved" and event.args["ev"] in found:
            ev = event.args["ev"]
            found[ev] = replace(found[ev], removed_at=event.timestamp)
    return list(found.values())


_FINAL = {
    "AuctionCancelled": Outcome.CANCELLED,
    "Connected": Outcome.CONNECTED,
    "ConnectionEnded": Outcome.ENDED,
    "ConnectionForfeited": Outcome.FORFEITED,
    "ConnectionExpired": Outcome.EXPIRED,
}


def auctions(events: Iterable[Event]) -> list[AuctionSummary]:
    """Every auction whose start is among the events, by its start."""
    found: dict[int, AuctionSummary] = {}
    for event in events:
        args = event.args
        if event.name == "AuctionStarted":
            found[args["auctionId"]] = AuctionSummary(
                id=args["auctionId"],
                consumer=args["consumer"],
                energy=Energy(args["energyWh"]),
                max_rate=Rate(args["maxRate"]),
                started_at=event.timestamp,
                closing_time=moment(args["closingTime"]),
                validity=timedelta(seconds=args["validity"]),
                details=args["details"],
            )
        elif event.auction_id in found:
            found[event.auction_id] = _after(found[event.auction_id], event)
    return list(found.values())


def _after(auction: AuctionSummary, event: Event) -> AuctionSummary:
    args = event.args
    if event.name == "BidPlaced":
        return replace(
            auction,
            bids=auction.bids + 1,
            provider=args["provider"],
            rate=Rate(args["rate"]),
            closing_time=moment(args["closingTime"]),
        )
    if event.name == "BidRemoved":
        return replace(
            auction,
            removals=auction.removals + 1,
            provider=None,
            rate=None,
            closing_time=moment(args["closingTime"]),
        )
    if event.name == "AuctionEnded":
        # With a winner, `Connected` comes right after it.
        return auction if auction.provider else replace(auction, outcome=Outcome.UNSOLD)
    return replace(auction, outcome=_FINAL[event.name])


def charge_records(events: Iterable[Event]) -> list[ChargeRecord]:
    """Every connection whose award and end are among the events, by its end."""
    awards: dict[int, tuple[Event, Event]] = {}
    ended: dict[int, Event] = {}
    records = []
    for event in events:
        if event.auction_id is None:
            continue
        if event.name == "AuctionEnded":
            ended[event.auction_id] = event
        elif event.name == "Connected" and event.auction_id in ended:
            awards[event.auction_id] = ended.pop(event.auction_id), event
        elif event.auction_id in awards:
            records.append(_record(*awards.pop(event.auction_id), event))
    return records


def _record(award: Event, connected: Event, end: Event) -> ChargeRecord:
    rate, args = Rate(award.args["rate"]), end.args
    paid = end.name == "ConnectionEnded"
    meter_data_hash = args["meterDataHash"] if paid else bytes(32)
    return ChargeRecord(
        auction_id=connected.args["auctionId"],
        consumer=connected.args["consumer"],
        provider=connected.args["provider"],
        token=connected.args["token"],
        connected_at=connected.timestamp,
        ended_at=end.timestamp,
        # Exact: the cost is the rate times the energy.
        contracted=Energy(award.args["cost"] // award.args["rate"]),
        energy=Energy(args["energyWh"]) if paid else NO_ENERGY,
        rate=rate,
        cost=Money(args["cost"]) if paid else NO_MONEY,
        outcome=_FINAL[end.name],
        penalty=NO_MONEY if paid else Money(args["penalty"]),
        meter_data_hash=meter_data_hash if any(meter_data_hash) else None,
        block=end.block,
        transaction=end.transaction,
    )
