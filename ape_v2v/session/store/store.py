"""One SQLite file for the sessions of one EV, for both roles.

Everything that a side must not forget is written here, and is on the disk when the call returns,
before the other side hears of it. A process that is killed at any instant leaves a store from which
the session goes on.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ape_v2v.database import Database
from ape_v2v.errors import ConfigurationError
from ape_v2v.session.store.connections import Connections
from ape_v2v.session.store.handshakes import Handshakes
from ape_v2v.session.store.registers import Registers
from ape_v2v.session.store.statements import Statements
from ape_v2v.session.store.tables import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.protocol.charging import SignedReading
    from ape_v2v.session.store.records import Handshake


class Store:
    """The sessions of one EV. Any thread may use it; another process may read it.

    Attributes:
        path: The file.
        connections: What was agreed, why it stopped, how it ended, and the command's settings.
        handshakes: Every challenge that was used, and the sessions.
        statements: Readings, receipts and settlements.
        registers: How far meters have been seen.
    """

    def __init__(self, path: Path) -> None:
        """Open a store, and make it if it is not there.

        Raises:
            ConfigurationError: The file cannot be used, or is another version's.
        """
        self.path = path
        self._database = Database(
            path,
            f"the store {path}",
            "see that its folder can be written to, and keep the file: receipts are worth money",
            synchronous="FULL",
        )
        with self._database.transaction():
            prepare(self._database, path)
        self.connections = Connections(self._database)
        self.handshakes = Handshakes(self._database)
        self.statements = Statements(self._database)
        self.registers = Registers(self._database)

    def close(self) -> None:
        self._database.close()

    def authorize(
        self,
        agreement: Agreement,
        meter: tuple[bytes, int],
        handshake: Handshake,
        start: SignedReading | None = None,
    ) -> None:
        """Note the provider's connection with its meter's start, unless known, and a handshake."""
        with self._database.transaction():
            self.connections.open(agreement, "provider", *meter)
            self.handshakes.add(handshake)
            if start is not None:
                self.statements.keep(start)

    @contextmanager
    def exclusively(self, token: bytes) -> Iterator[None]:
        """Keep other processes from running a session for the same connection out of this store.

        Raises:
            ConfigurationError: One does.
        """
        path = self.path.with_name(f"{self.path.name}.{token.hex()[:16]}.lock")
        with self._database.errors():
            lock = path.open("ab")
        with lock:  # the system gives the lock back with the file, also when the process is killed
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigurationError(
                    f"another process runs this session with the store {self.path}: wait for it, "
                    "or end it"
                ) from error
            yield
