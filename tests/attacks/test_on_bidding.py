"""Attacks on the bidding: what they gain, what they cost, and whom."""

import pytest

from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
    FUNDS,
    LOWER_RATE,
    MAX_RATE,
    PARAMETERS,
    PENALTY,
    RATE,
    TERMS,
    offered,
)

REFUSE = 1
WINDOW = PARAMETERS["extensionWindow"]


def test_refund_griefing(
    market, auction_id, gains, close, project, organization, stranger, rival, consumer
):
    """A leader whose account refuses ether cannot be pushed aside, if overtaking it pays it.

    The attacker is a contract that leads and refuses. It gains nothing: overtaking only moves its
    bond into its own balance, and it loses the auction.
    """
    attacker = stranger.deploy(project.HostileEV, market)
    market.addEV(attacker, "", sender=organization)
    market.depositFor(attacker, sender=stranger, value=BOND)
    attacker.act(market.placeBid.encode_input(auction_id, RATE, TERMS), sender=stranger)
    attacker.prepare(REFUSE, sender=stranger)

    market.placeBid(auction_id, LOWER_RATE, offered(market, auction_id), sender=rival)
    close(auction_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    cost = LOWER_RATE * ENERGY
    assert gains() == {"consumer": -cost, "rival": cost}
    assert market.evs(attacker).balance == BOND
    with reverts_with(attacker.Refused):
        attacker.act(market.withdraw.encode_input(BOND, attacker), sender=stranger)


def test_dust_undercutting(market, bid_id, gains, close, consumer, provider, rival):
    """A rival takes the lead again and again by one wei, so that an honest bid is never final.

    With a minimum decrement of 1 % it has to give up 1 % of the price each time.
    """
    dust = RATE - 1
    step = RATE - RATE // 100

    with reverts_with(market.RateTooHigh, rate=dust, highest=step):
        market.placeBid(bid_id, dust, offered(market, bid_id), sender=rival)
    market.placeBid(bid_id, step, offered(market, bid_id), sender=rival)
    answer = step - step // 100
    market.placeBid(bid_id, answer, offered(market, bid_id), sender=provider)
    close(bid_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    # The attack has only made the consumer's energy cheaper.
    assert answer * ENERGY < RATE * ENERGY * 99 // 100
    assert gains() == {"consumer": -answer * ENERGY, "provider": answer * ENERGY}


def test_last_second_sniping(market, bid_id, gains, clock, close, consumer, provider, rival):
    """A rival bids in the last second, so that nobody can answer.

    Its bid moves the close: the leader has the extension window to answer, and does.
    """
    first_close = market.auctions(bid_id).closingTime
    sniped = RATE - RATE // 100
    close(bid_id, -1)
    market.placeBid(bid_id, sniped, offered(market, bid_id), sender=rival)
    assert market.auctions(bid_id).closingTime == first_close - 1 + WINDOW

    close(bid_id, -1)
    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=provider)
    close(bid_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert gains() == {"consumer": -LOWER_RATE * ENERGY, "provider": LOWER_RATE * ENERGY}


def test_sniping_cannot_prolong_an_auction_for_ever(
    market, auction_id, close, clock, consumer, provider, rival, gains
):
    """Two accounts bid in the last second in turn, to keep the consumer's deposit locked.

    The close never passes twice the bidding time, and each bid costs them 1 % of the price.
    """
    opened = market.auctions(auction_id).closingTime - BIDDING_TIME
    rate, bids = MAX_RATE, 0
    limit = opened + 2 * BIDDING_TIME
    while market.auctions(auction_id).closingTime < limit:
        close(auction_id, -1)
        market.placeBid(
            auction_id, rate, offered(market, auction_id), sender=(provider, rival)[bids % 2]
        )
        rate -= -(-rate // 100)
        bids += 1
    assert bids == BIDDING_TIME // (WINDOW - 1) + 1

    close(auction_id, -1)
    market.placeBid(
        auction_id, rate, offered(market, auction_id), sender=(provider, rival)[bids % 2]
    )
    assert market.auctions(auction_id).closingTime == limit
    close(auction_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    winner = ("provider", "rival")[bids % 2]
    assert gains() == {"consumer": -rate * ENERGY, winner: rate * ENERGY}


def test_low_ball_and_retract(market, auction_id, clock, close, gains, consumer, provider, rival):
    """A bid so low that nobody answers, taken back in the last second; a sibling wins at the top.

    Taking it back restarts the clock and costs the penalty: whoever was frightened off has the
    whole bidding time again. The attackers lose the auction and the penalty, the consumer gains it.
    """
    sibling = rival
    market.placeBid(auction_id, 1, offered(market, auction_id), sender=provider)
    retracted_at = market.auctions(auction_id).closingTime - 1
    clock.next_block_at(retracted_at)
    market.removeBid(auction_id, sender=provider)
    assert gains() == {"consumer": PENALTY, "provider": -PENALTY}

    market.placeBid(auction_id, MAX_RATE, offered(market, auction_id), sender=sibling)
    assert market.auctions(auction_id).closingTime == retracted_at + BIDDING_TIME
    clock.next_block_at(retracted_at + BIDDING_TIME - 1)
    market.placeBid(auction_id, LOWER_RATE, offered(market, auction_id), sender=provider)
    close(auction_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    cost = LOWER_RATE * ENERGY
    assert gains() == {"consumer": PENALTY - cost, "provider": cost - PENALTY}


def test_low_ball_and_retract_can_be_answered_by_leaving(
    market, auction_id, clock, gains, consumer, provider
):
    """The consumer that sees the trick need not wait for the sibling: it cancels free of charge."""
    market.placeBid(auction_id, 1, offered(market, auction_id), sender=provider)
    clock.next_block_at(market.auctions(auction_id).closingTime - 1)
    market.removeBid(auction_id, sender=provider)

    market.cancelAuction(auction_id, 0, sender=consumer)

    assert gains() == {"consumer": PENALTY, "provider": -PENALTY}
    assert market.evs(consumer).balance == FUNDS + PENALTY


@pytest.mark.parametrize("rate", [1, MAX_RATE])
def test_a_bid_slipped_in_before_a_cancellation(
    market, auction_id, gains, consumer, provider, rate
):
    """A provider sees the cancellation of an empty auction and bids before it, for the penalty.

    `maxPenalty` is 0 for who thinks that the auction is empty: the cancellation fails, and nobody
    has lost anything.
    """
    market.placeBid(auction_id, rate, offered(market, auction_id), sender=provider)

    with reverts_with(market.PenaltyAboveMaximum, penalty=PENALTY, maximum=0):
        market.cancelAuction(auction_id, 0, sender=consumer)

    assert gains() == {}
