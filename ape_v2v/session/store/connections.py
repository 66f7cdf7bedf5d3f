"""Connections in the store: what was agreed, how it stands, how it ended, and its settings."""

from __future__ import annotations

import time
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ape_v2v.session.protocol.agreement import Agreement, ConnectionEnd
from ape_v2v.session.protocol.wire import StopReason
from ape_v2v.session.store.records import StoredConnection

if TYPE_CHECKING:
    from ape_v2v.database import Database

_agreement = lru_cache(Agreement.from_text)


class Connections:
    """The connections of one EV."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, token: bytes) -> StoredConnection | None:
        return next(iter(self._connections("WHERE token = ?", token)), None)

    def all(self) -> list[StoredConnection]:
        """All of them, the last one first."""
        return self._connections("ORDER BY opened_at DESC")

    def open(
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

    def close(self, token: bytes) -> None:
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

    def add_end(self, token: bytes, end: ConnectionEnd) -> None:
        """Note how the connection ended on the chain."""
        self._database.write(
            "INSERT OR REPLACE INTO outcomes (token, how, energy_wh, cost, penalty, "
            "meter_data_hash, tx_hash, sender, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            token,
            end.how,
            end.energy_wh,
            str(end.cost),
            str(end.penalty),
            end.meter_data_hash,
            end.transaction,
            end.sender,
            time.time(),
        )

    def end(self, token: bytes) -> ConnectionEnd | None:
        """How the connection ended on the chain; None while it has not, as far as is known."""
        names = [field.name for field in fields(ConnectionEnd)]
        rows = self._database.rows(
            "SELECT how, energy_wh, cost, penalty, meter_data_hash, tx_hash, sender FROM outcomes "
            "WHERE token = ?",
            token,
        )
        values = (dict(zip(names, row, strict=True)) for row in rows)
        wei = ("cost", "penalty")
        ends = (
            ConnectionEnd(**{**row, **{name: int(row[name]) for name in wei}}) for row in values
        )
        return next(ends, None)

    def energy_since(self, moment: float, role: str) -> int:
        """What was paid for since a moment, and what is acknowledged of what has not ended, Wh.

        Args:
            moment: Seconds since 1970.
            role: Of the connections as this one only, `consumer` or `provider`.
        """
        ((ended,),) = self._database.rows(
            "SELECT coalesce(sum(energy_wh), 0) FROM outcomes JOIN connections USING (token) "
            "WHERE at >= ? AND role = ?",
            moment,
            role,
        )
        ((under_way,),) = self._database.rows(
            "SELECT coalesce(sum(most), 0) FROM (SELECT max(energy_wh) AS most FROM receipts "
            "JOIN connections USING (token) WHERE role = ? "
            "AND token NOT IN (SELECT token FROM outcomes) GROUP BY token)",
            role,
        )
        return int(ended) + int(under_way)

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
