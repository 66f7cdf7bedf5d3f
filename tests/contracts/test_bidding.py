"""Providers underbid each other in public: placeBid, the moving close, removeBid."""

from typing import NamedTuple

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
    RESERVE,
    VALIDITY,
    ZERO_ADDRESS,
    offered,
)

NONE, OPEN, CONNECTED = range(3)
WINDOW = PARAMETERS["extensionWindow"]
# The highest rate that undercuts RATE by 1 %.
UNDERCUT = RATE * 99 // 100
HOUR = 3_600
WEEK = 7 * 24 * HOUR


class Ledger(NamedTuple):
    """Free balances, wei. The burnt ether is the zero address's."""

    consumer: int = FUNDS - RESERVE
    provider: int = FUNDS
    rival: int = FUNDS
    burnt: int = 0


@pytest.fixture
def start_small_auction(consumer):
    """A factory of auctions for 1 Wh, paid with the call."""

    def start(market, max_rate=MAX_RATE, bidding_time=BIDDING_TIME, energy=1):
        market.startAuction(
            energy,
            max_rate,
            bidding_time,
            VALIDITY,
            False,
            "",
            sender=consumer,
            value=energy * max_rate,
        )
        return market.currentAuctionId(consumer)

    return start


@pytest.fixture
def closing_time(market):
    return lambda auction_id: market.auctions(auction_id).closingTime


# --- placeBid: the first bid


def test_provider_places_the_first_bid(
    market, auction_id, consumer, provider, ledger, closing_time
):
    closes = closing_time(auction_id)

    receipt = market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    assert market.auctions(auction_id) == (
        OPEN,
        consumer,
        ENERGY,
        MAX_RATE,
        closes,
        VALIDITY,
        False,
        provider,
        RATE,
        0,
        0,
        0,
    )
    assert ledger() == Ledger(provider=FUNDS - BOND)
    assert receipt.events == [
        market.BidPlaced(auctionId=auction_id, provider=provider, rate=RATE, closingTime=closes)
    ]


@pytest.mark.parametrize("rate", [1, MAX_RATE])
def test_first_bid_may_have_any_rate_up_to_the_maximum(market, auction_id, provider, rate):
    market.placeBid(auction_id, rate, offered(market, auction_id), sender=provider)

    assert market.auctions(auction_id).rate == rate


def test_first_bid_above_the_maximum_rate_is_refused(market, auction_id, provider, untouched):
    for rate in (MAX_RATE + 1, 2**64 - 1):
        with untouched(), reverts_with(market.RateTooHigh, rate=rate, highest=MAX_RATE):
            market.placeBid(auction_id, rate, offered(market, auction_id), sender=provider)


@pytest.mark.parametrize("stage", ["auction_id", "bid_id"])
def test_bid_of_nothing_is_refused(market, rival, untouched, request, stage):
    auction_id = request.getfixturevalue(stage)

    with untouched(), reverts_with(market.ZeroRate):
        market.placeBid(auction_id, 0, offered(market, auction_id), sender=rival)


def test_ether_sent_along_is_credited_before_the_bond_is_locked(
    market, auction_id, provider, ledger, closing_time
):
    market.withdraw(FUNDS, provider, sender=provider)

    receipt = market.placeBid(
        auction_id, RATE, offered(market, auction_id), sender=provider, value=BOND + 5
    )

    assert ledger() == Ledger(provider=5)
    assert market.balance == 2 * FUNDS + BOND + 5
    assert receipt.events == [
        market.Deposited(account=provider, **{"from": provider}, amount=BOND + 5),
        market.BidPlaced(
            auctionId=auction_id,
            provider=provider,
            rate=RATE,
            closingTime=closing_time(auction_id),
        ),
    ]


def test_bond_may_come_partly_from_the_balance_and_partly_with_the_call(
    market, auction_id, provider, ledger
):
    market.withdraw(FUNDS - 1, provider, sender=provider)

    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider, value=BOND - 1)

    assert ledger() == Ledger(provider=0)


@pytest.mark.parametrize("value", [0, BOND - 2])
def test_bid_without_the_bond_is_refused(market, auction_id, provider, untouched, value):
    market.withdraw(FUNDS - 1, provider, sender=provider)

    with (
        untouched(),
        reverts_with(market.BalanceTooLow, account=provider, balance=1 + value, needed=BOND),
    ):
        market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider, value=value)


@pytest.mark.parametrize(
    ("parameters", "bond"),
    [
        ({"bondBps": 65_535}, 124),
        ({"bondBps": 15_000}, 28),
        ({"bondBps": 5_000}, 9),
        ({"bondBps": 2_000}, 3),
    ],
)
def test_bond_is_a_share_of_the_reserve_rounded_down(
    open_market, start_small_auction, provider, parameters, bond
):
    market = open_market(**parameters)
    auction_id = start_small_auction(market, max_rate=19)

    market.placeBid(auction_id, 1, offered(market, auction_id), sender=provider, value=125)

    assert market.bond(auction_id) == bond
    assert market.evs(provider).balance == 125 - bond


# --- placeBid: overtaking


def test_rival_overtakes_and_the_bond_of_the_overtaken_is_free_at_once(
    market, bid_id, consumer, rival, ledger, closing_time
):
    receipt = market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)

    closes = closing_time(bid_id)
    assert market.auctions(bid_id) == (
        OPEN,
        consumer,
        ENERGY,
        MAX_RATE,
        closes,
        VALIDITY,
        False,
        rival,
        LOWER_RATE,
        0,
        0,
        0,
    )
    assert ledger() == Ledger(rival=FUNDS - BOND)
    assert receipt.events == [
        market.BidPlaced(auctionId=bid_id, provider=rival, rate=LOWER_RATE, closingTime=closes)
    ]


def test_overtaken_provider_may_withdraw_everything_and_come_back(
    market, bid_id, provider, rival, ledger
):
    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)

    market.withdraw(FUNDS, provider, sender=provider)
    market.placeBid(bid_id, 1, offered(market, bid_id), sender=provider, value=BOND)

    assert market.auctions(bid_id).provider == provider
    assert ledger() == Ledger(provider=0)


def test_rival_must_undercut_by_the_minimum_decrement(market, bid_id, rival, untouched):
    for rate in (UNDERCUT + 1, RATE - 1, RATE, RATE + 1, MAX_RATE):
        with untouched(), reverts_with(market.RateTooHigh, rate=rate, highest=UNDERCUT):
            market.placeBid(bid_id, rate, offered(market, bid_id), sender=rival)


def test_rival_may_undercut_by_exactly_the_minimum_decrement(market, bid_id, rival):
    market.placeBid(bid_id, UNDERCUT, offered(market, bid_id), sender=rival)

    assert market.auctions(bid_id).provider == rival
    assert market.auctions(bid_id).rate == UNDERCUT


def test_overtaken_rate_that_was_beaten_does_not_come_back(market, bid_id, provider, rival):
    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)

    with reverts_with(market.RateTooHigh, rate=UNDERCUT, highest=LOWER_RATE * 99 // 100):
        market.placeBid(bid_id, UNDERCUT, offered(market, bid_id), sender=provider)


@pytest.mark.parametrize(
    ("decrement_bps", "best", "highest"),
    [
        (0, 2**60, 2**60 - 1),
        (0, 2, 1),
        (1, 20_000, 19_998),
        (1, 20_001, 19_998),
        (100, 2, 1),
        (100, 100, 99),
        (100, 101, 99),
        (100, 200, 198),
        (5_000, 2, 1),
        (5_000, 3, 1),
        (5_000, 2**60 - 1, 2**59 - 1),
    ],
)
def test_decrement_is_rounded_up_and_at_least_one(
    open_market, start_small_auction, provider, rival, decrement_bps, best, highest
):
    market = open_market(minDecrementBps=decrement_bps)
    auction_id = start_small_auction(market, max_rate=best, energy=10)
    bond = 10 * best
    market.placeBid(auction_id, best, offered(market, auction_id), sender=provider, value=bond)

    with reverts_with(market.RateTooHigh, rate=highest + 1, highest=highest):
        market.placeBid(
            auction_id, highest + 1, offered(market, auction_id), sender=rival, value=bond
        )
    market.placeBid(auction_id, highest, offered(market, auction_id), sender=rival, value=bond)

    assert market.auctions(auction_id).provider == rival
    assert market.auctions(auction_id).rate == highest


@pytest.mark.parametrize("decrement_bps", [0, 100, 5_000])
def test_rate_of_one_cannot_be_undercut(
    open_market, start_small_auction, provider, rival, decrement_bps
):
    market = open_market(minDecrementBps=decrement_bps)
    auction_id = start_small_auction(market)
    market.placeBid(auction_id, 1, offered(market, auction_id), sender=provider, value=MAX_RATE)

    with reverts_with(market.RateTooHigh, rate=1, highest=0):
        market.placeBid(auction_id, 1, offered(market, auction_id), sender=rival, value=MAX_RATE)
    with reverts_with(market.ZeroRate):
        market.placeBid(auction_id, 0, offered(market, auction_id), sender=rival, value=MAX_RATE)


# --- placeBid: the leader


def test_leader_lowers_its_own_bid_and_its_bond_stays_where_it_is(
    market, bid_id, provider, ledger, closing_time
):
    market.withdraw(FUNDS - BOND, provider, sender=provider)

    receipt = market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=provider)

    assert market.auctions(bid_id).provider == provider
    assert market.auctions(bid_id).rate == LOWER_RATE
    assert ledger() == Ledger(provider=0)
    assert receipt.events == [
        market.BidPlaced(
            auctionId=bid_id,
            provider=provider,
            rate=LOWER_RATE,
            closingTime=closing_time(bid_id),
        )
    ]


def test_leader_must_undercut_its_own_bid_by_the_minimum_decrement(
    market, bid_id, provider, untouched
):
    with untouched(), reverts_with(market.RateTooHigh, rate=UNDERCUT + 1, highest=UNDERCUT):
        market.placeBid(bid_id, UNDERCUT + 1, offered(market, bid_id), sender=provider)


def test_ether_sent_along_by_the_leader_is_credited(market, bid_id, provider, ledger):
    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=provider, value=7)

    assert ledger() == Ledger(provider=FUNDS - BOND + 7)
    assert market.balance == 3 * FUNDS + 7


# --- placeBid: who and when


def test_account_that_is_no_ev_cannot_bid(market, auction_id, stranger, untouched):
    with untouched(), reverts_with(market.NotEV, account=stranger):
        market.placeBid(auction_id, RATE, offered(market, auction_id), sender=stranger, value=BOND)


def test_removed_ev_cannot_bid(market, auction_id, organization, provider, untouched):
    market.removeEV(provider, sender=organization)

    with untouched(), reverts_with(market.NotEV, account=provider):
        market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)


def test_removed_leader_cannot_lower_its_bid(market, bid_id, organization, provider, untouched):
    market.removeEV(provider, sender=organization)

    with untouched(), reverts_with(market.NotEV, account=provider):
        market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=provider)


def test_removed_leader_can_be_overtaken_and_gets_its_bond_back(
    market, bid_id, organization, provider, rival, ledger
):
    market.removeEV(provider, sender=organization)

    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)

    assert market.auctions(bid_id).provider == rival
    assert ledger() == Ledger(rival=FUNDS - BOND)


@pytest.mark.parametrize("stage", ["auction_id", "bid_id"])
def test_consumer_cannot_bid_in_its_own_auction(market, consumer, untouched, request, stage):
    auction_id = request.getfixturevalue(stage)

    with untouched(), reverts_with(market.OwnAuction, auctionId=auction_id):
        market.placeBid(auction_id, LOWER_RATE, offered(market, auction_id), sender=consumer)


def test_bid_in_the_last_second_is_accepted(market, auction_id, provider, clock, closing_time):
    clock.next_block_at(closing_time(auction_id) - 1)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    assert market.auctions(auction_id).provider == provider


@pytest.mark.parametrize("late", [0, 1])
def test_bid_from_the_close_on_is_refused(
    market, auction_id, provider, clock, closing_time, untouched, late
):
    closes = closing_time(auction_id)
    clock.next_block_at(closes + late)

    with (
        untouched(),
        reverts_with(market.BiddingClosed, closingTime=closes, timestamp=closes + late),
    ):
        market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)


def test_auction_that_is_over_takes_no_bid(market, auction_id, consumer, provider, untouched):
    market.cancelAuction(auction_id, 0, sender=consumer)

    with (
        untouched(),
        reverts_with(market.UnexpectedState, auctionId=auction_id, actual=NONE, expected=OPEN),
    ):
        market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider, value=BOND)


# --- The moving close


@pytest.mark.parametrize(
    ("before_close", "extension"),
    [(WINDOW + 1, 0), (WINDOW, 0), (WINDOW - 1, 1), (2, WINDOW - 2), (1, WINDOW - 1)],
)
def test_bid_near_the_close_leaves_the_others_the_extension_window(
    market, auction_id, provider, clock, closing_time, before_close, extension
):
    closes = closing_time(auction_id)
    clock.next_block_at(closes - before_close)
    receipt = market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    assert closing_time(auction_id) == closes + extension
    assert receipt.events == [
        market.BidPlaced(
            auctionId=auction_id,
            provider=provider,
            rate=RATE,
            closingTime=closes + extension,
        )
    ]


def test_leader_that_lowers_its_bid_near_the_close_extends_it_too(
    market, bid_id, provider, clock, closing_time
):
    closes = closing_time(bid_id)
    clock.next_block_at(closes - 1)
    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=provider)

    assert closing_time(bid_id) == closes - 1 + WINDOW


def test_refused_bid_near_the_close_does_not_extend_it(
    market, bid_id, rival, clock, untouched, closing_time
):
    clock.next_block_at(closing_time(bid_id) - 1)

    with untouched(), reverts_with(market.RateTooHigh, rate=RATE, highest=UNDERCUT):
        market.placeBid(bid_id, RATE, offered(market, bid_id), sender=rival)


def test_extended_auction_ends_at_its_new_close_and_the_award_window_begins_there(
    market, auction_id, consumer, provider, clock, closing_time
):
    first_close = closing_time(auction_id)
    clock.next_block_at(first_close - 1)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    closes = first_close - 1 + WINDOW
    deadline = closes + PARAMETERS["awardWindow"]

    clock.next_block_at(first_close)
    with reverts_with(market.BiddingOpen, closingTime=closes, timestamp=first_close):
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    clock.next_block_at(deadline - 1)
    with reverts_with(
        market.OnlyConsumerUntil, account=provider, consumer=consumer, deadline=deadline
    ):
        market.cancelAuction(auction_id, PENALTY, sender=provider)
    clock.next_block_at(deadline - 1)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert market.auctions(auction_id).state == CONNECTED


def test_close_never_passes_twice_the_bidding_time(
    market, start_auction, provider, rival, clock, closing_time
):
    auction_id = start_auction(bidding_time=WINDOW)
    limit = closing_time(auction_id) + WINDOW
    closes = []
    for moment, rate, bidder in (
        (limit - WINDOW - 1, 9, provider),
        (limit - WINDOW + 1, 8, rival),
        (limit - 1, 7, provider),
    ):
        clock.next_block_at(moment)
        market.placeBid(auction_id, rate, offered(market, auction_id), sender=bidder)
        closes.append(closing_time(auction_id))

    assert closes == [limit - 1, limit, limit]
    clock.next_block_at(limit)
    with reverts_with(market.BiddingClosed, closingTime=limit, timestamp=limit):
        market.placeBid(auction_id, 6, offered(market, auction_id), sender=rival)


def test_first_bid_may_reach_the_limit_when_the_window_is_longer_than_the_bidding_time(
    open_market, start_small_auction, provider, clock
):
    market = open_market(extensionWindow=HOUR)
    auction_id = start_small_auction(market)
    started = clock.now

    clock.next_block_at(started + 1)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider, value=MAX_RATE)

    assert market.auctions(auction_id).closingTime == started + 2 * BIDDING_TIME


def test_window_of_zero_is_a_hard_close(open_market, start_small_auction, provider, clock):
    market = open_market(extensionWindow=0)
    auction_id = start_small_auction(market)
    closes = clock.now + BIDDING_TIME

    clock.next_block_at(closes - 1)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider, value=MAX_RATE)
    assert market.auctions(auction_id).closingTime == closes

    clock.next_block_at(closes)
    with reverts_with(market.BiddingClosed, closingTime=closes, timestamp=closes):
        market.placeBid(auction_id, LOWER_RATE, offered(market, auction_id), sender=provider)


def test_shortest_auction_takes_a_bid_in_the_second_it_starts(
    market, start_auction, provider, clock, closing_time
):
    auction_id = start_auction(bidding_time=1)
    started = clock.now

    clock.next_block_at(started)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    assert market.auctions(auction_id).provider == provider
    assert closing_time(auction_id) == started + 2


# --- removeBid


def test_leader_removes_its_bid_and_pays_the_consumer_the_penalty(
    market, bid_id, consumer, provider, clock, ledger
):
    receipt = market.removeBid(bid_id, sender=provider)

    closes = clock.now + BIDDING_TIME
    assert market.auctions(bid_id) == (
        OPEN,
        consumer,
        ENERGY,
        MAX_RATE,
        closes,
        VALIDITY,
        False,
        ZERO_ADDRESS,
        0,
        0,
        clock.now + PARAMETERS["extensionWindow"],
        1,
    )
    assert ledger() == Ledger(consumer=FUNDS - RESERVE + PENALTY, provider=FUNDS - PENALTY)
    assert receipt.events == [
        market.BidRemoved(auctionId=bid_id, provider=provider, penalty=PENALTY, closingTime=closes)
    ]


@pytest.mark.parametrize(
    ("parameters", "max_rate", "bond", "penalty"),
    [
        ({"bondBps": 15_000, "penaltyBps": 333}, 77, 115, 2),
        ({"bondBps": 65_535, "penaltyBps": 10_000}, 9, 58, 9),
        ({"bondBps": 5_000, "penaltyBps": 2_500}, 9, 4, 2),
        ({"bondBps": 2, "penaltyBps": 1}, 19_999, 3, 1),
    ],
)
def test_penalty_comes_out_of_the_bond_rounded_down(
    open_market, start_small_auction, consumer, provider, parameters, max_rate, bond, penalty
):
    market = open_market(**parameters)
    auction_id = start_small_auction(market, max_rate=max_rate)
    market.placeBid(auction_id, 1, offered(market, auction_id), sender=provider, value=bond)

    market.removeBid(auction_id, sender=provider)

    assert market.evs(consumer).balance == penalty
    assert market.evs(provider).balance == bond - penalty
    assert market.balance == max_rate + bond


@pytest.mark.parametrize(
    ("bidding_time", "before_close"),
    [(BIDDING_TIME, BIDDING_TIME - 5), (BIDDING_TIME, WINDOW), (BIDDING_TIME, 1), (WEEK, 1)],
)
def test_removed_bid_gives_the_others_the_whole_bidding_time_again(
    market, start_auction, provider, clock, closing_time, bidding_time, before_close
):
    auction_id = start_auction(bidding_time=bidding_time)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    now = closing_time(auction_id) - before_close
    clock.next_block_at(now)
    receipt = market.removeBid(auction_id, sender=provider)

    assert closing_time(auction_id) == now + bidding_time
    assert receipt.events == [
        market.BidRemoved(
            auctionId=auction_id,
            provider=provider,
            penalty=PENALTY,
            closingTime=now + bidding_time,
        )
    ]


@pytest.mark.parametrize("bidding_time", [10, WINDOW - 1])
def test_removed_bid_gives_the_others_at_least_the_extension_window(
    market, start_auction, provider, clock, closing_time, bidding_time
):
    auction_id = start_auction(bidding_time=bidding_time)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    now = closing_time(auction_id) - 1
    clock.next_block_at(now)
    market.removeBid(auction_id, sender=provider)

    assert closing_time(auction_id) == now + WINDOW


def test_removed_bid_in_the_second_it_was_placed_leaves_the_close_where_it_was(
    market, start_auction, provider, clock, closing_time
):
    auction_id = start_auction()
    started = clock.now
    for call in (
        lambda: market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider),
        lambda: market.removeBid(auction_id, sender=provider),
    ):
        clock.next_block_at(started)
        call()

    assert closing_time(auction_id) == started + BIDDING_TIME


def test_bid_after_a_removal_never_brings_the_close_forward(
    market, start_auction, provider, rival, clock, closing_time
):
    auction_id = start_auction(bidding_time=10)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    market.removeBid(auction_id, sender=provider)
    closes = clock.now + WINDOW

    clock.next_block_at(closes - 1)
    receipt = market.placeBid(auction_id, RATE, offered(market, auction_id), sender=rival)

    assert closing_time(auction_id) == closes
    assert receipt.events == [
        market.BidPlaced(auctionId=auction_id, provider=rival, rate=RATE, closingTime=closes)
    ]


def test_limit_of_extensions_counts_anew_from_the_removal(
    market, start_auction, provider, rival, clock, closing_time
):
    auction_id = start_auction(bidding_time=WINDOW)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    removed = closing_time(auction_id) - 1
    clock.next_block_at(removed)
    market.removeBid(auction_id, sender=provider)
    limit = removed + 2 * WINDOW

    clock.next_block_at(limit - WINDOW - 1)
    market.placeBid(auction_id, 9, offered(market, auction_id), sender=rival)
    assert closing_time(auction_id) == limit - 1
    clock.next_block_at(limit - 2)
    market.placeBid(auction_id, 8, offered(market, auction_id), sender=provider)
    assert closing_time(auction_id) == limit


def test_bidding_starts_again_from_the_maximum_rate(market, bid_id, provider, rival, untouched):
    market.removeBid(bid_id, sender=provider)

    with untouched(), reverts_with(market.RateTooHigh, rate=MAX_RATE + 1, highest=MAX_RATE):
        market.placeBid(bid_id, MAX_RATE + 1, offered(market, bid_id), sender=rival)
    market.placeBid(bid_id, MAX_RATE, offered(market, bid_id), sender=rival)

    assert market.auctions(bid_id).provider == rival
    assert market.auctions(bid_id).rate == MAX_RATE
    assert market.auctions(bid_id).removals == 1


def test_provider_may_bid_and_remove_again_for_another_penalty(market, bid_id, provider, ledger):
    market.removeBid(bid_id, sender=provider)
    market.placeBid(bid_id, MAX_RATE, offered(market, bid_id), sender=provider)

    market.removeBid(bid_id, sender=provider)

    assert market.auctions(bid_id).removals == 2
    assert ledger() == Ledger(consumer=FUNDS - RESERVE + 2 * PENALTY, provider=FUNDS - 2 * PENALTY)


def test_next_auction_counts_removals_from_zero(market, bid_id, consumer, provider, start_auction):
    market.removeBid(bid_id, sender=provider)
    market.cancelAuction(bid_id, 0, sender=consumer)

    assert market.auctions(start_auction()).removals == 0


def test_removals_are_still_told_when_the_auction_is_connected(
    market, bid_id, consumer, provider, rival, clock, closing_time
):
    market.removeBid(bid_id, sender=provider)
    market.placeBid(bid_id, RATE, offered(market, bid_id), sender=rival)
    clock.next_block_at(closing_time(bid_id))
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert market.auctions(bid_id).state == CONNECTED
    assert market.auctions(bid_id).removals == 1


def test_consumer_may_cancel_free_of_charge_after_a_removal(
    market, bid_id, consumer, provider, ledger
):
    market.removeBid(bid_id, sender=provider)

    receipt = market.cancelAuction(bid_id, 0, sender=consumer)

    assert ledger() == Ledger(consumer=FUNDS + PENALTY, provider=FUNDS - PENALTY)
    assert receipt.events == [
        market.AuctionCancelled(auctionId=bid_id, provider=ZERO_ADDRESS, penalty=0)
    ]


def test_auction_without_a_standing_bid_after_a_removal_ends_without_a_provider(
    market, bid_id, consumer, provider, clock, closing_time, ledger
):
    market.removeBid(bid_id, sender=provider)

    clock.next_block_at(closing_time(bid_id))
    receipt = market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert market.auctions(bid_id).state == NONE
    assert ledger() == Ledger(consumer=FUNDS + PENALTY, provider=FUNDS - PENALTY)
    assert receipt.events == [
        market.AuctionEnded(auctionId=bid_id, provider=ZERO_ADDRESS, rate=0, cost=0)
    ]


def test_only_the_leader_can_remove_the_standing_bid(
    market, bid_id, organization, consumer, provider, rival, stranger, untouched
):
    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)

    for account in (organization, consumer, provider, stranger):
        with (
            untouched(),
            reverts_with(market.NotProvider, account=account, provider=rival),
        ):
            market.removeBid(bid_id, sender=account)


def test_bid_that_does_not_stand_cannot_be_removed(market, auction_id, provider, untouched):
    with (
        untouched(),
        reverts_with(market.NotProvider, account=provider, provider=ZERO_ADDRESS),
    ):
        market.removeBid(auction_id, sender=provider)


def test_bid_cannot_be_removed_twice(market, bid_id, provider, untouched):
    market.removeBid(bid_id, sender=provider)

    with (
        untouched(),
        reverts_with(market.NotProvider, account=provider, provider=ZERO_ADDRESS),
    ):
        market.removeBid(bid_id, sender=provider)


@pytest.mark.parametrize("late", [0, 1])
def test_bid_cannot_be_removed_from_the_close_on(
    market, bid_id, provider, clock, closing_time, untouched, late
):
    closes = closing_time(bid_id)
    clock.next_block_at(closes + late)

    with (
        untouched(),
        reverts_with(market.BiddingClosed, closingTime=closes, timestamp=closes + late),
    ):
        market.removeBid(bid_id, sender=provider)


def test_removed_ev_may_remove_its_bid_for_the_penalty(
    market, bid_id, organization, provider, ledger
):
    market.removeEV(provider, sender=organization)

    market.removeBid(bid_id, sender=provider)

    assert market.auctions(bid_id).provider == ZERO_ADDRESS
    assert ledger() == Ledger(consumer=FUNDS - RESERVE + PENALTY, provider=FUNDS - PENALTY)


# --- Terms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bit", [0, 32, 96])
def test_a_bid_on_other_terms_than_the_auctions_is_refused(
    market, auction_id, provider, ledger, bit
):
    """Energy, maximum rate and validity: each by one."""
    terms = offered(market, auction_id)
    other = terms ^ 1 << bit

    with reverts_with(market.UnexpectedTerms, terms=other, actual=terms):
        market.placeBid(auction_id, RATE, other, sender=provider)

    assert ledger() == Ledger()
