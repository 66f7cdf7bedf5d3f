"""Whole trades, by the number of bids: in gas, and beside the rebuilt contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gas.tables import Table, ratio

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Measurements


def table(m: Measurements) -> Table:
    return Table(
        "trades",
        "Whole trades",
        (
            "bids",
            "rebuilt, new pairs",
            "rebuilt, same pairs",
            "ours",
            "ours + both withdraw",
            "ours + all withdraw",
            "ours, signed bids",
            "signed bids + both withdraw",
        ),
        tuple(
            (
                str(trade.bids),
                trade.paper_known,
                trade.paper_again,
                trade.ours,
                trade.ours_and_both,
                trade.ours_and_all,
                trade.ours_signed,
                trade.signed_and_both,
            )
            for trade in m.trades
        ),
        before="Gas from the start of the auction to the payment, each bid by another EV and all "
        "of them accepted. The paper's design pays everybody out at once; ours credits balances, "
        "out of which the next trade is paid. For who wants all money outside after every trade, "
        "withdrawals come on top: of both parties, or of every overtaken provider as well. With "
        "*signed bids*, providers sign off the chain, and only the best bid is sent to it.",
    )


def ratios(m: Measurements) -> Table:
    names = ("ours", "ours + both withdraw", "signed", "signed + both withdraw")
    return Table(
        "trades_ratios",
        "Whole trades, as shares of the rebuilt contract's gas",
        (
            "bids",
            *(f"{name} / new pairs" for name in names),
            *(f"{name} / same pairs" for name in names),
        ),
        tuple(
            (
                str(trade.bids),
                *(
                    ratio(ours, paper)
                    for paper in (trade.paper_known, trade.paper_again)
                    for ours in (
                        trade.ours,
                        trade.ours_and_both,
                        trade.ours_signed,
                        trade.signed_and_both,
                    )
                ),
            )
            for trade in m.trades
        ),
    )
