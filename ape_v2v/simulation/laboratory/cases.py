"""The cases that theory knows: how each is played, what is measured, and what is expected."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ape_v2v.simulation import theory
from ape_v2v.simulation.errors import SimulationError
from ape_v2v.simulation.laboratory import expected, rows
from ape_v2v.simulation.laboratory.trial import COARSE, Trial, play
from ape_v2v.simulation.streams import Stream
from ape_v2v.simulation.study.parallel import each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape_v2v.simulation.laboratory.rows import Row
    from ape_v2v.simulation.laboratory.trial import Played
    from ape_v2v.simulation.theory import Moments

BIDDERS = (2, 5, 10)
_BATCH = 50
"""Auctions in one chain: a journal grows with everything that is asked of it."""
_MATCHINGS = 2_000
"""At least so many: of their spread theory says nothing, so it is the sample's."""
_STAGES = 2
_RESERVE, _INCLUDED, _ENTRY, _DECREMENT = 0.5, 0.7, 0.01, 0.05
_ALIKE = 1e-9

Values = dict[str, list[float]]


@dataclass(frozen=True)
class Case:
    """One of them."""

    name: str
    title: str
    setup: Callable[[int], Trial | None]
    """How it is played with so many bidders, if it can be."""
    measure: Callable[[int, Sequence[Played]], Values]
    """What is measured of auctions; it refuses those that are out of their bounds."""
    compare: Callable[[str, int, Values], list[Row]]


# What is measured


def _prices(_: int, played: Sequence[Played]) -> Values:
    return {
        "price": [one.price for one in played],
        "trades": [float(one.price > 0) for one in played],
        "no bid": [float(one.bids == 0) for one in played],
    }


def _open_values(n: int, played: Sequence[Played]) -> Values:
    step = 1 / COARSE
    for one in played:
        if not one.costs[1] - step <= one.price <= one.costs[1] + step:
            raise SimulationError(
                f"an open auction ended at {one.price}; the second-lowest cost is {one.costs[1]}"
            )
    return _prices(n, played) | {"winner's profit": [one.price - one.cost for one in played]}


def _decrement_values(n: int, played: Sequence[Played]) -> Values:
    for one in played:
        low, high = one.costs[1] * (1 - _DECREMENT), one.costs[1] / (1 - _DECREMENT)
        if not low - _ALIKE <= one.price <= high + _ALIKE:
            raise SimulationError(
                f"with a decrement of {_DECREMENT} the price is {one.price}, out of the bounds "
                f"around {one.costs[1]}"
            )
    return _prices(n, played) | {"bids": [float(one.bids) for one in played]}


def _stage_values(_: int, played: Sequence[Played]) -> Values:
    return {
        f"price at stage {stage + 1}": [one.price for one in played if one.stage == stage]
        for stage in range(_STAGES)
    }


# What it is compared with


def _open_rows(title: str, n: int, values: Values) -> list[Row]:
    prices, exact, formula = values["price"], expected.open_price(n, COARSE), theory.open_price(n)
    profit = "winner's profit"
    return [
        rows.mean((title, n, "price"), formula.mean, exact, prices),
        rows.variance((title, n, "variance"), formula.variance, exact, prices),
        rows.mean(
            (title, n, profit),
            theory.winners_profit(n),
            expected.winners_profit(n, COARSE),
            values[profit],
        ),
    ]


def _first_price_rows(title: str, n: int, values: Values) -> list[Row]:
    prices, exact, formula = values["price"], _of_bids(n), theory.first_price(n)
    return [
        rows.mean((title, n, "price"), formula.mean, exact, prices),
        rows.variance((title, n, "variance"), formula.variance, exact, prices),
    ]


def _reserve_rows(title: str, n: int, values: Values) -> list[Row]:
    exact, formula = _of_bids(n, reserve=_RESERVE), theory.reserve_price(n, _RESERVE)
    return [
        rows.share((title, n, "trades"), theory.trade_probability(n, _RESERVE), values["trades"]),
        rows.mean((title, n, "price"), formula, exact, values["price"]),
    ]


def _sniping_rows(title: str, n: int, values: Values) -> list[Row]:
    exact, formula = _of_bids(n, included=_INCLUDED), theory.sniping_price(n, _INCLUDED)
    chance = theory.sniping_trade_probability(n, _INCLUDED)
    return [
        rows.share((title, n, "trades"), chance, values["trades"]),
        rows.mean((title, n, "price"), formula, exact, values["price"]),
    ]


def _entry_rows(title: str, n: int, values: Values) -> list[Row]:
    exact, formula = _of_bids(n, entry=_ENTRY), theory.entry_price(n, _ENTRY)
    return [
        rows.share((title, n, "no bid"), _ENTRY, values["no bid"]),
        rows.mean((title, n, "price"), formula, exact, values["price"]),
    ]


def _decrement_rows(title: str, n: int, values: Values) -> list[Row]:
    price, bids = theory.decrement_price(n, _DECREMENT), theory.decrement_bids(n, _DECREMENT)
    return [
        rows.mean(
            (title, n, "price"), price, expected.decrement_price(n, _DECREMENT), values["price"]
        ),
        rows.mean((title, n, "bids"), bids, expected.decrement_bids(n, _DECREMENT), values["bids"]),
    ]


def _stage_rows(title: str, n: int, values: Values) -> list[Row]:
    formula = theory.sequential_price(n, _STAGES)
    return [
        rows.mean(
            (title, n, name), formula, expected.sequential_price(n, _STAGES, stage, COARSE), prices
        )
        for stage, (name, prices) in enumerate(values.items(), 1)
    ]


def _of_bids(n: int, *, included: float = 1.0, **settings: float) -> Moments:
    bid = partial(theory.first_price_bid, n=n, included=included, **settings)
    return expected.sealed(n, bid, included)


_CASES = (
    Case(
        "open",
        "open",
        lambda n: Trial(n, "truthful", steps=COARSE),
        _open_values,
        _open_rows,
    ),
    Case(
        "first price",
        "first price",
        lambda n: Trial(n, "first-price", {"rivals": n - 1}),
        _prices,
        _first_price_rows,
    ),
    Case(
        "reserve",
        f"reserve {_RESERVE}",
        lambda n: Trial(n, "first-price", {"rivals": n - 1, "costs_to": 2.0}, reserve=_RESERVE),
        _prices,
        _reserve_rows,
    ),
    Case(
        "sniping",
        f"sniping {_INCLUDED}",
        lambda n: Trial(
            n,
            "sealed-sniper",
            {"rivals": n - 1, "included": _INCLUDED, "seconds": 13},
            inclusion=_INCLUDED,
        ),
        _prices,
        _sniping_rows,
    ),
    Case(
        "entry",
        f"entry {_ENTRY}",
        lambda n: Trial(n, "first-price", {"rivals": n - 1, "entry": _ENTRY}),
        _prices,
        _entry_rows,
    ),
    Case(
        "decrement",
        f"decrement {_DECREMENT:.0%}",
        lambda n: Trial(n, "truthful", decrement_bps=round(_DECREMENT * 10_000)),
        _decrement_values,
        _decrement_rows,
    ),
    Case(
        "sequence",
        "two in sequence",
        lambda n: (
            Trial(
                n,
                "sequential",
                {"auctions": _STAGES, "rivals": n - 1},
                steps=COARSE,
                sequence=_STAGES,
            )
            if n > _STAGES
            else None
        ),
        _stage_values,
        _stage_rows,
    ),
)
_BY_NAME = {case.name: case for case in _CASES}
CASES = tuple(_BY_NAME)


def validate(
    auctions: int = 400,
    seed: int = 1,
    jobs: int = 1,
    cases: Sequence[str] = CASES,
    progress: Callable[[float], None] = lambda _: None,
) -> list[Row]:
    """Compare the contract with the theory.

    Args:
        auctions: How many for each case and number of bidders.
        seed: The root of all random numbers.
        jobs: How many processes play.
        cases: Which of `CASES`.
        progress: Told the share that is done.

    Raises:
        SimulationError: A single auction is out of its bounds, or wei are missing.
    """
    wanted = [
        (case, n)
        for case in _CASES
        if case.name in cases
        for n in BIDDERS
        if case.setup(n) is not None
    ]
    work = [
        (case.name, n, min(_BATCH, auctions - first), seed, batch)
        for case, n in wanted
        for batch, first in enumerate(range(0, auctions, _BATCH))
    ]
    found: dict[tuple[str, int], Values] = {}
    for done, (task, measured) in enumerate(each(_played, work, jobs), 1):
        known = found.setdefault(task[:2], {})
        for name, values in measured.items():
            known.setdefault(name, []).extend(values)
        progress(done / len(work))
    table = [row for case, n in wanted for row in case.compare(case.title, n, found[case.name, n])]
    return [*table, *_two_sided(max(auctions, _MATCHINGS), seed)]


def _played(task: tuple[str, int, int, int, int]) -> Values:
    name, n, auctions, seed, batch = task
    case = _BY_NAME[name]
    setup = case.setup(n)
    assert setup is not None
    return case.measure(n, play(setup, auctions, seed, batch))


def _two_sided(count: int, seed: int) -> list[Row]:
    """The best matching of many with many, which the benchmark finds."""
    from ape_v2v.simulation.study.benchmarks import best_assignment  # noqa: PLC0415 - needs scipy

    found = []
    for consumers, providers in ((3, 3), (5, 10)):
        stream = Stream(seed, "laboratory", "two-sided", consumers, providers)
        best = [
            best_assignment(
                [stream.uniform() for _ in range(consumers)],
                [stream.uniform() for _ in range(providers)],
            )
            for _ in range(count)
        ]
        case = f"{consumers} and {providers}"
        for name, formula, values in (
            ("best welfare", theory.best_welfare(consumers, providers), [b.welfare for b in best]),
            ("best trades", theory.best_trades(consumers, providers), [b.trades for b in best]),
        ):
            spread = expected.moments((float(value), 1.0) for value in values)
            sure = spread._replace(mean=formula)
            found.append(rows.mean((case, providers, name), formula, sure, values))
    return found
