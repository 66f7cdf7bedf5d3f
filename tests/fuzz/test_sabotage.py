"""I12 alone, without the model: endings by which somebody would gain, or lose less, are found."""

import pytest

from tests.helpers.scenario import ENERGY, PENALTY
from tests.model.market import ZERO_ADDRESS, Ending, State

from .invariants import require_fair
from .observation import NO_TOKEN, AuctionView

CONSUMER, PROVIDER = "0x" + "11" * 20, "0x" + "22" * 20
VIEW = AuctionView(
    auction_id=1,
    state=State.CONNECTED,
    consumer=CONSUMER,
    energy_wh=ENERGY,
    max_rate=0,
    closing_time=0,
    validity=0,
    open_award=False,
    provider=PROVIDER,
    rate=0,
    connected_at=0,
    free_until=0,
    removals=0,
    reserve=0,
    bond=0,
    penalty=PENALTY,
    token=NO_TOKEN,
    has_token=True,
)
QUARTER = ENERGY // 4
SHARE = PENALTY * 3 // 4
"""What is missing of the energy costs so much of the penalty."""


def end(how, energy_wh):
    """The values of an event of an ending, as far as they are asked for."""
    return (1, CONSUMER, PROVIDER, how, energy_wh)


REMOVED, CANCELLED = ("BidRemoved", (1,)), ("AuctionCancelled", (1,))
PAID = ("ConnectionEnded", end(Ending.PAID, ENERGY))
AGREED = ("ConnectionEnded", end(Ending.AGREED, QUARTER))
SHORT = ("ConnectionEnded", end(Ending.SHORT, QUARTER))
EXPIRED = ("ConnectionEnded", end(Ending.EXPIRED, 0))
FORFEITED = ("ConnectionEnded", end(Ending.FORFEITED, 0))

FAIR = {
    "a removal pays the consumer": (REMOVED, PENALTY, -PENALTY),
    "a cancellation pays the provider": (CANCELLED, -PENALTY, PENALTY),
    "a free cancellation": (CANCELLED, 0, 0),
    "paid": (PAID, 0, 0),
    "agreed": (AGREED, 0, 0),
    "short": (SHORT, -SHARE, -SHARE),
    "expired": (EXPIRED, -PENALTY, -PENALTY),
    "forfeited": (FORFEITED, 2 * PENALTY, -2 * PENALTY),
}
UNFAIR = {
    "a removal for nothing": (REMOVED, 0, 0),
    "a removal that nobody is paid for": (REMOVED, 0, -PENALTY),
    "a cancellation that pays the consumer": (CANCELLED, PENALTY, -PENALTY),
    "a cancellation for half": (CANCELLED, -PENALTY // 2, PENALTY // 2),
    "one wei for who keeps its word": (PAID, 1, -1),
    "agreeing costs": (AGREED, -1, -1),
    "leaving for nothing": (SHORT, 0, 0),
    "leaving at the consumer's cost": (SHORT, -SHARE, 0),
    "leaving at the provider's cost": (SHORT, 0, -SHARE),
    "leaving pays the other": (SHORT, SHARE, -SHARE),
    "leaving costs a wei less than is missing": (SHORT, 1 - SHARE, 1 - SHARE),
    "leaving costs more than staying away": (SHORT, -PENALTY - 1, -PENALTY - 1),
    "staying away for nothing": (EXPIRED, 0, 0),
    "the absentee loses less": (EXPIRED, 0, -PENALTY),
    "the absentee is paid": (EXPIRED, PENALTY, -PENALTY),
    "forfeiting is as good as waiting": (FORFEITED, PENALTY, -PENALTY),
    "a forfeit is for nobody": (FORFEITED, 0, -2 * PENALTY),
}


@pytest.mark.parametrize(("event", "buyer", "seller"), FAIR.values(), ids=FAIR)
def test_a_fair_ending_passes(event, buyer, seller):
    name, values = event
    require_fair(name, values, VIEW, buyer, seller)


@pytest.mark.parametrize(("event", "buyer", "seller"), UNFAIR.values(), ids=UNFAIR)
def test_an_ending_by_which_sabotage_pays_is_found(event, buyer, seller):
    name, values = event
    with pytest.raises(AssertionError, match="I12: "):
        require_fair(name, values, VIEW, buyer, seller)


def test_an_auction_without_a_bid_is_cancelled_for_nothing():
    name, values = CANCELLED
    require_fair(name, values, VIEW._replace(provider=ZERO_ADDRESS), 0, 0)
