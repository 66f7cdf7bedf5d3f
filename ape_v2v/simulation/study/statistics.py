"""Means of several runs, how sure they are, and differences between runs of the same comers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Two-sided 95 % points of Student's t, by degrees of freedom.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
      2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
      2.052, 2.048, 2.045, 2.042)  # fmt: skip
_NORMAL = 1.960


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval."""

    mean: float
    half: float
    """Half of the interval; infinite where one value tells nothing of it."""

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half

    def __str__(self) -> str:
        sure = f" ± {self.half:.3g}" if math.isfinite(self.half) else ""
        return f"{self.mean:.4g}{sure}"


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of values, and how sure it is."""
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return Estimate(mean, math.inf)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    point = _T[count - 2] if count - 2 < len(_T) else _NORMAL
    return Estimate(mean, point * math.sqrt(variance / count))


def difference(one: Sequence[float], other: Sequence[float]) -> Estimate:
    """By how much the second is larger, run by run: the same vehicles came."""
    return estimate([second - first for first, second in zip(one, other, strict=True)])
