"""The run of all stages fails if any of them does, and says of each what came of it."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import in_process

from . import __main__ as command
from .properties import read

PASSED = '<testcase classname="a" name="b"/>'


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    stages: dict[str, Any] = {"calm": lambda: {"faults": []}}
    monkeypatch.setattr(command, "STAGES", stages)
    return stages


def untimed(output: str) -> str:
    """The output with no stage taking any time: how long it takes depends on the machine."""
    return re.sub(r" \d+ s \|", " 0 s |", output)


def test_stages_that_pass_end_with_a_table(
    stages: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["calm", "calm"]) == 0
    assert untimed(capsys.readouterr().out).endswith("| calm | 0 s | passed |\n" * 2)


def test_one_fault_fails_the_run_and_the_other_stages_still_run(
    stages: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    stages["strict"] = lambda: {"faults": ["a line too many"]}

    assert command.main(["strict", "calm"]) == 1
    output = untimed(capsys.readouterr().out)
    assert "  a line too many\n" in output
    assert output.endswith("| strict | 0 s | 1 faults |\n| calm | 0 s | passed |\n")


def test_a_stage_that_breaks_off_fails_the_run_and_leaves_no_earlier_result(
    stages: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["calm"]) == 0
    assert (tmp_path / "calm.json").exists()

    def break_off() -> dict[str, Any]:
        raise OSError("no such tool")

    stages["calm"] = break_off

    assert command.main(["calm"]) == 1
    assert "OSError: no such tool" in capsys.readouterr().out
    assert not (tmp_path / "calm.json").exists()


def test_a_stage_that_needs_pyrevm_is_skipped_without_it_and_the_others_run(
    stages: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(in_process, "HAS_PYREVM", False)
    stages["mutation"] = lambda: {"faults": ["was run"]}

    assert command.main(["mutation", "calm"]) == 0
    assert untimed(capsys.readouterr().out).endswith(
        "| mutation | 0 s | skipped: pyrevm has no wheel for this Python or machine |\n"
        "| calm | 0 s | passed |\n"
    )


@pytest.mark.parametrize("names", [[], ["unknown"]])
def test_a_stage_that_is_not_there_is_refused(
    names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(names) == 2
    assert "nightly" in capsys.readouterr().err


def test_the_profiles_name_stages_that_are_there() -> None:
    for names in command.PROFILES.values():
        assert set(names) <= command.STAGES.keys()


def test_property_tests_that_pass_are_counted() -> None:
    assert read(f"<testsuite>{PASSED}{PASSED}</testsuite>") == {
        "tests": 2,
        "skipped": 0,
        "faults": [],
    }


@pytest.mark.parametrize("outcome", ["failure", "error"])
def test_a_property_test_that_fails_is_a_fault(outcome: str) -> None:
    failed = f'<testcase classname="fuzz.x" name="y"><{outcome} message="no"/></testcase>'

    assert read(f"<testsuite>{PASSED}{failed}</testsuite>")["faults"] == ["failed: fuzz.x.y"]


@pytest.mark.parametrize(
    "cases", ["", '<testcase classname="a" name="b"><skipped message="off"/></testcase>']
)
def test_no_property_test_is_a_fault(cases: str) -> None:
    assert read(f"<testsuite>{cases}</testsuite>")["faults"] == ["no test ran"]
