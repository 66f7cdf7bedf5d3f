"""The property tests, the bugs planted for them, and the known attacks."""

import os
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from .places import BIN, DOCS, RESULTS, ROOT

TESTS = ("tests/fuzz", "tests/attacks")
WORKERS = 2


def run() -> dict[str, Any]:
    """All of them, with the profile `ci`: every planted bug has to be found."""
    output = RESULTS / "properties.xml"
    output.unlink(missing_ok=True)
    code = _ape(
        "test",
        "-q",
        *TESTS,
        f"--junitxml={output}",
        V2V_FUZZ_PROFILE="ci",
        V2V_FUZZ_WORKERS=str(WORKERS),
    )
    if not output.exists():
        return {"faults": [f"ape test ended with {code} before any test ran"]}
    found = read(output.read_text(encoding="utf-8"))
    if code and not found["faults"]:
        found["faults"].append(f"ape test ended with {code}")
    return found


def read(report: str) -> dict[str, Any]:
    """How many tests ran, from pytest's report in XML. No test at all is a fault."""
    cases = list(ET.fromstring(report).iter("testcase"))
    skipped = [one for one in cases if one.find("skipped") is not None]
    failed = [
        one for one in cases if one.find("failure") is not None or one.find("error") is not None
    ]
    faults = [f"failed: {one.get('classname')}.{one.get('name')}" for one in failed]
    if len(cases) == len(skipped):
        faults.append("no test ran")
    return {"tests": len(cases), "skipped": len(skipped), "faults": faults}


def campaign(report: Path = DOCS / "nightly.json") -> dict[str, Any]:
    """The large campaign. One that was stopped goes on; seeds and counts are in its report."""
    arguments = ("--profile", "nightly", "--workers", str(WORKERS), "--report", str(report))
    code = _ape("run", "fuzz", *arguments)
    return {"faults": [f"ape run fuzz ended with {code}; its words are above"] if code else []}


def _ape(*arguments: str, **environment: str) -> int:
    """Its exit code. What it prints is for people: seeds, and how often each action succeeded."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [BIN / "ape", *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": path, **environment},
        check=False,
    ).returncode
