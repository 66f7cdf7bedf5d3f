"""Who can do harm by doing nothing, by coming late, or by running the market."""

import pytest
from ape.exceptions import CustomError

from ape_v2v.testing.assertions import reverts_with, rollback
from tests.helpers.scenario import (
    ENERGY,
    FUNDS,
    LOWER_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    VALIDITY,
    offered,
)

NONE, OPEN, CONNECTED = range(3)
AWARD_WINDOW = PARAMETERS["awardWindow"]
EXPIRES_AFTER = VALIDITY + PARAMETERS["settlementWindow"]


# --- The organization -----------------------------------------------------------------------------


def test_deregistration_in_mid_auction(
    market, bid_id, gains, close, organization, consumer, provider, sign_reading
):
    """The organization removes both sides of a running auction, to strand their money.

    The standing bid stands, the award is made, and the receipt settles: as if nothing had happened.
    """
    market.removeEV(provider, sender=organization)
    market.removeEV(consumer, sender=organization)

    close(bid_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    reading = (bid_id, ENERGY, METER_DATA, True)
    market.settle(reading, sign_reading(consumer, reading), b"", sender=provider)

    cost = RATE * ENERGY
    assert gains() == {"consumer": -cost, "provider": cost}
    for account in (consumer, provider):
        market.withdraw(market.evs(account).balance, account, sender=account)


def test_deregistration_of_a_rival_in_favour_of_the_owners_own_ev(
    market, bid_id, gains, close, organization, consumer, provider, rival
):
    """The organization's own EV leads, and it removes the rival that would underbid it.

    That works, and is the one thing that the organization's admission of EVs decides. It cannot
    take back a bid that stands: had the rival bid before, it would win.
    """
    with rollback():
        market.removeEV(rival, sender=organization)
        with reverts_with(market.NotEV, account=rival):
            market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)

    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)
    market.removeEV(rival, sender=organization)
    close(bid_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert gains() == {"consumer": -LOWER_RATE * ENERGY, "rival": LOWER_RATE * ENERGY}


def test_deregistration_to_spare_a_friend_the_penalty(
    market, bid_id, gains, organization, consumer, provider
):
    """The organization removes the leader, so that the consumer's cancellation costs nothing.

    The leader loses the compensation that it had not got yet, and nothing of its own.
    """
    market.removeEV(provider, sender=organization)

    market.cancelAuction(bid_id, 0, sender=consumer)

    assert gains() == {}
    assert market.evs(provider).balance == FUNDS


def test_market_closed_in_mid_auction(
    market, bid_id, gains, close, organization, consumer, provider, rival
):
    """The organization closes the market while its own EV leads, to freeze the bidding.

    Bids are accepted to the end of what runs, and it is awarded and paid.
    """
    market.changeStatus(sender=organization)

    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)
    close(bid_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    market.withdraw(market.evs(rival).balance, rival, sender=rival)

    assert gains()["consumer"] == -LOWER_RATE * ENERGY
    assert market.evs(provider).balance == FUNDS
    with reverts_with(market.MarketClosed):
        market.startAuction(ENERGY, RATE, 600, VALIDITY, False, "", sender=consumer)


def test_an_expiry_that_the_organization_hopes_to_gain_from(
    market, connection_id, gains, clock, organization
):
    """Nobody reports, and the organization lets the connection expire: the penalties are burnt."""
    clock.next_block_at(market.auctions(connection_id).connectedAt + EXPIRES_AFTER)

    market.expireConnection(connection_id, sender=organization)

    assert gains() == {"consumer": -PENALTY, "provider": -PENALTY, "burnt": 2 * PENALTY}


# --- Who is not there -----------------------------------------------------------------------------


def test_vanished_consumer_before_the_award(market, bid_id, gains, clock, provider, stranger):
    """A consumer never ends its auction, to keep the provider's bond locked.

    After the award window anybody frees it: the consumer pays the penalty, to the provider.
    """
    deadline = market.auctions(bid_id).closingTime + AWARD_WINDOW
    clock.next_block_at(deadline)

    market.cancelAuction(bid_id, PENALTY, sender=provider)

    assert gains() == {"consumer": -PENALTY, "provider": PENALTY}
    assert market.evs(provider).balance == FUNDS + PENALTY


def test_vanished_consumer_after_the_charge(
    market, connection_id, gains, receipt, provider, consumer
):
    """A consumer takes the energy and does not end the connection: its receipt is as good."""
    taken = ENERGY * 3 // 4

    market.settle((connection_id, taken, METER_DATA, True), receipt(taken), b"", sender=provider)

    assert gains() == {"consumer": -RATE * taken, "provider": RATE * taken}
    market.withdraw(FUNDS + RATE * taken, provider, sender=provider)


def test_vanished_provider(market, connection_id, gains, clock, consumer):
    """A provider wins and does not come. The consumer's deposit is free at the expiry.

    The provider gains nothing by it; the consumer that cannot prove it loses as much.
    """
    clock.next_block_at(market.auctions(connection_id).connectedAt + EXPIRES_AFTER)

    market.expireConnection(connection_id, sender=consumer)
    market.withdraw(FUNDS - PENALTY, consumer, sender=consumer)

    losses = gains()
    assert losses["provider"] == -PENALTY
    assert losses["burnt"] == 2 * PENALTY
    assert market.evs(consumer).noShows == market.evs(connection_id >> 32).noShows == 1


# --- When -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stale", ["a bid", "a cancellation", "a removal", "a settlement"])
def test_stale_transaction_to_a_later_auction(
    market, bid_id, start_auction, gains, consumer, provider, rival, sign_reading, stale
):
    """A transaction waits in the pool until the consumer's next auction, with ten times the energy.

    It names the round that it was made for, and reaches no other.
    """
    market.cancelAuction(bid_id, PENALTY, sender=consumer)
    next_id = start_auction(energy=10 * ENERGY)
    market.placeBid(next_id, LOWER_RATE, offered(market, next_id), sender=provider)
    before = gains()
    reading = (bid_id, 1, METER_DATA, True)
    receipt = sign_reading(consumer, reading)

    expected = CONNECTED if stale == "a settlement" else OPEN
    with reverts_with(market.UnexpectedState, auctionId=bid_id, actual=NONE, expected=expected):
        match stale:
            case "a bid":
                market.placeBid(bid_id, 1, offered(market, bid_id), sender=rival)
            case "a cancellation":
                market.cancelAuction(bid_id, 2**256 - 1, sender=consumer)
            case "a removal":
                market.removeBid(bid_id, sender=provider)
            case "a settlement":
                market.settle(reading, receipt, b"", sender=provider)

    assert gains() == before == {"consumer": -PENALTY, "provider": PENALTY}
    auction = market.auctions(next_id)
    assert (auction.state, auction.provider, auction.rate) == (OPEN, provider, LOWER_RATE)


@pytest.fixture
def outcome(clock):
    """Return a function that makes a call in some second, undoes it, and says what came of it."""

    def outcome(call, second):
        with rollback():
            clock.next_block_at(second)
            try:
                call()
            except CustomError as error:
                return error.name
            return "done"

    return outcome


def test_timestamp_at_the_close(market, bid_id, outcome, consumer, rival):
    """Who builds the block chooses the second. In none can both be done: bid and award."""
    close = market.auctions(bid_id).closingTime

    def bids():
        market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)

    def awards():
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert [outcome(bids, close + offset) for offset in (-1, 0, 1)] == [
        "done",
        "BiddingClosed",
        "BiddingClosed",
    ]
    assert [outcome(awards, close + offset) for offset in (-1, 0, 1)] == [
        "BiddingOpen",
        "done",
        "done",
    ]


def test_timestamp_at_the_award_deadline(market, bid_id, outcome, consumer, stranger):
    """In none can both be done: the award, and the cancellation by somebody else."""
    deadline = market.auctions(bid_id).closingTime + AWARD_WINDOW

    def awards():
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    def others_cancel():
        market.cancelAuction(bid_id, PENALTY, sender=stranger)

    assert [outcome(awards, deadline + offset) for offset in (-1, 0, 1)] == [
        "done",
        "AwardWindowPassed",
        "AwardWindowPassed",
    ]
    assert [outcome(others_cancel, deadline + offset) for offset in (-1, 0, 1)] == [
        "OnlyConsumerUntil",
        "done",
        "done",
    ]


def test_timestamp_at_the_expiry(market, connection_id, outcome, receipt, provider, stranger):
    """A second too early never expires a connection; a receipt settles until somebody has."""
    expiry = market.auctions(connection_id).connectedAt + EXPIRES_AFTER
    signature = receipt(ENERGY)

    def expires():
        market.expireConnection(connection_id, sender=stranger)

    def settles():
        market.settle((connection_id, ENERGY, METER_DATA, True), signature, b"", sender=provider)

    assert [outcome(expires, expiry + offset) for offset in (-1, 0, 1)] == [
        "ConnectionNotExpired",
        "done",
        "done",
    ]
    assert [outcome(settles, expiry + offset) for offset in (-1, 0, 1)] == ["done"] * 3


def test_timestamp_at_a_signatures_deadline(
    market, auction_id, outcome, signed_bid, provider, stranger
):
    """The one limit that is included: a signature is good in the second of its deadline."""
    deadline = market.auctions(auction_id).closingTime - 100
    signature = signed_bid(provider, auction_id, RATE, deadline)

    def relays():
        market.placeBidFor(auction_id, provider, RATE, deadline, signature, sender=stranger)

    assert [outcome(relays, deadline + offset) for offset in (-1, 0, 1)] == [
        "done",
        "done",
        "SignatureExpired",
    ]
