"""Signed statements in the store: readings, the receipts for them, and the settlement."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ape_v2v.market.statements import EnergyStatement
from ape_v2v.session.protocol.charging import SignedReading
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from ape_v2v.database import Database

_COLUMNS = "token, energy_wh, meter_data_hash, signature"


class Statements:
    """What both sides of an EV's connections have signed for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_reading(self, reading: SignedReading) -> None:
        """Keep a reading that the provider has signed; one for this energy that is there stays.

        It outlives the process at once, and a power cut with the receipt for it: a reading without
        a receipt is worth nothing.
        """
        with self._database.without_waiting_for_the_disk():
            self.keep(reading)

    def keep(self, reading: SignedReading) -> None:
        """Keep a reading as durably as all else; one for this energy that is there stays."""
        statement = reading.statement
        self._database.write(
            "INSERT OR IGNORE INTO meter_values VALUES (?, ?, ?, ?, ?, ?, ?)",
            statement.token,
            statement.energy_wh,
            statement.meter_data_hash,
            reading.record,
            statement.signature,
            reading.power_w,
            time.time(),
        )

    def last_reading(self, token: bytes) -> SignedReading | None:
        return next(iter(self._readings("token = ? ORDER BY energy_wh DESC LIMIT 1", token)), None)

    def measured(self, token: bytes) -> list[tuple[float, SignedReading]]:
        """All readings of a connection by energy, and when each was kept, seconds since 1970."""
        rows = self._database.rows(
            f"SELECT at, record, power_w, {_COLUMNS} FROM meter_values WHERE token = ? "
            "ORDER BY energy_wh",
            token,
        )
        return [
            (at, SignedReading(_statement(*statement), record, power_w))
            for at, record, power_w, *statement in rows
        ]

    def reading(self, token: bytes, energy_wh: int) -> SignedReading | None:
        """The reading for so much energy."""
        return next(iter(self._readings("token = ? AND energy_wh = ?", token, energy_wh)), None)

    def add_receipt(self, receipt: EnergyStatement, reading: SignedReading | None = None) -> None:
        """Keep a receipt, and the reading it is for; one for this energy that is there stays."""
        with self._database.transaction():
            if reading is not None:
                self.keep(reading)
            self._add("receipts", receipt)

    def highest_receipt(self, token: bytes) -> EnergyStatement | None:
        rows = self._statements("receipts", token, "ORDER BY energy_wh DESC, last DESC LIMIT 1")
        return next(iter(rows), None)

    def receipts(self, token: bytes) -> list[EnergyStatement]:
        """All receipts of a connection, by energy."""
        return self._statements("receipts", token, "ORDER BY energy_wh, last")

    def add_settlement(self, settlement: EnergyStatement) -> None:
        """Keep the connection's settlement; there is never more than one."""
        self._add("settlements", settlement)

    def settlement(self, token: bytes) -> EnergyStatement | None:
        return next(iter(self._statements("settlements", token)), None)

    def _add(self, table: str, statement: EnergyStatement) -> None:
        self._database.write(
            f"INSERT OR IGNORE INTO {table} ({_COLUMNS}, last, at) VALUES (?, ?, ?, ?, ?, ?)",
            statement.token,
            statement.energy_wh,
            statement.meter_data_hash,
            statement.signature,
            statement.last,
            time.time(),
        )

    def _statements(self, table: str, token: bytes, order: str = "") -> list[EnergyStatement]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS}, last FROM {table} WHERE token = ? {order}", token
        )
        return [_statement(*row) for row in rows]

    def _readings(self, condition: str, *values: Any) -> list[SignedReading]:
        rows = self._database.rows(
            f"SELECT record, power_w, {_COLUMNS} FROM meter_values WHERE {condition}", *values
        )
        return [
            SignedReading(_statement(*statement), record, power_w)
            for record, power_w, *statement in rows
        ]


def _statement(
    token: bytes, energy_wh: int, meter_data_hash: bytes, signature: bytes, last: int = 0
) -> EnergyStatement:
    return EnergyStatement(token, Energy(energy_wh), meter_data_hash, signature, bool(last))
