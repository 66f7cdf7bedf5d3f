"""Balances, and the one way out.

Calls with `gas_price=0` are free of charge, so that the sender's ether tells what the market took
and gave.
"""

from enum import IntEnum

import pytest
from ape.exceptions import ContractLogicError

from ape_v2v.testing.assertions import reverts_with
from tests.helpers.refusals import is_without_a_reason
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
    ETHER,
    FUNDS,
    MAX_RATE,
    RATE,
    RESERVE,
    VALIDITY,
    ZERO_ADDRESS,
    offered,
)

POOR = RESERVE - 1  # wei: one less than what an auction or a bid takes


class Answer(IntEnum):
    """What a hostile account does with ether that it is sent."""

    ACCEPT = 0
    REFUSE = 1
    REENTER = 2


@pytest.fixture
def books(market, consumer, provider, rival, stranger):
    """Return a function that takes down the ether of the market and every balance in it."""

    def take_down():
        accounts = (consumer, provider, rival, stranger, ZERO_ADDRESS)
        return market.balance, *(market.evs(account).balance for account in accounts)

    return take_down


@pytest.fixture
def pauper(market, organization, stranger):
    """A registered EV with a wei too little in its balance for an auction or a bid."""
    market.addEV(stranger, "", sender=organization)
    market.deposit(sender=stranger, value=POOR)
    return stranger


@pytest.fixture
def hostile(project, market, organization):
    """A registered EV that is a contract, without a balance."""
    hostile = organization.deploy(project.HostileEV, market)
    market.addEV(hostile, "", sender=organization)
    return hostile


@pytest.fixture
def pay_hostile(market, hostile, stranger):
    """Return a function that fills the balance of the hostile EV."""
    return lambda amount: market.depositFor(hostile, sender=stranger, value=amount)


# --- Deposits -------------------------------------------------------------------------------------


def test_a_deposit_is_credited_to_its_sender(market, consumer, books):
    ether = consumer.balance

    receipt = market.deposit(sender=consumer, value=7, gas_price=0)

    assert consumer.balance == ether - 7
    assert books() == (3 * FUNDS + 7, FUNDS + 7, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [
        market.Deposited(account=consumer, **{"from": consumer}, amount=7),
    ]


def test_who_is_no_ev_deposits_too(market, stranger, books):
    receipt = market.deposit(sender=stranger, value=7)

    assert books() == (3 * FUNDS + 7, FUNDS, FUNDS, FUNDS, 7, 0)
    assert receipt.events == [
        market.Deposited(account=stranger, **{"from": stranger}, amount=7),
    ]


def test_deposits_add_up(market, consumer):
    market.deposit(sender=consumer, value=7)
    market.deposit(sender=consumer, value=1)

    assert market.evs(consumer).balance == FUNDS + 8


def test_a_deposit_leaves_the_registration_and_the_counts_alone(market, consumer):
    record = market.evs(consumer)

    market.deposit(sender=consumer, value=7)

    assert tuple(market.evs(consumer)) == (FUNDS + 7, record.addedAt, 0, 0, 0)


def test_a_removed_ev_deposits(market, organization, consumer):
    market.removeEV(consumer, sender=organization)

    market.deposit(sender=consumer, value=7)

    assert tuple(market.evs(consumer)) == (FUNDS + 7, 0, 0, 0, 0)


def test_a_closed_market_takes_deposits(market, organization, consumer, stranger):
    market.changeStatus(sender=organization)

    market.deposit(sender=consumer, value=7)
    market.depositFor(consumer, sender=stranger, value=1)

    assert market.evs(consumer).balance == FUNDS + 8


def test_a_friend_deposits_for_an_ev(market, consumer, stranger, books):
    ether = stranger.balance, consumer.balance

    receipt = market.depositFor(consumer, sender=stranger, value=7, gas_price=0)

    assert (stranger.balance, consumer.balance) == (ether[0] - 7, ether[1])
    assert books() == (3 * FUNDS + 7, FUNDS + 7, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [
        market.Deposited(account=consumer, **{"from": stranger}, amount=7),
    ]


def test_an_ev_deposits_for_itself(market, consumer):
    receipt = market.depositFor(consumer, sender=consumer, value=7)

    assert market.evs(consumer).balance == FUNDS + 7
    assert receipt.events == [
        market.Deposited(account=consumer, **{"from": consumer}, amount=7),
    ]


# --- Withdrawals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [1, FUNDS // 3, FUNDS])
def test_an_ev_withdraws_from_its_balance(market, consumer, books, amount):
    ether = consumer.balance

    receipt = market.withdraw(amount, consumer, sender=consumer, gas_price=0)

    assert consumer.balance == ether + amount
    assert books() == (3 * FUNDS - amount, FUNDS - amount, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [market.Withdrawn(account=consumer, to=consumer, amount=amount)]


def test_a_withdrawal_leaves_the_registration_and_the_counts_alone(market, consumer):
    record = market.evs(consumer)

    market.withdraw(FUNDS, consumer, sender=consumer)

    assert tuple(market.evs(consumer)) == (0, record.addedAt, 0, 0, 0)


def test_who_is_no_ev_withdraws_what_it_deposited(market, stranger, books):
    market.deposit(sender=stranger, value=7)
    ether = stranger.balance

    receipt = market.withdraw(7, stranger, sender=stranger, gas_price=0)

    assert stranger.balance == ether + 7
    assert books() == (3 * FUNDS, FUNDS, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [market.Withdrawn(account=stranger, to=stranger, amount=7)]


def test_a_removed_ev_withdraws(market, organization, consumer, books):
    market.removeEV(consumer, sender=organization)
    ether = consumer.balance

    receipt = market.withdraw(FUNDS, consumer, sender=consumer, gas_price=0)

    assert consumer.balance == ether + FUNDS
    assert books() == (2 * FUNDS, 0, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [market.Withdrawn(account=consumer, to=consumer, amount=FUNDS)]


def test_a_closed_market_pays_out(market, organization, consumer, books):
    market.changeStatus(sender=organization)
    ether = consumer.balance

    receipt = market.withdraw(FUNDS, consumer, sender=consumer, gas_price=0)

    assert consumer.balance == ether + FUNDS
    assert books() == (2 * FUNDS, 0, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [market.Withdrawn(account=consumer, to=consumer, amount=FUNDS)]


@pytest.mark.parametrize(
    ("who", "free"), [("consumer", FUNDS - RESERVE), ("provider", FUNDS - BOND)]
)
@pytest.mark.usefixtures("bid_id")
def test_what_is_not_locked_is_withdrawn(market, who, free, request):
    account = request.getfixturevalue(who)

    receipt = market.withdraw(free, account, sender=account)

    assert market.evs(account).balance == 0
    assert market.balance == 3 * FUNDS - free
    assert receipt.events == [market.Withdrawn(account=account, to=account, amount=free)]


# --- Value of other calls -------------------------------------------------------------------------


def test_the_value_of_an_auction_makes_up_for_a_low_balance(market, pauper, books):
    receipt = market.startAuction(
        ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=pauper, value=1
    )

    auction_id = market.currentAuctionId(pauper)
    auction = market.auctions(auction_id)
    assert books() == (3 * FUNDS + RESERVE, FUNDS, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [
        market.Deposited(account=pauper, **{"from": pauper}, amount=1),
        market.AuctionStarted(
            auctionId=auction_id,
            consumer=pauper,
            energyWh=ENERGY,
            maxRate=MAX_RATE,
            closingTime=auction.closingTime,
            validity=VALIDITY,
            openAward=False,
            details="",
        ),
    ]


def test_the_value_of_a_bid_makes_up_for_a_low_balance(market, auction_id, pauper, books):
    receipt = market.placeBid(auction_id, RATE, offered(market, auction_id), sender=pauper, value=1)

    auction = market.auctions(auction_id)
    assert auction.provider == pauper
    assert books() == (3 * FUNDS + BOND, FUNDS - RESERVE, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [
        market.Deposited(account=pauper, **{"from": pauper}, amount=1),
        market.BidPlaced(
            auctionId=auction_id, provider=pauper, rate=RATE, closingTime=auction.closingTime
        ),
    ]


def test_what_an_auction_does_not_need_stays_in_the_balance(market, consumer, books):
    receipt = market.startAuction(
        ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=consumer, value=ETHER
    )

    assert books() == (3 * FUNDS + ETHER, FUNDS + ETHER - RESERVE, FUNDS, FUNDS, 0, 0)
    assert receipt.events[0] == market.Deposited(
        account=consumer, **{"from": consumer}, amount=ETHER
    )


def test_what_a_bid_does_not_need_stays_in_the_balance(market, auction_id, provider, books):
    receipt = market.placeBid(
        auction_id, RATE, offered(market, auction_id), sender=provider, value=ETHER
    )

    assert books() == (3 * FUNDS + ETHER, FUNDS - RESERVE, FUNDS + ETHER - BOND, FUNDS, 0, 0)
    assert receipt.events[0] == market.Deposited(
        account=provider, **{"from": provider}, amount=ETHER
    )


def test_a_leader_that_lowers_its_bid_keeps_all_of_the_value(market, bid_id, provider, books):
    closing_time = market.auctions(bid_id).closingTime

    receipt = market.placeBid(bid_id, RATE // 2, offered(market, bid_id), sender=provider, value=7)

    assert books() == (3 * FUNDS + 7, FUNDS - RESERVE, FUNDS - BOND + 7, FUNDS, 0, 0)
    assert receipt.events == [
        market.Deposited(account=provider, **{"from": provider}, amount=7),
        market.BidPlaced(
            auctionId=bid_id, provider=provider, rate=RATE // 2, closingTime=closing_time
        ),
    ]


def test_calls_without_value_deposit_nothing(market, consumer, provider):
    starting = market.startAuction(
        ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=consumer
    )
    bidding = market.placeBid(
        market.currentAuctionId(consumer),
        RATE,
        offered(market, market.currentAuctionId(consumer)),
        sender=provider,
    )

    assert [event.event_name for event in starting.events] == ["AuctionStarted"]
    assert [event.event_name for event in bidding.events] == ["BidPlaced"]
    assert market.balance == 3 * FUNDS


# --- Refusals -------------------------------------------------------------------------------------


@pytest.fixture
def unchanged(consumer, provider, rival, stranger, books):
    """Nobody's ether and no balance is other after the test than when it asked for this."""

    def take_down():
        return books(), [account.balance for account in (consumer, provider, rival, stranger)]

    before = take_down()
    yield
    assert take_down() == before


@pytest.mark.usefixtures("unchanged")
def test_a_deposit_of_nothing_is_refused(market, consumer):
    with reverts_with(market.ZeroAmount):
        market.deposit(sender=consumer, gas_price=0)


@pytest.mark.usefixtures("unchanged")
def test_a_deposit_of_nothing_for_an_ev_is_refused(market, consumer, stranger):
    with reverts_with(market.ZeroAmount):
        market.depositFor(consumer, sender=stranger, gas_price=0)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("who", ["stranger", ZERO_ADDRESS])
def test_a_deposit_for_who_is_no_ev_is_refused(market, consumer, who, request):
    account = who if who == ZERO_ADDRESS else request.getfixturevalue(who)

    with reverts_with(market.NotEV, account=account):
        market.depositFor(account, sender=consumer, value=7, gas_price=0)


def test_a_deposit_for_a_removed_ev_is_refused(market, organization, consumer, stranger, books):
    market.removeEV(consumer, sender=organization)
    before = stranger.balance, books()

    with reverts_with(market.NotEV, account=consumer):
        market.depositFor(consumer, sender=stranger, value=7, gas_price=0)

    assert (stranger.balance, books()) == before


@pytest.mark.usefixtures("unchanged")
def test_a_withdrawal_of_nothing_is_refused(market, consumer):
    with reverts_with(market.ZeroAmount):
        market.withdraw(0, consumer, sender=consumer, gas_price=0)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("amount", [FUNDS + 1, 3 * FUNDS, 2**128, 2**128 + FUNDS, 2**256 - 1])
def test_nobody_withdraws_more_than_its_balance(market, consumer, amount):
    with reverts_with(market.BalanceTooLow, account=consumer, balance=FUNDS, needed=amount):
        market.withdraw(amount, consumer, sender=consumer, gas_price=0)


@pytest.mark.usefixtures("unchanged")
def test_who_has_no_balance_withdraws_nothing(market, stranger):
    with reverts_with(market.BalanceTooLow, account=stranger, balance=0, needed=1):
        market.withdraw(1, stranger, sender=stranger, gas_price=0)


@pytest.mark.usefixtures("unchanged")
def test_the_organization_withdraws_nothing_of_others(market, organization):
    with reverts_with(market.BalanceTooLow, account=organization, balance=0, needed=1):
        market.withdraw(1, organization, sender=organization, gas_price=0)


@pytest.mark.parametrize(
    ("who", "free"), [("consumer", FUNDS - RESERVE), ("provider", FUNDS - BOND)]
)
@pytest.mark.usefixtures("bid_id", "unchanged")
def test_what_is_locked_is_not_withdrawn(market, who, free, request):
    account = request.getfixturevalue(who)

    with reverts_with(market.BalanceTooLow, account=account, balance=free, needed=free + 1):
        market.withdraw(free + 1, account, sender=account, gas_price=0)


@pytest.mark.usefixtures("pauper", "unchanged")
def test_an_auction_that_its_value_does_not_cover_is_refused(market, stranger):
    """The value is credited first: what is wanting is counted after that."""
    energy = ENERGY * 2
    with reverts_with(
        market.BalanceTooLow, account=stranger, balance=POOR + 7, needed=energy * MAX_RATE
    ):
        market.startAuction(
            energy,
            MAX_RATE,
            BIDDING_TIME,
            VALIDITY,
            False,
            "",
            sender=stranger,
            value=7,
            gas_price=0,
        )


@pytest.mark.usefixtures("unchanged")
def test_an_auction_for_more_than_the_balance_is_refused(market, consumer):
    """At the largest terms that there are, the reserve is still exact."""
    energy, rate = 2**32 - 1, 2**64 - 1
    with reverts_with(market.BalanceTooLow, account=consumer, balance=FUNDS, needed=energy * rate):
        market.startAuction(energy, rate, 1, 1, False, "", sender=consumer, gas_price=0)


@pytest.fixture
def dear_id(market, consumer):
    """An auction with a bond above everybody's balance, of an EV that paid for it."""
    market.startAuction(
        ENERGY,
        1_000 * MAX_RATE,
        BIDDING_TIME,
        VALIDITY,
        False,
        "",
        sender=consumer,
        value=6 * ETHER,
    )
    return market.currentAuctionId(consumer)


@pytest.mark.usefixtures("dear_id", "unchanged")
def test_a_bid_that_its_value_does_not_cover_is_refused(market, consumer, provider):
    with reverts_with(
        market.BalanceTooLow, account=provider, balance=FUNDS + 7, needed=1_000 * BOND
    ):
        market.placeBid(
            market.currentAuctionId(consumer),
            RATE,
            offered(market, market.currentAuctionId(consumer)),
            sender=provider,
            value=7,
            gas_price=0,
        )


@pytest.mark.usefixtures("bid_id", "unchanged")
def test_the_value_of_a_refused_bid_goes_back(market, consumer, rival):
    auction_id = market.currentAuctionId(consumer)

    with reverts_with(market.RateTooHigh, rate=RATE, highest=RATE - RATE // 100):
        market.placeBid(
            auction_id, RATE, offered(market, auction_id), sender=rival, value=7, gas_price=0
        )


@pytest.mark.usefixtures("bid_id", "unchanged")
def test_the_value_of_a_refused_auction_goes_back(market, consumer):
    auction_id = market.currentAuctionId(consumer)

    with reverts_with(market.UnexpectedState, auctionId=auction_id, actual=1, expected=0):
        market.startAuction(
            ENERGY,
            MAX_RATE,
            BIDDING_TIME,
            VALIDITY,
            False,
            "",
            sender=consumer,
            value=7,
            gas_price=0,
        )


@pytest.mark.usefixtures("unchanged")
def test_the_value_of_a_strangers_auction_goes_back(market, stranger):
    terms = ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, ""
    with reverts_with(market.NotEV, account=stranger):
        market.startAuction(*terms, sender=stranger, value=7, gas_price=0)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("amount", [0, 7])
def test_a_plain_transfer_is_refused(market, consumer, amount):
    with reverts_with(market.PlainTransfer, **{"from": consumer}, amount=amount):
        consumer.transfer(market, amount, gas_price=0)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("amount", [0, 7])
@pytest.mark.parametrize("data", [b"\x00", b"hello", bytes(36)])
def test_a_transfer_with_data_that_is_no_call_is_refused(market, consumer, amount, data):
    with pytest.raises(ContractLogicError) as refusal:
        consumer.transfer(market, amount, data=data, gas_price=0)

    assert is_without_a_reason(refusal.value)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "call",
    [
        lambda market, **terms: market.withdraw(1, market, **terms),
        lambda market, **terms: market.endAuction(0, **terms),
        lambda market, **terms: market.removeBid(0, **terms),
        lambda market, **terms: market.settle((0, 1, bytes(32), True), b"", b"", **terms),
    ],
    ids=["withdraw", "endAuction", "removeBid", "settle"],
)
def test_ether_sent_with_a_call_that_needs_none_is_refused(market, consumer, call):
    with pytest.raises(ContractLogicError) as refusal:
        call(market, sender=consumer, value=7, gas_price=0)

    assert is_without_a_reason(refusal.value)


# --- Receivers that do as they like ---------------------------------------------------------------


def test_a_contract_withdraws(market, hostile, pay_hostile, stranger, books):
    pay_hostile(7)

    receipt = hostile.act(market.withdraw.encode_input(7, hostile), sender=stranger)

    assert hostile.balance == 7
    assert market.evs(hostile).balance == 0
    assert books() == (3 * FUNDS, FUNDS, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [market.Withdrawn(account=hostile, to=hostile, amount=7)]


def test_a_receiver_that_refuses_ether_keeps_its_balance(
    market, hostile, pay_hostile, stranger, books
):
    pay_hostile(7)
    hostile.prepare(Answer.REFUSE, sender=stranger)

    with reverts_with(hostile.Refused):
        hostile.act(market.withdraw.encode_input(7, hostile), sender=stranger)

    assert hostile.balance == 0
    assert market.evs(hostile).balance == 7
    assert books() == (3 * FUNDS + 7, FUNDS, FUNDS, FUNDS, 0, 0)


def test_a_receiver_that_thinks_better_of_it_is_paid(market, hostile, pay_hostile, stranger):
    pay_hostile(7)
    hostile.prepare(Answer.REFUSE, sender=stranger)
    with reverts_with(hostile.Refused):
        hostile.act(market.withdraw.encode_input(7, hostile), sender=stranger)
    hostile.prepare(Answer.ACCEPT, sender=stranger)

    hostile.act(market.withdraw.encode_input(7, hostile), sender=stranger)

    assert hostile.balance == 7
    assert market.evs(hostile).balance == 0


def test_a_receiver_that_refuses_ether_is_overtaken(market, auction_id, hostile, stranger, rival):
    market.depositFor(hostile, sender=stranger, value=BOND)
    hostile.act(
        market.placeBid.encode_input(auction_id, RATE, offered(market, auction_id)), sender=stranger
    )
    hostile.prepare(Answer.REFUSE, sender=stranger)

    receipt = market.placeBid(auction_id, RATE // 2, offered(market, auction_id), sender=rival)

    auction = market.auctions(auction_id)
    assert auction.provider == rival
    assert market.evs(hostile).balance == BOND
    assert market.evs(rival).balance == FUNDS - BOND
    assert receipt.events == [
        market.BidPlaced(
            auctionId=auction_id, provider=rival, rate=RATE // 2, closingTime=auction.closingTime
        )
    ]


def test_a_receiver_that_calls_again_finds_its_balance_spent(
    market, hostile, pay_hostile, stranger, books
):
    pay_hostile(7)
    hostile.prepare(Answer.REENTER, sender=stranger)

    receipt = hostile.act(market.withdraw.encode_input(7, hostile), sender=stranger)

    assert hostile.reentries() == 0
    assert hostile.balance == 7
    assert market.evs(hostile).balance == 0
    assert books() == (3 * FUNDS, FUNDS, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [market.Withdrawn(account=hostile, to=hostile, amount=7)]


def test_a_receiver_that_calls_again_gets_its_own_balance_and_no_more(
    market, hostile, pay_hostile, stranger, books
):
    """Three times what it asks for: it comes back twice, and the third time there is too little."""
    pay_hostile(3 * 7 + 6)
    hostile.prepare(Answer.REENTER, sender=stranger)

    receipt = hostile.act(market.withdraw.encode_input(7, hostile), sender=stranger)

    assert hostile.reentries() == 2
    assert hostile.balance == 3 * 7
    assert market.evs(hostile).balance == 6
    assert books() == (3 * FUNDS + 6, FUNDS, FUNDS, FUNDS, 0, 0)
    assert receipt.events == [market.Withdrawn(account=hostile, to=hostile, amount=7)] * 3


# --- Forced ether ---------------------------------------------------------------------------------


def test_forced_ether_is_in_nobodys_balance(market, hostile, stranger, books):
    receipt = hostile.force(market, sender=stranger, value=ETHER)

    assert books() == (4 * FUNDS, FUNDS, FUNDS, FUNDS, 0, 0)
    assert market.evs(hostile).balance == 0
    assert market.evs(market).balance == 0
    assert receipt.events == []


@pytest.mark.parametrize("who", ["organization", "stranger", "consumer"])
def test_nobody_withdraws_forced_ether(market, hostile, stranger, who, request):
    hostile.force(market, sender=stranger, value=ETHER)
    account = request.getfixturevalue(who)
    balance = market.evs(account).balance

    with reverts_with(market.BalanceTooLow, account=account, balance=balance, needed=balance + 1):
        market.withdraw(balance + 1, account, sender=account)


def test_forced_ether_is_in_the_way_of_nothing(market, hostile, stranger, consumer, books):
    hostile.force(market, sender=stranger, value=ETHER)

    market.deposit(sender=consumer, value=7)
    market.withdraw(FUNDS + 7, consumer, sender=consumer)

    assert books() == (3 * FUNDS, 0, FUNDS, FUNDS, 0, 0)


def test_nothing_is_paid_out_to_who_has_no_key(market, consumer):
    with reverts_with(market.InvalidReceiver, to=ZERO_ADDRESS):
        market.withdraw(1, ZERO_ADDRESS, sender=consumer)

    assert market.evs(consumer).balance == FUNDS


def test_an_ev_has_somebody_else_paid(market, consumer, stranger):
    before = stranger.balance

    receipt = market.withdraw(ETHER // 2, stranger, sender=consumer)

    assert stranger.balance == before + ETHER // 2
    assert market.evs(consumer).balance == FUNDS - ETHER // 2
    assert receipt.events == [market.Withdrawn(account=consumer, to=stranger, amount=ETHER // 2)]
