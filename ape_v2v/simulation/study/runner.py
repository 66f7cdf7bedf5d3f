"""Many runs: replicates of scenarios, each kept as soon as it is done; nothing runs twice."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation.errors import SimulationError
from ape_v2v.simulation.result import AuctionRow, BidRow, RunResult, VehicleRow
from ape_v2v.simulation.run import Simulation
from ape_v2v.simulation.study.parallel import each
from ape_v2v.simulation.vehicles.population import visits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ape_v2v.simulation.scenario.model import Scenario

PARTS = "parts"
"""The folder of what is done."""
_COUNTS = ("refused", "blocks", "transactions", "gas", "fees", "burnt")


@dataclass(frozen=True)
class Task:
    """One run."""

    scenario: Scenario
    seed: int
    replicate: int

    @property
    def file(self) -> str:
        """Where it is kept: a name that only the same run has."""
        return f"{self.scenario.digest[:16]}-{self.seed}-{self.replicate}.json"


def run_all(
    scenarios: Sequence[Scenario],
    seed: int,
    replicates: int,
    *,
    folder: Path | None = None,
    resume: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[list[RunResult]]:
    """Run every scenario so often.

    Args:
        scenarios: What is run.
        seed: The root of all random numbers, the same for all: differences are paired.
        replicates: How often each is run.
        folder: Where what is done is kept; left out, nowhere.
        resume: Take what is kept there already.
        jobs: How many processes.
        cluster: The address of a Dask scheduler, in their place.
        progress: Told how many runs are done, of how many.

    Returns:
        The results of each scenario, in their order.

    Raises:
        SimulationError: A run fails, or a file of an earlier one is none.
    """
    tasks = [Task(one, seed, number) for one in scenarios for number in range(replicates)]
    parts = None if folder is None else folder / PARTS
    found: dict[str, RunResult] = {}
    if parts is not None:
        parts.mkdir(parents=True, exist_ok=True)
        if resume:
            found = {
                task.file: load(task, path)
                for task in tasks
                if (path := parts / task.file).exists()
            }
    left = list({task.file: task for task in tasks if task.file not in found}.values())
    total = len(found) + len(left)
    progress(len(found), total)
    for task, result in each(run, left, jobs, cluster):
        if parts is not None:
            save(result, parts / task.file)
        found[task.file] = result
        progress(len(found), total)
    results = iter([found[task.file] for task in tasks])
    return [[next(results) for _ in range(replicates)] for _ in scenarios]


def run(task: Task) -> RunResult:
    """Run one."""
    return Simulation(task.scenario, task.seed, task.replicate).run()


def save(result: RunResult, path: Path) -> None:
    """Keep what came of a run: whole, or not at all."""
    said: dict[str, Any] = {name: getattr(result, name) for name in _COUNTS}
    said["auctions"] = [astuple(row) for row in result.auctions]
    said["bids"] = [astuple(row) for row in result.bids]
    said["vehicles"] = [astuple(row) for row in result.vehicles]
    part = path.with_suffix(".part")
    part.write_text(json.dumps(said), "utf-8")
    part.replace(path)


def load(task: Task, path: Path) -> RunResult:
    """Read what came of a run; who came is drawn again.

    Raises:
        SimulationError: The file is something else.
    """
    scenario, seed, replicate = task.scenario, task.seed, task.replicate
    try:
        said = json.loads(path.read_text("utf-8"))
        return RunResult(
            scenario,
            seed,
            replicate,
            visits(scenario, seed, replicate),
            auctions=[AuctionRow(*row) for row in said["auctions"]],
            bids=[BidRow(*row) for row in said["bids"]],
            vehicles=[VehicleRow(*row) for row in said["vehicles"]],
            **{name: said[name] for name in _COUNTS},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SimulationError(
            f"{path} is no result of a run: remove it, or leave --resume out"
        ) from error
