"""A study: one scenario, or several that are compared, each run so often; and what it writes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Self

from ape_v2v.simulation.errors import ScenarioError
from ape_v2v.simulation.scenario.reading import changed
from ape_v2v.simulation.study import output
from ape_v2v.simulation.study.metrics import measure
from ape_v2v.simulation.study.outcome import StudyOutcome, Variant
from ape_v2v.simulation.study.report import report
from ape_v2v.simulation.study.runner import run_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ape_v2v.simulation.scenario.model import Scenario

_MOST = 1_000
"""Variants of a sweep."""


def write(outcome: StudyOutcome, folder: Path) -> None:
    """Write tables, manifests, plots and the report.

    Raises:
        SimulationError: A package of the extra is missing.
        OSError: The folder cannot be written.
    """
    for variant in outcome.variants:
        output.write(folder / variant.label, variant.results, outcome.tables(variant))
    report(outcome, folder)


class Study:
    """What is to be run."""

    def __init__(
        self,
        scenarios: Sequence[tuple[str, Scenario]],
        seed: int,
        settings: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Name it.

        Args:
            scenarios: Each with what sets it apart, which is also the name of its folder.
            seed: The root of all random numbers, the same for all.
            settings: What was set in each, where it is a sweep.
        """
        self.scenarios = list(scenarios)
        self.seed = seed
        self.settings = list(settings) or [{} for _ in self.scenarios]

    @classmethod
    def sweep(
        cls, scenario: Scenario, changes: Sequence[tuple[str, Sequence[Any]]], seed: int
    ) -> Self:
        """Every combination of values.

        Args:
            scenario: The one that is changed.
            changes: Settings, each with its values.
            seed: The root of all random numbers.

        Raises:
            ScenarioError: There is no such setting, a value does not fit, or there are too many.
        """
        names = [name for name, _ in changes]
        short = [name.rpartition(".")[2] for name in names]
        if len(set(short)) < len(short):
            short = names
        combinations = list(itertools.product(*(values for _, values in changes)))
        if len(combinations) > _MOST:
            raise ScenarioError(f"{len(combinations)} combinations are too many: {_MOST} at most")
        scenarios, settings = [], []
        for values in combinations:
            found = dict(zip(short, values, strict=True))
            label = " ".join(f"{name}={value}" for name, value in found.items())
            scenarios.append((label, changed(scenario, dict(zip(names, values, strict=True)))))
            settings.append(found)
        return cls(scenarios, seed, settings)

    @property
    def name(self) -> str:
        """What its folder is called: the first scenario's name and hash."""
        first = self.scenarios[0][1]
        kind = "" if len(self.scenarios) == 1 else f"-{len(self.scenarios)}"
        return f"{first.name}-{first.digest[:8]}{kind}"

    def run(
        self,
        replicates: int = 1,
        *,
        folder: Path | None = None,
        resume: bool = False,
        jobs: int = 1,
        cluster: str | None = None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> StudyOutcome:
        """Run everything: as `ape_v2v.simulation.study.runner.run_all` does."""
        found = run_all(
            [scenario for _, scenario in self.scenarios],
            self.seed,
            replicates,
            folder=folder,
            resume=resume,
            jobs=jobs,
            cluster=cluster,
            progress=progress,
        )
        return StudyOutcome(
            [
                Variant(label, results, [measure(result) for result in results], settings)
                for (label, _), settings, results in zip(
                    self.scenarios, self.settings, found, strict=True
                )
            ]
        )
