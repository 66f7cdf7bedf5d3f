"""Bringing a store up to the latest blocks of a node.

Nothing that is kept is dropped because a node is behind, silent or odd: only when it has another
block at the height of one that was read. Then everything after the last block that both have is
taken back, and read again.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from ape_v2v.chain.line.answered import Contradiction
from ape_v2v.chain.line.faults import NodeBehind
from ape_v2v.chain.line.patience import Patience
from ape_v2v.chain.logs import TAIL
from ape_v2v.index.storage.store import Checkpoint, Position

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.chain.logs import LogReader
    from ape_v2v.index.storage.store import EventStore


class CatchUp:
    """One store and the node that it follows."""

    def __init__(self, reader: LogReader, store: EventStore, confirmations: int) -> None:
        self.reader = reader
        self.store = store
        self.confirmations = confirmations
        self.confirmed: int | None = None
        """The last block with enough confirmations, as far as any node has shown; None: unknown."""
        self.behind: str | None = None
        """In a sentence, why something may be missing at the end; None: nothing is."""

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Read what is new, and again what was reorganised.

        Raises:
            NodeError: The node does not answer, refuses even single blocks, or has never had the
                first ones.
        """
        patience = Patience(self.reader.patience, self.reader.stop, self.reader.tell)
        while True:
            try:
                while not self._advanced(progress):
                    pass
            except (Contradiction, NodeBehind) as error:
                try:
                    patience.failed(error)
                except Contradiction:
                    raise Contradiction(
                        f"{error}: the node's blocks change while they are read; try again, or "
                        "read with more confirmations"
                    ) from None
                except NodeBehind:
                    if self.store.position.checkpoint is None:
                        raise
                    self.behind = f"{error}; what was read before is shown"
                    return
            else:
                return

    def _advanced(self, progress: Callable[[int, int], None]) -> bool:
        """Whether the store has come up to the head, unless there was something in between."""
        head = self.reader.head()
        position = self.store.position
        self.behind = None
        if not self._is_canonical(position.checkpoint, head):
            self._rewind(position, head)
            return False
        self.confirmed = self.store.saw(head) - self.confirmations
        if position.checkpoint is not None and head < position.checkpoint.block:
            self.behind = (
                f"the node is behind: its latest block is {head}, and block "
                f"{position.checkpoint.block} was read before"
            )
            return True
        return self._read(position, head, progress)

    def _read(self, position: Position, head: int, progress: Callable[[int, int], None]) -> bool:
        first, last = position.next_block, head - self.confirmations
        parent = None if position.checkpoint is None else position.checkpoint.hash
        for chunk in self.reader.chunks(first, last, head=head, parent=parent):
            kept = [block for block in chunk.blocks if block.number > head - TAIL]
            if not self.store.append(position, chunk.logs, kept or chunk.blocks[-1:]):
                return False
            position = Position(position.start, Checkpoint(chunk.last, chunk.blocks[-1].hash))
            progress(chunk.last - first + 1, last - first + 1)
        return True

    def _is_canonical(self, checkpoint: Checkpoint | None, head: int) -> bool:
        """Whether what is kept is on the node's chain, as far as that goes."""
        if checkpoint is None:
            return True
        if checkpoint.block > head:
            lower = self.store.checkpoints(head)
            return not lower or self._has(lower[-1])
        return self._has(checkpoint)

    def _has(self, checkpoint: Checkpoint) -> bool:
        block = self.reader.block(checkpoint.block)
        if block is None:
            raise NodeBehind(
                f"the node does not know block {checkpoint.block}, which was read before"
            )
        return block.hash == checkpoint.hash

    def _rewind(self, position: Position, head: int) -> None:
        """Forget what is not on the chain any more."""
        checkpoints = self.store.checkpoints(head)
        stale = bisect_left(checkpoints, True, key=lambda item: not self._has(item))
        self.store.rewind(position, checkpoints[stale - 1] if stale else None, head)
