"""Slither over the market: every finding is fixed, or explained beside the code."""

import json
import os
import re
import subprocess
from typing import Any

from .compiler import is_of_the_market, market_sources
from .places import BIN, RESULTS, ROOT
from .tools import executable

# contracts/.cache is where Ape may put the libraries.
OTHERS = r"node_modules|contracts/\.cache|contracts/test|contracts/benchmarks|tests/symbolic"
# Counts comments in libraries too; those of the market are told from the text.
SUMMARY = "unused-ignore-directive"
_ANALYSED = re.compile(r"analyzed \((\d+) contracts with (\d+) detectors\), (\d+) result")
_UNUSED = re.compile(
    r"^Unused slither-disable.* at (.+?/contracts/(?:market/)?\w+\.sol#\d+)$", re.M
)


def run() -> dict[str, Any]:
    output = RESULTS / "slither-raw.json"
    output.unlink(missing_ok=True)
    answer = subprocess.run(
        [
            executable("slither"),
            ".",
            f"--filter-paths={OTHERS}",
            "--foundry-out-directory=.cache/forge/out",
            "--warn-unused-ignores",
            f"--json={output}",
        ],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return read(answer.stdout + answer.stderr, output.read_text(encoding="utf-8"))


def read(words: str, report: str) -> dict[str, Any]:
    """What a run has found. One that has analysed too little is a fault: Slither calls it clean."""
    data = json.loads(report)
    analysed = _ANALYSED.search(words)
    contracts, detectors = (int(analysed[1]), int(analysed[2])) if analysed else (0, 0)
    least = sum(map(is_of_the_market, market_sources()))
    found = list((data.get("results") or {}).get("detectors", []))
    faults = [
        f"{one['check']}: {one['description'].strip()}" for one in found if one["check"] != SUMMARY
    ]
    faults += [
        f"explains what is not found any more: {path.partition('contracts/')[2]}"
        for path in sorted(set(_UNUSED.findall(words)))
        if "node_modules" not in path
    ]
    if not data["success"]:
        faults.append(f"Slither failed: {data['error']}")
    if contracts < least:
        faults.append(f"only {contracts} contracts were analysed, of at least {least}")
    return {"contracts": contracts, "detectors": detectors, "faults": faults}
