"""What follows from a market's events: what has become of each auction, connection and EV.

One rule for each kind of event, in `_RULES`. Rows are as the tables of
`ape_v2v.index.storage.schema` have them. The rules look at nothing but the events and the rows, so
that replaying the events of one auction gives that auction's rows again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from ape_v2v.index.views import OUTCOMES, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.chain.line.answered import Log

Row: TypeAlias = dict[str, Any]
Args: TypeAlias = dict[str, Any]

_NO_HASH = bytes(32)


@dataclass
class Projections:
    """Rows by their keys: an auction's id as a word, an account's 20 bytes."""

    auctions: dict[bytes, Row] = field(default_factory=dict)
    connections: dict[bytes, Row] = field(default_factory=dict)
    registrations: dict[bytes, Row] = field(default_factory=dict)

    def apply(self, name: str, args: Args, log: Log) -> None:
        """What an event changes; events come in the chain's order."""
        if rule := _RULES.get(name):
            rule(self, args, log)


def account(address: str) -> bytes:
    """An address as rows have it."""
    return bytes.fromhex(address[2:])


def auction_key(log: Log) -> bytes:
    """An auction's id as rows have it: the second topic of every event that is about one."""
    return log.topics[32:64]


def consumer_key(log: Log) -> bytes:
    """The consumer of the auction that an event is about: its id says so."""
    return log.topics[40:60]


def _added(rows: Projections, args: Args, log: Log) -> None:
    key = account(args["ev"])
    rows.registrations[key] = {
        "account": key,
        "block": log.block,
        "log_index": log.log_index,
        "infos": args["infos"].encode(),
        "added_at": log.timestamp,
        "removed_at": None,
    }


def _removed(rows: Projections, args: Args, log: Log) -> None:
    if row := rows.registrations.get(account(args["ev"])):
        row["removed_at"] = log.timestamp


def _started(rows: Projections, args: Args, log: Log) -> None:
    key = auction_key(log)
    rows.auctions[key] = {
        "id": key,
        "block": log.block,
        "log_index": log.log_index,
        "consumer": account(args["consumer"]),
        "energy": args["energyWh"],
        "max_rate": str(args["maxRate"]),
        "started_at": log.timestamp,
        "closing_time": args["closingTime"],
        "validity": args["validity"],
        "details": args["details"].encode(),
        "bids": 0,
        "removals": 0,
        "provider": None,
        "rate": None,
        "outcome": Outcome.OPEN.value,
    }


def _bid(rows: Projections, args: Args, log: Log) -> None:
    if row := rows.auctions.get(auction_key(log)):
        row["bids"] += 1
        row["provider"] = account(args["provider"])
        row["rate"] = str(args["rate"])
        row["closing_time"] = args["closingTime"]


def _taken_back(rows: Projections, args: Args, log: Log) -> None:
    if row := rows.auctions.get(auction_key(log)):
        row["removals"] += 1
        row["provider"] = row["rate"] = None
        row["closing_time"] = args["closingTime"]


def _cancelled(rows: Projections, _args: Args, log: Log) -> None:
    _tell_outcome(rows.auctions, log, Outcome.CANCELLED)


def _awarded(rows: Projections, args: Args, log: Log) -> None:
    if not args["rate"]:  # nobody bid
        _tell_outcome(rows.auctions, log, Outcome.UNSOLD)
        return
    key = auction_key(log)
    rows.connections[key] = {
        "id": key,
        "consumer": consumer_key(log),
        "provider": account(args["provider"]),
        "token": _NO_HASH,  # `Connected` comes right after it
        "connected_at": log.timestamp,
        # Exact: the cost is the rate times the energy.
        "contracted": args["cost"] // args["rate"],
        "rate": str(args["rate"]),
        "outcome": Outcome.CONNECTED.value,
        **dict.fromkeys(_OF_THE_END),
    }


_OF_THE_END = (
    "block",
    "log_index",
    "ended_at",
    "transaction",
    "energy",
    "cost",
    "penalty",
    "meter_data_hash",
)


def _connected(rows: Projections, args: Args, log: Log) -> None:
    _tell_outcome(rows.auctions, log, Outcome.CONNECTED)
    if row := rows.connections.get(auction_key(log)):
        row["token"] = args["token"]


def _ended(rows: Projections, args: Args, log: Log) -> None:
    outcome = OUTCOMES[args["how"]]
    _tell_outcome(rows.auctions, log, outcome)
    _tell_outcome(rows.connections, log, outcome)
    if row := rows.connections.get(auction_key(log)):
        meter_data_hash = args["meterDataHash"]
        row["block"], row["log_index"] = log.block, log.log_index
        row["ended_at"], row["transaction"] = log.timestamp, log.transaction
        row["energy"] = args["energyWh"]
        row["cost"] = str(args["cost"])
        row["penalty"] = str(args["penalty"])
        row["meter_data_hash"] = meter_data_hash if any(meter_data_hash) else None


def _tell_outcome(rows: dict[bytes, Row], log: Log, outcome: Outcome) -> None:
    if row := rows.get(auction_key(log)):
        row["outcome"] = outcome.value


_RULES: dict[str, Callable[[Projections, Args, Log], None]] = {
    "EVAdded": _added,
    "EVRemoved": _removed,
    "AuctionStarted": _started,
    "BidPlaced": _bid,
    "BidRemoved": _taken_back,
    "AuctionCancelled": _cancelled,
    "AuctionEnded": _awarded,
    "Connected": _connected,
    "ConnectionEnded": _ended,
}
REGISTERING = ("EVAdded", "EVRemoved")
"""The events that change registrations."""
