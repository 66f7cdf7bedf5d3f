"""Logs of a market that has never been: more than a chain here could make in a reasonable time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from ape_v2v.chain.line.answered import BlockHeader, Log
from ape_v2v.market.interface import events
from ape_v2v.market.interface.states import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator

GWEI = 10**9
BLOCKS_PER_TRADE = 5
EVENTS_PER_TRADE = 6
_GENESIS = 1_750_000_000


def account(number: int) -> bytes:
    """The account of somebody, by a number."""
    return keccak(number.to_bytes(8))[:20]


def block(number: int) -> BlockHeader:
    """A block by its number."""
    hash_, parent = (keccak(n.to_bytes(8, signed=True)) for n in (number, number - 1))
    return BlockHeader(number, hash_, parent, _GENESIS + 12 * number, None)


def trades(count: int, consumers: int) -> Iterator[tuple[BlockHeader, list[Log]]]:
    """Blocks of trades: in every five of them, each consumer buys 1 kWh from one of two others."""
    bob, carol = (_word(account(n)) for n in range(2))
    topic = {name: events.topics([name])[0] for name in events.names()}
    number = 0
    for round_ in range(1, count + 1):
        ids = [_word(account(2 + n) + round_.to_bytes(4)) for n in range(consumers)]
        people = [_word(account(2 + n)) for n in range(consumers)]
        close = _number(_GENESIS + 12 * number + 600)
        started = b"".join(
            (
                _number(1_000),
                _number(GWEI),
                close,
                _number(3_600),
                _number(0),
                _number(192),
                bytes(32),
            )
        )
        bid = [_number(rate) + close for rate in (9 * GWEI // 10, 8 * GWEI // 10)]
        cost = _number(800 * GWEI)
        ended = _number(Ending.PAID) + _number(1_000) + cost + bytes(64)
        for kinds in (
            [("AuctionStarted", None, started)],
            [("BidPlaced", bob, bid[0])],
            [("BidPlaced", carol, bid[1])],
            [
                ("AuctionEnded", carol, _number(8 * GWEI // 10) + cost),
                ("Connected", carol, bytes(32) + _number(3_600)),
            ],
            [("ConnectionEnded", carol, ended)],
        ):
            number += 1
            here = block(number)
            logs: list[Log] = []
            for id_, consumer in zip(ids, people, strict=True):
                for name, other, data in kinds:
                    words = [topic[name], id_, other or consumer]
                    if name == "Connected":
                        words.append(consumer)
                    if name == "ConnectionEnded":
                        words.insert(2, consumer)
                    logs.append(
                        Log(
                            number,
                            len(logs),
                            here.hash,
                            here.hash,
                            here.timestamp,
                            b"".join(words),
                            data,
                        )
                    )
            yield here, logs


def _number(value: int) -> bytes:
    return value.to_bytes(32)


def _word(value: bytes) -> bytes:
    return value.rjust(32, b"\0")
