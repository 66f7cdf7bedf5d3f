"""The security report says what was found, no more, and finds what it looks for."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.campaign import Build
from tests.fuzz.in_process import fast_chain

from .compiler import MARKET, Compiler, market_sources
from .places import ROOT
from .security import opcodes, ordering
from .security.evidence import Found, Measured
from .security.report import Report
from .security.rows import NOT_RUN, rows

COVERAGE = {
    "tests": 7,
    "files": {
        "A.sol": {"lines": 4, "lines_executed": 3, "statements": 8, "statements_executed": 8},
        "B.sol": {"lines": 4, "lines_executed": 3, "branches": 4, "branches_executed": 1},
    },
    "faults": ["a line is not executed"],
}


@pytest.fixture(scope="module")
def measured(project: Any) -> Measured:
    with fast_chain() as chain:
        return Measured.of(Build.of(project), chain)


def of_row(name: str, found: Found, measured: Measured) -> Any:
    return next(row for row in rows(found, measured) if row.parameter == name)


def test_what_runs_have_left_is_what_the_report_says(tmp_path: Path, measured: Measured) -> None:
    (tmp_path / "coverage.json").write_text(json.dumps(COVERAGE), "utf-8")
    found = Found.read(tmp_path, tmp_path)

    row = of_row("EVM code coverage", found, measured)

    assert row.here == "75 % / 100 % / 25 %"
    assert "6 of 8 lines" in row.why
    assert "Faults of the run: 1" in row.why


def test_what_another_clone_has_run_stays_until_it_is_run_again(tmp_path: Path) -> None:
    ours, docs = tmp_path / "ours", tmp_path / "docs"
    ours.mkdir()
    (ours / "coverage.json").write_text(json.dumps({**COVERAGE, "day": "2026-11-30"}), "utf-8")
    Found.read(ours, docs).keep(docs)
    another = tmp_path / "another"
    another.mkdir()

    assert Found.read(another, docs).stages["coverage"] == {**COVERAGE, "day": "2026-11-30"}
    assert Found.read(another, docs).stages["slither"] is None

    (another / "coverage.json").write_text(json.dumps({**COVERAGE, "tests": 8}), "utf-8")
    again = Found.read(another, docs).stages["coverage"]
    assert again is not None
    assert again["tests"] == 8


def test_coverage_and_mutants_are_shown_in_tables(tmp_path: Path, measured: Measured) -> None:
    mutants = {
        "every": 1,
        "mutants": 30,
        "distinct": 27,
        "killed_share": 0.9,
        "verdicts": {"killed": 18, "survived": 2},
        "operators": {"binary_operator": {"killed": 18, "survived": 2}},
        "faults": [],
    }
    (tmp_path / "coverage.json").write_text(json.dumps(COVERAGE), "utf-8")
    (tmp_path / "mutation.json").write_text(json.dumps(mutants), "utf-8")

    page = Report(Found.read(tmp_path, tmp_path), measured).page()

    assert "| A.sol | 3 of 4 | 8 of 8 | 0 of 0 |" in page
    assert "All of them: 30, with 27 different codes." in page
    assert "90.0 % were killed" in page
    assert "| binary operator | 18 | 2 |\n| all | 18 | 2 |" in page


def test_what_has_not_been_run_is_shown_as_such(tmp_path: Path, measured: Measured) -> None:
    found = Found.read(tmp_path, tmp_path)

    for name in ("EVM code coverage", "Integer underflow", "Re-entrancy"):
        assert of_row(name, found, measured).here == NOT_RUN
    assert Report(found, measured).page().count(f"| {NOT_RUN} |") == 6


def test_a_finding_is_no_none_found(tmp_path: Path, measured: Measured) -> None:
    slither = {"contracts": 60, "detectors": 102, "faults": ["reentrancy-eth: in withdraw"]}
    (tmp_path / "slither.json").write_text(json.dumps(slither), "utf-8")

    row = of_row("Re-entrancy", Found.read(tmp_path, tmp_path), measured)

    assert row.here == "FOUND"


def test_the_market_has_one_call_and_nothing_that_could_replace_or_destroy_it(
    measured: Measured,
) -> None:
    found = {name for name, number in measured.instructions.items() if number}

    assert found == {"CALL", "STATICCALL"}
    assert measured.instructions["CALL"] == 1


def test_a_planted_delegatecall_is_counted(tmp_path: Path, measured: Measured) -> None:
    sources = dict(market_sources())
    planted = (
        "function run(address to) external { (bool done,) = to.delegatecall(msg.data); done; }"
    )
    sources[MARKET] = f"{sources[MARKET].rstrip().removesuffix('}')} {planted} }}"
    with Compiler() as compiler:
        answer = compiler.compile(sources, {MARKET: {"V2VMarket": ["evm.deployedBytecode.object"]}})
    code = answer["contracts"][MARKET]["V2VMarket"]["evm"]["deployedBytecode"]["object"]

    bugged = measured._replace(instructions=opcodes.counts(bytes.fromhex(code)))

    assert bugged.instructions["DELEGATECALL"] == 1
    row = of_row("Parity multisig bug 2", Found.read(tmp_path, tmp_path), bugged)
    assert row.here == "possible"


def test_what_is_pushed_or_metadata_is_no_instruction() -> None:
    push_then_delegatecall = bytes.fromhex("61f4f4f4")

    assert list(opcodes.instructions(push_then_delegatecall)) == [0x61, 0xF4]
    with pytest.raises(ValueError, match="metadata"):
        opcodes.counts(push_then_delegatecall)


def test_a_front_runner_wins_only_where_nobody_answers(measured: Measured) -> None:
    played = {row["case"]: row for row in measured.orders}
    answered, alone = (row for row in measured.orders if row["case"].startswith("a front-runner"))

    assert answered["winner"] == ordering.HONEST
    assert answered["failed"][ordering.HONEST] > 0
    assert alone["winner"] == ordering.ATTACKER
    assert ordering.compared(alone, measured.orders)["attacker"] > 0
    assert played[ordering.SINGLE]["winner"] == ordering.HONEST


def test_extensions_stop_a_sniper_unless_the_bidding_is_short(measured: Measured) -> None:
    hard, extended, short = measured.orders[-3:]

    assert [row["winner"] for row in (hard, extended, short)] == [
        ordering.ATTACKER,
        ordering.HONEST,
        ordering.ATTACKER,
    ]
    assert hard["paid"] > short["paid"] > extended["paid"]


def test_the_clock_decides_at_the_boundaries_only(measured: Measured) -> None:
    assert len({(row["paid"], row["profit"]) for row in measured.shifts}) == 1
    assert all(row["before"] and not row["from then on"] for row in measured.boundaries)
    assert all(row["costs"] > 0 for row in measured.boundaries)


def test_the_committed_report_is_of_this_market(measured: Measured) -> None:
    path = ROOT / "docs" / "assurance" / "security-report.json"

    committed = json.loads(path.read_text(encoding="utf-8"))["measured"]

    assert committed["market"] == measured.market
    assert committed["instructions"] == measured.instructions
