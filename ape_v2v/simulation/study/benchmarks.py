"""What a run is measured by: the best that could be, and what simple rules come to.

All in welfare: what energy is worth to who gets it, less what it costs who gives it, in smallest
units of the market's currency, without gas. "No market" is 0: everybody charges in public, as the
value says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation.errors import SimulationError
from ape_v2v.simulation.streams import Stream
from ape_v2v.simulation.vehicles.population import HOUR, charging_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.simulation.result import RunResult
    from ape_v2v.simulation.scenario.model import Scenario
    from ape_v2v.simulation.vehicles.population import Visit

_LARGEST_EXACT = 4_000_000
"""Pairs above which the linear program would take minutes."""
_UNLUCKY = 100
"""Blocks that a transaction may wait, where not every block takes what it could."""


@dataclass(frozen=True)
class Matching:
    """What a way of matching comes to."""

    welfare: float
    trades: int


@dataclass(frozen=True)
class Benchmarks:
    """Beside a run: no market is 0."""

    optimum: int
    """The most that could be gained by who knows everything in advance; an upper bound."""
    greedy: int
    """By serving each consumer as it comes from the cheapest that can."""
    random: int
    """The same, from any that can and does not lose by it."""


def best_assignment(values: Sequence[float], costs: Sequence[float]) -> Matching:
    """The best matching of one with one: the most welfare, and in how many trades.

    Raises:
        SimulationError: scipy is not installed.
    """
    optimize, numpy = _scipy()
    gains = numpy.maximum(numpy.subtract.outer(values, costs), 0.0)
    rows, columns = optimize.linear_sum_assignment(gains, maximize=True)
    found = gains[rows, columns]
    return Matching(float(found.sum()), int((found > 0).sum()))


def compare(result: RunResult) -> Benchmarks:
    """What could have come of the visits of a run.

    Raises:
        SimulationError: scipy is not installed.
    """
    consumers = [one for one in result.visits if one.group.role == "consumer"]
    providers = [one for one in result.visits if one.group.role == "provider"]
    bidding, late = result.scenario.market.bidding_seconds, _late(result.scenario)
    pairs = [
        [at for at, provider in enumerate(providers) if _fit(consumer, provider, bidding, late)]
        for consumer in consumers
    ]
    stream = Stream(result.seed, result.scenario.name, result.replicate, "random matching")
    cheapest = _online(consumers, providers, pairs, None)
    anybody = _online(consumers, providers, pairs, stream)
    return Benchmarks(_optimum(consumers, providers, pairs), cheapest, anybody)


def _late(scenario: Scenario) -> int:
    """How long after a consumer a provider may come and still bid, at the most, seconds."""
    chain = scenario.chain
    waits = _UNLUCKY * chain.block_seconds if chain.inclusion_probability < 1 else 0
    out = sum(span.to_hour - span.from_hour for span in scenario.faults.outages)
    # Late bids move the close so far.
    return 2 * scenario.market.bidding_seconds + waits + round(out * HOUR)


def _fit(consumer: Visit, provider: Visit, bidding: int, late: int) -> bool:
    """Whether they could trade: same site, enough to spare, both there, and something to gain."""
    award = max(consumer.arrives + bidding, provider.arrives)
    over = award + charging_seconds(consumer.energy, provider.group.power_kw)
    return (
        consumer.group.site == provider.group.site
        and consumer.rate > provider.rate
        and consumer.energy <= provider.energy
        and provider.arrives < consumer.arrives + late
        and over <= provider.leaves
    )


def _optimum(
    consumers: Sequence[Visit], providers: Sequence[Visit], pairs: Sequence[Sequence[int]]
) -> int:
    """A linear program: a consumer may be served in parts, so it is no less than the best matching.

    Raises:
        SimulationError: scipy is not installed, or finds none.
    """
    edges = [(row, column) for row, columns in enumerate(pairs) for column in columns]
    if not edges:
        return 0
    if len(edges) > _LARGEST_EXACT:
        raise SimulationError(
            f"{len(edges)} pairs could trade: the best of them is sought up to {_LARGEST_EXACT}"
        )
    optimize, numpy = _scipy()
    from scipy import sparse  # noqa: PLC0415 - an extra

    gains = [
        (consumers[row].rate - providers[column].rate) * consumers[row].energy
        for row, column in edges
    ]
    scale = max(gains)
    rows = numpy.array([row for row, _ in edges])
    columns = numpy.array([column for _, column in edges])
    energies = numpy.array([consumers[row].energy for row, _ in edges], dtype=float)
    at = numpy.arange(len(edges))
    once = sparse.csr_matrix(
        (numpy.ones(len(edges)), (rows, at)), shape=(len(consumers), len(edges))
    )
    supply = sparse.csr_matrix((energies, (columns, at)), shape=(len(providers), len(edges)))
    limits = [1.0] * len(consumers) + [float(provider.energy) for provider in providers]
    found = optimize.linprog(
        [-gain / scale for gain in gains],
        A_ub=sparse.vstack([once, supply]),
        b_ub=limits,
        bounds=(0, 1),
        method="highs",
    )
    if not found.success:
        raise SimulationError(f"the best matching was not found: {found.message}")
    return round(-found.fun * scale)


def _online(
    consumers: Sequence[Visit],
    providers: Sequence[Visit],
    pairs: Sequence[Sequence[int]],
    stream: Stream | None,
) -> int:
    left = [provider.energy for provider in providers]
    welfare = 0
    for consumer, columns in zip(consumers, pairs, strict=True):
        able = [at for at in columns if left[at] >= consumer.energy]
        if not able:
            continue
        if stream is None:
            chosen = min(able, key=lambda at: providers[at].rate)
        else:
            chosen = able[stream.below(len(able))]
        left[chosen] -= consumer.energy
        welfare += (consumer.rate - providers[chosen].rate) * consumer.energy
    return welfare


def _scipy() -> tuple[Any, Any]:
    try:
        import numpy  # noqa: PLC0415 - an extra
        from scipy import optimize  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise SimulationError(
            f"the best matching needs scipy ({error}): install the extra, `pip install "
            "'ape-v2v[simulation]'`"
        ) from error
    return optimize, numpy
