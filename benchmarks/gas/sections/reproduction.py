"""How near the rebuilt contract comes to the paper's Table II, at the prices of 2020."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gas import published
from benchmarks.gas.ganache import HARDFORK
from benchmarks.gas.tables import Table

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Reproduction
    from benchmarks.gas.scenarios import PaperCalls
    from benchmarks.gas.tables import Cell

_REMARKS = {
    "create": "Without the optimizer the size fits: Truffle's default. The paper has functions "
    "that it does not show.",
    "addEV": "Any EV but the first. The string in the event is paid by the byte.",
    "removeEV": "From the middle of the list; the last one costs less.",
    "StartAuction": "A consumer's first.",
    "PlaceBid": "A first bid of EVs that have never traded.",
    "EndAuction": "A later auction of the consumer: the first stores its token in a new slot.",
    "EndConnection": "Two payments of ether alone are 14,800 gas on top of 21,000. The published "
    "figure has room for one: below, nothing remains for the consumer.",
    "EndConnection, nothing remains": "The reading of the published figure: one payment, refunds "
    "up to the cap of one half. What is left over are slots that the paper may have packed: seven "
    "are read, at 800 gas.",
    "changeStatus": "",
    "a trade with two bids": "All of it for the first time, except `EndAuction`.",
}


def table(reproduction: Reproduction) -> Table:
    without, optimized = _figures(reproduction.plain), _figures(reproduction.optimized)
    rows: list[tuple[Cell, ...]] = [
        _row(name, published.TABLE_II[name.partition(",")[0]], gas, optimized[name])
        for name, gas in without.items()
    ]
    trade = (
        sum(figures[name] for name in published.TRADE)
        for figures in (published.TABLE_II, without, optimized)
    )
    rows.append(_row("a trade with two bids", *trade))
    return Table(
        "reproduction",
        "Is the rebuilt contract the paper's?",
        ("function", "published", "rebuilt", "rebuilt, optimized", "nearest, %", "remark"),
        tuple(rows),
        before="The rebuilt contract on Ganache with the price list of May 2020 (hardfork "
        f"{HARDFORK}), beside Table II. The paper says neither which compiler nor which settings, "
        "and not in which situation a function was measured.",
        after="What the paper does not say is read in "
        "[PaperMarket.sol](../contracts/benchmarks/PaperMarket.sol) as its gas suggests; each such "
        "reading is marked there.",
    )


def _figures(calls: PaperCalls) -> dict[str, int]:
    return {
        "create": calls.creation,
        "addEV": calls.admin["addEV"].gas,
        "removeEV": calls.admin["removeEV"].gas,
        "StartAuction": calls.first["startAuction"].gas,
        "PlaceBid": calls.first["placeBid, first"].gas,
        "EndAuction": calls.again["endAuction"].gas,
        "EndConnection": calls.first["endConnection"].gas,
        "EndConnection, nothing remains": calls.exact["endConnection"].gas,
        "changeStatus": calls.admin["changeStatus"].gas,
    }


def _row(name: str, target: int, plain: int, optimized: int) -> tuple[Cell, ...]:
    nearest = min((plain, optimized), key=lambda gas: abs(gas - target))
    percent = f"{100 * (nearest - target) / target:+.1f}"
    return name, target, plain, optimized, percent, _REMARKS[name]
