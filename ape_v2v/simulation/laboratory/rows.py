"""What was measured beside what theory says, and whether the difference can be chance.

How far chance takes a mean is theory's to say, not the sample's: where a rare outcome counts much,
a sample without it looks surer than it is. Of 20 auctions in which a bid of two may miss its block,
one in seven samples has no auction without a trade, and then a standard error a third too small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.simulation.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.simulation.theory import Moments

LIMIT = 4.0
"""Standard errors from theory at which something is wrong."""
_ALIKE = 1e-9


@dataclass(frozen=True)
class Row:
    """Something that theory says, and what was measured."""

    case: str
    n: int
    quantity: str
    theory: float
    """By the closed formula, for prices without steps."""
    expected: float
    """Exactly, for the steps in which it was played."""
    measured: float
    z: float
    """How many standard errors measured and expected are apart."""
    auctions: int

    @property
    def holds(self) -> bool:
        """Whether that can be chance."""
        return abs(self.z) < LIMIT


def mean(
    label: tuple[str, int, str], formula: float, expected: Moments, values: Sequence[float]
) -> Row:
    """A mean, and how far theory says that chance takes it."""
    count = len(values)
    found = math.fsum(values) / count
    z = _apart(found - expected.mean, math.sqrt(expected.variance / count))
    return Row(*label, formula, expected.mean, found, z, count)


def variance(
    label: tuple[str, int, str], formula: float, expected: Moments, values: Sequence[float]
) -> Row:
    """A variance, around the mean that theory says."""
    count = len(values)
    found = math.fsum((value - expected.mean) ** 2 for value in values) / count
    error = expected.variance * math.sqrt((expected.kurtosis - 1) / count)
    z = _apart(found - expected.variance, error)
    return Row(*label, formula, expected.variance, found, z, count)


def share(label: tuple[str, int, str], expected: float, happened: Sequence[float]) -> Row:
    """How often something happened; its z is as likely as its count, by the binomial distribution.

    Raises:
        SimulationError: scipy is not installed.
    """
    try:
        from scipy import stats  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SimulationError(
            f"the check against theory needs scipy ({error}): install the extra, `pip install "
            "'ape-v2v[simulation]'`"
        ) from error
    count, times = len(happened), round(math.fsum(happened))
    chance = stats.binom(count, expected)
    half = chance.pmf(times) / 2  # of what is as far, half: so that both sides make one
    more = times >= count * expected
    tail = (chance.sf(times) if more else chance.cdf(times - 1)) + half
    z = float(stats.norm.isf(min(tail, 0.5))) * (1 if more else -1)
    return Row(*label, expected, expected, times / count, z, count)


def _apart(difference: float, error: float) -> float:
    if not error:
        return 0.0 if abs(difference) < _ALIKE else math.inf
    return difference / error
