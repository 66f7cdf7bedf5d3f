"""The token's currency room under random use: it agrees with its model, and its books balance.

V2V_FUZZ_PROFILE and V2V_FUZZ_SEED mean what they mean for the market, with fewer runs:

    node     9 runs of 15 steps
    dev      18 runs of 50 steps
    ci       72 runs of 50 steps, and all planted bugs
    nightly  3,600 runs of 100 steps, and all planted bugs
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.assurance.compiler import Compiler

from ..chosen import chosen_profile, chosen_seed
from ..in_process import needs_pyrevm
from ..plants import Plant
from ..report import calls
from .campaign import PROFILES, all_plants, hunt, token_market_sources, with_code_of
from .machine import fuzz
from .world import Build, CurrencyTally

# Always the same ones: a bug that is found is found again, after as many steps.
SEEDS = range(1, 9)
CHOSEN = [one for one in all_plants() if one.sample or chosen_profile() not in ("dev", "node")]


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    with Compiler() as compiler:
        yield compiler


@pytest.fixture(scope="module")
def build(project: Any) -> Build:
    return Build.of(project)


@pytest.mark.timeout(0)  # as long as its profile takes
def test_the_currency_room_agrees_with_its_model_whatever_people_and_tokens_do(
    build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    name, first_seed = chosen_profile(), chosen_seed()
    profile, tally, artifacts = PROFILES[name], CurrencyTally(), build.artifacts()
    began = time.monotonic()

    for number in range(first_seed, first_seed + profile.seeds):
        fuzz(artifacts, number, profile.steps, tally=tally)

    with capsys.disabled():
        print(f"\ncurrency room, profile {name}, V2V_FUZZ_SEED={first_seed}:")
        print(calls(tally, time.monotonic() - began))
        print(f"{tally.cpu_seconds:.1f} s of processor time")
        print(f"never reached: {', '.join(tally.missing()) or 'nothing'}")
    assert tally.departures >= 0.9 * profile.runs
    assert not (profile.complete and tally.missing()), f"V2V_FUZZ_SEED={first_seed}"


@needs_pyrevm
@pytest.mark.parametrize("plant", CHOSEN, ids=lambda plant: plant.name)
def test_a_bug_planted_into_the_currency_room_is_found(
    plant: Plant, build: Build, compiler: Compiler, capsys: pytest.CaptureFixture[str]
) -> None:
    bugged = with_code_of(plant.planted(token_market_sources()), build, compiler)

    found = hunt(bugged, SEEDS)

    assert found is not None, f"not found: {plant.name}"
    with capsys.disabled():
        print(f"\nfound by seed {found.seed} after {found.steps} steps: {plant.name}")


@needs_pyrevm
def test_nothing_is_found_in_the_currency_room_as_it_is(build: Build, compiler: Compiler) -> None:
    assert hunt(with_code_of(token_market_sources(), build, compiler), SEEDS[:1]) is None


def test_every_bug_fits_the_currency_room_and_is_another_one() -> None:
    sources, listed = token_market_sources(), all_plants()

    assert all(plant.planted(sources) != sources for plant in listed)
    assert len({plant.name for plant in listed}) == len({plant.edits for plant in listed})
    assert len({plant.name for plant in listed}) == len(listed)
