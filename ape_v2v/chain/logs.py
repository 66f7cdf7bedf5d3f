"""Reading a contract's logs, so that none is missing and none is wrong.

    reader = LogReader(node, address, [topics])
    for chunk in reader.chunks(first, last, head=reader.head()):
        keep(chunk.logs, chunk.blocks)

Nodes lag, forget, cut answers and stand behind balancers that ask another one each time. So a chunk
comes out only when it is proven:

- Every log has the hash of its block, as the block itself says; the block also gives the time.
- Of the last blocks each is the child of the one before, and one without logs has a bloom filter
  that rules them out, or says so itself when it is asked by its hash, and its receipts do.
- The blocks from the last log on are asked for once more: an answer that was cut without a word
  ends too early.

What a node refuses to give at once, in whatever words, is asked for in smaller pieces. Where it
asks to be asked less often, the reader waits. What it does not know yet is waited for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ape_v2v.chain.line.answered import (
    WORD,
    BlockHeader,
    Contradiction,
    Log,
    Odd,
    bloom_bits,
    field,
    read_block,
    read_bytes,
    read_log,
    read_number,
)
from ape_v2v.chain.line.faults import AccessDenied, NodeBehind, NodeError, NodeSilent, RateLimited
from ape_v2v.chain.line.patience import Patience

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from ape_v2v.chain.node import Node

Topics: TypeAlias = "Sequence[Sequence[bytes]]"
"""By place in a log, which topics may be there; none: any."""

TAIL = 256
"""So many of the last blocks are proven one by one: deeper than nodes lag and chains change."""
PATIENCE_SECONDS = 30.0

# A range grows again after so many chunks: doubling it at once would make every second request of
# a node with a fixed limit fail.
_GROWS_AFTER = 8
# A node that says nothing until the time is over has perhaps been asked for far too much.
_SHRINKS_LATE = 8


class Detached(Contradiction):
    """The next block does not follow on the one that was read last."""


class Cut(NodeError):
    """An answer has fewer logs than there are."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """All logs of some blocks."""

    first: int
    blocks: list[BlockHeader]
    """Those that were looked at, by number; the last one of the chunk is among them."""
    logs: list[Log]

    @property
    def last(self) -> int:
        return self.blocks[-1].number


class LogReader:
    """Reads the logs of one contract from one node."""

    def __init__(
        self,
        node: Node,
        address: str,
        topics: Topics,
        *,
        max_range: int = 2_000,
        patience: float = PATIENCE_SECONDS,
        stop: threading.Event | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Prepare to read.

        Args:
            node: Whom to ask.
            address: The contract.
            topics: Which logs; those that fit in every place.
            max_range: Blocks asked for at once, at most.
            patience: Seconds of trouble after which it is given up; `inf` never.
            stop: Ends a wait when it is set.
            tell: Told in a sentence what it waits for, after a while.
        """
        self.node = node
        self._address = bytes.fromhex(address[2:])
        self._topics = [set(place) for place in topics]
        self._filter = {
            "address": address,
            "topics": [[f"0x{topic.hex()}" for topic in place] or None for place in topics],
        }
        places = [[self._address], *topics]
        self._wanted = [[bloom_bits(value) for value in place] for place in places]
        self.max_range = max_range
        self._range = max_range  # what the node is known to accept
        self._successes = 0
        self.patience, self.stop, self.tell = patience, stop, tell

    def head(self) -> int:
        """The number of the latest block.

        Raises:
            NodeError: The node does not say, for longer than the patience lasts.
        """
        patience = self._new_patience()
        while True:
            try:
                return read_number(self.node.request("eth_blockNumber"), "the number of a block")
            except NodeError as error:
                patience.failed(error)

    def block(self, number: int) -> BlockHeader | None:
        """A block by its number; None when the node does not know it (yet).

        Raises:
            NodeError: The node does not say, for longer than the patience lasts.
        """
        patience = self._new_patience()
        while True:
            try:
                answer = self.node.request("eth_getBlockByNumber", [hex(number), False])
                return read_block(answer, number)
            except NodeError as error:
                patience.failed(error)

    def chunks(
        self, first: int, last: int, *, head: int, parent: bytes | None = None
    ) -> Iterator[Chunk]:
        """Everything from one block to another, in chunks from the first on.

        Args:
            first: The first block.
            last: The last block.
            head: The latest block.
            parent: The hash of the block before the first, if it is known.

        Raises:
            Detached: `parent` is another block's.
            Contradiction: The blocks change all the time while they are read.
            NodeBehind: The node does not know blocks that it said it had.
            NodeError: The node refuses even single blocks, or does not answer.
        """
        patience = self._new_patience()
        while first <= last:
            reached = min(last, first + self._range - 1)
            began = time.monotonic()
            try:
                chunk = self._proven(first, reached, head, parent)
            except Detached:
                raise
            except NodeError as error:
                late = time.monotonic() - began > self.node.timeout / 2
                if self._shrinks(error, reached - first + 1, late=late):
                    patience.failed(error, pause=False)
                else:
                    patience.failed(_at(first, error) if first == reached else error)
                continue
            patience.succeeded()
            self._grows()
            yield chunk
            first, parent = reached + 1, chunk.blocks[-1].hash

    def _new_patience(self) -> Patience:
        return Patience(self.patience, self.stop, self.tell)

    def _shrinks(self, error: NodeError, size: int, *, late: bool) -> bool:
        """Whether less is asked for the next time.

        Every node says in its own words that it is too much: so few blocks, so few results, so few
        bytes, so few seconds.
        """
        if size == 1 or isinstance(error, (AccessDenied, Contradiction, NodeBehind, RateLimited)):
            return False
        self._range = max(1, size // (_SHRINKS_LATE if late else 2))
        self._successes = 0
        return True

    def _grows(self) -> None:
        self._successes += 1
        if self._successes >= _GROWS_AFTER:
            self._range = min(self.max_range, self._range * 2)
            self._successes = 0

    def _proven(self, first: int, last: int, head: int, parent: bytes | None) -> Chunk:
        """One chunk, if it can be proven."""
        answer = self.node.request("eth_getLogs", [self._between(first, last)])
        if answer is None and last - first >= TAIL:
            raise Cut("the node answers null instead of a list of logs")
        logs = self._read(answer or [], first, last)
        # The last ones one by one, and all where an empty list is not even said.
        one_by_one = first if answer is None else max(first, head - TAIL + 1)
        numbers = {first, last, *(log.block for log in logs), *range(one_by_one, last + 1)}
        blocks = self._blocks(sorted(numbers))
        if parent is not None and blocks[first].parent != parent:
            raise Detached(f"block {first} does not follow on the block that was read last")
        for number in range(max(first, one_by_one - 1) + 1, last + 1):
            before = blocks.get(number - 1)
            if before is not None and blocks[number].parent != before.hash:
                raise Contradiction(f"block {number} does not follow on block {number - 1}")
        logs = self._checked(logs, blocks)
        logs += self._missed(logs, [block for n, block in blocks.items() if n >= one_by_one])
        self._look_again(logs, blocks, first, last)
        times = {number: block.timestamp for number, block in blocks.items()}
        logs = [log.at(times[log.block]) for log in logs]
        logs.sort(key=lambda log: (log.block, log.log_index))
        return Chunk(first, [blocks[number] for number in sorted(blocks)], logs)

    def _blocks(self, numbers: Sequence[int]) -> dict[int, BlockHeader]:
        answers = self.node.batch([("eth_getBlockByNumber", [hex(n), False]) for n in numbers])
        found = {}
        for number, answer in zip(numbers, answers, strict=True):
            block = read_block(answer, number)
            if block is None:
                raise NodeBehind(f"the node does not know block {number} yet")
            found[number] = block
        return found

    @staticmethod
    def _checked(logs: list[Log], blocks: dict[int, BlockHeader]) -> list[Log]:
        for log in logs:
            if log.block_hash != blocks[log.block].hash:
                raise Contradiction(f"a log says block {log.block} and is of another one")
        return logs

    def _missed(self, logs: list[Log], blocks: list[BlockHeader]) -> list[Log]:
        """The logs of blocks that had none in the answer, and may have some."""
        with_logs = {log.block for log in logs}
        doubtful = [
            block for block in blocks if block.number not in with_logs and self._may_have(block)
        ]
        found = []
        for block, logs_of_it in zip(doubtful, self._by_hash(doubtful), strict=True):
            found += logs_of_it or self._by_receipts(block)
        return found

    def _by_hash(self, blocks: Sequence[BlockHeader]) -> list[list[Log]]:
        """The logs of blocks, by their hashes: a node that has not got one says so."""
        if not blocks:
            return []
        answers = self.node.batch([("eth_getLogs", [self._of(block)]) for block in blocks])
        found = []
        for block, answer in zip(blocks, answers, strict=True):
            if answer is None:
                raise NodeBehind(f"the node does not know the logs of block {block.number} yet")
            logs = self._read(answer, block.number, block.number)
            found.append(self._checked(logs, {block.number: block}))
        return found

    def _by_receipts(self, block: BlockHeader) -> list[Log]:
        """The logs of a block by its receipts, which are kept apart from what logs are found by."""
        try:
            receipts = self.node.request("eth_getBlockReceipts", [hex(block.number)])
        except (AccessDenied, RateLimited, NodeSilent):
            raise
        except NodeError:
            return []  # not every node has them: its other answers count
        if not isinstance(receipts, list):
            raise NodeBehind(f"the node does not know the receipts of block {block.number} yet")
        logs = [log for receipt in receipts for log in field(receipt, "logs") or []]
        return self._checked(self._read(logs, block.number, block.number), {block.number: block})

    def _look_again(
        self, logs: list[Log], blocks: dict[int, BlockHeader], first: int, last: int
    ) -> None:
        """Ask once more for what lies after the last log."""
        if not logs:
            return
        from_ = max(log.block for log in logs)
        if from_ == first == last:
            return
        answer = self.node.request("eth_getLogs", [self._between(from_, last)])
        again = self._read(answer or [], from_, last)
        self._checked([log for log in again if log.block in blocks], blocks)
        known = {(log.block_hash, log.log_index) for log in logs}
        if any((log.block_hash, log.log_index) not in known for log in again):
            raise Cut(f"the node leaves out logs of the blocks from {first} to {last}")

    def _between(self, first: int, last: int) -> dict[str, Any]:
        return {**self._filter, "fromBlock": hex(first), "toBlock": hex(last)}

    def _of(self, block: BlockHeader) -> dict[str, Any]:
        return {**self._filter, "blockHash": f"0x{block.hash.hex()}"}

    def _read(self, answer: Any, first: int, last: int) -> list[Log]:
        """The logs of an answer that are what was asked for, each of them once.

        Nodes add logs of other contracts, of transactions that no block has, and of blocks that
        are gone.
        """
        if not isinstance(answer, list):
            raise Odd(f"the node answers {str(answer)[:80]!r} instead of a list of logs")
        found: dict[tuple[int, int], Log] = {}
        for entry in answer:
            if not isinstance(entry, dict):
                raise Odd(f"the node answers {str(entry)[:80]!r} instead of a log")
            places = (entry.get("blockNumber"), entry.get("blockHash"), entry.get("logIndex"))
            if entry.get("removed") or None in places:
                continue
            log = read_log(entry)
            if not first <= log.block <= last or not self._fits(entry, log):
                continue
            if found.setdefault((log.block, log.log_index), log) != log:
                raise Contradiction(f"two logs have the same place in block {log.block}")
        return list(found.values())

    def _fits(self, entry: dict[str, Any], log: Log) -> bool:
        if read_bytes(field(entry, "address")) != self._address:
            return False
        topics = log.topics
        if len(topics) < WORD * len(self._topics):
            return False
        for place, allowed in enumerate(self._topics):
            if allowed and topics[WORD * place : WORD * (place + 1)] not in allowed:
                return False
        return True

    def _may_have(self, block: BlockHeader) -> bool:
        """Whether a block's bloom filter does not rule out the logs that are wanted."""
        bloom = block.bloom
        return bloom is None or all(
            not place or any(bits & bloom == bits for bits in place) for place in self._wanted
        )


def _at(block: int, error: NodeError) -> NodeError:
    """Say which block cannot be read, unless that is what the error says."""
    if isinstance(error, (AccessDenied, Contradiction, NodeBehind, NodeSilent, RateLimited)):
        return error
    return NodeError(f"the node refuses the events of block {block}: {error}")
