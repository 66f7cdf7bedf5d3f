"""Run the analyses: `python -m tests.assurance ci`, or `nightly`, or the names of stages.

Writes what was found to .cache/assurance, and ends with a table; fails if any stage does.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import ape

from tests.fuzz import in_process
from tests.fuzz.campaign import Build
from tests.fuzz.report import fingerprint

from . import halmos, properties, slither, theory
from .coverage import run as coverage
from .lightclient import compare
from .mutation import run as mutation
from .places import RESULTS
from .tables import table

# One mutant in so many: all of them take two hours of two processors.
SAMPLE = 20


def _mutants(every: int) -> dict[str, Any]:
    results = mutation.examine(ape.project, every)
    results["faults"] += mutation.stale(mutation.explanations(), mutation.all_mutants())
    return results


def _origin() -> dict[str, str]:
    """When the results were found, and of what code."""
    market = Build.of(ape.project).market
    return {"day": time.strftime("%Y-%m-%d"), "market": fingerprint(market)}


STAGES: dict[str, Callable[[], dict[str, Any]]] = {
    "slither": slither.run,
    "properties": properties.run,
    "mutation-sample": lambda: _mutants(SAMPLE),
    "halmos": halmos.run,
    "light-client": compare.run,
    "coverage": coverage.run,
    "mutation": lambda: _mutants(1),
    "campaign": properties.campaign,
    "theory": theory.run,
}
# Whose many runs a node is too slow for.
NEED_PYREVM = {"properties", "mutation-sample", "mutation", "campaign", "theory"}
PROFILES = {
    "ci": ("slither", "properties", "mutation-sample", "halmos", "light-client", "coverage"),
    "nightly": (
        "slither",
        "properties",
        "mutation",
        "halmos",
        "light-client",
        "coverage",
        "campaign",
        "theory",
    ),
}


def main(arguments: list[str]) -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    names = [name for argument in arguments for name in PROFILES.get(argument, (argument,))]
    if not names or any(name not in STAGES for name in names):
        print(f"assurance: expected {', '.join((*PROFILES, *STAGES))}", file=sys.stderr)
        return 2
    rows = []
    failed = False
    for name in names:
        print(f"=== {name}", flush=True)
        began = time.monotonic()
        output = RESULTS / f"{name}.json"
        # Of an earlier run: it must not pass for what this one has found.
        output.unlink(missing_ok=True)
        if name in NEED_PYREVM and not in_process.HAS_PYREVM:
            rows.append((name, "0 s", f"skipped: {in_process.NO_WHEEL}"))
            continue
        try:
            results = {**STAGES[name](), **_origin()}
            output.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
            faults, skipped = results["faults"], results.get("skipped")
        except Exception as error:
            faults, skipped = [f"{type(error).__name__}: {error}"], None
        for fault in faults:
            print(f"  {fault}")
        failed = failed or bool(faults)
        outcome = f"{len(faults)} faults" if faults else "passed"
        if skipped is not None:
            outcome = f"skipped: {skipped}"
        rows.append((name, f"{time.monotonic() - began:.0f} s", outcome))
    print(table(("stage", "time", "outcome"), rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
