"""Attacks on the end of a trade: who leaves, who stays away, and what it costs them.

Energy that has flowed is worth what was agreed for it: `gains` counts money alone.
"""

import pytest

from ape_v2v.testing.assertions import reverts_with, rollback
from tests.helpers.scenario import (
    ENERGY,
    ETHER,
    FUNDS,
    LOWER_RATE,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    TERMS,
    VALIDITY,
    offered,
)

FOREVER = 2**256 - 1
EXPIRES_AFTER = VALIDITY + PARAMETERS["settlementWindow"]
REFUSE = 1


@pytest.fixture
def expire(market, connection_id, clock, stranger):
    """Return a function that lets the connection expire."""

    def expire():
        clock.next_block_at(market.auctions(connection_id).connectedAt + EXPIRES_AFTER)
        market.expireConnection(connection_id, sender=stranger)

    return expire


# --- F1: the provider's free exit -----------------------------------------------------------------


@pytest.mark.parametrize("energy", [0, 7])
def test_f1_a_provider_leaves_with_the_first_receipt(
    market, connection_id, gains, receipt, expire, provider, energy
):
    """It bids next to nothing, spoils the auction, and hands in a receipt of a few Wh.

    That costs it what staying away costs, less the share of those few.
    """
    with rollback():
        expire()
        stayed_away = gains()["provider"]
    signature = receipt(energy, last=False)

    market.settle((connection_id, energy, METER_DATA, False), signature, b"", sender=provider)

    loss = -(-PENALTY * (ENERGY - energy) // ENERGY)
    assert gains()["provider"] == RATE * energy - loss
    assert -loss * ENERGY <= stayed_away * (ENERGY - energy)
    assert gains()["consumer"] == -RATE * energy - loss


# --- F2: other terms after a reorganisation -------------------------------------------------------


def test_f2_a_direct_bid_binds_the_terms(market, consumer, provider, start_auction, balance):
    with rollback():
        auction_id = start_auction()
        terms = offered(market, auction_id)
    assert start_auction(max_rate=10 * MAX_RATE) == auction_id

    with reverts_with(market.UnexpectedTerms, terms=terms, actual=offered(market, auction_id)):
        market.placeBid(auction_id, RATE, terms, sender=provider)

    assert balance(provider) == FUNDS


@pytest.mark.parametrize(
    "other", [{"energy": 2 * ENERGY}, {"max_rate": 10 * MAX_RATE}, {"validity": 2 * VALIDITY}]
)
def test_f2_a_signed_bid_binds_the_terms(
    market, provider, stranger, start_auction, signed_bid, balance, other
):
    with rollback():
        auction_id = start_auction()
        signature = signed_bid(provider, auction_id, RATE, FOREVER)
    assert start_auction(**other) == auction_id

    with pytest.raises(market.WrongSigner):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert balance(provider) == FUNDS


# --- F3: absence pays -----------------------------------------------------------------------------


@pytest.mark.parametrize("lever", [{}, {"validity": 7 * 86_400}, {"max_rate": 10 * MAX_RATE}])
def test_f3_a_consumer_that_stays_away_loses_and_its_provider_had_better_wait(
    market, start_auction, gains, close, clock, consumer, provider, lever
):
    """Whatever the consumer has set before: waiting is better for the provider than forfeiting."""
    auction_id = start_auction(**lever)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    close(auction_id)
    market.endAuction(auction_id, sender=consumer)
    penalty = market.penalty(auction_id)
    with rollback():
        market.forfeit(auction_id, sender=provider)
        forfeited = gains()

    info = market.auctions(auction_id)
    clock.next_block_at(info.connectedAt + info.validity + PARAMETERS["settlementWindow"])
    market.expireConnection(auction_id, sender=provider)

    assert gains() == {"consumer": -penalty, "provider": -penalty, "burnt": 2 * penalty}
    assert gains()["provider"] > forfeited["provider"] == -2 * penalty


# --- F5, F6: removals and revocations -------------------------------------------------------------


def test_f5_a_removal_and_a_new_bid_at_once_do_not_end_the_free_cancellation(
    market, bid_id, gains, clock, consumer, provider, rival
):
    """The leader takes its bid back, and its sibling bids before the consumer can leave."""
    removed_at = clock.now + 5
    clock.next_block_at(removed_at)
    market.removeBid(bid_id, sender=provider)
    market.placeBid(bid_id, MAX_RATE, TERMS, sender=rival)
    window = PARAMETERS["extensionWindow"]
    with rollback():
        clock.next_block_at(removed_at + window)
        with reverts_with(market.PenaltyAboveMaximum, penalty=PENALTY, maximum=0):
            market.cancelAuction(bid_id, 0, sender=consumer)

    clock.next_block_at(removed_at + window - 1)
    market.cancelAuction(bid_id, 0, sender=consumer)

    assert gains() == {"consumer": PENALTY, "provider": -PENALTY}


def test_f6_signed_bids_are_revoked_without_leaving_the_lead(
    market, bid_id, gains, signed_bid, provider, stranger
):
    signature = signed_bid(provider, bid_id, LOWER_RATE, FOREVER)

    market.revokeBids(sender=provider)

    with pytest.raises(market.WrongSigner):
        market.placeBidFor(bid_id, provider, LOWER_RATE, FOREVER, signature, sender=stranger)
    assert market.auctions(bid_id).provider == provider
    assert gains() == {}


def test_f6_what_is_signed_after_a_revocation_counts(
    market, auction_id, signed_bid, provider, stranger
):
    market.revokeBids(sender=provider)
    signature = signed_bid(provider, auction_id, RATE, FOREVER)

    market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert market.auctions(auction_id).provider == provider


# --- F7, F9, F10 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["endAuction", "endConnection"])
def test_f7_a_late_call_pays_for_no_other_trade(
    market, connection_id, start_auction, close, gains, consumer, provider, call
):
    """A smart account's call comes in when the next trade runs, at a thousand times the price."""
    market.endConnection(connection_id, sender=consumer)
    next_id = start_auction(max_rate=20 * MAX_RATE)
    market.placeBid(next_id, 20 * MAX_RATE, offered(market, next_id), sender=provider)
    close(next_id)
    if call == "endConnection":
        market.endAuction(next_id, sender=consumer)
    before = gains()

    with pytest.raises(market.UnexpectedState):
        getattr(market, call)(connection_id, sender=consumer)

    assert gains() == before


def test_f9_an_account_that_refuses_ether_gets_its_money_elsewhere(
    market, project, organization, stranger, rival
):
    refusing = stranger.deploy(project.HostileEV, market)
    market.addEV(refusing, "", sender=organization)
    market.depositFor(refusing, sender=stranger, value=ETHER)
    refusing.prepare(REFUSE, sender=stranger)
    with reverts_with(refusing.Refused):
        refusing.act(market.withdraw.encode_input(ETHER, refusing), sender=stranger)
    before = rival.balance

    refusing.act(market.withdraw.encode_input(ETHER, rival), sender=stranger)

    assert rival.balance == before + ETHER
    assert market.evs(refusing).balance == 0


def test_f10_dust_cannot_play(market, consumer):
    """A penalty that rounds to nothing, or is worth nothing, deters nobody."""
    minimum = PARAMETERS["minPenalty"]

    for energy, rate in ((1, 1), (1, 10 * minimum - 10)):
        penalty = energy * rate // 10
        with reverts_with(market.PenaltyTooLow, penalty=penalty, minimum=minimum):
            market.startAuction(energy, rate, 600, VALIDITY, False, "", sender=consumer)
    market.startAuction(1, 10 * minimum, 600, VALIDITY, False, "", sender=consumer)


# --- The open award -------------------------------------------------------------------------------


@pytest.fixture
def open_award_id(market, start_auction, provider):
    auction_id = start_auction(open_award=True)
    market.placeBid(auction_id, RATE, TERMS, sender=provider)
    return auction_id


@pytest.mark.parametrize("role", ["provider", "stranger", "consumer"])
def test_a_consumer_that_sleeps_is_awarded_to_by_anybody(
    market, open_award_id, close, request, role
):
    close(open_award_id)

    market.endAuction(open_award_id, sender=request.getfixturevalue(role))

    assert market.auctions(open_award_id).state == 2


def test_a_leader_that_waits_for_the_penalty_instead_of_the_award_gets_none(
    market, open_award_id, close, gains, balance, provider
):
    """It could have ended the auction itself."""
    close(open_award_id, PARAMETERS["awardWindow"])

    market.cancelAuction(open_award_id, 0, sender=provider)

    assert gains() == {}
    assert balance(provider) == FUNDS


def test_without_an_open_award_only_the_consumer_ends(market, bid_id, close, consumer, provider):
    close(bid_id)

    with reverts_with(market.NotConsumer, account=provider, consumer=consumer):
        market.endAuction(bid_id, sender=provider)


def test_cancelling_before_the_award_window_ends_costs_the_penalty_there_too(
    market, open_award_id, close, gains, consumer
):
    close(open_award_id, PARAMETERS["awardWindow"] - 1)

    market.cancelAuction(open_award_id, PENALTY, sender=consumer)

    assert gains() == {"consumer": -PENALTY, "provider": PENALTY}


# --- Leaving early is never dearer than staying away ----------------------------------------------


def test_who_wants_out_before_the_award_had_better_say_so(
    market, bid_id, gains, close, clock, consumer, provider, stranger
):
    """Cancelling and removing cost a penalty, which the other gets; vanishing costs the same."""
    with rollback():
        market.removeBid(bid_id, sender=provider)
        removed = gains()
    with rollback():
        market.cancelAuction(bid_id, PENALTY, sender=consumer)
        cancelled = gains()
    close(bid_id)
    market.endAuction(bid_id, sender=consumer)
    clock.next_block_at(clock.now + EXPIRES_AFTER + 1)
    market.expireConnection(bid_id, sender=stranger)
    vanished = gains()

    assert removed["provider"] >= vanished["provider"]
    assert cancelled["consumer"] >= vanished["consumer"]
    assert removed["consumer"] == cancelled["provider"] == PENALTY
