"""How much the currency room is tried, and the bugs that are planted into it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from hypothesis import Phase

from tests.assurance.compiler import TOKEN_MARKET, Compiler, Sources, sources_of

from ..campaign import Profile
from ..plants import Found, Plant, first_failure, plants, recompiled
from .machine import fuzz
from .world import Build, CurrencyTally

STEPS = 50
PROFILES = {
    "node": Profile(seeds=1, steps=15, complete=False),
    "dev": Profile(seeds=2, steps=STEPS, complete=False),
    "ci": Profile(seeds=8, steps=STEPS),
    "nightly": Profile(seeds=400, steps=100),
}
LIST = Path(__file__).with_name("plants.yaml")


def all_plants() -> list[Plant]:
    return plants(LIST)


def token_market_sources() -> Sources:
    return sources_of(TOKEN_MARKET.path)


def with_code_of(sources: Mapping[str, str], build: Build, compiler: Compiler) -> Build:
    """The same build with a market of other sources."""
    return build._replace(market=recompiled(build.market, sources, compiler, TOKEN_MARKET))


def hunt(build: Build, seeds: Iterable[int]) -> Found | None:
    """Where the first of these campaigns fails, if one does."""
    artifacts, tally = build.artifacts(), CurrencyTally()

    def campaign(seed: int) -> None:
        fuzz(artifacts, seed, STEPS, phases=[Phase.generate], tally=tally)

    return first_failure(campaign, seeds, tally)
