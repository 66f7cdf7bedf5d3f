"""The mutants' gate fails: on a survivor that nobody explained, and on explanations of nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.campaign import Build
from tests.fuzz.in_process import needs_pyrevm
from tests.fuzz.plants import hunt, with_code_of

from . import rooms
from .compiler import ACCOUNT, TOKEN_MARKET, Compiler, Target, market_sources
from .mutation import kept, run
from .mutation.engine import Corpus, Examiner, Result, Verdict
from .mutation.mutants import Mutant
from .programs import campaign
from .scenarios import extensions, play

# Of the rules that each bid has to keep: one wei beside a boundary, a check and a limit left out.
KILLED = (
    "if (rate > highest) revert RateTooHigh(uint256(rate), highest);"
    " → if (rate >= highest) revert RateTooHigh(uint256(rate), highest);",
    "if (rate == 0) revert ZeroRate(); → if (false) revert ZeroRate();",
    "uint256 extended = Math.min(block.timestamp + _EXTENSION_WINDOW, limit);"
    " → uint256 extended = Math.max(block.timestamp + _EXTENSION_WINDOW, limit);",
)
SURVIVES = (
    "if (extended <= terms.closingTime()) return terms;"
    " → if (extended < terms.closingTime()) return terms;"
)


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    return run.mutants(1)


@pytest.fixture(scope="module")
def examiner(project: Any) -> Examiner:
    """With a small part of the programs: enough for mutants that many of them kill."""
    build = Build.of(project)
    programs = [play(extensions, build.artifacts()), *campaign(build.artifacts(), 1, 50)]
    return Examiner(Corpus(programs, run.creation_code(build.market)))


def of_bidding(mutants: list[Mutant], change: str) -> Mutant:
    (mutant,) = (
        one
        for one in mutants
        if one.source.endswith("OpenBidding.sol") and one.key.endswith(change)
    )
    return mutant


@needs_pyrevm
@pytest.mark.parametrize("change", KILLED)
def test_the_programs_kill_a_mutant_of_the_rules_of_bidding(
    mutants: list[Mutant], examiner: Examiner, change: str
) -> None:
    result = examiner.examine(of_bidding(mutants, change))

    assert result.verdict is Verdict.KILLED
    assert result.killer
    assert run.faults([result], {}) == []


@needs_pyrevm
@pytest.mark.parametrize("change", KILLED)
def test_the_property_tests_find_what_their_programs_kill(
    mutants: list[Mutant], project: Any, change: str
) -> None:
    """A mutant is killed by calls taken down from the property tests; here these run themselves."""
    build = Build.of(project)
    sources = of_bidding(mutants, change).applied(market_sources())
    with Compiler() as compiler:
        mutated = with_code_of(sources, build, compiler)

    assert hunt(mutated, range(1, 31)) is not None


@needs_pyrevm
def test_a_survivor_fails_the_gate_unless_its_reason_is_listed(
    mutants: list[Mutant], examiner: Examiner
) -> None:
    result = examiner.examine(of_bidding(mutants, SURVIVES))
    key = result.mutant.key

    assert result.verdict is Verdict.SURVIVED
    assert run.faults([result], {}) == [f"survived, and is not in mutants.yaml: {key}"]
    assert run.faults([result], run.explanations()) == []


@needs_pyrevm
@pytest.mark.parametrize(
    ("target", "change"),
    [
        (TOKEN_MARKET, "if (amount == 0) revert ZeroAmount(); → if (false) revert ZeroAmount();"),
        (ACCOUNT, "if (block.timestamp > deadline) → if (block.timestamp >= deadline)"),
    ],
    ids=["token market", "account"],
)
def test_what_stands_beside_the_market_in_ether_is_examined_too(
    project: Any, target: Target, change: str
) -> None:
    before, _, after = change.partition(" → ")
    mutant = next(
        one for one in run.mutants(1, target) if before in one.before and after in one.after
    )
    programs = (
        rooms.of_account(project)
        if target is ACCOUNT
        else [rooms.on_odd(project, rooms.ways_at_their_bounds)]
    )
    code = run.creation_code(getattr(project, target.name).contract_type)

    assert Examiner(Corpus(programs, code, target)).examine(mutant).verdict is Verdict.KILLED


@needs_pyrevm
def test_a_mutant_without_effect_is_told_from_a_survivor(
    mutants: list[Mutant], examiner: Examiner
) -> None:
    mutant = of_bidding(mutants, SURVIVES)

    unchanged = mutant._replace(replacement=_replaced(mutant))

    assert examiner.examine(unchanged).verdict is Verdict.SAME


@pytest.mark.parametrize("verdict", [Verdict.KILLED, Verdict.SAME, Verdict.INVALID])
def test_a_reason_for_what_does_not_survive_fails_the_gate(
    mutants: list[Mutant], verdict: Verdict
) -> None:
    mutant = mutants[0]

    assert run.faults([Result(mutant, verdict)], {mutant.key: "a reason"}) == [
        f"is in mutants.yaml, and {verdict.value}: {mutant.key}"
    ]


def test_a_reason_for_what_is_no_mutant_fails_the_gate(mutants: list[Mutant]) -> None:
    key = "market/Gone f: a; → b;"

    assert run.stale({key: "a reason"}, mutants) == [f"is in mutants.yaml, and no mutant: {key}"]
    assert run.stale({mutants[0].key: "a reason"}, mutants) == []


def test_every_listed_mutant_is_one_with_a_reason() -> None:
    listed = run.explanations()

    assert listed
    assert run.stale(listed, run.all_mutants()) == []
    assert all(reason.strip() for reason in listed.values())


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path, mutants: list[Mutant]) -> None:
    file, three = tmp_path / "mutants.jsonl", mutants[:3]

    def stopped(asked: Sequence[Mutant]) -> Iterator[Result]:
        yield Result(asked[0], Verdict.KILLED, "ab", "program 1, step 2")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(kept.going_on(file, three, stopped))
    # What was being written when it was stopped.
    file.write_text(file.read_text(encoding="utf-8") + '{"mutant": {"op', encoding="utf-8")
    asked: list[Mutant] = []

    def rest(mutants: Sequence[Mutant]) -> Iterator[Result]:
        asked.extend(mutants)
        return (Result(one, Verdict.SURVIVED) for one in mutants)

    results = list(kept.going_on(file, three, rest))

    assert asked == three[1:]
    assert [result.mutant for result in results] == three
    assert results[0] == Result(three[0], Verdict.KILLED, "ab", "program 1, step 2")


def test_results_of_other_programs_or_another_market_do_not_count() -> None:
    files = {kept.file_for(Corpus([], code)) for code in (b"a", b"b")}

    assert len(files) == 2
    assert kept.file_for(Corpus([], b"a")) in files


def _replaced(mutant: Mutant) -> str:
    """What the mutant has in the place of."""
    text = market_sources()[mutant.source].encode()
    return text[mutant.start : mutant.end].decode()
