"""One run over all mutants, or a fixed sample of them: the score, and who must be explained."""

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import yaml

from tests.fuzz.campaign import Build

from ..compiler import Compiler, market_sources
from ..fullest import fullest
from ..places import LISTS
from ..programs import campaign, deployments
from ..scenarios import SCENARIOS, play
from . import kept
from .engine import Corpus, Result, Verdict, examine_all
from .generator import generate
from .mutants import Mutant

# The campaign's seeds whose programs are done on each mutant, and how long each run is.
SEEDS = range(1, 8)
STEPS = 50


def explanations() -> dict[str, str]:
    """Why a mutant may survive, by its key."""
    listed = yaml.safe_load((LISTS / "mutants.yaml").read_text(encoding="utf-8"))
    return {key: reason for reason, keys in listed.items() for key in keys}


def corpus(build: Build) -> Corpus:
    """The programs that have to tell a mutant from the market."""
    artifacts, market = build.artifacts(), build.market
    programs = [play(scenario, artifacts) for scenario in SCENARIOS]
    programs += [deployments(market), fullest(market)]
    for seed in SEEDS:
        programs += campaign(artifacts, seed, STEPS)
    bytecode = market.deployment_bytecode
    assert bytecode is not None
    assert bytecode.bytecode is not None
    return Corpus(programs, bytes.fromhex(bytecode.bytecode.removeprefix("0x")))


def mutants(every: int) -> list[Mutant]:
    """All mutants, or one in so many: the same ones in each run, in an order that is a sample."""
    with Compiler() as compiler:
        found = generate(market_sources(), compiler.trees(market_sources()))
    chosen = [one for one in found if _number(one.key) % every == 0]
    return sorted(chosen, key=lambda one: _number(one.key))


def examine(build: Build, every: int) -> dict[str, Any]:
    """Examine them, and return what came of it, ready for JSON. A run that was stopped goes on."""
    began = time.monotonic()
    programs = corpus(build)
    file = kept.file_for(programs)
    results = list(kept.going_on(file, mutants(every), lambda rest: examine_all(rest, programs)))
    counts = Counter(result.verdict for result in results)
    distinct = {result.code for result in results if result.code}
    killed, survived = counts[Verdict.KILLED], counts[Verdict.SURVIVED]
    return {
        "every": every,
        "seeds": [*SEEDS],
        "steps": STEPS,
        "mutants": len(results),
        "distinct": len(distinct),
        "verdicts": {verdict.value: counts[verdict] for verdict in Verdict},
        "killed_share": killed / (killed + survived),
        "operators": _by_operator(results),
        "survivors": sorted(
            result.mutant.key for result in results if result.verdict is Verdict.SURVIVED
        ),
        "faults": faults(results, explanations()),
        "seconds": round(time.monotonic() - began, 1),
    }


def faults(results: Sequence[Result], explained: dict[str, str]) -> list[str]:
    """What has to be put right: nobody explained it, or the explanation is out of date.

    Of a sample, an explanation counts only if its mutant is in it.
    """
    verdicts = {result.mutant.key: result.verdict for result in results}
    found = [
        f"survived, and is not in mutants.yaml: {key}"
        for key, verdict in verdicts.items()
        if verdict is Verdict.SURVIVED and key not in explained
    ]
    found += [
        f"is in mutants.yaml, and {verdicts[key].value}: {key}"
        for key in explained
        if key in verdicts and verdicts[key] is not Verdict.SURVIVED
    ]
    return sorted(found)


def stale(explained: dict[str, str], generated: Sequence[Mutant]) -> list[str]:
    """Explanations of what is no mutant any more."""
    keys = {one.key for one in generated}
    return sorted(
        f"is in mutants.yaml, and no mutant: {key}" for key in explained if key not in keys
    )


def _by_operator(results: Sequence[Result]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for result in results:
        counts.setdefault(result.mutant.operator, Counter())[result.verdict.value] += 1
    return {operator: dict(counts[operator]) for operator in sorted(counts)}


def _number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest())
