"""Bugs planted into the market's sources, and the hunt for them by random people."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml
from ethpm_types import ContractType
from hypothesis import Phase

from ape_v2v.evm.chains import EvmReverted
from tests.assurance.compiler import ETHER_MARKET, Compiler, Target, market_sources

from .campaign import Build, fuzz
from .tally import Tally

ROOMS = "contracts/market"
LIST = Path(__file__).with_name("plants.yaml")
STEPS = 50


class Unplantable(Exception):
    """The sources are not what the bug was made for."""


class Edit(NamedTuple):
    room: str
    old: str
    new: str


class Plant(NamedTuple):
    name: str
    edits: tuple[Edit, ...]
    sample: bool
    """Whether `make test` plants it."""

    def planted(self, sources: Mapping[str, str]) -> dict[str, str]:
        """The sources with the bug in them."""
        changed = dict(sources)
        for room, old, new in self.edits:
            source = f"{ROOMS}/{room}.sol"
            if (count := changed[source].count(old)) != 1:
                raise Unplantable(f"{self.name}: found {count} times in {source}, not once: {old}")
            changed[source] = changed[source].replace(old, new)
        return changed


class Found(NamedTuple):
    """How a bug was found."""

    seed: int
    runs: int
    steps: int
    calls: int
    symptom: str


def plants(listed_in: Path = LIST) -> list[Plant]:
    listed = yaml.safe_load(listed_in.read_text(encoding="utf-8"))
    return [
        Plant(
            name=one["name"],
            edits=tuple(Edit(**edit) for edit in one["edits"]),
            sample=one.get("sample", False),
        )
        for one in listed
    ]


def with_code_of(sources: Mapping[str, str], build: Build, compiler: Compiler) -> Build:
    """The same build with a market of other sources."""
    return build._replace(market=recompiled(build.market, sources, compiler, ETHER_MARKET))


def recompiled(
    market: ContractType, sources: Mapping[str, str], compiler: Compiler, target: Target
) -> ContractType:
    """The market with the code of other sources."""
    code = compiler.creation_code(sources, optimized=True, target=target)
    document = market.model_dump(mode="json")
    document["deploymentBytecode"] = {"bytecode": f"0x{code.hex()}"}
    return ContractType.model_validate(document)


def hunt(build: Build, seeds: Iterable[int]) -> Found | None:
    """Where the first of these campaigns fails, if one does."""
    artifacts, tally = build.artifacts(), Tally()

    def campaign(seed: int) -> None:
        fuzz(artifacts, seed, STEPS, phases=[Phase.generate], tally=tally)

    return first_failure(campaign, seeds, tally)


def first_failure(
    campaign: Callable[[int], None], seeds: Iterable[int], tally: Tally
) -> Found | None:
    """Where the first of these campaigns fails, if one does.

    Only what contract and model or an invariant disagree on counts, and a view or a deployment that
    reverts and must not: other exceptions are mistakes of the tests.
    """
    seed = 0
    try:
        for seed in seeds:
            campaign(seed)
    except (AssertionError, EvmReverted) as error:
        symptom = str(error) or type(error).__name__
        return Found(seed, tally.runs, tally.steps, tally.calls, symptom)
    return None


def unchanged(build: Build, compiler: Compiler) -> Build:
    """The build as it is, compiled in the same way as those with bugs."""
    return with_code_of(market_sources(), build, compiler)
