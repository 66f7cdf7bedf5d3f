"""Auctions as theory has them, on the contract: one consumer, `n` providers, costs uniform.

table = validate(auctions=400)
assert all(row.holds for row in table)
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation import theory
from ape_v2v.simulation.errors import SimulationError
from ape_v2v.simulation.run import Simulation
from ape_v2v.simulation.scenario.model import (
    ChainSection,
    Drawn,
    MarketSection,
    Scenario,
    StrategyChoice,
    VehicleGroup,
)
from ape_v2v.simulation.streams import Stream
from ape_v2v.simulation.study.parallel import each
from ape_v2v.simulation.vehicles.population import HOUR, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BIDDERS = (2, 5, 10)
LIMIT = 4.0
"""Standard errors from theory at which something is wrong."""
_BATCH = 50
"""Auctions in one chain: a journal grows with everything that is asked of it."""
_SPACING = 4 * HOUR
_ENERGY = 1_000
_ALIKE = 1e-9
_STAGES = 2
_FINE, _COARSE = 10**12, 100
"""The highest cost, wei per Wh: who underbids by 1 wei needs a coarse one."""


@dataclass(frozen=True)
class Trial:
    """How a case is played."""

    n: int
    strategy: str
    settings: Mapping[str, float] = field(default_factory=dict)
    steps: int = _FINE
    """The highest cost in wei per Wh."""
    reserve: float = 1.0
    decrement_bps: int = 0
    sequence: int = 1
    """How many auctions the same providers face, of which each can serve one."""
    inclusion: float = 0.0
    """0: a block for each transaction, at once."""

    @property
    def scenario(self) -> Scenario:
        """Its scenario."""
        blocks = bool(self.inclusion)
        nothing = Drawn(uniform=(1, 1))
        common: dict[str, Any] = {
            "arrival_hours": nothing,
            "energy_kwh": nothing,
            "price_eur_kwh": nothing,
            "power_kw": 1_000.0,
        }
        rules = {"minDecrementBps": self.decrement_bps, "minPenalty": 1}
        if blocks:
            rules["extensionWindow"] = 0
        return Scenario(
            name="laboratory",
            market=MarketSection(
                parameters=dict(rules), bidding_seconds=1_200, settle_by="consumer"
            ),
            chain=ChainSection(
                block_seconds=12 if blocks else 0,
                latency_seconds=0.0 if blocks else 1.0,
                inclusion_probability=self.inclusion or 1.0,
                base_fee_gwei=0.0,
                tip_gwei=0.0,
            ),
            population=(
                VehicleGroup(name="consumer", count=1, role="consumer", **common),
                VehicleGroup(
                    name="provider",
                    count=self.n,
                    role="provider",
                    strategy=StrategyChoice(name=self.strategy, settings=dict(self.settings)),
                    **common,
                ),
            ),
        )


@dataclass(frozen=True)
class Played:
    """One auction."""

    costs: tuple[float, ...]
    """Of all providers, lowest first."""
    price: float
    """As a share of the highest cost; 0 without a trade."""
    cost: float
    """Of the winner."""
    bids: int
    stage: int


@dataclass(frozen=True)
class Row:
    """Something that theory says, and what was measured."""

    case: str
    n: int
    quantity: str
    expected: float
    measured: float
    error: float
    """Standard error of what was measured."""
    auctions: int

    @property
    def z(self) -> float:
        """How many standard errors apart."""
        apart = self.measured - self.expected
        if not self.error:
            return 0.0 if abs(apart) < _ALIKE else math.inf
        return apart / self.error

    @property
    def holds(self) -> bool:
        """Whether that can be chance."""
        return abs(self.z) < LIMIT


def play(setup: Trial, auctions: int, seed: int, batch: int = 0) -> list[Played]:
    """Play auctions on a chain of their own."""
    scenario = setup.scenario
    stream = Stream(seed, "laboratory", repr(astuple(setup)), batch)
    consumer, provider = scenario.population
    visits: list[Visit] = []
    drawn: list[list[float]] = []
    groups = -(-auctions // setup.sequence)
    for group in range(groups):
        costs = [stream.uniform() for _ in range(setup.n)]
        drawn.append(sorted(costs))
        first = group * setup.sequence * _SPACING
        last = first + setup.sequence * _SPACING - 60
        for number, cost in enumerate(costs, 1):
            rate = max(1, math.ceil(cost * setup.steps))
            visits.append(Visit(f"provider-{number}", provider, group, first, last, _ENERGY, rate))
        for stage in range(setup.sequence):
            start = first + stage * _SPACING + 60
            number = group * setup.sequence + stage
            rate = round(setup.reserve * setup.steps)
            end = start + _SPACING - 120
            visits.append(Visit("consumer-1", consumer, number, start, end, _ENERGY, rate))
    result = Simulation(scenario, seed, batch, comers=visits).run()
    if len(result.auctions) != groups * setup.sequence:
        raise SimulationError(
            f"{len(result.auctions)} auctions were started, not {groups * setup.sequence}"
        )
    played = []
    for number, row in enumerate(result.auctions[:auctions]):
        price = row.rate / setup.steps if row.rate and row.delivered else 0.0
        costs = drawn[number // setup.sequence]
        cost = row.cost / setup.steps
        played.append(Played(tuple(costs), price, cost, row.bids, number % setup.sequence))
    return played


def _open_rows(n: int, played: Sequence[Played]) -> list[Row]:
    step = 1 / _COARSE
    for one in played:
        if n > 1 and not one.costs[1] - step <= one.price <= one.costs[1] + step:
            raise SimulationError(
                f"an open auction ended at {one.price}; the second-lowest cost is {one.costs[1]}"
            )
    expected = theory.open_price(n)
    prices = [one.price for one in played]
    profits = [one.price - one.cost for one in played]
    return [
        *_moments("open", n, expected, prices),
        _mean("open", n, "winner's profit", theory.winners_profit(n), profits),
    ]


def _first_price_rows(n: int, played: Sequence[Played]) -> list[Row]:
    return _moments("first price", n, theory.first_price(n), [one.price for one in played])


_RESERVE, _INCLUDED, _ENTRY, _DECREMENT = 0.5, 0.7, 0.01, 0.05


def _reserve_rows(n: int, played: Sequence[Played]) -> list[Row]:
    traded = [one.price > 0 for one in played]
    return [
        _share("reserve 0.5", n, "trades", theory.trade_probability(n, _RESERVE), traded),
        _mean(
            "reserve 0.5", n, "price", theory.reserve_price(n, _RESERVE), [p.price for p in played]
        ),
    ]


def _sniping_rows(n: int, played: Sequence[Played]) -> list[Row]:
    traded = [one.price > 0 for one in played]
    prices = [one.price for one in played]
    return [
        _share("sniping 0.7", n, "trades", theory.sniping_trade_probability(n, _INCLUDED), traded),
        _mean("sniping 0.7", n, "price", theory.sniping_price(n, _INCLUDED), prices),
    ]


def _entry_rows(n: int, played: Sequence[Played]) -> list[Row]:
    nobody = [one.bids == 0 for one in played]
    prices = [one.price for one in played]
    return [
        _share("entry 0.01", n, "no bid", _ENTRY, nobody),
        _mean("entry 0.01", n, "price", theory.entry_price(n, _ENTRY), prices),
    ]


def _decrement_rows(n: int, played: Sequence[Played]) -> list[Row]:
    for one in played:
        second = one.costs[1]
        if (
            not second * (1 - _DECREMENT) - _ALIKE
            <= one.price
            <= second / (1 - _DECREMENT) + _ALIKE
        ):
            raise SimulationError(
                f"with a decrement of {_DECREMENT} the price is {one.price}, out of the bounds "
                f"around {second}"
            )
    return [
        _mean(
            "decrement 5 %",
            n,
            "price",
            theory.decrement_price(n, _DECREMENT),
            [one.price for one in played],
        ),
        _mean(
            "decrement 5 %",
            n,
            "bids",
            theory.decrement_bids(n, _DECREMENT),
            [float(one.bids) for one in played],
        ),
    ]


def _sequential_rows(n: int, played: Sequence[Played]) -> list[Row]:
    expected = theory.sequential_price(n, _STAGES)
    return [
        _mean(
            "two in sequence",
            n,
            f"price at stage {stage + 1}",
            expected,
            [one.price for one in played if one.stage == stage],
        )
        for stage in range(_STAGES)
    ]


_CASES: list[tuple[str, Callable[[int], Trial | None], Callable[..., list[Row]]]] = [
    ("open", lambda n: Trial(n, "truthful", steps=_COARSE), _open_rows),
    ("first price", lambda n: Trial(n, "first-price", {"rivals": n - 1}), _first_price_rows),
    (
        "reserve",
        lambda n: Trial(n, "first-price", {"rivals": n - 1, "costs_to": 2.0}, reserve=_RESERVE),
        _reserve_rows,
    ),
    (
        "sniping",
        lambda n: Trial(
            n,
            "sealed-sniper",
            {"rivals": n - 1, "included": _INCLUDED, "seconds": 13},
            inclusion=_INCLUDED,
        ),
        _sniping_rows,
    ),
    (
        "entry",
        lambda n: Trial(n, "first-price", {"rivals": n - 1, "entry": _ENTRY}),
        _entry_rows,
    ),
    ("decrement", lambda n: Trial(n, "truthful", decrement_bps=500), _decrement_rows),
    (
        "sequence",
        lambda n: (
            Trial(n, "sequential", {"auctions": 2, "rivals": n - 1}, steps=_COARSE, sequence=2)
            if n > _STAGES
            else None
        ),
        _sequential_rows,
    ),
]
CASES = tuple(name for name, *_ in _CASES)


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
        (name, n, setup, rows)
        for name, make, rows in _CASES
        if name in cases
        for n in BIDDERS
        if (setup := make(n)) is not None
    ]
    work = [
        (setup, min(_BATCH, auctions - first), seed, batch)
        for _, _, setup, _ in wanted
        for batch, first in enumerate(range(0, auctions, _BATCH))
    ]
    played: dict[str, list[Played]] = {}
    for done, (task, outcome) in enumerate(each(_play, work, jobs), 1):
        played.setdefault(repr(task[0]), []).extend(outcome)
        progress(done / len(work))
    table = [row for _, n, setup, rows in wanted for row in rows(n, played[repr(setup)])]
    return [*table, *_two_sided(auctions, seed)]


def _play(task: tuple[Trial, int, int, int]) -> list[Played]:
    return play(*task)


def _two_sided(auctions: int, seed: int) -> list[Row]:
    """The best matching of many with many, which the benchmark finds."""
    from ape_v2v.simulation.study.benchmarks import best_assignment  # noqa: PLC0415 - needs scipy

    rows = []
    for consumers, providers in ((3, 3), (5, 10)):
        stream = Stream(seed, "laboratory", "two-sided", consumers, providers)
        found = []
        for _ in range(auctions):
            values = [stream.uniform() for _ in range(consumers)]
            costs = [stream.uniform() for _ in range(providers)]
            found.append(best_assignment(values, costs))
        welfare = theory.best_welfare(consumers, providers)
        trades = theory.best_trades(consumers, providers)
        case = f"{consumers} and {providers}"
        rows += [
            _mean(case, providers, "best welfare", welfare, [best.welfare for best in found]),
            _mean(case, providers, "best trades", trades, [float(best.trades) for best in found]),
        ]
    return rows


def _mean(case: str, n: int, quantity: str, expected: float, values: Sequence[float]) -> Row:
    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / max(1, count - 1)
    return Row(case, n, quantity, expected, mean, math.sqrt(variance / count), count)


def _share(case: str, n: int, quantity: str, expected: float, happened: Sequence[bool]) -> Row:
    count = len(happened)
    error = math.sqrt(expected * (1 - expected) / count)
    return Row(case, n, quantity, expected, sum(happened) / count, error, count)


def _moments(case: str, n: int, expected: theory.Moments, prices: Sequence[float]) -> list[Row]:
    """Mean and variance of the price; how far chance takes them is theory's to say too.

    From a few prices their fourth moment cannot be told.
    """
    count = len(prices)
    mean = math.fsum(prices) / count
    variance = math.fsum((price - mean) ** 2 for price in prices) / max(1, count - 1)
    of_mean = math.sqrt(expected.variance / count)
    of_variance = expected.variance * math.sqrt((expected.kurtosis - 1) / count)
    return [
        Row(case, n, "price", expected.mean, mean, of_mean, count),
        Row(case, n, "variance", expected.variance, variance, of_variance, count),
    ]
