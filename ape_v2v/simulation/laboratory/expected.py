"""What auctions come to exactly, for the steps in which they are played.

The closed formulas in `ape_v2v.simulation.theory` are of prices that move without steps, and some
of means alone. Here are whole distributions: what a mean of auctions may be off by is known then.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ape_v2v.simulation import theory
from ape_v2v.simulation.theory import Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PANELS = 2_000
_LOWEST = 1e-10
"""Where a ladder of shares ends."""


class End(NamedTuple):
    """How a war of underbidding may end."""

    place: int
    """The step of the ladder at which it ends; the first bid stands on step 0."""
    limit: int
    """The step at which the last rival goes out."""
    probability: float
    alone: bool
    """Whether the winner could have gone on below the step at which the rival goes out."""


def moments(outcomes: Iterable[tuple[float, float]]) -> Moments:
    """Of values, each with its probability."""
    known = list(outcomes)
    total = math.fsum(weight for _, weight in known)
    mean = math.fsum(value * weight for value, weight in known) / total
    second, fourth = (
        math.fsum((value - mean) ** power * weight for value, weight in known) / total
        for power in (2, 4)
    )
    return Moments(mean, second, fourth / second**2 if second else 1.0)


def sealed(n: int, bid: Callable[[float], float | None], included: float = 1.0) -> Moments:
    """The price where each bids once, and the lowest bid that got into its block wins.

    Args:
        n: How many there are.
        bid: What one with this cost bids; None: nothing.
        included: The probability that a bid gets in.
    """
    return moments(_lowest_bids(n, bid, included))


def _lowest_bids(
    n: int, bid: Callable[[float], float | None], included: float
) -> Iterator[tuple[float, float]]:
    """In panels of equal probability; that nobody below c got in is (1 - included * c)^n."""
    nobody = (1 - included) ** n
    for panel in range(_PANELS):
        left = 1 - (1 - nobody) * (panel + 0.5) / _PANELS
        cost = (1 - left ** (1 / n)) / included
        yield bid(cost) or 0.0, (1 - nobody) / _PANELS
    yield 0.0, nobody


def ladder(n: int, mass: Sequence[float], gone: int = 0) -> Iterator[End]:
    """Every end of a war in which each underbids by one step, and whoever is first leads.

    As long as two can go on they are alike, so each of those who reach the last common step is as
    likely to stand on it.

    Args:
        n: How many there are.
        mass: From the top: the probability that one goes no further than this step.
        gone: How many of the cheapest have sold already, and stay away.
    """
    below, above = 1.0, 0.0
    for place, here in enumerate(mass):
        below = max(0.0, below - here)
        for low in range(gone + 2):
            for within in range(max(1, gone + 2 - low), n - low + 1):
                ways = math.comb(n, low) * math.comb(n - low, within)
                probability = ways * below**low * here**within * above ** (n - low - within)
                if low <= gone:
                    yield End(place, place, probability, alone=False)
                else:
                    stands = 1 / (within + 1)
                    yield End(place, place, probability * stands, alone=True)
                    yield End(place + 1, place, probability * (1 - stands), alone=True)
        above += here


def open_price(n: int, steps: int) -> Moments:
    """The price of an open auction in steps."""
    return moments((1 - end.place / steps, end.probability) for end in ladder(n, _alike(steps)))


def winners_profit(n: int, steps: int) -> Moments:
    """What the winner of an open auction earns."""

    def outcomes() -> Iterator[tuple[float, float]]:
        for end in ladder(n, _alike(steps)):
            if not end.alone:
                yield 0.0, end.probability
                continue
            cheaper = range(end.limit + 1, steps)
            for cost in cheaper:
                yield (cost - end.place) / steps, end.probability / len(cheaper)

    return moments(outcomes())


def sequential_price(n: int, auctions: int, stage: int, steps: int) -> Moments:
    """The price at a stage of several auctions, where each can sell once."""
    mass = [0.0] * steps
    for cost in range(1, steps + 1):
        share = theory.sequential_drop_out(cost / steps, n, auctions, stage)
        mass[steps - math.ceil(share * steps)] += 1 / steps
    ends = ladder(n, mass, stage - 1)
    return moments((1 - end.place / steps, end.probability) for end in ends)


def decrement_price(n: int, decrement: float) -> Moments:
    """The price where a step is a share of what stands."""
    ends = ladder(n, _shares(decrement))
    return moments(((1 - decrement) ** end.place, end.probability) for end in ends)


def decrement_bids(n: int, decrement: float) -> Moments:
    """How many bids that takes."""
    return moments((end.place + 1, end.probability) for end in ladder(n, _shares(decrement)))


def _alike(steps: int) -> list[float]:
    return [1 / steps] * steps


def _shares(decrement: float) -> list[float]:
    count = math.ceil(math.log(_LOWEST) / math.log(1 - decrement))
    return [decrement * (1 - decrement) ** place for place in range(count)]
