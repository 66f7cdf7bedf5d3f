"""Random numbers that are the same everywhere: one stream for each purpose of each agent.

A stream is named by what it is for, never by who draws from it or when: so neither the order of
events nor the number of processes changes a number. Distributions are inverted here, for other
libraries may draw otherwise in their next version.
"""

from __future__ import annotations

import hashlib
import math
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NORMAL = NormalDist()
_SMALLEST = 2.0**-54


class Stream:
    """Uniform numbers, and what is made of them."""

    def __init__(self, *names: object) -> None:
        """Name a stream.

        Args:
            names: Whatever tells it from others, such as the root seed, an agent and a purpose.
        """
        text = "\0".join(map(str, names))
        self._random = Random(int.from_bytes(hashlib.sha256(text.encode()).digest()))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number from `low` up to `high`."""
        return low + (high - low) * self._random.random()

    def below(self, limit: int) -> int:
        """A whole number from 0 up to below `limit`."""
        return min(limit - 1, int(self.uniform() * limit))

    def chance(self, probability: float) -> bool:
        """Whether something happens that has this probability."""
        return self.uniform() < probability

    def exponential(self, mean: float) -> float:
        """A waiting time."""
        return -mean * math.log(1.0 - self.uniform())

    def lognormal(self, mu: float, sigma: float) -> float:
        """A number whose logarithm is normal."""
        return math.exp(mu + sigma * _NORMAL.inv_cdf(self.uniform(_SMALLEST, 1.0)))

    def quantile(self, quantiles: Sequence[float]) -> float:
        """A number between given ones that are equally likely to be passed: linear between them."""
        place = self.uniform() * (len(quantiles) - 1)
        at = min(int(place), len(quantiles) - 2)
        return quantiles[at] + (quantiles[at + 1] - quantiles[at]) * (place - at)

    def weighted(self, weights: Sequence[float]) -> int:
        """A place in a list of weights."""
        left = self.uniform() * sum(weights)
        for place, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return place
        return len(weights) - 1

    def shuffled(self, count: int) -> list[int]:
        """The numbers below `count` in some order."""
        order = list(range(count))
        for at in range(count - 1, 0, -1):
            other = self.below(at + 1)
            order[at], order[other] = order[other], order[at]
        return order
