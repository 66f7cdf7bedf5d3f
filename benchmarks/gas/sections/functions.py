"""Every function: published, rebuilt, ours, and the floor, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gas import published
from benchmarks.gas.scenarios import (
    ADMIN,
    SCENES,
    TRADE,
    trade_gas,
)
from benchmarks.gas.sections.floors import floors
from benchmarks.gas.tables import Table, ratio

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Measurements
    from benchmarks.gas.tables import Cell

_COLUMNS = (
    "function",
    "paper, published",
    "rebuilt, first trade",
    "rebuilt, new pair",
    "rebuilt, same pair",
    "ours, first trade",
    "ours",
    "ours / published",
    "ours / rebuilt (new pair)",
    "ours / rebuilt (same pair)",
    "floor",
    "ours / floor",
)
_BEFORE = """\
Gas of the whole transaction. *Rebuilt* is the paper's design, compiled and run like ours. *First
trade*: nobody has traded before. *New pair*: all have traded, but not with one another, the usual
case where there are many EVs. *Same pair*: the same EVs trade again, and all of the paper's records
exist already. *Ours* is for users who have traded before, with anybody, and have money in the
market; their first trade brings the money along. The floor is explained
[below](#how-near-to-the-floor). Where the paper's columns are empty, it has no such function."""
_AFTER = """\
The published column has the prices of 2020. The paper's contract stores a record for each pair of
consumer and provider, ours one slot for each EV: so new pairs cost nothing extra here."""


def table(m: Measurements) -> Table:
    least = floors(m)
    rows = [
        _row(
            "create",
            m.creation,
            paper=published.TABLE_II["create"],
            rebuilt=(m.paper.creation,),
        )
    ]
    for label in SCENES:
        rebuilt: tuple[int, ...] = ()
        if label in ADMIN:
            rebuilt = (m.paper.admin[label].gas,)
        elif label in TRADE:
            rebuilt = tuple(calls[label].gas for calls in m.paper.trades)
        name = published.COUNTERPARTS.get(label)
        rows.append(
            _row(
                label,
                m.steady[label].gas,
                paper=published.TABLE_II[name] if name else None,
                rebuilt=rebuilt,
                first=m.first[label].gas,
                floor=least[label],
            )
        )
    rows.append(
        _row(
            "a trade with two bids",
            trade_gas(m.steady),
            paper=published.trade(),
            rebuilt=tuple(trade_gas(calls) for calls in m.paper.trades),
            first=trade_gas(m.first),
            floor=sum(least[label] for label in TRADE),
        )
    )
    return Table(
        "functions",
        "Function by function, today",
        _COLUMNS,
        tuple(rows),
        before=_BEFORE,
        after=_AFTER,
    )


def _row(
    label: str,
    own: int,
    *,
    paper: int | None,
    rebuilt: tuple[int, ...],
    first: int | None = None,
    floor: int | None = None,
) -> tuple[Cell, ...]:
    """A row; `rebuilt` has no figure, one, or those of the first trade, a new and the same pair."""
    once, known, again = (*rebuilt, None, None, None)[:3]
    ratios = ratio(own, paper), ratio(own, known or once), ratio(own, again)
    return label, paper, once, known, again, first, own, *ratios, floor, ratio(own, floor)
