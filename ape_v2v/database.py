"""An SQLite file that outlives killed processes, and whose errors are said in a sentence."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ape_v2v.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Literal

    Synchronous = Literal["NORMAL", "FULL"]

_MEMORY = ":memory:"
# Seconds until another process that writes has to be done.
_PATIENCE = 30


class Database:
    """One file. Any thread may use it, one at a time; other processes may, too."""

    def __init__(self, path: Path | None, name: str, advice: str, synchronous: Synchronous) -> None:
        """Open a file, and make it if it is not there.

        Args:
            path: None keeps everything in memory.
            name: What the file is, for people.
            advice: What they can do when it cannot be used.
            synchronous: FULL waits for the disk with every transaction, and a power cut loses
                nothing; with NORMAL it may lose the last ones, and leaves the file whole.

        Raises:
            ConfigurationError: The file cannot be used.
        """
        self._name, self._advice = name, advice
        self._lock = threading.RLock()
        with self.errors():
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                _MEMORY if path is None else path,
                timeout=_PATIENCE,
                isolation_level=None,
                check_same_thread=False,
            )
            # Readers and a writer do not wait for one another; a killed process loses nothing.
            self._connection.execute("PRAGMA journal_mode = WAL")
        self._synchronize(synchronous)

    def close(self) -> None:
        self._connection.close()

    @property
    def version(self) -> int:
        """Of the tables: 0 in a new file."""
        ((version,),) = self.rows("PRAGMA user_version")
        return int(version)

    def create(self, schema: str, version: int) -> None:
        """Make the tables."""
        with self.transaction():
            for statement in schema.split(";"):
                self.write(statement)
            self.write(f"PRAGMA user_version = {version}")

    def rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock, self.errors():
            return self._connection.execute(query, values).fetchall()

    def stream(self, query: str, *values: Any) -> Iterator[Any]:
        """The rows, one after the other, of which there may be many."""
        with self.errors():
            yield from self._connection.execute(query, values)

    def write(self, statement: str, *values: Any) -> None:
        with self._lock, self.errors():
            self._connection.execute(statement, values)

    def write_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._lock, self.errors():
            self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; part of the transaction around it, if there is one."""
        with self._lock, self.errors():
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def without_waiting_for_the_disk(self) -> Iterator[None]:
        """Transactions that a power cut may lose, in a file that otherwise waits with each."""
        with self._lock:
            self._synchronize("NORMAL")
            try:
                yield
            finally:
                self._synchronize("FULL")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what may be wrong with the file into a sentence."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"{self._name} cannot be used ({error}): {self._advice}"
            ) from error

    def _synchronize(self, synchronous: Synchronous) -> None:
        self.write(f"PRAGMA synchronous = {synchronous}")
