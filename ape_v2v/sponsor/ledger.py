"""What a sponsor has spent, and on whom: it remembers before it sends, and keeps to a budget."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ape_v2v.database import Database
from ape_v2v.errors import V2VError
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = 86_400
MINUTE = 60

_VERSION = 1
_SCHEMA = """
    CREATE TABLE orders (
        digest TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        taken REAL NOT NULL,
        wei TEXT NOT NULL,
        transaction_hash TEXT
    ) WITHOUT ROWID;
    CREATE INDEX orders_by_time ON orders (taken);
    CREATE INDEX orders_by_account ON orders (account, taken)
"""


class LimitReached(V2VError):
    """The sponsor pays no more for now."""


@dataclass(frozen=True)
class SpendingLimits:
    """What a sponsor pays at most."""

    budget: Money = field(default_factory=lambda: Money(5 * 10**16))
    """In a day, for all."""
    daily: int = 50
    """Orders of one account in a day,"""
    minutely: int = 10
    """and in a minute."""


@dataclass(frozen=True)
class Spending:
    """What was paid for an account, or may yet be."""

    account: str
    taken: float
    """Seconds since 1970."""
    spent: Money
    transaction: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "address": self.account,
            "time": datetime.fromtimestamp(self.taken, UTC).isoformat(),
            "spent": self.spent.as_json(),
            "transaction": self.transaction,
        }


class Ledger:
    """The orders that a sponsor has taken. Any thread may use it."""

    def __init__(
        self, path: Path | None, limits: SpendingLimits, clock: Callable[[], float] = time.time
    ) -> None:
        """Open it.

        Args:
            path: The file; None keeps it in memory.
            limits: What is paid at most.
            clock: Seconds since 1970.

        Raises:
            ConfigurationError: The file cannot be used.
        """
        self.limits = limits
        self._clock = clock
        advice = "make room for it, or name another one"
        self._database = Database(path, f"the sponsor's ledger {path}", advice, "FULL")
        with self._database.transaction():
            if not self._database.version:
                self._database.create(_SCHEMA, _VERSION)

    def close(self) -> None:
        self._database.close()

    @property
    def left(self) -> Money:
        """What may be spent of today's budget."""
        return Money(max(0, int(self.limits.budget) - self._spent()))

    def transaction_of(self, digest: str) -> str | None:
        """By which an order was brought; None where it was not."""
        rows = self._database.rows("SELECT transaction_hash FROM orders WHERE digest = ?", digest)
        return str(rows[0][0]) if rows and rows[0][0] else None

    def entries(self) -> list[Spending]:
        """All that was paid, the latest first."""
        query = "SELECT account, taken, wei, transaction_hash FROM orders ORDER BY taken DESC"
        return [
            Spending(account, taken, Money(int(wei)), transaction)
            for account, taken, wei, transaction in self._database.rows(query)
        ]

    def take(self, digest: str, account: str, most: Money) -> None:
        """Note an order and the most that it can cost, before it is sent.

        Raises:
            LimitReached: It would be too much, for this account or for all.
        """
        with self._database.transaction():
            for limit, seconds, name in (
                (self.limits.daily, DAY, "day"),
                (self.limits.minutely, MINUTE, "minute"),
            ):
                if self._count(account, seconds) >= limit:
                    raise LimitReached(
                        f"{account} was paid for {limit} times in the last {name}, as often as is "
                        "allowed: try again later, or pay the gas yourself"
                    )
            if int(most) > int(self.left):
                raise LimitReached(
                    f"this may cost {most}, and {self.left} is left of the day's budget, "
                    f"{self.limits.budget}: try again later, or pay the gas yourself"
                )
            self._database.write(
                "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, NULL)",
                digest,
                account,
                self._clock(),
                str(int(most)),
            )

    def sent(self, digest: str, transaction: str) -> None:
        """Note by which transaction an order is brought, before that is sent."""
        self._database.write(
            "UPDATE orders SET transaction_hash = ? WHERE digest = ?", transaction, digest
        )

    def paid(self, digest: str, cost: Money) -> None:
        """Note what an order has cost."""
        self._database.write("UPDATE orders SET wei = ? WHERE digest = ?", str(int(cost)), digest)

    def drop(self, digest: str) -> None:
        """Forget an order of which nothing was sent."""
        self._database.write("DELETE FROM orders WHERE digest = ?", digest)

    def _count(self, account: str, seconds: int) -> int:
        since = self._clock() - seconds
        query = "SELECT COUNT(*) FROM orders WHERE account = ? AND taken > ?"
        ((count,),) = self._database.rows(query, account, since)
        return int(count)

    def _spent(self) -> int:
        rows = self._database.rows("SELECT wei FROM orders WHERE taken > ?", self._clock() - DAY)
        return sum(int(wei) for (wei,) in rows)
