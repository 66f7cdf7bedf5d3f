"""The property tests find bugs: each of plants.yaml is planted, compiled, and has to be found.

A sample with the default profile, all of them with any other V2V_FUZZ_PROFILE.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.assurance.compiler import Compiler, market_sources

from .campaign import Build
from .chosen import chosen_profile
from .in_process import needs_pyrevm
from .plants import Plant, Unplantable, hunt, plants, unchanged, with_code_of

# Always the same ones: a bug that is found is found again, after as many steps.
SEEDS = range(1, 31)
CHOSEN = [plant for plant in plants() if plant.sample or chosen_profile() not in ("dev", "node")]


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    with Compiler() as compiler:
        yield compiler


@pytest.fixture(scope="module")
def build(project: Any) -> Build:
    return Build.of(project)


@needs_pyrevm
@pytest.mark.parametrize("plant", CHOSEN, ids=lambda plant: plant.name)
def test_a_planted_bug_is_found(
    plant: Plant, build: Build, compiler: Compiler, capsys: pytest.CaptureFixture[str]
) -> None:
    bugged = with_code_of(plant.planted(market_sources()), build, compiler)

    found = hunt(bugged, SEEDS)

    assert found is not None, f"not found: {plant.name}"
    with capsys.disabled():
        print(f"\nfound by seed {found.seed} after {found.steps} steps: {plant.name}")


@needs_pyrevm
def test_nothing_is_found_in_the_unchanged_sources(build: Build, compiler: Compiler) -> None:
    assert hunt(unchanged(build, compiler), SEEDS[:3]) is None


def test_every_bug_fits_the_sources_and_changes_them() -> None:
    sources = market_sources()

    for plant in plants():
        assert plant.planted(sources) != sources


def test_a_bug_that_does_not_fit_the_sources_any_more_is_an_error() -> None:
    (plant, *_) = plants()
    sources = plant.planted(market_sources())

    with pytest.raises(Unplantable, match=plant.name):
        plant.planted(sources)


def test_no_two_bugs_have_the_same_name_or_change_the_same_thing() -> None:
    listed = plants()

    assert len({plant.name for plant in listed}) == len({plant.edits for plant in listed})
    assert len({plant.name for plant in listed}) == len(listed)
