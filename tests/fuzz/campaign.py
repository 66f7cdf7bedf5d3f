"""Many runs of the state machine, against some build of the contracts, in several processes."""

import time
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, NamedTuple
from unittest.mock import patch

from ethpm_types import ContractType
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from ape_v2v.evm.chains import Chain
from ape_v2v.evm.contracts import Interface

from .in_process import fast_chain
from .machine import MarketMachine
from .tally import Tally
from .world import Artifacts


class Profile(NamedTuple):
    """How much is done: each seed gives `RUNS` runs of so many steps."""

    seeds: int
    steps: int
    complete: bool = True
    """Whether everything has to be reached. In a few runs, some rare thing may be missing."""

    @property
    def runs(self) -> int:
        return self.seeds * RUNS


# From its tenth program on, Hypothesis mostly varies the one before instead of making another one
# up. That helps to find similar values, not other states: so every few runs have a seed of their
# own. It also keeps memory small, and a failure is repeated by these few runs alone.
RUNS = 9

PROFILES = {
    "node": Profile(seeds=1, steps=50, complete=False),
    "dev": Profile(seeds=12, steps=50, complete=False),
    "ci": Profile(seeds=60, steps=50),
    "nightly": Profile(seeds=1_150, steps=100),
}
SHRINKING: Collection[Phase] = (Phase.generate, Phase.shrink)


class Build(NamedTuple):
    """The compiled contracts."""

    market: ContractType
    hostile: ContractType
    lens: ContractType

    @classmethod
    def of(cls, project: Any, market: ContractType | None = None) -> "Build":
        """Those of an Ape project, perhaps with another market."""
        return cls(
            market or project.V2VMarket.contract_type,
            project.HostileEV.contract_type,
            project.MarketLens.contract_type,
        )

    def artifacts(self) -> Artifacts:
        market, hostile, lens = self
        return Artifacts(Interface(market, hostile), Interface(hostile), Interface(lens))


class CampaignFailed(AssertionError):
    """Contract and model disagree, or an invariant does not hold. Says how to repeat it."""


def fuzz(
    artifacts: Artifacts,
    number: int,
    steps: int,
    *,
    new_chain: Callable[[], Chain] = fast_chain,
    phases: Collection[Phase] = SHRINKING,
    tally: Tally | None = None,
) -> Tally:
    """Let random people loose on a market, `RUNS` times, and count what they have reached.

    Raises whatever goes wrong first, made as small as possible if `phases` has `shrink`, with the
    seed that repeats it. What has been counted until then is in `tally`.
    """
    counts = Tally() if tally is None else tally

    class Machine(MarketMachine):
        def __init__(self) -> None:
            super().__init__(new_chain, artifacts, counts)

    run(Machine, number, steps, phases, counts)
    return counts


def run(
    machine: type[RuleBasedStateMachine],
    number: int,
    steps: int,
    phases: Collection[Phase],
    tally: Tally,
) -> None:
    """Run a machine `RUNS` times from a seed; what that takes of the processor is added up."""
    began = time.process_time()
    try:
        with _only_the_seed_decides():
            run_state_machine_as_test(seed(number)(machine), settings=_settings(steps, phases))
    except BaseException as error:
        error.add_note(f"V2V_FUZZ_SEED={number} repeats this within {RUNS} runs.")
        raise
    finally:
        tally.cpu_seconds += time.process_time() - began


def fuzz_many(
    build: Build,
    seeds: Sequence[int],
    steps: int,
    *,
    workers: int = 1,
    phases: Collection[Phase] = SHRINKING,
) -> Iterator[Tally]:
    """The tally of each seed, in order.

    Raises:
        CampaignFailed: The first failure, with its traceback and its seed.
    """
    if workers == 1:
        artifacts = build.artifacts()
        yield from (fuzz(artifacts, number, steps, phases=phases) for number in seeds)
        return

    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_prepare, initargs=(build,)
    ) as pool:
        waiting: deque[Future[Tally]] = deque()
        try:
            for number in seeds:
                waiting.append(pool.submit(_fuzz_here, number, steps, phases))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_HERE: dict[str, Artifacts] = {}


def _prepare(build: Build) -> None:
    _HERE["artifacts"] = build.artifacts()


def _fuzz_here(number: int, steps: int, phases: Collection[Phase]) -> Tally:
    try:
        return fuzz(_HERE["artifacts"], number, steps, phases=phases)
    except Exception as error:
        # Not every exception survives the way to the other process.
        raise CampaignFailed("".join(traceback.format_exception(error))) from None


@contextmanager
def _only_the_seed_decides() -> Iterator[None]:
    """Keep Hypothesis from drawing numbers that it finds in the sources of loaded modules.

    Which modules are loaded depends on the command and on the tests before. It has no setting for
    that, and should this not be there in another version, the patch fails.
    """
    providers.CONSTANTS_CACHE.cache.clear()
    with patch.object(providers, "_get_local_constants", Constants):
        yield
    providers.CONSTANTS_CACHE.cache.clear()


def _settings(steps: int, phases: Collection[Phase]) -> settings:
    return settings(
        max_examples=RUNS,
        stateful_step_count=steps,
        phases=phases,
        # The seed repeats everything.
        database=None,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
