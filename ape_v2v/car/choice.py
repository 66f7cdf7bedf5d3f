"""What a car may do next, and why it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.session.progress import SessionProgress
    from ape_v2v.units import Energy, Money


class Act(StrEnum):
    """What a car does."""

    ASK = "ask"
    """Start an auction."""
    OFFER = "offer"
    """Look for auctions to bid in."""
    BID = "bid"
    AWARD = "award"
    TAKE_BACK = "take back"
    """End an auction in which nobody has bid."""
    CANCEL = "cancel"
    CHARGE = "charge"
    """Run the consumer's side of a session."""
    SERVE = "serve"
    """Run the provider's side of one."""
    EXPIRE = "expire"
    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    WAIT = "wait"
    END = "end"
    """There is nothing left to do: the process ends."""
    # What is told of an act, too.
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Choice:
    """One decision, with its reason."""

    act: Act
    reason: str
    auction_id: int | None = None
    energy: Energy | None = None
    """How much to ask for."""
    amount: Money | None = None
    """What to deposit with it, to withdraw, or to lose at most."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "act": self.act.value,
            "reason": self.reason,
            "auctionId": None if self.auction_id is None else str(self.auction_id),
            "energyWh": None if self.energy is None else self.energy.as_json(),
            "amount": None if self.amount is None else self.amount.as_json(),
        }


@dataclass(frozen=True)
class CarWatch:
    """Whoever watches a car."""

    decided: Callable[[Choice], None]
    """Told each decision, and what became of it."""
    progress: Callable[[SessionProgress], None] = lambda _: None
    """Told how a session goes on."""
    tell: Callable[[str], None] = lambda _: None
    """Told in a sentence what is waited for."""
