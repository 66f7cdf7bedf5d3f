"""The market's events: decoded, in the contract's names, and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ape_v2v.chain.line.answered import Log
from ape_v2v.currency import ETHER
from ape_v2v.errors import V2VError
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.records import consumer_of, moment
from ape_v2v.market.interface.states import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ethpm_types.abi import ABIType, EventABI

    from ape_v2v.chain.writing.receipts import RawLog
    from ape_v2v.currency import Currency

    Reader = Callable[[bytes, int], Any]

__all__ = ["AUCTION_ID", "COLUMNS", "Event", "Log"]

AUCTION_ID = "auctionId"

COLUMNS = ("block", "timestamp", "transaction", "logIndex", "event")
"""What `Event.as_json` has of every event; an event's own arguments follow."""

# JSON's numbers lose digits beyond 2**53: these are decimal strings.
_AMOUNTS = frozenset({"amount", "cost", "maxRate", "penalty", "rate"})
_LARGE = {AUCTION_ID, *_AMOUNTS}
_TIMES = {"closingTime"}
_ENDINGS = {"how"}

_WORD, _ADDRESS, _SIGNATURE = 32, 20, 32

checksummed = lru_cache(maxsize=65_536)(to_checksum_address)
"""An address with its checksum; a market has few accounts and many events."""
# A block's events have one time, and an auction's bids one close.
_moment = lru_cache(maxsize=4_096)(moment)
_iso = lru_cache(maxsize=4_096)(datetime.isoformat)


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

    def as_json(self, currency: Currency = ETHER) -> dict[str, Any]:
        """What is exported, and printed for programs.

        Args:
            currency: What the market is paid in; said beside amounts that are not in ether.
        """
        common = (
            self.block,
            _iso(self.timestamp),
            self.transaction,
            self.log_index,
            self.name,
        )
        args = {name: _json_value(name, value) for name, value in self.args.items()}
        amounts = not currency.is_ether and not _AMOUNTS.isdisjoint(args)
        beside = {"currency": currency.as_json()} if amounts else {}
        return dict(zip(COLUMNS, common, strict=True)) | args | beside


def _json_value(name: str, value: Any) -> Any:
    if name in _LARGE:
        return str(value)
    if name in _TIMES:
        return _iso(_moment(value))
    if name in _ENDINGS:
        return Ending(value).shown
    return f"0x{value.hex()}" if isinstance(value, bytes) else value


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of event is decoded: a place and a reader for each argument."""

    name: str
    fields: tuple[tuple[str, bool, int, Reader], ...]
    """In the ABI's order: name, whether it is in the topics, where it begins there, its reader."""
    words: int
    """In the topics, the first one included."""
    head: int
    """The least that the data has, bytes."""
    accounts: tuple[str, ...]
    """Which arguments are accounts."""

    def args(self, topics: bytes, data: bytes) -> dict[str, Any]:
        """The event's arguments.

        Raises:
            V2VError: The log has not got this form.
        """
        if len(topics) != self.words * _WORD or len(data) < self.head:
            raise V2VError(
                f"a log is no {self.name}: it has {len(topics)} bytes of topics and {len(data)} of "
                "data"
            )
        return {
            name: read(topics if indexed else data, at) for name, indexed, at, read in self.fields
        }


def names() -> list[str]:
    """Every event that a market has."""
    return sorted(kind.name for kind in _kinds().values())


def arguments() -> list[str]:
    """The name of every argument that an event of the market has, the auction's id first."""
    found = dict.fromkeys(name for kind in _kinds().values() for name, *_ in kind.fields)
    return list({AUCTION_ID: None} | found)


def topics(names: Iterable[str] = ()) -> list[bytes]:
    """The first topic of every event of the market, or of those with these names."""
    wanted = set(names)
    return [topic for topic, kind in _kinds().items() if not wanted or kind.name in wanted]


def kind(log: Log) -> Kind:
    """What kind of event of the market a log is."""
    return _kinds()[log.topics[:_SIGNATURE]]


def decoded(log: Log) -> Event:
    """An event of the market, out of what a node gives."""
    found = kind(log)
    return Event(
        name=found.name,
        args=found.args(log.topics, log.data),
        block=log.block,
        block_hash=f"0x{log.block_hash.hex()}",
        timestamp=_moment(log.timestamp),
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
def _kinds() -> dict[bytes, Kind]:
    return {keccak(text=abi.selector): _kind(abi) for abi in artifact.contract_type().events}


def _kind(abi: EventABI) -> Kind:
    places = {True: _WORD, False: 0}  # the first topic says which event it is
    fields = []
    for item in abi.inputs:
        indexed = bool(item.indexed)
        fields.append((str(item.name), indexed, places[indexed], _reader(item)))
        places[indexed] += _WORD
    accounts = tuple(str(item.name) for item in abi.inputs if item.canonical_type == "address")
    return Kind(abi.name, tuple(fields), places[True] // _WORD, places[False], accounts)


# A general decoder takes a hundred times as long, and a history has hundreds of thousands of
# events. Tests compare with one.


def _reader(item: ABIType) -> Reader:
    type_ = item.canonical_type
    if type_.startswith("uint"):
        return _unsigned
    try:
        return _READERS[type_]
    except KeyError:
        raise TypeError(f"no event of the market has had an argument of type {type_} yet") from None


def _unsigned(words: bytes, at: int) -> int:
    return int.from_bytes(words[at : at + _WORD])


def _boolean(words: bytes, at: int) -> bool:
    return any(words[at : at + _WORD])


def _hash(words: bytes, at: int) -> bytes:
    return words[at : at + _WORD]


def _address(words: bytes, at: int) -> str:
    return checksummed(words[at + _WORD - _ADDRESS : at + _WORD])


def _text(words: bytes, at: int) -> str:
    # Anyone who calls the contract directly may put bytes into a text that are no UTF-8: a strict
    # decoder would stop at that event for ever.
    start = _unsigned(words, at) + _WORD
    length = _unsigned(words, start - _WORD)
    return words[start : start + length].decode("utf-8", "replace")


_READERS: dict[str, Reader] = {
    "address": _address,
    "bool": _boolean,
    "bytes32": _hash,
    "string": _text,
}
