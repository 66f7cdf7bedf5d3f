"""Whole trades, by the number of bids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.gas.scenarios import CONSUMER, OTHERS, PROVIDERS
from benchmarks.gas.stage import ETHER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.gas.designs import OwnMarket, PaperMarket
    from benchmarks.gas.stage import Call

BID_COUNTS = (1, 2, 10, 50)


@dataclass(frozen=True)
class Trade:
    """Trades with so many bids, each by another EV; gas in total."""

    bids: int
    paper_known: int
    paper_again: int
    ours: int
    ours_signed: int
    """All bids are signed, and only the best is sent to the chain."""
    withdrawals: int
    """What both parties pay on top to have all their money outside again."""
    withdrawal: int
    """What one EV pays for that: each overtaken provider, too, if it wants its money at once."""

    @property
    def ours_and_both(self) -> int:
        return self.ours + self.withdrawals

    @property
    def ours_and_all(self) -> int:
        """With the withdrawals of the overtaken providers, too."""
        return self.ours_and_both + (self.bids - 1) * self.withdrawal

    @property
    def signed_and_both(self) -> int:
        return self.ours_signed + self.withdrawals


def whole_trades(own: OwnMarket, paper: PaperMarket) -> list[Trade]:
    """Trades on a `used_market` and on a paper market in which nobody is registered."""
    paper.register([CONSUMER, *PROVIDERS, OTHERS[0]])
    paper.trade(OTHERS[0], PROVIDERS)
    paper.register(OTHERS[1])
    trades = []
    for bids in BID_COUNTS:
        providers = PROVIDERS[:bids]
        with paper.stage.scene():
            # The consumer has traded before, with others.
            paper.trade(CONSUMER, OTHERS[1])
            known = total(paper.trade(CONSUMER, providers))
            again = total(paper.trade(CONSUMER, providers))
        with own.stage.scene():
            ours = total(own.trade(CONSUMER, providers))
            consumer = own.withdraw(CONSUMER, ETHER // 10)
            winner = own.withdraw(providers[-1], ETHER // 10)
        with own.stage.scene():
            signed = total(own.signed_trade(CONSUMER, providers))
        trades.append(
            Trade(bids, known, again, ours, signed, consumer.gas + winner.gas, winner.gas)
        )
    return trades


def total(calls: Iterable[Call]) -> int:
    return sum(call.gas for call in calls)
