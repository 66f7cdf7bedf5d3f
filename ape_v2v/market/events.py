"""The market's events: decoded, in the contract's names, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.market import contract as artifact
from ape_v2v.market.records import consumer_of, moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ethpm_types.abi import ABIType, EventABI

    from ape_v2v.chain.receipts import RawLog

AUCTION_ID = "auctionId"

COLUMNS = ("block", "timestamp", "transaction", "logIndex", "event")
"""What `Event.as_json` has of every event; an event's own arguments follow."""

# JSON's numbers lose digits beyond 2**53: these are decimal strings.
_LARGE = {AUCTION_ID, "amount", "cost", "maxRate", "penalty", "rate"}
_TIMES = {"closingTime"}

checksummed = lru_cache(maxsize=65_536)(to_checksum_address)
"""An address with its checksum; a market has few accounts and many events."""


@dataclass(frozen=True, slots=True)
class Log:
    """An event as a node gives it, undecoded."""

    block: int
    log_index: int
    block_hash: bytes
    transaction: bytes
    timestamp: int
    topics: bytes
    """One to four words of 32 bytes."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the market."""

    name: str
    args: dict[str, Any]
    """Under the contract's names and in its units; addresses with a checksum, hashes as bytes."""
    block: int
    block_hash: str
    timestamp: datetime
    """The block's time, UTC."""
    transaction: str
    log_index: int
    """Its place in the block."""

    @property
    def auction_id(self) -> int | None:
        """The auction that it is about, if it is about one."""
        return self.args.get(AUCTION_ID)

    @property
    def consumer(self) -> str | None:
        """The consumer of that auction: its id says so."""
        return None if self.auction_id is None else checksummed(consumer_of(self.auction_id))

    @property
    def key(self) -> tuple[str, int]:
        """What no two events share, even when blocks are reorganised."""
        return self.block_hash, self.log_index

    def as_json(self) -> dict[str, Any]:
        """What is exported, and printed for programs."""
        common = (
            self.block,
            self.timestamp.isoformat(),
            self.transaction,
            self.log_index,
            self.name,
        )
        args = {name: _json_value(name, value) for name, value in self.args.items()}
        return dict(zip(COLUMNS, common, strict=True)) | args


def _json_value(name: str, value: Any) -> Any:
    if name in _LARGE:
        return str(value)
    if name in _TIMES:
        return moment(value).isoformat()
    return to_hex(value) if isinstance(value, bytes) else value


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of event is decoded."""

    name: str
    indexed: tuple[tuple[str, str], ...]
    """Names and types of what is in the topics."""
    others: tuple[tuple[str, str], ...]
    order: tuple[str, ...]

    def args(self, topics: bytes, data: bytes) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for fields, words in ((self.indexed, topics[32:]), (self.others, data)):
            if fields:
                types = [type_ for _, type_ in fields]
                for (name, type_), value in zip(fields, decode(types, words), strict=True):
                    values[name] = checksummed(value) if type_ == "address" else value
        for name in _texts(self.name):
            values[name] = values[name].decode("utf-8", "replace")
        return {name: values[name] for name in self.order}


def names() -> list[str]:
    """Every event that a market has."""
    return sorted(kind.name for kind in _kinds().values())


def arguments() -> list[str]:
    """The name of every argument that an event of the market has, the auction's id first."""
    found = dict.fromkeys(name for kind in _kinds().values() for name in kind.order)
    return list({AUCTION_ID: None} | found)


def topics(names: Iterable[str] = ()) -> list[bytes]:
    """The first topic of every event of the market, or of those with these names."""
    wanted = set(names)
    return [topic for topic, kind in _kinds().items() if not wanted or kind.name in wanted]


def decoded(log: Log) -> Event:
    """An event of the market, out of what a node gives."""
    kind = _kinds()[log.topics[:32]]
    return Event(
        name=kind.name,
        args=kind.args(log.topics, log.data),
        block=log.block,
        block_hash=f"0x{log.block_hash.hex()}",
        timestamp=moment(log.timestamp),
        transaction=f"0x{log.transaction.hex()}",
        log_index=log.log_index,
    )


class Fact(NamedTuple):
    """An event by itself: what has happened, whenever that was."""

    name: str
    args: dict[str, Any]
    """Under the contract's names and in its units; addresses with a checksum, hashes as bytes."""


def facts(logs: Iterable[RawLog], market: str) -> list[Fact]:
    """What a market has reported, out of a transaction's logs."""
    return [
        Fact(kind.name, kind.args(log.topics, log.data))
        for log in logs
        if log.address == market.lower() and (kind := _kinds().get(log.topics[:32]))
    ]


@cache
def _kinds() -> dict[bytes, _Kind]:
    return {keccak(text=abi.selector): _kind(abi) for abi in artifact.contract_type().events}


def _kind(abi: EventABI) -> _Kind:
    def fields(*, indexed: bool) -> tuple[tuple[str, str], ...]:
        return tuple(
            (str(item.name), _type(item)) for item in abi.inputs if bool(item.indexed) is indexed
        )

    order = tuple(str(item.name) for item in abi.inputs)
    return _Kind(abi.name, fields(indexed=True), fields(indexed=False), order)


def _type(item: ABIType) -> str:
    # Anyone who calls the contract directly may put bytes into a text that are no UTF-8: a strict
    # decoder would stop at that event for ever.
    return "bytes" if item.type == "string" else item.canonical_type


@cache
def _texts(event: str) -> tuple[str, ...]:
    abi = next(abi for abi in artifact.contract_type().events if abi.name == event)
    return tuple(str(item.name) for item in abi.inputs if item.type == "string")
