"""The contract tests on unoptimized contracts, traced: what they execute, and what they do not."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from ..compiler import TARGETS
from ..places import LISTS
from ..workspace import BESIDE_THE_MARKET, CONTRACT_TESTS, Workspace
from .build import Build, build
from .measure import Coverage, Executed, Site, measure, merged

# Two at a time: most of the time a test waits for its node.
TRACED = (*CONTRACT_TESTS, *BESIDE_THE_MARKET)
HALVES = (TRACED[::2], TRACED[1::2])
# It compares with the package's artifact, which is optimized.
NOT_HERE = "tests/contracts/test_market.py::test_the_market_is_compiled_from_the_sources"


class TestsFailed(Exception):
    """What they execute then says nothing."""


def run() -> dict[str, Any]:
    began = time.monotonic()
    builds = [build(target) for target in TARGETS]
    tests = trace(builds)
    executed = merged(tests.values())
    found = reduce(Coverage.joined, (measure(one, executed) for one in builds))
    exceptions = yaml.safe_load((LISTS / "uncovered.yaml").read_text(encoding="utf-8")) or {}
    return {
        "tests": len(tests),
        "files": _by_file(found),
        "missing": [describe(site) for site in found.missing()],
        "faults": faults(found, exceptions),
        "seconds": round(time.monotonic() - began, 1),
    }


def trace(builds: Sequence[Build]) -> dict[str, Executed]:
    """What each test executes."""
    workspace = Workspace("coverage")
    workspace.do_not_optimize()
    workspace.compile()
    code = workspace.path / "creation-code.json"
    codes = {one.target.name: one.creation_code for one in builds}
    code.write_text(json.dumps(codes), encoding="utf-8")
    with ThreadPoolExecutor(len(HALVES)) as pool:
        parts = pool.map(lambda half: _run_tests(workspace, code, half), HALVES)
        return {test: executed for part in parts for test, executed in part.items()}


def _run_tests(workspace: Workspace, code: Path, files: tuple[str, ...]) -> dict[str, Executed]:
    output = workspace.path / f"executed-{Path(files[0]).stem}.json"
    answer = workspace.test(
        "-q",
        *files,
        f"--deselect={NOT_HERE}",
        PYTEST_ADDOPTS="-p tests.assurance.coverage.plugin",
        V2V_COVERAGE_CODE=str(code),
        V2V_COVERAGE_OUTPUT=str(output),
    )
    if answer.returncode != 0:
        raise TestsFailed(answer.stdout[-3000:])
    tests: dict[str, Executed] = json.loads(output.read_text(encoding="utf-8"))
    return tests


def describe(site: Site) -> str:
    """The same as long as the code is; the line may move."""
    file = site.source.removeprefix("contracts/").removesuffix(".sol")
    return f"{file} {site.function}: {site.text}"


def faults(found: Coverage, exceptions: Mapping[str, str]) -> list[str]:
    """What is not executed and not explained, and what is explained and executed."""
    missing = {describe(site) for site in found.missing()}
    return [
        *(f"never executed: {one}" for one in sorted(missing - exceptions.keys())),
        *(
            f"is in uncovered.yaml, and executed: {one}"
            for one in sorted(exceptions.keys() - missing)
        ),
    ]


def _by_file(found: Coverage) -> dict[str, dict[str, int]]:
    """How many statements, lines and branches there are in each file, and how many executed."""
    files: dict[str, Counter[str]] = {}
    lines: dict[tuple[str, int], bool] = {}
    for kind, sites in (("statements", found.statements), ("branches", found.branches)):
        for site, covered in sites.items():
            counts = files.setdefault(site.source, Counter())
            counts[kind] += 1
            counts[f"{kind}_executed"] += covered
    for site, covered in found.statements.items():
        place = (site.source, site.line)
        lines[place] = lines.get(place, True) and covered
    for (source, _), covered in lines.items():
        files[source]["lines"] += 1
        files[source]["lines_executed"] += covered
    return {source: dict(files[source]) for source in sorted(files)}
