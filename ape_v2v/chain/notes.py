"""What was signed here and sent, kept from before it is sent until the chain has told its outcome.

One SQLite file for each chain, in the folder where histories are kept; in memory on a development
chain. A signed transaction says nothing secret, and however often it is sent, it counts once.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.chain.signing import Signed, Unsigned
from ape_v2v.database import Database

if TYPE_CHECKING:
    from pathlib import Path

FILE = "sent.sqlite"
KEPT_SECONDS = 24 * 3_600
"""How long one whose outcome was not told stands for a second try of the same."""

_VERSION = 1
_SCHEMA = """
    CREATE TABLE sent (
        hash TEXT PRIMARY KEY,
        purpose BLOB NOT NULL,
        sender TEXT NOT NULL,
        nonce INTEGER NOT NULL,
        raw TEXT NOT NULL,
        owner TEXT NOT NULL,
        noted REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX sent_by_purpose ON sent (purpose);
    CREATE INDEX sent_by_sender ON sent (sender, nonce)
"""
_COLUMNS = "hash, raw, purpose, sender, nonce, owner"
# A process may have the number of one that has ended.
_OWNER = f"{os.getpid()}:{secrets.token_hex(8)}"
_NOBODY = ""


@dataclass(frozen=True)
class Note:
    """A transaction whose outcome has not been told."""

    signed: Signed
    purpose: bytes
    """What it is to do: the same for a second try, and for another one in its place."""
    sender: str
    nonce: int
    owner: str
    """The process that waits for it; empty once that has given up."""

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.owner != _OWNER and not _is_running(self.owner)


class Notebook:
    """The transactions of one chain whose outcome has not been told."""

    def __init__(self, path: Path | None) -> None:
        """Open it.

        Args:
            path: The file; None keeps it in memory.

        Raises:
            ConfigurationError: The file cannot be used; nothing was sent.
        """
        advice = "nothing was sent; make room for it, or name another data folder to Ape"
        self._database = Database(path, f"the file of sent transactions {path}", advice, "FULL")
        if not self._database.version:
            with self._database.transaction():
                if not self._database.version:
                    self._database.create(_SCHEMA, _VERSION)

    def add(self, signed: Signed, unsigned: Unsigned, purpose: bytes) -> None:
        """Note a transaction before it is sent.

        Raises:
            ConfigurationError: It cannot be noted: it must not be sent.
        """
        sent = signed.hash, purpose, unsigned.sender, unsigned.nonce, signed.raw, _OWNER
        self._database.write(
            "INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?, ?, ?, ?)", *sent, time.time()
        )

    def settle(self, transaction: str) -> None:
        """Forget a transaction: its outcome has been told."""
        # If a power cut takes that back, it is looked up once more.
        with self._database.without_waiting_for_the_disk():
            self._database.write("DELETE FROM sent WHERE hash = ?", transaction)

    def give_up(self, transaction: str) -> None:
        """Keep a transaction for whoever tries the same again."""
        self._database.write("UPDATE sent SET owner = ? WHERE hash = ?", _NOBODY, transaction)

    def take(self, note: Note) -> bool:
        """Wait for a transaction that nobody waits for; False when somebody was faster."""
        with self._database.transaction():
            kept = self._read("hash = ? AND owner = ?", note.signed.hash, note.owner)
            if kept:
                self._database.write(
                    "UPDATE sent SET owner = ? WHERE hash = ?", _OWNER, note.signed.hash
                )
        return bool(kept)

    def abandoned(self, purpose: bytes) -> list[Note]:
        """Transactions with this purpose that nobody waits for, the oldest first."""
        since = time.time() - KEPT_SECONDS
        notes = self._read("purpose = ? AND noted > ? ORDER BY noted", purpose, since)
        return [note for note in notes if note.abandoned]

    def find(self, transaction: str) -> Note | None:
        """A transaction whose outcome has not been told, if it was sent from here."""
        return next(iter(self._read("hash = ?", transaction)), None)

    def of(self, sender: str, nonce: int) -> list[Note]:
        """The transactions of an account from a nonce on, by their nonces."""
        return self._read("sender = ? AND nonce >= ? ORDER BY nonce", sender, nonce)

    def _read(self, condition: str, *values: Any) -> list[Note]:
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM sent WHERE {condition}", *values)
        return [Note(Signed(hash_, raw), *rest) for hash_, raw, *rest in rows]


def _is_running(owner: str) -> bool:
    process = owner.partition(":")[0]
    if not process or int(process) == os.getpid():  # one with our number, before us
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
