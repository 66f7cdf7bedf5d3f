"""Halmos: the checks of tests/symbolic, for all values that there are."""

import json
import os
import subprocess
from typing import Any

from .places import BIN, RESULTS, ROOT
from .tools import executable

# What each contract of checks is solved by.
SOLVERS = {"SlotsTest": "yices", "TransitionsTest": "yices"}
# How many checks there are at least: fewer means that they were not found.
LEAST = {"SlotsTest": 9, "TransitionsTest": 2}
SECONDS = 600


def run() -> dict[str, Any]:
    halmos = executable("halmos")
    path = f"{halmos.parent}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    subprocess.run(
        [BIN / "forge", "build", "--ast"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
    )
    checks: dict[str, bool] = {}
    faults: list[str] = []
    for contract, solver in SOLVERS.items():
        output = RESULTS / f"halmos-{contract}.json"
        output.unlink(missing_ok=True)
        answer = subprocess.run(
            [
                halmos,
                "--forge-build-out=.cache/forge/out",
                f"--contract={contract}",
                f"--solver={solver}",
                "--no-status",
                f"--json-output={output}",
            ],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if not output.exists():
            faults.append(f"{contract}: {(answer.stdout + answer.stderr)[-500:]}")
            continue
        found = read(output.read_text(encoding="utf-8"))
        if len(found) < LEAST[contract]:
            faults.append(f"{contract}: only {len(found)} checks ran, of {LEAST[contract]}")
        checks |= found
    faults += [f"not proven: {name}" for name, proven in checks.items() if not proven]
    return {"checks": checks, "faults": faults}


def read(report: str) -> dict[str, bool]:
    """Each check, and whether it was proven."""
    results = json.loads(report)["test_results"]
    return {
        one["name"].partition("(")[0]: one["exitcode"] == 0
        for checks in results.values()
        for one in checks
    }
