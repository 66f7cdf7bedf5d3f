"""From the consumer's request to the award: starting, cancelling and ending an auction."""

from typing import NamedTuple

import pytest

from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
    ETHER,
    FUNDS,
    LOWER_RATE,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    RESERVE,
    VALIDITY,
    ZERO_ADDRESS,
    offered,
)

NONE, OPEN, CONNECTED = range(3)
NO_AUCTION = (NONE, ZERO_ADDRESS, 0, 0, 0, 0, False, ZERO_ADDRESS, 0, 0, 0, 0)
AWARD_WINDOW = PARAMETERS["awardWindow"]
WEEK = 7 * 24 * 3_600
# What a fresh storage slot costs more than one that was in use.
FRESH_SLOT_GAS = 17_100

# What an id that is not the consumer's current one may look like.
UNKNOWN_IDS = {
    "earlier round": lambda auction_id: auction_id - 1,
    "later round": lambda auction_id: auction_id + 1,
    "another account": lambda auction_id: auction_id ^ (1 << 32),
    "garbage above the address": lambda auction_id: auction_id + (1 << 192),
    "highest bit set": lambda auction_id: auction_id | (1 << 255),
}


class Ledger(NamedTuple):
    """Free balances, wei. The burnt ether is the zero address's."""

    consumer: int = FUNDS
    provider: int = FUNDS
    rival: int = FUNDS
    burnt: int = 0


@pytest.fixture
def second_id(market, auction_id, start_auction, consumer):
    """The consumer's second auction, after it has cancelled the first."""
    market.cancelAuction(auction_id, 0, sender=consumer)
    return start_auction()


def id_of(consumer, round_):
    return int(consumer.address, 16) << 32 | round_


# --- startAuction


def test_consumer_starts_an_auction(market, consumer, clock, ledger):
    now = clock.now + 10
    clock.next_block_at(now)
    receipt = market.startAuction(
        ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "Bay 7, CCS, 50 kW", sender=consumer
    )

    auction_id = id_of(consumer, 1)
    closing_time = now + BIDDING_TIME
    assert receipt.return_value == auction_id
    assert market.currentAuctionId(consumer) == auction_id
    assert market.auctions(auction_id) == (
        OPEN,
        consumer,
        ENERGY,
        MAX_RATE,
        closing_time,
        VALIDITY,
        False,
        ZERO_ADDRESS,
        0,
        0,
        0,
        0,
    )
    assert market.reserve(auction_id) == RESERVE
    assert market.bond(auction_id) == BOND
    assert market.penalty(auction_id) == PENALTY
    assert ledger() == Ledger(consumer=FUNDS - RESERVE)
    assert receipt.events == [
        market.AuctionStarted(
            auctionId=auction_id,
            consumer=consumer,
            energyWh=ENERGY,
            maxRate=MAX_RATE,
            closingTime=closing_time,
            validity=VALIDITY,
            openAward=False,
            details="Bay 7, CCS, 50 kW",
        )
    ]


def test_ether_sent_along_is_credited_before_the_reserve_is_locked(market, consumer, clock, ledger):
    market.withdraw(FUNDS, consumer, sender=consumer)

    receipt = market.startAuction(
        ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=consumer, value=RESERVE + 5
    )

    assert ledger() == Ledger(consumer=5)
    assert market.balance == 2 * FUNDS + RESERVE + 5
    assert receipt.events == [
        market.Deposited(account=consumer, **{"from": consumer}, amount=RESERVE + 5),
        market.AuctionStarted(
            auctionId=id_of(consumer, 1),
            consumer=consumer,
            energyWh=ENERGY,
            maxRate=MAX_RATE,
            closingTime=clock.now + BIDDING_TIME,
            validity=VALIDITY,
            openAward=False,
            details="",
        ),
    ]


def test_reserve_may_come_partly_from_the_balance_and_partly_with_the_call(
    market, consumer, ledger
):
    market.withdraw(FUNDS - 1, consumer, sender=consumer)

    market.startAuction(
        ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=consumer, value=RESERVE - 1
    )

    assert ledger() == Ledger(consumer=0)


def test_reserve_above_the_balance_and_the_ether_sent_along_is_refused(market, consumer, untouched):
    market.withdraw(FUNDS - 1, consumer, sender=consumer)

    with (
        untouched(),
        reverts_with(market.BalanceTooLow, account=consumer, balance=RESERVE - 1, needed=RESERVE),
    ):
        market.startAuction(
            ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=consumer, value=RESERVE - 2
        )


@pytest.mark.parametrize(
    ("terms", "error", "values"),
    [
        ({"energy": 0}, "ZeroEnergy", {}),
        ({"max_rate": 0}, "ZeroRate", {}),
        ({"bidding_time": 0}, "BiddingTimeOutOfRange", {"biddingTime": 0, "maximum": WEEK}),
        (
            {"bidding_time": WEEK + 1},
            "BiddingTimeOutOfRange",
            {"biddingTime": WEEK + 1, "maximum": WEEK},
        ),
        (
            {"bidding_time": 2**24 + BIDDING_TIME},
            "BiddingTimeOutOfRange",
            {"biddingTime": 2**24 + BIDDING_TIME, "maximum": WEEK},
        ),
        (
            {"bidding_time": 2**256 - 1},
            "BiddingTimeOutOfRange",
            {"biddingTime": 2**256 - 1, "maximum": WEEK},
        ),
        ({"validity": 0}, "ValidityOutOfRange", {"validity": 0, "maximum": WEEK}),
        ({"validity": WEEK + 1}, "ValidityOutOfRange", {"validity": WEEK + 1, "maximum": WEEK}),
        (
            {"validity": 2**24 + VALIDITY},
            "ValidityOutOfRange",
            {"validity": 2**24 + VALIDITY, "maximum": WEEK},
        ),
        ({"details": "x" * 513}, "TextTooLong", {"length": 513, "maximum": 512}),
        ({"details": "é" * 257}, "TextTooLong", {"length": 514, "maximum": 512}),
    ],
)
def test_auction_with_terms_out_of_bounds_is_refused(
    market, start_auction, untouched, terms, error, values
):
    with untouched(), reverts_with(getattr(market, error), **values):
        start_auction(**terms)


@pytest.mark.parametrize("details", ["x" * 512, "é" * 256])
def test_details_may_have_512_bytes(market, consumer, details):
    receipt = market.startAuction(
        ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, details, sender=consumer
    )

    assert [event.details for event in receipt.events] == [details]


def test_account_that_is_no_ev_cannot_start_an_auction(market, stranger, untouched):
    with untouched(), reverts_with(market.NotEV, account=stranger):
        market.startAuction(
            ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=stranger, value=RESERVE
        )


def test_removed_ev_cannot_start_an_auction(
    market, organization, consumer, start_auction, untouched
):
    market.removeEV(consumer, sender=organization)

    with untouched(), reverts_with(market.NotEV, account=consumer):
        start_auction()


def test_closed_market_admits_no_new_auction(market, organization, start_auction, untouched):
    market.changeStatus(sender=organization)

    with untouched(), reverts_with(market.MarketClosed):
        start_auction()


def test_reopened_market_admits_new_auctions(market, organization, consumer, start_auction):
    market.changeStatus(sender=organization)
    market.changeStatus(sender=organization)

    assert start_auction() == id_of(consumer, 1)


@pytest.mark.parametrize(("stage", "state"), [("bid_id", OPEN), ("connection_id", CONNECTED)])
def test_consumer_runs_one_auction_at_a_time(
    market, start_auction, untouched, request, stage, state
):
    auction_id = request.getfixturevalue(stage)

    with (
        untouched(),
        reverts_with(market.UnexpectedState, auctionId=auction_id, actual=state, expected=NONE),
    ):
        start_auction()


def test_ev_may_be_consumer_in_one_auction_and_provider_in_another(
    market, bid_id, provider, consumer, start_auction, ledger
):
    other_id = start_auction(sender=provider)
    market.placeBid(other_id, LOWER_RATE, offered(market, other_id), sender=consumer)

    assert (bid_id, other_id) == (id_of(consumer, 1), id_of(provider, 1))
    assert (market.auctions(bid_id).provider, market.auctions(bid_id).rate) == (provider, RATE)
    assert market.auctions(other_id).provider == consumer
    assert market.auctions(other_id).rate == LOWER_RATE
    assert ledger() == Ledger(consumer=FUNDS - RESERVE - BOND, provider=FUNDS - RESERVE - BOND)


# --- Extreme terms


@pytest.mark.parametrize(
    ("energy", "max_rate", "bidding_time", "validity"),
    [
        (10, 1, 1, 1),
        (2**32 - 1, 1, 1, 1),
        (1, 2**64 - 1, 1, 1),
        (1, 10, WEEK, 1),
        (1, 10, 1, WEEK),
        (2**32 - 1, 2**64 - 1, WEEK, WEEK),
    ],
)
def test_extreme_terms_are_kept_exactly(
    open_market, chain, consumer, clock, energy, max_rate, bidding_time, validity
):
    market = open_market()
    reserve = energy * max_rate
    chain.set_balance(consumer, reserve + ETHER)

    market.startAuction(
        energy, max_rate, bidding_time, validity, False, "", sender=consumer, value=reserve
    )

    auction_id = id_of(consumer, 1)
    closing_time = clock.now + bidding_time
    assert market.auctions(auction_id) == (
        OPEN,
        consumer,
        energy,
        max_rate,
        closing_time,
        validity,
        False,
        ZERO_ADDRESS,
        0,
        0,
        0,
        0,
    )
    assert market.reserve(auction_id) == reserve
    assert market.evs(consumer).balance == 0


def test_largest_possible_trade_is_paid_exactly(
    open_market, chain, consumer, provider, clock, start_auction
):
    market = open_market(bondBps=65_535, penaltyBps=10_000)
    energy, rate = 2**32 - 1, 2**64 - 1
    reserve = energy * rate
    bond = reserve * 65_535 // 10_000
    for ev, stake in ((consumer, reserve), (provider, bond)):
        chain.set_balance(ev, stake + ETHER)
        market.deposit(sender=ev, value=stake)
    auction_id = start_auction(energy, rate, WEEK, WEEK, on=market)
    closing_time = market.auctions(auction_id).closingTime

    market.placeBid(auction_id, rate, offered(market, auction_id), sender=provider)
    assert (market.reserve(auction_id), market.bond(auction_id)) == (reserve, bond)
    assert market.penalty(auction_id) == reserve
    clock.next_block_at(closing_time)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    assert market.auctions(auction_id) == (
        CONNECTED,
        consumer,
        energy,
        rate,
        closing_time,
        WEEK,
        False,
        provider,
        rate,
        closing_time,
        0,
        0,
    )
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert market.evs(consumer).balance == 0
    assert market.evs(provider).balance == bond + reserve
    assert market.balance == bond + reserve


# --- Reserve, bond and penalty


@pytest.mark.parametrize(
    ("bond_bps", "penalty_bps", "reserve", "bond", "penalty"),
    [
        (10_000, 1_000, 19, 19, 1),
        (15_000, 333, 77, 115, 2),
        (65_535, 10_000, 9, 58, 9),
        (2, 1, 10_000, 2, 1),
        (2, 1, 19_999, 3, 1),
    ],
)
def test_bond_and_penalty_are_shares_of_the_reserve_rounded_down(
    open_market, consumer, bond_bps, penalty_bps, reserve, bond, penalty
):
    market = open_market(bondBps=bond_bps, penaltyBps=penalty_bps)

    market.startAuction(
        1, reserve, BIDDING_TIME, VALIDITY, False, "", sender=consumer, value=reserve
    )

    auction_id = id_of(consumer, 1)
    assert market.reserve(auction_id) == reserve
    assert market.bond(auction_id) == bond
    assert market.penalty(auction_id) == penalty


def test_bond_and_penalty_do_not_depend_on_the_bid(market, auction_id, provider):
    market.placeBid(auction_id, 1, offered(market, auction_id), sender=provider)

    assert market.reserve(auction_id) == RESERVE
    assert market.bond(auction_id) == BOND
    assert market.penalty(auction_id) == PENALTY


def test_connected_auction_still_tells_its_reserve_bond_and_penalty(market, connection_id):
    assert market.reserve(connection_id) == RESERVE
    assert market.bond(connection_id) == BOND
    assert market.penalty(connection_id) == PENALTY


# --- Ids and rounds


def test_account_without_an_auction_has_round_zero(market, consumer):
    auction_id = market.currentAuctionId(consumer)

    assert auction_id == id_of(consumer, 0)
    assert market.auctions(auction_id) == NO_AUCTION
    assert market.reserve(auction_id) == 0


def test_round_counts_on_after_every_ending_and_over_deregistration(
    market, organization, consumer, provider, start_auction, clock
):
    def close(auction_id):
        clock.next_block_at(market.auctions(auction_id).closingTime)
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    market.cancelAuction(start_auction(), 0, sender=consumer)
    close(start_auction())
    traded = start_auction()
    market.placeBid(traded, RATE, offered(market, traded), sender=provider)
    close(traded)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    market.removeEV(consumer, sender=organization)
    assert market.currentAuctionId(consumer) == id_of(consumer, 3)
    market.addEV(consumer, "", sender=organization)

    assert start_auction() == id_of(consumer, 4)
    assert market.auctions(id_of(consumer, 4)).removals == 0


def test_second_auction_writes_no_fresh_storage(market, consumer, provider, start_auction, clock):
    def trade():
        started = market.startAuction(
            ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=consumer
        )
        auction_id = market.currentAuctionId(consumer)
        bid = market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
        clock.next_block_at(market.auctions(auction_id).closingTime)
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)
        market.endConnection(market.currentAuctionId(consumer), sender=consumer)
        return started.gas_used, bid.gas_used

    first, second = trade(), trade()

    assert [a - b for a, b in zip(first, second, strict=True)] == [FRESH_SLOT_GAS] * 2


@pytest.mark.parametrize("unknown", UNKNOWN_IDS.values(), ids=UNKNOWN_IDS)
def test_id_that_is_not_the_current_one_tells_nothing(market, second_id, unknown):
    other = unknown(second_id)

    assert market.auctions(other) == NO_AUCTION
    assert market.reserve(other) == 0
    assert market.bond(other) == 0
    assert market.penalty(other) == 0


@pytest.mark.parametrize("unknown", UNKNOWN_IDS.values(), ids=UNKNOWN_IDS)
def test_id_that_is_not_the_current_one_reaches_no_open_auction(
    market, second_id, consumer, provider, rival, untouched, unknown
):
    other = unknown(second_id)
    market.placeBid(second_id, RATE, offered(market, second_id), sender=provider)
    refused = {"auctionId": other, "actual": NONE, "expected": OPEN}

    with untouched():
        with reverts_with(market.UnexpectedState, **refused):
            market.placeBid(other, LOWER_RATE, offered(market, other), sender=rival)
        with reverts_with(market.UnexpectedState, **refused):
            market.placeBidFor(other, rival, LOWER_RATE, 2**256 - 1, bytes(65), sender=rival)
        with reverts_with(market.UnexpectedState, **refused):
            market.removeBid(other, sender=provider)
        with reverts_with(market.UnexpectedState, **refused):
            market.cancelAuction(other, RESERVE, sender=consumer)


@pytest.mark.parametrize("unknown", UNKNOWN_IDS.values(), ids=UNKNOWN_IDS)
def test_id_that_is_not_the_current_one_reaches_no_connection(
    market, second_id, consumer, provider, clock, untouched, unknown
):
    other = unknown(second_id)
    market.placeBid(second_id, RATE, offered(market, second_id), sender=provider)
    clock.next_block_at(market.auctions(second_id).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    clock.move_to(clock.now + VALIDITY + PARAMETERS["settlementWindow"])
    refused = {"auctionId": other, "actual": NONE, "expected": CONNECTED}

    with untouched():
        with reverts_with(market.UnexpectedState, **refused):
            market.accessToken.transact(other, sender=provider)
        with reverts_with(market.UnexpectedState, **refused):
            market.settle((other, ENERGY, METER_DATA, True), bytes(65), b"", sender=provider)
        with reverts_with(market.UnexpectedState, **refused):
            market.forfeit(other, sender=provider)
        with reverts_with(market.UnexpectedState, **refused):
            market.expireConnection(other, sender=provider)


# --- endAuction


@pytest.mark.parametrize("after_close", [0, 1, AWARD_WINDOW - 1, AWARD_WINDOW, WEEK])
def test_auction_without_a_bid_ends_at_any_time_from_the_close_on(
    market, auction_id, consumer, clock, ledger, after_close
):
    clock.next_block_at(market.auctions(auction_id).closingTime + after_close)
    receipt = market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert market.auctions(auction_id) == NO_AUCTION
    assert market.currentAuctionId(consumer) == auction_id
    assert ledger() == Ledger()
    assert receipt.events == [
        market.AuctionEnded(auctionId=auction_id, provider=ZERO_ADDRESS, rate=0, cost=0)
    ]


@pytest.mark.parametrize("after_close", [0, 1, AWARD_WINDOW - 1])
def test_standing_bid_is_accepted_from_the_close_to_the_award_deadline(
    market, bid_id, consumer, provider, clock, ledger, after_close
):
    closing_time = market.auctions(bid_id).closingTime
    clock.next_block_at(closing_time + after_close)
    receipt = market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert market.auctions(bid_id) == (
        CONNECTED,
        consumer,
        ENERGY,
        MAX_RATE,
        closing_time,
        VALIDITY,
        False,
        provider,
        RATE,
        closing_time + after_close,
        0,
        0,
    )
    assert ledger() == Ledger(consumer=FUNDS - RESERVE, provider=FUNDS - BOND)
    assert receipt.events == [
        market.AuctionEnded(auctionId=bid_id, provider=provider, rate=RATE, cost=RATE * ENERGY),
        market.Connected(
            auctionId=bid_id,
            provider=provider,
            consumer=consumer,
            token=market.accessToken(bid_id),
            validity=VALIDITY,
        ),
    ]


@pytest.mark.parametrize("after_deadline", [0, 1])
def test_standing_bid_cannot_be_accepted_once_the_award_window_has_passed(
    market, bid_id, consumer, clock, untouched, after_deadline
):
    deadline = market.auctions(bid_id).closingTime + AWARD_WINDOW
    now = deadline + after_deadline
    clock.next_block_at(now)

    with untouched(), reverts_with(market.AwardWindowPassed, deadline=deadline, timestamp=now):
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)


@pytest.mark.parametrize("stage", ["auction_id", "bid_id"])
def test_auction_cannot_end_before_the_close(market, consumer, clock, untouched, request, stage):
    closing_time = market.auctions(request.getfixturevalue(stage)).closingTime
    now = closing_time - 1
    clock.next_block_at(now)

    with (
        untouched(),
        reverts_with(market.BiddingOpen, closingTime=closing_time, timestamp=now),
    ):
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)


def test_only_the_consumer_can_end_its_auction(
    market, bid_id, organization, consumer, provider, rival, stranger, clock, untouched
):
    clock.move_to(market.auctions(bid_id).closingTime)

    for account in (organization, provider, rival, stranger):
        with untouched(), reverts_with(market.NotConsumer, account=account, consumer=consumer):
            market.endAuction(bid_id, sender=account)


def test_auction_that_is_over_cannot_end_again(market, auction_id, consumer, clock, untouched):
    clock.next_block_at(market.auctions(auction_id).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    with (
        untouched(),
        reverts_with(market.UnexpectedState, auctionId=auction_id, actual=NONE, expected=OPEN),
    ):
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)


def test_standing_bid_stands_after_the_organization_has_removed_its_maker(
    market, bid_id, organization, consumer, provider, clock, ledger
):
    market.removeEV(provider, sender=organization)

    clock.next_block_at(market.auctions(bid_id).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert market.auctions(bid_id).state == CONNECTED
    assert market.auctions(bid_id).provider == provider
    assert ledger() == Ledger(consumer=FUNDS - RESERVE, provider=FUNDS - BOND)


# --- cancelAuction


@pytest.mark.parametrize("after_close", [-1, 0, 1, AWARD_WINDOW - 1, AWARD_WINDOW, WEEK])
def test_consumer_cancels_an_auction_without_a_bid_free_of_charge(
    market, auction_id, consumer, clock, ledger, after_close
):
    clock.next_block_at(market.auctions(auction_id).closingTime + after_close)
    receipt = market.cancelAuction(auction_id, 0, sender=consumer)

    assert market.auctions(auction_id) == NO_AUCTION
    assert ledger() == Ledger()
    assert receipt.events == [
        market.AuctionCancelled(auctionId=auction_id, provider=ZERO_ADDRESS, penalty=0)
    ]


@pytest.mark.parametrize("after_close", [-1, 0, 1, AWARD_WINDOW - 1, AWARD_WINDOW, WEEK])
def test_consumer_that_cancels_in_spite_of_a_bid_pays_the_leader_the_penalty(
    market, bid_id, consumer, provider, clock, ledger, after_close
):
    clock.next_block_at(market.auctions(bid_id).closingTime + after_close)
    receipt = market.cancelAuction(bid_id, PENALTY, sender=consumer)

    assert market.auctions(bid_id) == NO_AUCTION
    assert ledger() == Ledger(consumer=FUNDS - PENALTY, provider=FUNDS + PENALTY)
    assert receipt.events == [
        market.AuctionCancelled(auctionId=bid_id, provider=provider, penalty=PENALTY)
    ]


def test_overtaken_provider_gets_nothing_of_the_penalty(market, bid_id, consumer, rival, ledger):
    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)

    receipt = market.cancelAuction(bid_id, PENALTY, sender=consumer)

    assert ledger() == Ledger(consumer=FUNDS - PENALTY, rival=FUNDS + PENALTY)
    assert receipt.events == [
        market.AuctionCancelled(auctionId=bid_id, provider=rival, penalty=PENALTY)
    ]


def test_consumer_is_not_charged_more_than_it_allows(market, bid_id, consumer, untouched):
    for maximum in (0, PENALTY - 1):
        with (
            untouched(),
            reverts_with(market.PenaltyAboveMaximum, penalty=PENALTY, maximum=maximum),
        ):
            market.cancelAuction(bid_id, maximum, sender=consumer)


def test_cancelling_is_free_when_the_leader_is_no_longer_an_ev(
    market, bid_id, organization, consumer, provider, ledger
):
    market.removeEV(provider, sender=organization)

    receipt = market.cancelAuction(bid_id, 0, sender=consumer)

    assert market.auctions(bid_id) == NO_AUCTION
    assert ledger() == Ledger()
    assert receipt.events == [
        market.AuctionCancelled(auctionId=bid_id, provider=provider, penalty=0)
    ]


def test_cancelling_costs_the_penalty_when_the_leader_was_registered_again(
    market, bid_id, organization, consumer, provider, ledger
):
    market.removeEV(provider, sender=organization)
    market.addEV(provider, "", sender=organization)

    market.cancelAuction(bid_id, PENALTY, sender=consumer)

    assert ledger() == Ledger(consumer=FUNDS - PENALTY, provider=FUNDS + PENALTY)


def test_removed_consumer_pays_the_penalty_as_well(market, bid_id, organization, consumer, ledger):
    market.removeEV(consumer, sender=organization)

    market.cancelAuction(bid_id, PENALTY, sender=consumer)

    assert ledger() == Ledger(consumer=FUNDS - PENALTY, provider=FUNDS + PENALTY)


@pytest.mark.parametrize("stage", ["auction_id", "bid_id"])
def test_nobody_else_can_cancel_before_the_award_window_has_passed(
    market, organization, consumer, provider, stranger, clock, untouched, request, stage
):
    auction_id = request.getfixturevalue(stage)
    deadline = market.auctions(auction_id).closingTime + AWARD_WINDOW

    for account in (organization, provider, stranger):
        clock.next_block_at(deadline - 1)
        with (
            untouched(),
            reverts_with(
                market.OnlyConsumerUntil, account=account, consumer=consumer, deadline=deadline
            ),
        ):
            market.cancelAuction(auction_id, PENALTY, sender=account)


@pytest.mark.parametrize("after_deadline", [0, 1])
@pytest.mark.parametrize("role", ["provider", "stranger"])
def test_anyone_may_cancel_once_the_award_window_has_passed_at_the_consumers_charge(
    market, bid_id, provider, clock, ledger, request, role, after_deadline
):
    account = request.getfixturevalue(role)

    clock.next_block_at(market.auctions(bid_id).closingTime + AWARD_WINDOW + after_deadline)
    receipt = market.cancelAuction(bid_id, PENALTY, sender=account)

    assert market.auctions(bid_id) == NO_AUCTION
    assert ledger() == Ledger(consumer=FUNDS - PENALTY, provider=FUNDS + PENALTY)
    assert receipt.events == [
        market.AuctionCancelled(auctionId=bid_id, provider=provider, penalty=PENALTY)
    ]


def test_anyone_may_cancel_an_auction_without_a_bid_once_the_award_window_has_passed(
    market, auction_id, stranger, clock, ledger
):
    clock.next_block_at(market.auctions(auction_id).closingTime + AWARD_WINDOW)
    receipt = market.cancelAuction(auction_id, 0, sender=stranger)

    assert market.auctions(auction_id) == NO_AUCTION
    assert ledger() == Ledger()
    assert receipt.events == [
        market.AuctionCancelled(auctionId=auction_id, provider=ZERO_ADDRESS, penalty=0)
    ]


def test_stranger_that_cancels_must_allow_the_penalty_too(
    market, bid_id, stranger, clock, untouched
):
    clock.next_block_at(market.auctions(bid_id).closingTime + AWARD_WINDOW)

    with (
        untouched(),
        reverts_with(market.PenaltyAboveMaximum, penalty=PENALTY, maximum=PENALTY - 1),
    ):
        market.cancelAuction(bid_id, PENALTY - 1, sender=stranger)


def test_cancelled_auction_cannot_be_cancelled_or_ended(market, bid_id, consumer, clock, untouched):
    closing_time = market.auctions(bid_id).closingTime
    market.cancelAuction(bid_id, PENALTY, sender=consumer)
    refused = {"auctionId": bid_id, "actual": NONE, "expected": OPEN}

    with untouched():
        with reverts_with(market.UnexpectedState, **refused):
            market.cancelAuction(bid_id, PENALTY, sender=consumer)
        clock.next_block_at(closing_time)
        with reverts_with(market.UnexpectedState, **refused):
            market.endAuction(market.currentAuctionId(consumer), sender=consumer)


# --- What the organization cannot stop


@pytest.fixture
def abandoned_id(market, auction_id, organization, consumer):
    """An open auction whose consumer the organization has removed, in a market it has closed."""
    market.changeStatus(sender=organization)
    market.removeEV(consumer, sender=organization)
    return auction_id


def test_running_auction_goes_on_to_its_end_in_a_closed_market_without_its_consumer(
    market, abandoned_id, consumer, provider, rival, clock, ledger
):
    market.placeBid(abandoned_id, RATE, offered(market, abandoned_id), sender=provider)
    market.placeBid(abandoned_id, LOWER_RATE, offered(market, abandoned_id), sender=rival)
    clock.next_block_at(market.auctions(abandoned_id).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    cost = LOWER_RATE * ENERGY
    assert market.auctions(abandoned_id) == NO_AUCTION
    assert ledger() == Ledger(consumer=FUNDS - cost, rival=FUNDS + cost)


def test_abandoned_auction_without_a_bid_can_be_ended(
    market, abandoned_id, consumer, clock, ledger
):
    clock.next_block_at(market.auctions(abandoned_id).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert market.auctions(abandoned_id) == NO_AUCTION
    assert ledger() == Ledger()


def test_abandoned_auction_can_be_cancelled(market, abandoned_id, consumer, ledger):
    market.cancelAuction(abandoned_id, 0, sender=consumer)

    assert market.auctions(abandoned_id) == NO_AUCTION
    assert ledger() == Ledger()


# --- Too little to lose, and open awards ----------------------------------------------------------


def test_an_auction_with_the_least_to_lose_starts(market, consumer):
    least = 10 * PARAMETERS["minPenalty"]

    market.startAuction(1, least, BIDDING_TIME, 600, False, "", sender=consumer)

    auction_id = market.currentAuctionId(consumer)
    assert market.penalty(auction_id) == PARAMETERS["minPenalty"]


def test_an_auction_with_too_little_to_lose_is_refused(market, consumer):
    minimum = PARAMETERS["minPenalty"]

    with reverts_with(market.PenaltyTooLow, penalty=minimum - 1, minimum=minimum):
        market.startAuction(1, 10 * minimum - 1, BIDDING_TIME, 600, False, "", sender=consumer)


@pytest.mark.parametrize(("late", "penalty"), [(-1, PENALTY), (0, 0)])
def test_an_open_award_that_nobody_has_made_in_time_is_cancelled_for_nothing(
    market, start_auction, provider, consumer, clock, balance, late, penalty
):
    auction_id = start_auction(open_award=True)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    deadline = market.auctions(auction_id).closingTime + PARAMETERS["awardWindow"]
    clock.next_block_at(deadline + late)

    market.cancelAuction(auction_id, penalty, sender=consumer)

    assert balance(provider) == FUNDS + penalty
    assert balance(consumer) == FUNDS - penalty
