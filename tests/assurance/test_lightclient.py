"""The light client beside the specification: what differs is found, and what shows nothing too."""

import pytest

from tests.assurance.lightclient import compare
from tests.assurance.lightclient.cases import Case, Cases
from tests.assurance.tools import NotInstallable

VERDICTS = [f"{number:064x}" for number in range(8)]
CASES = [Case(0, None, number) for number in range(8)]


def test_the_same_verdicts_are_no_fault() -> None:
    assert compare.faults(CASES, VERDICTS, VERDICTS) == []


def test_each_other_verdict_is_a_fault() -> None:
    (fault,) = compare.faults(CASES, VERDICTS, [*VERDICTS[:7], compare.REFUSED])
    assert fault.startswith("case 7 (position 0, slot 7): 00")
    assert fault.endswith("and by the specification refused")


def test_a_specification_that_always_says_the_same_shows_nothing() -> None:
    refused = [compare.REFUSED] * 8
    assert compare.faults(CASES, refused, refused) == [
        "the specification gives the same verdicts again and again"
    ]


def test_without_the_specification_the_stage_is_skipped_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(tool: str) -> None:
        raise NotInstallable(f"{tool}.lock cannot be installed here")

    monkeypatch.setattr(compare, "python_of", missing)
    assert compare.run() == {
        "skipped": "consensus.lock cannot be installed here",
        "faults": [],
    }


@pytest.fixture(scope="module")
def made() -> Cases:
    return Cases(seed=3)


def test_the_cases_cross_every_fork_and_some_changed_updates_hold(made: Cases) -> None:
    periods = {int(position.finalized.beacon.slot) // 64 for position in made.positions}
    assert periods == set(range(7))
    ours = [compare._ours(made, case) for case in made.changed(40)]
    assert compare.REFUSED in ours
    assert set(ours) > {compare.REFUSED}
