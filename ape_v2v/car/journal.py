"""What a car writes down: every decision with its reason, and what its battery began with.

Nothing that it does depends on it but the count of the battery: where it stands it asks the chain
and the sessions' store.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ape_v2v.car.choice import Act
from ape_v2v.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v.car.choice import Choice

_VERSION = 1
_SCHEMA = """
CREATE TABLE decisions (
    at REAL NOT NULL,
    act TEXT NOT NULL,
    auction_id TEXT,
    reason TEXT NOT NULL
);
CREATE TABLE batteries (
    said TEXT PRIMARY KEY,
    at REAL NOT NULL
)
"""


@dataclass(frozen=True)
class Entry:
    """A decision that was written down."""

    at: datetime
    act: str
    auction_id: int | None
    reason: str

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "timestamp": self.at.isoformat(),
            "act": self.act,
            "auctionId": None if self.auction_id is None else str(self.auction_id),
            "reason": self.reason,
        }


class Journal:
    """The decisions of one car, in a file that outlives it."""

    def __init__(self, path: Path | None) -> None:
        """Open a journal, and make it if it is not there; None keeps it in memory.

        Raises:
            ConfigurationError: The file cannot be used.
        """
        self._database = Database(
            path,
            f"the journal {path}",
            "see that its folder can be written to",
            synchronous="NORMAL",
        )
        with self._database.transaction():
            if not self._database.version:
                self._database.create(_SCHEMA, _VERSION)

    def close(self) -> None:
        self._database.close()

    def note(self, choice: Choice) -> bool:
        """Write a decision down, unless it is the same as the one before; whether it was new."""
        auction = None if choice.auction_id is None else str(choice.auction_id)
        said = (choice.act.value, auction, choice.reason)
        rows = self._database.rows(
            "SELECT act, auction_id, reason FROM decisions ORDER BY rowid DESC LIMIT 1"
        )
        if rows and tuple(rows[0]) == said:
            return False
        self._database.write("INSERT INTO decisions VALUES (?, ?, ?, ?)", time.time(), *said)
        return True

    def last(self, count: int) -> list[Entry]:
        """The last decisions, the latest last."""
        rows = self._database.rows(
            "SELECT at, act, auction_id, reason FROM decisions ORDER BY rowid DESC LIMIT ?", count
        )
        return [
            Entry(datetime.fromtimestamp(at, UTC), act, None if one is None else int(one), reason)
            for at, act, one, reason in reversed(rows)
        ]

    def fruitless(self) -> int:
        """In how many auctions, one after the other, nobody has bid."""
        rows = self._database.rows(
            "SELECT count(DISTINCT auction_id) FROM decisions WHERE act = ? AND rowid > "
            "(SELECT coalesce(max(rowid), 0) FROM decisions WHERE act = ?)",
            Act.TAKE_BACK,
            Act.CHARGE,
        )
        return int(rows[0][0])

    def battery_since(self, said: str) -> float:
        """When the battery was first said to be so, seconds since 1970: now, if it is new."""
        self._database.write("INSERT OR IGNORE INTO batteries VALUES (?, ?)", said, time.time())
        return float(self._database.rows("SELECT at FROM batteries WHERE said = ?", said)[0][0])
