"""Registers in the store: how far they have been seen, so that they cannot fall unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.session.store.records import StoredRegister

if TYPE_CHECKING:
    from ape_v2v.database import Database


class Registers:
    """The own meters' registers, by connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, token: bytes) -> StoredRegister | None:
        rows = self._database.rows(
            "SELECT meter, register, highest_wh, read_at FROM registers WHERE token = ?", token
        )
        return next((StoredRegister(*row) for row in rows), None)

    def note(self, token: bytes, seen: StoredRegister) -> None:
        """Keep how far the own register has been seen.

        It outlives the process at once. A power cut may lose the last of it; but no energy flows
        beyond a receipt that is not on the disk.
        """
        with self._database.without_waiting_for_the_disk():
            self._database.write(
                "INSERT OR REPLACE INTO registers VALUES (?, ?, ?, ?, ?)",
                token,
                seen.meter,
                seen.register,
                seen.highest_wh,
                seen.read_at,
            )
