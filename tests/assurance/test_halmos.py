"""The gate fails on what is not proven or not refuted, and on checks that are not there."""

import json
from typing import Any

import pytest

from tests.fuzz.campaign import Build

from .compiler import Compiler, market_sources
from .halmos import PROVEN, REFUTED, Suite, faults_of, of_another_market, read

UNDECIDED = 2
TRUE, FALSE = Suite("RightTest", 1), Suite("WrongTest", 1, true=False)


def test_the_outcome_of_each_check_is_read_by_its_name() -> None:
    checks = [{"name": "check_a(uint256)", "exitcode": 0}, {"name": "check_b()", "exitcode": 1}]
    report = json.dumps({"test_results": {"tests/symbolic/A.t.sol:RightTest": checks}})

    assert read(report) == {"check_a": PROVEN, "check_b": REFUTED}


@pytest.mark.parametrize(("suite", "outcome"), [(TRUE, PROVEN), (FALSE, REFUTED)])
def test_checks_that_come_out_as_they_have_to_pass(suite: Suite, outcome: int) -> None:
    assert faults_of(suite, {"check_a": outcome}) == []


@pytest.mark.parametrize("outcome", [REFUTED, UNDECIDED])
def test_what_is_not_proven_is_a_fault(outcome: int) -> None:
    assert faults_of(TRUE, {"check_a": outcome}) == ["not proven: check_a"]


@pytest.mark.parametrize("outcome", [PROVEN, UNDECIDED])
def test_a_control_that_is_not_refuted_is_a_fault(outcome: int) -> None:
    assert faults_of(FALSE, {"check_a": outcome}) == ["not refuted: check_a"]


def test_too_few_checks_are_a_fault() -> None:
    assert faults_of(TRUE, {}) == ["RightTest: only 0 checks ran, of 1"]


def test_proofs_about_another_code_than_the_deployable_are_a_fault(project: Any) -> None:
    build = Build.of(project)
    with Compiler() as compiler:
        code = compiler.creation_code(market_sources(), optimized=False)
    other = build.market.model_copy(deep=True)
    assert other.deployment_bytecode is not None
    other.deployment_bytecode.bytecode = f"0x{code.hex()}"

    assert of_another_market(build.market, build.market) == []
    assert of_another_market(build.market, other) == [
        "Forge's market is not the deployable one: compare foundry.toml with ape-config.yaml"
    ]
