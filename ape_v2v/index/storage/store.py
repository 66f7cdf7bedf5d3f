"""Where a market's events are kept, and what follows from them.

The store is a chain of checkpoints, each the number and the hash of a block up to which every
event is in it. Every change is one transaction that starts from the last checkpoint the writer
knows, so a process that is killed leaves a store that is merely shorter, and of two processes that
write the same blocks one finds that the other was faster. What follows from the events changes in
the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ape_v2v.index.storage import schema, upkeep
from ape_v2v.index.storage.engine import EventDatabase
from ape_v2v.index.storage.selection import EVERYTHING, PAGE, log, newest, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from ape_v2v.chain.line.answered import BlockHeader, Log
    from ape_v2v.index.storage.projections import Projections
    from ape_v2v.index.storage.selection import Selection

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

    def __init__(
        self, place: Path | str | None, *, chain_id: int, genesis: bytes, address: str
    ) -> None:
        """Open a store, and make it if it is not there.

        Args:
            place: A file of SQLite, the URL of a PostgreSQL database, or None for memory.
            chain_id: The chain's.
            genesis: The hash of its first block.
            address: The market.

        Raises:
            ConfigurationError: The database cannot be used.
        """
        self.database = EventDatabase(place)
        with self.database.writing() as connection:
            schema.migrate(connection)
            key = {"chain_id": chain_id, "genesis": genesis, "address": address}
            self.market = _market(connection, key)

    def close(self) -> None:
        self.database.close()

    def begin_at(self, block: int) -> None:
        """Cover everything from a block on; what does not reach back so far is dropped."""
        with self.database.writing() as connection:
            start = self._noted(connection).start
            if start is None or start > block:
                for table in schema.OF_A_MARKET:
                    connection.execute(delete(table).where(table.c.market == self.market))
                self._note(connection, start=block, head=0)

    @property
    def begun(self) -> bool:
        """Whether it is known where the market's history begins."""
        with self.database.reading() as connection:
            return self._noted(connection).start is not None

    @property
    def position(self) -> Position:
        with self.database.reading() as connection:
            return self._position(connection)

    def saw(self, head: int) -> int:
        """Note the latest block of a node, and tell the highest that any had of this chain."""
        with self.database.reading() as connection:
            known = int(self._noted(connection).head)
        if head > known:
            with self.database.writing() as connection:
                known = max(head, int(self._noted(connection).head))
                self._note(connection, head=known)
        return known

    def checkpoints(self, up_to: int) -> list[Checkpoint]:
        """All that are kept up to a block, by block."""
        table = schema.CHECKPOINTS
        query = (
            select(table.c.block, table.c.hash)
            .where(table.c.market == self.market, table.c.block <= up_to)
            .order_by(table.c.block)
        )
        with self.database.reading() as connection:
            return [Checkpoint(*row) for row in connection.execute(query)]

    def append(
        self, position: Position, logs: Sequence[Log], blocks: Sequence[BlockHeader]
    ) -> bool:
        """Add what happened after `position`, up to and including the last of the blocks.

        Args:
            position: Where the writer believes the store to be.
            logs: Everything that happened, in the chain's order.
            blocks: What becomes checkpoints, by number.

        Returns:
            Whether it was added: not if the store is no longer at `position`.
        """
        reached = blocks[-1].number
        checkpoints = [
            {"market": self.market, "block": block.number, "hash": block.hash}
            for block in blocks
            if block.number > reached - _TAIL
        ]
        with self.database.writing() as connection:
            self._wait_for_other_writers(connection)
            if self._position(connection) != position:
                return False
            upkeep.add(connection, self.market, logs)
            upkeep.put(connection, schema.CHECKPOINTS, checkpoints)
            self._thin_out(connection, reached)
        return True

    def rewind(self, position: Position, to: Checkpoint | None, head: int) -> None:
        """Forget everything after a checkpoint, or everything: unless somebody else has done it.

        Args:
            position: Where the writer believes the store to be.
            to: The last checkpoint that is still true.
            head: The latest block of the chain that has replaced what is forgotten.
        """
        last = -1 if to is None else to.block
        with self.database.writing() as connection:
            self._wait_for_other_writers(connection)
            if self._position(connection) != position:
                return
            upkeep.take_back(connection, self.market, last)
            table = schema.CHECKPOINTS
            after = (table.c.market == self.market, table.c.block > last)
            connection.execute(delete(table).where(*after))
            self._note(connection, head=head)

    def logs(self, selection: Selection = EVERYTHING) -> Iterator[Log]:
        """What has been read, in the chain's order, as far as it is wanted."""
        after = (-1, -1)
        while True:
            with self.database.reading() as connection:
                found = [
                    log(row) for row in connection.execute(page(self.market, selection, after))
                ]
            yield from found
            if len(found) < PAGE:
                return
            after = found[-1].block, found[-1].log_index

    def newest(self, selection: Selection, before: tuple[int, int] | None, limit: int) -> list[Log]:
        """The last that has been read before a place on the chain, the newest first."""
        with self.database.reading() as connection:
            query = newest(self.market, selection, before, limit)
            return [log(row) for row in connection.execute(query)]

    def as_of(self, last: int) -> tuple[upkeep.Touched, Projections]:
        """The rows that would be others without the events after a block, and these others."""
        with self.database.reading() as connection:
            touched = upkeep.touched_after(connection, self.market, last)
            return touched, upkeep.replayed(connection, self.market, touched, last)

    def _noted(self, connection: Connection) -> Any:
        table = schema.MARKETS
        query = select(table.c.start, table.c.head).where(table.c.id == self.market)
        return connection.execute(query).one()

    def _note(self, connection: Connection, **values: int) -> None:
        table = schema.MARKETS
        connection.execute(update(table).where(table.c.id == self.market).values(**values))

    def _position(self, connection: Connection) -> Position:
        start = self._noted(connection).start
        assert start is not None, "begin_at comes first"
        table = schema.CHECKPOINTS
        query = (
            select(table.c.block, table.c.hash)
            .where(table.c.market == self.market)
            .order_by(table.c.block.desc())
            .limit(1)
        )
        last = connection.execute(query).first()
        return Position(start, None if last is None else Checkpoint(*last))

    def _wait_for_other_writers(self, connection: Connection) -> None:
        """On PostgreSQL; SQLite has one writer at a time anyway."""
        table = schema.MARKETS
        connection.execute(select(table.c.id).where(table.c.id == self.market).with_for_update())

    def _thin_out(self, connection: Connection, reached: int) -> None:
        """Drop checkpoints that are old and close to one another."""
        table = schema.CHECKPOINTS
        old = (table.c.market == self.market) & (table.c.block <= reached - _TAIL)
        kept = select(func.max(table.c.block)).where(old).group_by(table.c.block // _SPACING)
        connection.execute(delete(table).where(old, table.c.block.not_in(kept)))


def _market(connection: Connection, key: dict[str, Any]) -> int:
    """The number of a market in this database."""
    table = schema.MARKETS
    query = select(table.c.id).filter_by(**key)
    found = connection.execute(query).scalar()
    if found is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(table).values(**key, head=0))
        except IntegrityError:  # somebody else was faster
            pass
        found = connection.execute(query).scalar_one()
    return int(found)
