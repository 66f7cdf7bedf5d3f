"""Whole trades through a sponsor's service: no EV holds a wei, from its first order to its last."""

from datetime import timedelta

import pytest

from ape_v2v import Refused, State
from ape_v2v.sponsor.delegation import delegate_address, delegate_of
from tests.helpers.scenario import (
    ENERGY,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    RESERVE,
    VALIDITY,
)

SOME = 5_000  # Wh
SHARE = PENALTY * (ENERGY - SOME) // ENERGY
ENDINGS = {
    "paid in full": (-ENERGY * RATE, ENERGY * RATE),
    "agreed": (-SOME * RATE, SOME * RATE),
    "broken off": (-SOME * RATE - SHARE, SOME * RATE - SHARE),
    "forfeited": (2 * PENALTY, -2 * PENALTY),
    "expired": (-PENALTY, -PENALTY),
    "no bid": (0, 0),
    "cancelled": (-PENALTY, PENALTY),
    "removed and cancelled": (PENALTY, -PENALTY),
}
"""What consumer and provider gain, in the token's units."""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_trade_through_a_sponsor_ends(funded, coin, clock, penniless, stranger, ending):
    consumer, provider, rival = penniless
    auction = funded.start_auction(
        "20 kWh", funded.rate(MAX_RATE), timedelta(minutes=10), timedelta(hours=2), sender=consumer
    )
    if ending != "no bid":
        auction.place_bid(funded.rate(MAX_RATE), sender=rival)
        auction.place_bid(funded.rate(RATE), sender=provider)
    if ending == "removed and cancelled":
        auction.remove_bid(sender=provider)
    if "cancelled" in ending:
        auction.cancel(funded.money(PENALTY), sender=consumer)
    else:
        clock.move_to(int(auction.info.closing_time.timestamp()))
        connection = auction.end(sender=consumer)
        if ending == "paid in full":
            connection.end(sender=consumer)
        elif ending in {"agreed", "broken off"}:
            last = ending == "agreed"
            receipt = connection.sign_receipt("5 kWh", METER_DATA, last=last, signer=consumer)
            connection.settle(receipt, sender=provider)
        elif ending == "forfeited":
            connection.forfeit(sender=provider)
        elif ending == "expired":
            since = int(connection.info.connected_at.timestamp())
            clock.move_to(since + VALIDITY + PARAMETERS["settlementWindow"])
            connection.expire(sender=provider)

    assert auction.state is State.NONE
    for ev, gain in zip(penniless, (*ENDINGS[ending], 0), strict=True):
        assert int(funded.balance(ev.address)) == 10 * RESERVE + gain
        funded.withdraw_all(sender=ev)
        assert (coin.balanceOf(ev), ev.balance) == (10 * RESERVE + gain, 0)
        assert delegate_of(funded.node, ev.address) == delegate_address()


def test_what_the_market_would_refuse_is_not_even_signed(funded, running, penniless):
    consumer, *_ = penniless
    before = running.sponsor.ledger.left

    with pytest.raises(Refused, match="the energy is 0"):
        funded.start_auction("0 Wh", funded.rate(MAX_RATE), sender=consumer)

    assert running.sponsor.ledger.left == before
