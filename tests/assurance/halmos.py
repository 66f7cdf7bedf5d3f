"""Halmos: the checks of tests/symbolic, for all values that there are."""

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import ape
from ethpm_types import ContractType

from tests.fuzz.campaign import Build
from tests.fuzz.report import fingerprint

from .places import BIN, RESULTS, ROOT
from .tools import LOCKS, executable

FORGE = ".cache/forge/out"
# What one transaction can do takes half an hour of a processor, the rest seconds.
SECONDS = 7_200
# Of bytes and texts in a call: none, a signature by the account, and one by a key for one session.
LENGTHS = "0,65,130"


class Suite(NamedTuple):
    """A contract of checks."""

    contract: str
    checks: int
    """How many there are at least: fewer means that they were not found."""
    as_integers: bool = False
    """Whether divisions are decided as of integers, by cvc5; else bit by bit, by yices."""
    true: bool = True
    """Controls are false, and have to be refuted: else a proof would say nothing."""


SUITES = (
    Suite("SlotsTest", 11),
    Suite("SharesTest", 12, as_integers=True),
    Suite("TokenLedgerTest", 8),
    Suite("TransitionsTest", 5),
    Suite("FalseSlotsTest", 2, true=False),
    Suite("FalseTokenLedgerTest", 5, true=False),
    Suite("FalseSharesTest", 2, as_integers=True, true=False),
)


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
    faults = of_another_market(Build.of(ape.project).market, built_by_forge())
    checks: dict[str, bool] = {}
    for suite in SUITES:
        output = RESULTS / f"halmos-{suite.contract}.json"
        output.unlink(missing_ok=True)
        answer = subprocess.run(
            [halmos, *_options(suite, halmos.parent), f"--json-output={output}"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if not output.exists():
            faults.append(f"{suite.contract}: {(answer.stdout + answer.stderr)[-500:]}")
            continue
        found = read(output.read_text(encoding="utf-8"))
        faults += faults_of(suite, found)
        if suite.true:
            checks |= {name: outcome == PROVEN for name, outcome in found.items()}
    return {"checks": checks, "faults": faults}


def _options(suite: Suite, binaries: Path) -> list[str]:
    solver = "--solver=yices"
    if suite.as_integers:
        command = (binaries / "python", LOCKS / "cvc5_command.py")
        words = [*map(str, command), "--produce-models", "--solve-bv-as-int=sum"]
        solver = f"--solver-command={shlex.join(words)}"
    return [
        f"--forge-build-out={FORGE}",
        f"--contract={suite.contract}",
        f"--default-bytes-lengths={LENGTHS}",
        solver,
        "--no-status",
    ]


# Halmos's exit codes of a check. Others are: not decided in time, or broken off.
PROVEN, REFUTED = 0, 1


def read(report: str) -> dict[str, int]:
    """What came of each check."""
    results = json.loads(report)["test_results"]
    return {
        one["name"].partition("(")[0]: int(one["exitcode"])
        for checks in results.values()
        for one in checks
    }


def faults_of(suite: Suite, found: dict[str, int]) -> list[str]:
    """Checks that are not there, or did not come out as they have to."""
    faults = []
    if len(found) < suite.checks:
        faults.append(f"{suite.contract}: only {len(found)} checks ran, of {suite.checks}")
    expected, word = (PROVEN, "proven") if suite.true else (REFUTED, "refuted")
    faults += [f"not {word}: {name}" for name, outcome in found.items() if outcome != expected]
    return faults


def built_by_forge() -> ContractType:
    """The market whose code Halmos executes."""
    artifact = ROOT / FORGE / "V2VMarket.sol" / "V2VMarket.json"
    code = json.loads(artifact.read_text(encoding="utf-8"))["bytecode"]["object"]
    return ContractType.model_validate({"deploymentBytecode": {"bytecode": code}})


def of_another_market(deployable: ContractType, examined: ContractType) -> list[str]:
    """Proofs about other code than what is deployed are none."""
    if fingerprint(deployable) == fingerprint(examined):
        return []
    return ["Forge's market is not the deployable one: compare foundry.toml with ape-config.yaml"]
