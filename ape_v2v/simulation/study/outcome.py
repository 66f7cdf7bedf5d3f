"""What a study has come to: its variants, their figures, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation.study import output
from ape_v2v.simulation.study.metrics import Metrics
from ape_v2v.simulation.study.statistics import Estimate, difference, estimate

if TYPE_CHECKING:
    from ape_v2v.simulation.result import RunResult
    from ape_v2v.simulation.study.output import Table

METRICS = tuple(one.name for one in fields(Metrics))


@dataclass(frozen=True)
class Variant:
    """A scenario of a study, and what came of it."""

    label: str
    """What sets it apart; empty where there is one alone."""
    results: list[RunResult]
    metrics: list[Metrics]
    settings: dict[str, Any] = field(default_factory=dict)
    """What a sweep has set, by the last part of its name."""

    def values(self, name: str) -> list[float]:
        """A metric, run by run."""
        return [float(getattr(one, name)) for one in self.metrics]

    def estimate(self, name: str) -> Estimate:
        """Its mean."""
        return estimate(self.values(name))


@dataclass(frozen=True)
class StudyOutcome:
    """What a study has come to."""

    variants: list[Variant]

    def summary(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """Names of columns, and rows: a metric, and its mean in each variant."""
        rows = [
            (name, *(str(variant.estimate(name)) for variant in self.variants)) for name in METRICS
        ]
        return ["metric", *(variant.label for variant in self.variants)], rows

    def paired(self, name: str) -> list[Estimate]:
        """By how much each further variant differs from the first, for the same comers."""
        first, *others = self.variants
        return [difference(first.values(name), other.values(name)) for other in others]

    def tables(self, variant: Variant) -> list[Table]:
        """The tables of one."""
        return output.tables(variant.results, variant.metrics)

    def as_json(self, folder: str) -> dict[str, Any]:
        """For programs."""
        return {
            "folder": folder,
            "variants": [
                {
                    "label": variant.label,
                    "digest": output.digest(self.tables(variant)),
                    "metrics": {name: variant.estimate(name).mean for name in METRICS},
                }
                for variant in self.variants
            ],
        }
