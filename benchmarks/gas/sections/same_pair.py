"""What a trade with two bids consists of, and what that says of EVs that trade again."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from benchmarks.gas import published
from benchmarks.gas.floor import FLOORS, TIGHTEST
from benchmarks.gas.prices import TODAY
from benchmarks.gas.scenarios import TRADE, trade_gas
from benchmarks.gas.sections.targets import TO_REBUILT
from benchmarks.gas.tables import Table

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Measurements
    from benchmarks.gas.tables import Cell

_PARTS = (
    "transaction",
    "calldata",
    "slots that change",
    "slots that are asked",
    "events",
)
"""Of a trade's floor: it needs no signature and makes no payment."""


def parts(m: Measurements) -> dict[str, list[int]]:
    """What the floor consists of, and for each part the gas in every call of a trade."""
    each = [FLOORS[label].parts(TODAY, m.steady[label].data) for label in TRADE]
    return {part: [one[part] for one in each] for part in _PARTS}


def table(m: Measurements) -> Table:
    consists = parts(m)
    floor = [sum(column) for column in zip(*consists.values(), strict=True)]
    tightest = [TIGHTEST[label].floor(TODAY, m.steady[label].data) for label in TRADE]
    rows: list[tuple[Cell, ...]] = [(name, *gas, sum(gas)) for name, gas in consists.items()]
    rows += [
        ("floor", *floor, sum(floor)),
        ("floor, were auction and consumer one slot", *tightest, sum(tightest)),
        ("ours", *(m.steady[label].gas for label in TRADE), trade_gas(m.steady)),
    ]
    return Table(
        "trade_floor",
        "The same pair again: what two bids cost at least",
        ("gas", *TRADE, "the trade"),
        tuple(rows),
        before=_like_with_like(m),
        after=_out_of_reach(m, sum(floor), sum(tightest)),
    )


def _like_with_like(m: Measurements) -> str:
    new, same = trade_gas(m.paper.known), trade_gas(m.paper.again)
    own = trade_gas(m.steady)
    # Each of the two bids is of a new pair or not; the two make all of the difference.
    share = (own / TO_REBUILT - same) / (new - same)
    percent = (100 * min(max(share, Decimal(0)), Decimal(1))).quantize(Decimal(1), ROUND_CEILING)
    bid = published.TABLE_II["PlaceBid"]
    return (
        "What is the steady state of the paper's design? It keeps a record for each pair of a "
        "consumer and a provider that has ever bid to it. In Table II a bid pays for a new record: "
        f"{bid:,} gas are seven new slots at 20,000. So a trade of EVs that know the market and "
        f"not each other, {new:,} rebuilt, is what compares with the published trade, and there "
        f"ours is {Decimal(own) / new:.3f} of it. Where the same few EVs trade with one another "
        f"again and again, the records are in place, and the rebuilt trade takes {same:,}. Ours "
        f"takes {own:,} either way: at most {TO_REBUILT} of the rebuilt gas as long as at least "
        f"{percent} % of the bids are the provider's first to that consumer."
    )


def _out_of_reach(m: Measurements, floor: int, tightest: int) -> str:
    same = trade_gas(m.paper.again)
    allowed = int(TO_REBUILT * same)
    signed = next(trade.ours_signed for trade in m.trades if trade.bids == 2)  # noqa: PLR2004
    text = f"{TO_REBUILT} of the rebuilt {same:,} would be {allowed:,}. "
    if tightest > allowed:
        text += (
            "The floor is above that, before anything is computed. It would be even if a design "
            "could hold an auction and its consumer's account in one slot instead of three, which "
            "their fields do not fit. So no market that does what the specification says, with "
            "every bid a transaction, reaches the target beside a pair that trades again. "
        )
    elif floor > allowed:
        text += "The floor of the specified storage is above that. "
    return (
        f"{text}With signed bids, of which only the best is sent, the same trade takes "
        f"{signed:,}: {Decimal(signed) / same:.3f} of it."
    )
