"""What one EV keeps of its sessions: one SQLite file, for both roles.

Everything that a side must not forget is written here, and is on the disk when the call returns,
before the other side hears of it. A process that is killed at any instant leaves a store from which
the session goes on.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ape_v2v.database import Database
from ape_v2v.errors import ConfigurationError
from ape_v2v.session.protocol.agreement import Agreement, Outcome
from ape_v2v.session.protocol.wire import StopReason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VERSION = 1
_SCHEMA = """
CREATE TABLE connections (
    token BLOB PRIMARY KEY,
    role TEXT NOT NULL,
    agreement TEXT NOT NULL,
    peer TEXT,
    meter_id BLOB NOT NULL,
    meter_start_wh INTEGER NOT NULL,
    opened_at REAL NOT NULL,
    stop_reason TEXT,
    closed_at REAL
);
CREATE TABLE settings (
    token BLOB PRIMARY KEY,
    auction_id TEXT NOT NULL,
    settings TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE TABLE sessions (
    challenge_evc BLOB PRIMARY KEY,
    challenge_evp BLOB NOT NULL UNIQUE,
    token BLOB NOT NULL,
    authorization TEXT NOT NULL,
    session_id BLOB UNIQUE,
    max_unacknowledged_wh INTEGER,
    at REAL NOT NULL
);
CREATE TABLE meter_values (
    token BLOB NOT NULL,
    energy_wh INTEGER NOT NULL,
    meter_data_hash BLOB NOT NULL,
    record BLOB NOT NULL,
    signature BLOB NOT NULL,
    power_w INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (token, energy_wh)
) WITHOUT ROWID;
CREATE TABLE receipts (
    token BLOB NOT NULL,
    energy_wh INTEGER NOT NULL,
    meter_data_hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (token, energy_wh)
) WITHOUT ROWID;
CREATE TABLE settlements (
    token BLOB PRIMARY KEY,
    energy_wh INTEGER NOT NULL,
    meter_data_hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    at REAL NOT NULL
);
CREATE TABLE outcomes (
    token BLOB PRIMARY KEY,
    event TEXT NOT NULL,
    energy_wh INTEGER NOT NULL,
    cost TEXT NOT NULL,
    meter_data_hash BLOB NOT NULL,
    tx_hash TEXT NOT NULL,
    sender TEXT NOT NULL,
    at REAL NOT NULL
);
"""

_agreement = lru_cache(Agreement.from_text)


@dataclass(frozen=True)
class StoredConnection:
    """A connection as one side knows it."""

    agreement: Agreement
    role: str
    peer: str | None
    """The consumer's: where the provider serves."""
    meter_id: bytes
    meter_start_wh: int
    """This side's own meter when the connection's first session began."""
    stop_reason: StopReason | None
    closed_at: float | None
    """When the token was closed: nothing is ever delivered on it again. Seconds since 1970."""


@dataclass(frozen=True)
class StoredSession:
    """One handshake of a connection."""

    challenge_evc: bytes
    challenge_evp: bytes
    token: bytes
    authorization: str
    """The `AuthorizationReq`, as it was sent or received."""
    session_id: bytes | None
    """The consumer has none yet while it waits for the answer."""
    max_unacknowledged_wh: int | None


@dataclass(frozen=True)
class Signed:
    """Energy that somebody has signed for."""

    energy_wh: int
    meter_data_hash: bytes
    signature: bytes


@dataclass(frozen=True)
class StoredValue(Signed):
    """A reading that the provider has signed."""

    record: bytes
    power_w: int


class Store:
    """The sessions of one EV. Any thread may use it; another process may read it."""

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
            self._prepare()

    def close(self) -> None:
        self._database.close()

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

    # Connections

    def connection(self, token: bytes) -> StoredConnection | None:
        rows = self._connections("WHERE token = ?", token)
        return next(iter(rows), None)

    def connections(self) -> list[StoredConnection]:
        """All of them, the last one first."""
        return self._connections("ORDER BY opened_at DESC")

    def _connections(self, clause: str, *values: Any) -> list[StoredConnection]:
        rows = self._database.rows(
            "SELECT agreement, role, peer, meter_id, meter_start_wh, stop_reason, closed_at "
            f"FROM connections {clause}",
            *values,
        )
        return [
            StoredConnection(
                agreement=_agreement(agreement),
                role=role,
                peer=peer,
                meter_id=meter_id,
                meter_start_wh=meter_start_wh,
                stop_reason=None if reason is None else StopReason(reason),
                closed_at=closed_at,
            )
            for agreement, role, peer, meter_id, meter_start_wh, reason, closed_at in rows
        ]

    def open_connection(
        self,
        agreement: Agreement,
        role: str,
        meter_id: bytes,
        meter_start_wh: int,
        peer: str | None = None,
    ) -> None:
        """Note a connection with this side's meter; one that is there stays as it is."""
        with self._database.transaction():
            self._database.write(
                "INSERT OR IGNORE INTO connections (token, role, agreement, peer, meter_id, "
                "meter_start_wh, opened_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                agreement.token,
                role,
                agreement.text(),
                peer,
                meter_id,
                meter_start_wh,
                time.time(),
            )
            if peer is not None:
                self._database.write(
                    "UPDATE connections SET peer = ? WHERE token = ?", peer, agreement.token
                )

    def stop(self, token: bytes, reason: StopReason) -> None:
        """Note why it stops; the first reason stays."""
        self._database.write(
            "UPDATE connections SET stop_reason = coalesce(stop_reason, ?) WHERE token = ?",
            reason,
            token,
        )

    def close_token(self, token: bytes) -> None:
        """Note that nothing is ever delivered on this token again."""
        self._database.write(
            "UPDATE connections SET closed_at = coalesce(closed_at, ?) WHERE token = ?",
            time.time(),
            token,
        )

    def remember(self, agreement: Agreement, settings: str) -> None:
        """Keep what a session was started with, so that it can be started again."""
        self._database.write(
            "INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?)",
            agreement.token,
            str(agreement.auction_id),
            settings,
            time.time(),
        )

    def started(self) -> list[tuple[int, str, bool]]:
        """Auction, settings, and whether it is over, of every session; the last one first."""
        rows = self._database.rows(
            "SELECT auction_id, settings, outcomes.token IS NOT NULL FROM settings "
            "LEFT JOIN outcomes USING (token) ORDER BY settings.at DESC"
        )
        return [(int(auction_id), settings, bool(over)) for auction_id, settings, over in rows]

    # Handshakes

    def add_session(self, session: StoredSession) -> None:
        """Note a handshake; its challenges are used from now on."""
        self._database.write(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
            session.challenge_evc,
            session.challenge_evp,
            session.token,
            session.authorization,
            session.session_id,
            session.max_unacknowledged_wh,
            time.time(),
        )

    def authorize(self, agreement: Agreement, meter: tuple[bytes, int], s: StoredSession) -> None:
        """Note the connection, unless it is there, and its handshake, at once."""
        with self._database.transaction():
            self.open_connection(agreement, "provider", *meter)
            self.add_session(s)

    def confirm_session(
        self, challenge_evc: bytes, session_id: bytes, max_unacknowledged_wh: int
    ) -> None:
        """Note the provider's answer to a handshake."""
        self._database.write(
            "UPDATE sessions SET session_id = ?, max_unacknowledged_wh = ? WHERE challenge_evc = ?",
            session_id,
            max_unacknowledged_wh,
            challenge_evc,
        )

    def session(self, token: bytes) -> StoredSession | None:
        """The last handshake of a connection."""
        return self._session("token = ? ORDER BY at DESC, rowid DESC", token)

    def session_with(self, challenge_evc: bytes) -> StoredSession | None:
        """The handshake that has used a challenge of the consumer."""
        return self._session("challenge_evc = ?", challenge_evc)

    def count_sessions(self, token: bytes) -> int:
        ((count,),) = self._database.rows("SELECT count(*) FROM sessions WHERE token = ?", token)
        return int(count)

    def _session(self, condition: str, *values: Any) -> StoredSession | None:
        rows = self._database.rows(
            "SELECT challenge_evc, challenge_evp, token, authorization, session_id, "
            f"max_unacknowledged_wh FROM sessions WHERE {condition} LIMIT 1",
            *values,
        )
        return next((StoredSession(*row) for row in rows), None)

    # Energy

    def add_value(self, token: bytes, value: StoredValue) -> None:
        """Keep a reading that the provider has signed; one for this energy that is there stays.

        It outlives the process at once, and a power cut with the receipt for it: a reading without
        a receipt is worth nothing.
        """
        with self._database.without_waiting_for_the_disk():
            self._add_value(token, value)

    def _add_value(self, token: bytes, value: StoredValue) -> None:
        self._database.write(
            "INSERT OR IGNORE INTO meter_values VALUES (?, ?, ?, ?, ?, ?, ?)",
            token,
            value.energy_wh,
            value.meter_data_hash,
            value.record,
            value.signature,
            value.power_w,
            time.time(),
        )

    def last_value(self, token: bytes) -> StoredValue | None:
        return self._value("token = ? ORDER BY energy_wh DESC", token)

    def value(self, token: bytes, energy_wh: int) -> StoredValue | None:
        """The reading for so much energy."""
        return self._value("token = ? AND energy_wh = ?", token, energy_wh)

    def _value(self, condition: str, *values: Any) -> StoredValue | None:
        rows = self._database.rows(
            "SELECT energy_wh, meter_data_hash, signature, record, power_w FROM meter_values "
            f"WHERE {condition} LIMIT 1",
            *values,
        )
        return next((StoredValue(*row) for row in rows), None)

    def add_receipt(self, token: bytes, receipt: Signed, value: StoredValue | None = None) -> None:
        """Keep a receipt, and the reading it is for; one for this energy that is there stays."""
        with self._database.transaction():
            if value is not None:
                self._add_value(token, value)
            self._database.write(
                "INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?, ?)",
                token,
                receipt.energy_wh,
                receipt.meter_data_hash,
                receipt.signature,
                time.time(),
            )

    def highest_receipt(self, token: bytes) -> Signed | None:
        rows = self._database.rows(
            "SELECT energy_wh, meter_data_hash, signature FROM receipts WHERE token = ? "
            "ORDER BY energy_wh DESC LIMIT 1",
            token,
        )
        return next((Signed(*row) for row in rows), None)

    def receipts(self, token: bytes) -> list[Signed]:
        """All receipts of a connection, by energy."""
        rows = self._database.rows(
            "SELECT energy_wh, meter_data_hash, signature FROM receipts WHERE token = ? "
            "ORDER BY energy_wh",
            token,
        )
        return [Signed(*row) for row in rows]

    # The end

    def add_settlement(self, token: bytes, settlement: Signed) -> None:
        """Keep the connection's settlement; there is never more than one."""
        self._database.write(
            "INSERT OR IGNORE INTO settlements VALUES (?, ?, ?, ?, ?)",
            token,
            settlement.energy_wh,
            settlement.meter_data_hash,
            settlement.signature,
            time.time(),
        )

    def settlement(self, token: bytes) -> Signed | None:
        rows = self._database.rows(
            "SELECT energy_wh, meter_data_hash, signature FROM settlements WHERE token = ?", token
        )
        return next((Signed(*row) for row in rows), None)

    def add_outcome(self, token: bytes, outcome: Outcome) -> None:
        """Note how the connection ended on the chain."""
        self._database.write(
            "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            token,
            outcome.event,
            outcome.energy_wh,
            str(outcome.cost),
            outcome.meter_data_hash,
            outcome.transaction,
            outcome.sender,
            time.time(),
        )

    def outcome(self, token: bytes) -> Outcome | None:
        names = [field.name for field in fields(Outcome)]
        rows = self._database.rows(
            "SELECT event, energy_wh, cost, meter_data_hash, tx_hash, sender FROM outcomes "
            "WHERE token = ?",
            token,
        )
        values = (dict(zip(names, row, strict=True)) for row in rows)
        return next((Outcome(**{**row, "cost": int(row["cost"])}) for row in values), None)

    def _prepare(self) -> None:
        version = self._database.version
        if version == _VERSION:
            return
        if version:
            raise ConfigurationError(
                f"the store {self.path} is of version {version}, and this program writes version "
                f"{_VERSION}: use the ape-v2v that made it, or name another file"
            )
        self._database.create(_SCHEMA, _VERSION)
