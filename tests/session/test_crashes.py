"""Either process killed with SIGKILL before and after everything that it stores or sends."""

import pytest

from ape_v2v.session.boundaries import Boundary
from ape_v2v.session.terms import SessionPatience
from tests.session.pairs import SESSION_WH, settled
from tests.session.runner import KILLED

MOMENTS = ("before", "after")

# What takes more than a session that runs to its end.
STOPS = {
    Boundary.PROVIDER_STOP_SEND,
    Boundary.CONSUMER_STOP_STORE,
    Boundary.CONSUMER_STOP_SEND,
}
SETTLES = {Boundary.PROVIDER_SETTLE_SEND}


LIMIT_WH = 170
AT_ONCE = SessionPatience(for_the_consumer=0, between_looks=0.02, between_looks_at_the_chain=0.1)


def sides():
    """Every boundary of either side, one of each side together: each is a crash of its own."""
    ordinary = [b for b in Boundary if b not in STOPS | SETTLES]
    providers = [b for b in ordinary if b.startswith("provider.")]
    consumers = [b for b in ordinary if b.startswith("consumer.")]
    assert len(consumers) >= len(providers)
    for index, consumer in enumerate(consumers):
        yield providers[index % len(providers)], consumer


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("ours", "theirs"), sides())
def test_both_sides_go_on_after_a_kill(pair, ours, theirs, moment):
    both = pair()
    both.run(f"{ours}:{moment}", f"{theirs}:{moment}")
    assert both.kills == 2
    assert settled(both) == SESSION_WH


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Boundary.PROVIDER_STOP_SEND, Boundary.CONSUMER_STOP_STORE),
        (Boundary.PROVIDER_STOP_STORE, Boundary.CONSUMER_STOP_SEND),
    ],
)
def test_both_sides_go_on_after_a_kill_while_the_consumer_stops(pair, ours, theirs, moment):
    both = pair(limit_wh=LIMIT_WH)
    both.run(f"{ours}:{moment}", f"{theirs}:{moment}")
    assert both.kills == 2
    assert settled(both) == LIMIT_WH


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_provider_settles_by_itself_and_goes_on_after_a_kill(pair, moment):
    both = pair()
    both.provider.start()
    assert both.provider.await_message() == both.url
    # The consumer has the settlement, and vanishes.
    both.consumer.start(f"{Boundary.CONSUMER_SETTLEMENT_STORE}:after")
    assert both.consumer.await_exit() == KILLED
    # Impatient only now: else it might settle before the consumer has asked for anything.
    both.provider.kill()
    both.provider.replace(patience=AT_ONCE)
    both.provider.start(f"{Boundary.PROVIDER_SETTLE_SEND}:{moment}")
    assert both.provider.await_exit() == KILLED
    both.provider.start()
    assert both.provider.await_exit() == 0
    # Back again, it sees that it is done: that is no error.
    both.consumer.start()
    assert both.consumer.await_exit() == 0
    assert settled(both) == SESSION_WH
    assert both.outcomes()[0].sender == both.provider_address


def test_every_boundary_is_tried():
    tried = {boundary for pairs in sides() for boundary in pairs} | STOPS | SETTLES
    assert tried == set(Boundary)
