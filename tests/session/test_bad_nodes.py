"""Sessions whose sides ask a node that fails now and then: they are settled, once, in full."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import ape
import pytest

from ape_v2v.chain.node import Network, Node
from ape_v2v.errors import V2VError
from ape_v2v.market.market import Market
from ape_v2v.session.running import SessionEnd, Watch, run_consumer, run_provider
from ape_v2v.session.store import Store
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy, some
from tests.session.pairs import SESSION_WH, settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.helpers.fault_proxy import Fault
    from tests.session.pairs import Pair

SOMETIMES = 5
"""One request in so many meets with a fault."""
TIMEOUT, BLOCK_PATIENCE, PATIENCE = 0.5, 3.0, 60.0  # seconds
MOST_TOLD = 100

ANY = {**faults.ANYWHERE, **faults.SENDING, **faults.NETWORKS, **faults.READING}


@dataclass
class Run:
    """One side of a session, in a thread of this process."""

    main: Callable[..., SessionEnd]
    both: Pair
    side: str
    url: str
    serves: threading.Event = field(default_factory=threading.Event)
    told: list[str] = field(default_factory=list)
    outcome: Any = None

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            while self.outcome is None:
                self._try()
        except BaseException as error:
            self.outcome = error
            raise
        finally:
            self.serves.set()

    def _try(self) -> None:
        """Begin, and where that is refused in a sentence begin anew, as a user does."""
        plan = getattr(self.both, self.side).plan
        network = Network("somewhere", is_dev=True, patience=BLOCK_PATIENCE)
        try:
            market = Market.at(plan.market, Node(self.url, timeout=TIMEOUT, network=network))
            self.outcome = self.main(
                market.connection(plan.auction_id),
                ape.accounts.test_accounts[plan.account],
                Store(plan.store),
                plan.settings,
                Watch(serves=lambda _url: self.serves.set(), trouble=self.told.append),
            )
        except V2VError as error:
            self.told.append(str(error))
            assert len(self.told) < MOST_TOLD, self.told


@pytest.fixture
def session(pair, chain):
    """A session over a faulty line; how it ended for the provider and for the consumer."""

    def session(fault: Fault) -> Pair:
        both = pair(chain_interval=0.1)
        with FaultProxy(chain.provider.uri) as line:
            provider = Run(run_provider, both, "provider", line.url)
            assert provider.serves.wait(PATIENCE)
            line.fault = fault
            consumer = Run(run_consumer, both, "consumer", line.url)
            for run in (consumer, provider):
                run.thread.join(PATIENCE)
            line.fault = None
            for run in (consumer, provider):
                run.thread.join(PATIENCE)
        for run in (provider, consumer):
            assert isinstance(run.outcome, SessionEnd), run.outcome
            assert not [text for text in run.told if "\n" in text or "Traceback" in text]
        return both

    return session


@pytest.mark.parametrize("kind", ANY)
def test_a_session_through_a_fault_now_and_then_is_settled(session, kind):
    both = session(some(ANY[kind], one_in=SOMETIMES))
    assert settled(both) == SESSION_WH


def test_a_session_through_all_kinds_of_fault_is_settled(session):
    kinds, number = list(ANY.values()), count()

    def any_kind(request: Any, forward: Any) -> Any:
        return kinds[next(number) % len(kinds)](request, forward)

    both = session(some(any_kind, one_in=SOMETIMES))
    assert settled(both) == SESSION_WH
