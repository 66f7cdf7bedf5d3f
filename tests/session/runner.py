"""The two sides of a session as processes that start fast: for tests that kill them often.

They do what `ape v2v session` does, less the command line. A fork server has imported everything
already, so a process takes a tenth of a second to start instead of seconds.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import ape
import pytest
from ape.logging import logger

from ape_v2v.market.market import Market
from ape_v2v.session.boundaries import VARIABLE
from ape_v2v.session.running import Watch, run_consumer, run_provider
from ape_v2v.session.settings import ChargeSettings, ServeSettings, SessionSettings
from ape_v2v.session.store import Store
from tests.helpers.processes import ROOT

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe
    from pathlib import Path


KILLED = -9
_PATIENCE = 180  # seconds, longer than any session of a test on a busy machine
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["ape_v2v.market.market", "ape_v2v.session.running", "ape_v2v.car", __name__]
)


def network_of(node: str) -> Any:
    return ape.networks.parse_network_choice(
        "ethereum:local:foundry", provider_settings={"host": node}
    )


network_of("http://127.0.0.1:1")  # imports what Ape needs to connect; nobody is asked


def warm_up() -> None:
    """Nothing: but a process that has done it has shown that the others can start."""


def start_fork_server() -> None:
    """Import everything once: what the tests wait for is a session, not Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # where the server finds the runner
        process = PROCESSES.Process(target=warm_up, daemon=True)
        process.start()
        process.join()
    assert process.exitcode == 0


@dataclass(frozen=True)
class Plan:
    """All that a side's process is told."""

    node: str
    market: str
    auction_id: int
    account: int
    """Which of the test accounts."""
    store: Path
    settings: SessionSettings
    crash_at: str | None = None


def _stage(plan: Plan) -> tuple[Any, Any, Store]:
    logger.set_level("ERROR")
    if plan.crash_at is not None:
        os.environ[VARIABLE] = plan.crash_at
    network_of(plan.node).__enter__()  # until the process ends
    account = ape.accounts.test_accounts[plan.account]
    return Market.at(plan.market).connection(plan.auction_id), account, Store(plan.store)


def provide(plan: Plan, pipe: Pipe) -> None:
    """The provider's process."""
    assert isinstance(plan.settings, ServeSettings)
    watch = Watch(serves=pipe.send, trouble=print)
    pipe.send(run_provider(*_stage(plan), plan.settings, watch))


def consume(plan: Plan, pipe: Pipe) -> None:
    """The consumer's process."""
    assert isinstance(plan.settings, ChargeSettings)
    pipe.send(run_consumer(*_stage(plan), plan.settings, Watch()))


def await_any(sides: list[Side]) -> list[Side]:
    """Wait until a process of one of these has ended, and return those that have."""
    ended = await_ended(sides, _PATIENCE)
    assert ended, f"nobody has ended after {_PATIENCE} s"
    return ended


def await_ended(sides: list[Side], seconds: float) -> list[Side]:
    """Wait so long, at most, for a process of one of these to end; those that have."""
    by_sentinel = {side.sentinel: side for side in sides}
    ended = multiprocessing.connection.wait(list(by_sentinel), seconds)
    return [by_sentinel[sentinel] for sentinel in ended]  # type: ignore[index]


class Side:
    """One side: a process after another, on the same store."""

    def __init__(self, main: Any, plan: Plan) -> None:
        self.plan = plan
        self._main = main
        self._process: Any = None
        self._pipe: Any = None

    def start(self, crash_at: str | None = None) -> None:
        """Start it, to be killed at a boundary if one is named."""
        self._pipe, theirs = PROCESSES.Pipe(duplex=False)
        plan = replace(self.plan, crash_at=crash_at)
        self._process = PROCESSES.Process(target=self._main, args=(plan, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def replace(self, **settings: Any) -> None:
        """Change what it is started with."""
        changed = self.plan.settings.model_copy(update=settings)
        self.plan = replace(self.plan, settings=changed)

    def await_exit(self, patience: float = _PATIENCE) -> int:
        """Wait for its end; the exit code, -9 when it was killed."""
        self._process.join(patience)
        code = self._process.exitcode
        assert code is not None, f"{self._main.__name__} is still running after {patience} s"
        return code

    def await_message(self, patience: float = _PATIENCE) -> Any:
        """The next thing that it says: where it serves, or the outcome; None if it died before."""
        assert self._pipe.poll(patience), f"{self._main.__name__} says nothing in {patience} s"
        try:
            return self._pipe.recv()
        except EOFError:
            return None

    @property
    def sentinel(self) -> int:
        """Ready once the process has ended."""
        return int(self._process.sentinel)

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
