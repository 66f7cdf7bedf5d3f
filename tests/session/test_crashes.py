"""Either process killed with SIGKILL before and after everything that it stores or sends."""

import pytest
from pairs import SESSION_WH, settled

from ape_v2v.session.boundaries import Boundary

MOMENTS = ("before", "after")

# What takes more than a session that runs to its end.
STOPS = {
    Boundary.PROVIDER_STOP_SEND,
    Boundary.CONSUMER_STOP_STORE,
    Boundary.CONSUMER_STOP_SEND,
}
SETTLES = {Boundary.PROVIDER_SETTLE_SEND}


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
