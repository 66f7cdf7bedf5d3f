"""Orders whose outcome has not been told, kept by who has signed them.

Who tries the same again brings the same order, and not a second one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ape_v2v.database import Database
from ape_v2v.errors import V2VError
from ape_v2v.sponsor.order import Order

if TYPE_CHECKING:
    from pathlib import Path

KEPT_SECONDS = 86_400
"""How long one whose outcome was not told stands for a second try of the same."""

_VERSION = 1
_SCHEMA = """
    CREATE TABLE orders (
        purpose BLOB PRIMARY KEY,
        text TEXT NOT NULL,
        noted REAL NOT NULL
    ) WITHOUT ROWID
"""


class UnfinishedOrders:
    """What was signed for a sponsor, from before it is brought until its outcome is told."""

    def __init__(self, path: Path | None) -> None:
        """Open the file; None keeps them in memory.

        Raises:
            ConfigurationError: It cannot be used; nothing was signed.
        """
        advice = "nothing was signed; make room for it, or name another data folder to Ape"
        self._database = Database(path, f"the file of signed orders {path}", advice, "FULL")
        with self._database.transaction():
            if not self._database.version:
                self._database.create(_SCHEMA, _VERSION)

    def note(self, purpose: bytes, order: Order) -> None:
        """Keep an order before it is brought."""
        values = purpose, order.text(), time.time()
        self._database.write("INSERT OR REPLACE INTO orders VALUES (?, ?, ?)", *values)

    def find(self, purpose: bytes) -> Order | None:
        """The order that was signed for this, if its outcome was not told."""
        since = time.time() - KEPT_SECONDS
        query = "SELECT text FROM orders WHERE purpose = ? AND noted > ?"
        rows = self._database.rows(query, purpose, since)
        try:
            return Order.load(rows[0][0].encode()) if rows else None
        except V2VError:  # of another version
            return None

    def settle(self, purpose: bytes) -> None:
        """Forget an order: its outcome has been told."""
        self._database.write("DELETE FROM orders WHERE purpose = ?", purpose)
