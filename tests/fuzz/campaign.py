"""A run of the state machine, of some size, against some build of the contracts."""

import os
import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from ethpm_types import ContractType
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from ape_v2v.testing.chains import Chain, PyrevmChain
from ape_v2v.testing.contracts import Interface

from .machine import MarketMachine
from .tally import Tally
from .world import Artifacts


class Profile(NamedTuple):
    """How much is done: each seed gives `RUNS` runs of so many steps."""

    seeds: int
    steps: int


# From its tenth program on, Hypothesis mostly varies the one before instead of making another one
# up. That helps to find similar values, not other states: so every few runs have a seed of their
# own. It also keeps memory small, and a failure is repeated by these few runs alone.
RUNS = 9

PROFILES = {
    "dev": Profile(seeds=12, steps=50),
    "ci": Profile(seeds=56, steps=50),
    "nightly": Profile(seeds=1_112, steps=100),
}


def chosen_profile() -> str:
    """What V2V_FUZZ_PROFILE names."""
    return os.environ.get("V2V_FUZZ_PROFILE", "dev")


def chosen_seed() -> int:
    """What V2V_FUZZ_SEED says, or anything."""
    return int(os.environ.get("V2V_FUZZ_SEED") or secrets.randbelow(2**32))


def chosen_market(default: Callable[[], ContractType]) -> ContractType:
    """The contract type in the file that V2V_FUZZ_ARTIFACT names, or the default."""
    artifact = os.environ.get("V2V_FUZZ_ARTIFACT")
    if not artifact:
        return default()
    return ContractType.model_validate_json(Path(artifact).read_text(encoding="utf-8"))


def fuzz(
    market: ContractType,
    hostile: ContractType,
    profile: Profile,
    first_seed: int,
    *,
    new_chain: Callable[[], Chain] = PyrevmChain,
    phases: Collection[Phase] = (Phase.generate, Phase.shrink),
) -> Tally:
    """Let random people loose on a market, and count what they have reached.

    Raises whatever goes wrong first, made as small as possible if `phases` has `shrink`, with the
    seed that repeats it.
    """
    artifacts = Artifacts(Interface(market, hostile), Interface(hostile))
    tally = Tally()

    class Machine(MarketMachine):
        def __init__(self) -> None:
            super().__init__(new_chain, artifacts, tally)

    for number in range(first_seed, first_seed + profile.seeds):
        try:
            run_state_machine_as_test(seed(number)(Machine), settings=_settings(profile, phases))
        except BaseException as error:
            error.add_note(f"V2V_FUZZ_SEED={number} repeats this within {RUNS} runs.")
            raise
    return tally


def _settings(profile: Profile, phases: Collection[Phase]) -> settings:
    return settings(
        max_examples=RUNS,
        stateful_step_count=profile.steps,
        phases=phases,
        # The seed repeats everything.
        database=None,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
