"""How an auction ended, whether it was sold or not: out of its last event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.currency import ETHER
from ape_v2v.index.views import OUTCOMES, Outcome
from ape_v2v.market.interface.records import in_currency
from ape_v2v.market.shapes import CONNECTION_END
from ape_v2v.units import Energy, Money

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ape_v2v.currency import Currency
    from ape_v2v.market.interface.events import Event

_OUTCOMES = {
    "AuctionCancelled": Outcome.CANCELLED,
    "AuctionEnded": Outcome.UNSOLD,  # with a winner, `Connected` comes right after it
}


@dataclass(frozen=True)
class EndedAuction:
    """How an auction, or the connection that it became, ended."""

    auction_id: int
    outcome: Outcome
    ended_at: datetime
    transaction: str
    energy: Energy | None = None
    """What was paid for; 0 when nothing was settled; None when it was never awarded."""
    cost: Money | None = None
    """What was paid for it."""
    penalty: Money | None = None
    """What was lost, where something can be."""

    def as_json(self) -> dict[str, Any]:
        """What is printed for programs."""
        return {
            "auctionId": str(self.auction_id),
            "state": "none",
            "outcome": self.outcome.value,
            "endedAt": self.ended_at.isoformat(),
            "energyWh": None if self.energy is None else int(self.energy),
            "cost": None if self.cost is None else str(int(self.cost)),
            "penalty": None if self.penalty is None else str(int(self.penalty)),
            "transaction": self.transaction,
            **({} if self.penalty is None else in_currency(self.penalty)),
        }


def ending(events: Iterable[Event], currency: Currency = ETHER) -> EndedAuction | None:
    """How an auction ended.

    Args:
        events: All of the auction's, in the chain's order.
        currency: What its market is paid in.

    Returns:
        None when it has not ended, or never was.
    """
    last = None
    for last in events:  # noqa: B007 - it is the result
        pass
    if last is None or last.auction_id is None:
        return None
    outcome = (
        OUTCOMES[last.args["how"]] if last.name == CONNECTION_END else _OUTCOMES.get(last.name)
    )
    if outcome is None:
        return None
    energy, cost, penalty = (last.args.get(name) for name in ("energyWh", "cost", "penalty"))
    return EndedAuction(
        auction_id=last.auction_id,
        outcome=outcome,
        ended_at=last.timestamp,
        transaction=last.transaction,
        energy=None if energy is None else Energy(energy),
        cost=None if energy is None or cost is None else Money(cost, currency),
        penalty=None if penalty is None else Money(penalty, currency),
    )
