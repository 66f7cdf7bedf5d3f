"""What a campaign has done: runs, steps, calls, refusals, transitions."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from .transitions import REFUSALS, Transition, reached

if TYPE_CHECKING:
    from ape_v2v.evm.contracts import Failure
    from tests.model.market import Parameters

    from .invariants import Step


class Tally:
    """Counts over all runs of a machine. Tallies of several campaigns add up."""

    def __init__(self) -> None:
        self.lengths: Counter[int] = Counter()
        """Runs by their number of steps. Hypothesis gives some up early, and replaces them."""
        self.departures = 0
        """Markets that everybody has left, with nothing in them but what is nobody's."""
        self.successes: Counter[str] = Counter()
        self.refusals: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.transitions: Counter[Transition] = Counter()
        self.cpu_seconds = 0.0

    @property
    def runs(self) -> int:
        return self.lengths.total()

    @property
    def steps(self) -> int:
        return sum(steps * runs for steps, runs in self.lengths.items())

    @property
    def calls(self) -> int:
        """Transactions, each followed by a look at everything; a step makes one or a few."""
        return self.successes.total() + sum(counter.total() for counter in self.refusals.values())

    def runs_of(self, steps: int) -> int:
        """How many runs had so many steps at least."""
        return sum(runs for length, runs in self.lengths.items() if length >= steps)

    def add(self, step: Step, parameters: Parameters, removed: set[str]) -> None:
        """Count a call; `removed` are the accounts that were EVs earlier in the run."""
        self.count(step.function, step.failure)
        self.transitions.update(set(reached(step, parameters, removed)))

    def count(self, function: str, failure: Failure | None) -> None:
        if failure is None:
            self.successes[function] += 1
        else:
            self.refusals[function][failure.name] += 1

    def update(self, other: Tally) -> None:
        self.lengths.update(other.lengths)
        self.departures += other.departures
        self.successes.update(other.successes)
        for function, refusals in other.refusals.items():
            self.refusals[function].update(refusals)
        self.transitions.update(other.transitions)
        self.cpu_seconds += other.cpu_seconds

    def missing(self) -> list[str]:
        """What should have been reached and was not."""
        refused = {name for counter in self.refusals.values() for name in counter}
        transitions = [one.value for one in Transition if not self.transitions[one]]
        return [*transitions, *(f"refused with {name!r}" for name in sorted(REFUSALS - refused))]

    def as_json(self) -> dict[str, Any]:
        functions = sorted(self.successes.keys() | self.refusals.keys())
        return {
            "lengths": {str(steps): runs for steps, runs in sorted(self.lengths.items())},
            "departures": self.departures,
            "cpu_seconds": round(self.cpu_seconds, 1),
            "functions": {
                function: {
                    "done": self.successes[function],
                    "refused": dict(self.refusals[function].most_common()),
                }
                for function in functions
            },
            "transitions": {one.value: self.transitions[one] for one in Transition},
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Tally:
        tally = cls()
        tally.lengths.update({int(steps): n for steps, n in document["lengths"].items()})
        tally.departures = document["departures"]
        tally.cpu_seconds = document["cpu_seconds"]
        for function, counts in document["functions"].items():
            tally.successes[function] = counts["done"]
            tally.refusals[function].update(counts["refused"])
        tally.transitions.update({Transition(one): n for one, n in document["transitions"].items()})
        return tally
