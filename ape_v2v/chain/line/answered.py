"""Blocks and logs as types, read out of what a node answers.

Nodes leave fields out, write numbers in their own way, and cut answers: each of that is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_utils.crypto import keccak

from ape_v2v.chain.line.faults import NodeBehind, NodeError

WORD = 32
"""Bytes of a hash and of a topic."""
_BLOOM_BYTES = 256


class Contradiction(NodeError):
    """What the node says does not fit together: its blocks change, or it is several nodes."""


class Odd(NodeError):
    """An answer is not of the form that it has to have."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log as a node gives it, undecoded."""

    block: int
    log_index: int
    block_hash: bytes
    transaction: bytes
    timestamp: int
    """The block's, seconds since 1970."""
    topics: bytes
    """One to four words of 32 bytes."""
    data: bytes

    def at(self, timestamp: int) -> Log:
        """The same log with its block's time; a library's copy takes three times as long."""
        return Log(
            self.block,
            self.log_index,
            self.block_hash,
            self.transaction,
            timestamp,
            self.topics,
            self.data,
        )


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What a block says of itself."""

    number: int
    hash: bytes
    parent: bytes
    timestamp: int
    bloom: int | None
    """None where the node does not tell."""


def bloom_bits(value: bytes) -> int:
    """The bits of a value in a block's bloom filter (yellow paper, 4.3.1)."""
    digest = keccak(value)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2]) & 0x7FF)
    return bits


def read_block(answer: Any, number: int) -> BlockHeader | None:
    """A block out of an answer; None where the node does not know it."""
    if answer is None:
        return None
    if read_number(field(answer, "number"), "the number of a block") != number:
        raise Contradiction(f"the node answers with another block instead of block {number}")
    bloom = answer.get("logsBloom")
    try:
        bits = bytes.fromhex(bloom[2:])
    except (TypeError, ValueError):
        bits = b""
    timestamp = read_number(field(answer, "timestamp"), "the time of a block")
    if not timestamp and number:
        raise Odd(f"the node does not say when block {number} was made")
    return BlockHeader(
        number,
        read_word(field(answer, "hash")),
        read_word(field(answer, "parentHash")),
        timestamp,
        int.from_bytes(bits) if len(bits) == _BLOOM_BYTES else None,
    )


def read_log(entry: dict[str, Any]) -> Log:
    """A log out of an answer; its time is left for its block to say."""
    topics = field(entry, "topics")
    if not isinstance(topics, list):
        raise Odd(f"the node answers {str(topics)[:80]!r} instead of a log's topics")
    return Log(
        block=read_number(entry["blockNumber"], "the block of a log"),
        log_index=read_number(entry["logIndex"], "the place of a log"),
        block_hash=read_word(entry["blockHash"]),
        transaction=read_word(field(entry, "transactionHash")),
        timestamp=0,  # the block's: what is said here may be absent, or wrong
        topics=b"".join(map(read_word, topics)),
        data=read_bytes(field(entry, "data")),
    )


def field(answer: Any, name: str) -> Any:
    """A field of an answer; None where it is absent."""
    if not isinstance(answer, dict):
        raise Odd(f"the node answers {str(answer)[:80]!r}, which has no {name}")
    return answer.get(name)


def read_number(value: Any, what: str) -> int:
    """A number, written as it should be or as some nodes do."""
    try:
        if isinstance(value, str):
            return int(value, 16)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    except ValueError:
        pass
    if value is None:
        raise NodeBehind(f"the node does not say {what}")
    raise Odd(f"the node says {str(value)[:80]!r} for {what}")


def read_word(value: Any) -> bytes:
    """32 bytes, such as a hash."""
    return _word(value) if isinstance(value, str) else read_bytes(value)


def read_bytes(value: Any) -> bytes:
    """Bytes written as 0x and hexadecimal digits."""
    try:
        if isinstance(value, str) and value[:2] == "0x":
            return bytes.fromhex(value[2:])
    except ValueError:
        pass
    raise Odd(f"the node says {str(value)[:80]!r} where hexadecimal digits belong")


# Most words of a log are those of the one before: its block, its kind, who takes part.
@lru_cache(maxsize=2**12)
def _word(text: str) -> bytes:
    found = read_bytes(text)
    if len(found) != WORD:
        raise Odd(f"the node says {text[:80]!r} where a hash belongs")
    return found
