"""Where events that have been read are kept: one SQLite file for each market on each chain.

The store is a chain of checkpoints, each the number and the hash of a block up to which every
event is in it. Every change is one transaction that starts from the last checkpoint the writer
knows, so a process that is killed leaves a store that is merely shorter, and of two processes that
write the same blocks one finds that the other was faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.database import Database
from ape_v2v.market.events import Log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_VERSION = 1
_SCHEMA = """
CREATE TABLE start (block INTEGER NOT NULL);
CREATE TABLE checkpoints (block INTEGER PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE logs (
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    block_hash BLOB NOT NULL,
    tx_hash BLOB NOT NULL,
    timestamp INTEGER NOT NULL,
    topics BLOB NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (block, log_index)
) WITHOUT ROWID;
"""
_TABLES = ("start", "checkpoints", "logs")

# Who follows the chain sets a checkpoint every few seconds: all of the last blocks are kept, and
# of older ones one in so many.
_TAIL = 256
_SPACING = 1_000


@dataclass(frozen=True)
class Checkpoint:
    """A block up to which everything has been read."""

    block: int
    hash: bytes


@dataclass(frozen=True)
class Position:
    """How far a store has come."""

    start: int
    """The first block that it covers."""
    checkpoint: Checkpoint | None

    @property
    def next_block(self) -> int:
        return self.start if self.checkpoint is None else self.checkpoint.block + 1


class EventStore:
    """The events of one market that have been read."""

    def __init__(self, path: Path | None) -> None:
        """Open a store, and make it if it is not there.

        Args:
            path: The file; None keeps the events in memory.

        Raises:
            ConfigurationError: The file cannot be written, or is something else.
        """
        self._database = Database(
            path,
            f"the cache of events {path}",
            "see that its folder can be written to; if it is damaged delete it, and all is read "
            "from the node again",
            synchronous="NORMAL",
        )
        with self._database.transaction():
            self._prepare()

    def close(self) -> None:
        self._database.close()

    def begin_at(self, block: int) -> None:
        """Cover everything from a block on; what does not reach back so far is dropped."""
        with self._database.transaction():
            begun = self._database.rows("SELECT block FROM start")
            if not begun or begun[0][0] > block:
                for table in _TABLES:
                    self._database.write(f"DELETE FROM {table}")
                self._database.write("INSERT INTO start VALUES (?)", block)

    @property
    def begun(self) -> bool:
        """Whether it is known where the market's history begins."""
        return any(self._database.rows("SELECT block FROM start"))

    @property
    def position(self) -> Position:
        ((start,),) = self._database.rows("SELECT block FROM start")
        last = self._database.rows(
            "SELECT block, hash FROM checkpoints ORDER BY block DESC LIMIT 1"
        )
        return Position(start, next((Checkpoint(*row) for row in last), None))

    def checkpoints(self) -> list[Checkpoint]:
        """All that are kept, by block."""
        rows = self._database.rows("SELECT block, hash FROM checkpoints ORDER BY block")
        return [Checkpoint(*row) for row in rows]

    def append(self, position: Position, logs: Iterable[Log], reached: Checkpoint) -> bool:
        """Add what happened after `position`, up to and including the block `reached`.

        Returns:
            Whether it was added: not if the store is no longer at `position`.
        """
        with self._database.transaction():
            if self.position != position:
                return False
            self._database.write_many(
                "INSERT OR IGNORE INTO logs VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        log.block,
                        log.log_index,
                        log.block_hash,
                        log.transaction,
                        log.timestamp,
                        log.topics,
                        log.data,
                    )
                    for log in logs
                ),
            )
            self._database.write(
                "INSERT INTO checkpoints VALUES (?, ?)", reached.block, reached.hash
            )
            self._database.write(
                "DELETE FROM checkpoints WHERE block < ?1 AND EXISTS (SELECT 1 FROM "
                "checkpoints AS later WHERE later.block > checkpoints.block "
                "AND later.block / ?2 = checkpoints.block / ?2)",
                reached.block - _TAIL,
                _SPACING,
            )
        return True

    def rewind(self, position: Position, to: Checkpoint | None) -> None:
        """Forget what came after a checkpoint, or everything.

        Nothing happens if the store is no longer at `position`: somebody else did it.
        """
        last = -1 if to is None else to.block
        with self._database.transaction():
            if self.position == position:
                self._database.write("DELETE FROM logs WHERE block > ?", last)
                self._database.write("DELETE FROM checkpoints WHERE block > ?", last)

    def logs(
        self,
        topics: Iterable[bytes] = (),
        account: bytes | None = None,
        auction_id: int | None = None,
        blocks: tuple[int | None, int | None] = (None, None),
        times: tuple[int | None, int | None] = (None, None),
    ) -> Iterator[Log]:
        """What has been read, in the chain's order, as far as it fits all filters.

        Args:
            topics: First topics; none: any.
            account: 20 bytes that are in a topic, or the consumer in an auction's id.
            auction_id: An auction's id, which is always the second topic.
            blocks: From the first one up to, and without, the second one.
            times: Seconds since 1970: likewise.
        """
        conditions, values = ["1"], []
        if kinds := list(topics):
            marks = ", ".join("?" * len(kinds))
            conditions.append(f"substr(topics, 1, 32) IN ({marks})")
            values += kinds
        if account is not None:
            # Words 2 to 4 hold addresses in their last 20 bytes; an auction's id, in word 2, holds
            # the consumer before the 4 bytes of the round.
            places = (45, 77, 109, 41)
            conditions.append(f"? IN ({', '.join(f'substr(topics, {p}, 20)' for p in places)})")
            values.append(account)
        if auction_id is not None:
            conditions.append("substr(topics, 33, 32) = ?")
            values.append(auction_id.to_bytes(32))
        for column, (since, until) in (("block", blocks), ("timestamp", times)):
            for comparison, limit in ((">=", since), ("<", until)):
                if limit is not None:
                    conditions.append(f"{column} {comparison} ?")
                    values.append(limit)  # type: ignore[arg-type]
        rows = self._database.stream(
            "SELECT block, log_index, block_hash, tx_hash, timestamp, topics, data FROM logs "
            f"WHERE {' AND '.join(conditions)} ORDER BY block, log_index",
            *values,
        )
        return (Log(*row) for row in rows)

    def _prepare(self) -> None:
        if self._database.version == _VERSION:
            return
        # Another version's: everything in it can be read from the chain again.
        for table in _TABLES:
            self._database.write(f"DROP TABLE IF EXISTS {table}")
        self._database.create(_SCHEMA, _VERSION)
