"""A database by its URL or its file, whose errors are said in a sentence.

SQLite is embedded and needs nothing; PostgreSQL is for what outgrows one machine.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from ape_v2v.errors import ConfigurationError
from ape_v2v.index.storage.schema import NewerDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

_WRITES = "v2v_writes"
_SCHEMES = {"postgres", "postgresql"}
_EXPECTED = "expected postgresql://user@host/name, or a folder for a file of SQLite"
# Seconds until another process that writes has to be done.
_PATIENCE = 30


class EventDatabase:
    """Where a history is kept. Any thread may use it; other processes may, too."""

    def __init__(self, place: Path | str | None) -> None:
        """Open a database, and make it if it is a file that is not there.

        Args:
            place: A file of SQLite, the URL of a PostgreSQL database, or None for memory.

        Raises:
            ConfigurationError: It cannot be used.
        """
        self._lock = threading.RLock()
        self._is_memory = place is None
        with self.errors(place):
            self._engine = _engine(place)
        self._name = place if place is None else self._engine.url.render_as_string()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Everything that is read is of one moment."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All of it or nothing, and one writer at a time."""
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        # What is in memory has one connection, which all threads share.
        with (
            self.errors(self._name),
            self._lock if self._is_memory else nullcontext(),
            self._engine.connect().execution_options(**{_WRITES: writes}) as connection,
            connection.begin(),
        ):
            yield connection

    @staticmethod
    @contextmanager
    def errors(place: object) -> Iterator[None]:
        """Turn what may be wrong with the database into a sentence."""
        try:
            yield
        except (OSError, SQLAlchemyError, NewerDatabase) as error:
            said = error.orig if isinstance(error, DBAPIError) else error
            text = " ".join(str(said).split())
            raise ConfigurationError(
                f"the cache of events {place} cannot be used ({text}): see that its folder can be "
                "written to or its server runs; if it is damaged delete it, and all is read from "
                "the node again"
            ) from None


def _engine(place: Path | str | None) -> Engine:
    if isinstance(place, str):
        return _postgresql(place)
    options: dict[str, Any] = {"poolclass": StaticPool} if place is None else {}
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        f"sqlite:///{place or ':memory:'}",
        connect_args={"timeout": _PATIENCE, "check_same_thread": False},
        **options,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver begins transactions by itself, too late and without the lock.
        connection.isolation_level = None
        # Readers and a writer do not wait for one another; a killed process loses nothing.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # KiB, if it is of use. Auctions have random keys: with the usual 2 MB each page is written
        # many times while many of them are added.
        connection.execute("PRAGMA cache_size = -65536")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(place: str) -> Engine:
    try:
        url = make_url(place)
    except ArgumentError:  # its text may have a password in it
        raise ConfigurationError(f"a database's URL cannot be read: {_EXPECTED}") from None
    if url.get_backend_name() not in _SCHEMES:
        raise ConfigurationError(
            f"the database {url.render_as_string()} is of no kind that is known: {_EXPECTED}"
        )
    return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
