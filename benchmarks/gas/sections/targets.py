"""What was to be reached, and whether it is."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from benchmarks.gas import published
from benchmarks.gas.scenarios import TRADE, trade_gas
from benchmarks.gas.sections.floors import BUYS, floors
from benchmarks.gas.tables import Table, ratio

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Measurements
    from benchmarks.gas.tables import Cell

TO_PUBLISHED = Decimal("0.41")
SIGNED_TO_PUBLISHED = Decimal("0.335")
TO_REBUILT = Decimal("0.45")
SIGNED_TO_ONE_BID = Decimal("1.15")
CREATION_TO_PUBLISHED = Decimal("1.41")
TO_FLOOR = Decimal("1.12")


def table(m: Measurements) -> Table:
    ours, new, same = (trade_gas(calls) for calls in (m.steady, m.paper.known, m.paper.again))
    least = floors(m)
    one, many = m.trades[0], m.trades[-1]
    two = next(trade for trade in m.trades if trade.bids == 2)  # noqa: PLR2004
    at_least = sum(least[label] for label in TRADE)
    rows = [
        row("A trade with two bids / published", TO_PUBLISHED, ours, published.trade()),
        row("A trade with two bids / rebuilt, new pair", TO_REBUILT, ours, new),
        row("A trade with two bids / rebuilt, same pair", TO_REBUILT, ours, same, at_least),
        row(
            "The same, bids signed / published",
            SIGNED_TO_PUBLISHED,
            two.ours_signed,
            published.trade(),
        ),
        row(
            "Everybody's first trade / the same, rebuilt",
            TO_REBUILT,
            trade_gas(m.first),
            trade_gas(m.paper.first),
        ),
        row(
            f"An auction with {many.bids} signed bids / with one bid on the chain",
            SIGNED_TO_ONE_BID,
            many.ours_signed,
            one.ours,
        ),
        row(
            "Creation / published", CREATION_TO_PUBLISHED, m.creation, published.TABLE_II["create"]
        ),
        _every_function(m, least),
    ]
    return Table(
        "targets",
        "In short",
        ("what", "at most", "measured", "met?"),
        tuple(rows),
        before="Gas of the one divided by gas of the other. What is out of reach of the same pair, "
        "and why, is told [below](#the-same-pair-again-what-two-bids-cost-at-least).",
        after=f"Creation takes {m.creation:,} gas for {m.size:,} bytes of code; the rebuilt "
        f"contract, which has eight functions, {m.paper.creation:,} for {m.paper_size:,} with the "
        "same compiler. The difference buys what the paper does not have: balances that no "
        "receiver can block, signed bids and receipts, settlement by the provider, partial "
        "payment, cancellation, forfeit and expiry, bids bound to their terms, keys for one "
        "session, and errors that say what was wrong.",
    )


def row(
    what: str, limit: Decimal, gas: int, base: int, floor: int | None = None
) -> tuple[Cell, ...]:
    """A target for `gas` in parts of `base`; `floor` is the least that `gas` could be."""
    measured = Decimal(gas) / base
    verdict = "met" if measured <= limit else "missed"
    if measured > limit and floor is not None and Decimal(floor) / base > limit:
        verdict = f"missed: the floor alone is {ratio(floor, base)}"
    return what, str(limit), ratio(gas, base), verdict


def _every_function(m: Measurements, least: dict[str, int]) -> tuple[Cell, ...]:
    ratios = {label: Decimal(call.gas) / least[label] for label, call in m.steady.items()}
    above = [label for label, over in ratios.items() if over > TO_FLOOR]
    verdict = "met"
    if unexplained := [label for label in above if label not in BUYS]:
        verdict = "missed: " + ", ".join(unexplained)
    elif above:
        verdict = "met; explained: " + ", ".join(above)
    measured = max(ratios.values()).quantize(Decimal("0.001"))
    return "Every function / its floor", f"{TO_FLOOR}, or explained", measured, verdict
