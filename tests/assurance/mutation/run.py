"""One run over all mutants, or a fixed sample of them: the score, and who must be explained."""

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import yaml
from ethpm_types import ContractType

from tests.fuzz.campaign import Build

from .. import rooms
from ..compiler import ACCOUNT, ETHER_MARKET, TARGETS, TOKEN_MARKET, Compiler, Target, sources_of
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


def corpora(project: Any) -> list[Corpus]:
    """Of each contract, the programs that have to tell a mutant from it."""
    build = Build.of(project)
    beside = {TOKEN_MARKET: rooms.of_token_market, ACCOUNT: rooms.of_account}
    others = [
        Corpus(
            programs(project), creation_code(getattr(project, target.name).contract_type), target
        )
        for target, programs in beside.items()
    ]
    return [corpus(build), *others]


def corpus(build: Build) -> Corpus:
    """The programs that have to tell a mutant from the market in ether."""
    artifacts, market = build.artifacts(), build.market
    programs = [play(scenario, artifacts) for scenario in SCENARIOS]
    programs += [deployments(market), fullest(market)]
    for seed in SEEDS:
        programs += campaign(artifacts, seed, STEPS)
    return Corpus(programs, creation_code(market))


def creation_code(contract: ContractType) -> bytes:
    """What deploys a contract, without arguments."""
    bytecode = contract.deployment_bytecode
    assert bytecode is not None
    assert bytecode.bytecode is not None
    return bytes.fromhex(bytecode.bytecode.removeprefix("0x"))


def all_mutants() -> list[Mutant]:
    """Those of every contract under examination."""
    return [one for target in TARGETS for one in mutants(1, target)]


def mutants(every: int, target: Target = ETHER_MARKET) -> list[Mutant]:
    """All mutants, or one in so many: the same ones in each run, in an order that is a sample."""
    sources = sources_of(target.path)
    with Compiler() as compiler:
        found = generate(sources, compiler.trees(sources), target)
    chosen = [one for one in found if _number(one.key) % every == 0]
    return sorted(chosen, key=lambda one: _number(one.key))


def examine(project: Any, every: int) -> dict[str, Any]:
    """Examine them, and return what came of it, ready for JSON. A run that was stopped goes on."""
    began = time.monotonic()
    results: list[Result] = []
    for programs in corpora(project):
        file, chosen = kept.file_for(programs), mutants(every, programs.target)
        results += kept.going_on(file, chosen, partial(examine_all, corpus=programs))
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
