"""The rooms of the market put together anew: in another currency."""

from typing import Any

import pytest
from ape.exceptions import ContractLogicError, CustomError

from ape_v2v.market.interface import messages
from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
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


def is_without_a_reason(refusal: Any) -> bool:
    """Whether the call found nobody to answer it: no function took it."""
    return not isinstance(refusal, CustomError) and refusal.base_err.data == "0x"


@pytest.fixture(scope="session")
def evs(consumer, provider, rival):
    return consumer, provider, rival


@pytest.fixture
def ledger(evs, stranger):
    """Return a function that lists all balances in a market; the last one is burnt."""
    return lambda market: [
        market.evs(account).balance for account in (*evs, stranger, ZERO_ADDRESS)
    ]


# --- In a token -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def currency(project, organization):
    return organization.deploy(project.TestToken)


@pytest.fixture(scope="module")
def token_market(project, organization, evs, currency):
    """A market paid in tokens, of which every EV has as many inside as outside."""
    rules = tuple(PARAMETERS.values())
    market = organization.deploy(project.TokenMarket, organization, rules, currency)
    market.addEVs(evs, [""] * 3, sender=organization)
    for ev in evs:
        currency.mint(ev, 2 * FUNDS, sender=organization)
        currency.approve(market, 2 * FUNDS, sender=ev)
        market.deposit(FUNDS, sender=ev)
    return market


@pytest.fixture
def token_bid_id(token_market, start_auction, provider):
    auction_id = start_auction(on=token_market)
    token_market.placeBid(auction_id, RATE, offered(token_market, auction_id), sender=provider)
    return auction_id


@pytest.fixture
def token_award_id(token_market, token_bid_id, consumer, rival, clock):
    """The rival has overtaken the provider and won."""
    token_market.placeBid(
        token_bid_id, LOWER_RATE, offered(token_market, token_bid_id), sender=rival
    )
    clock.next_block_at(token_market.auctions(token_bid_id).closingTime)
    token_market.endAuction(token_market.currentAuctionId(consumer), sender=consumer)
    return token_bid_id


@pytest.fixture
def token_books(token_market, currency, ledger, evs):
    """Return a function that takes down the tokens of the market and the EVs, and the ledger."""

    def take_down():
        tokens = [currency.balanceOf(account) for account in (token_market, *evs)]
        return tokens, ledger(token_market)

    return take_down


def test_tokens_are_deposited(token_market, currency, consumer, token_books):
    assert token_books() == ([3 * FUNDS, FUNDS, FUNDS, FUNDS], [FUNDS, FUNDS, FUNDS, 0, 0])

    receipt = token_market.deposit(7, sender=consumer)

    assert token_books() == (
        [3 * FUNDS + 7, FUNDS - 7, FUNDS, FUNDS],
        [FUNDS + 7, FUNDS, FUNDS, 0, 0],
    )
    assert receipt.events == [
        token_market.Deposited(account=consumer, **{"from": consumer}, amount=7),
        currency.Transfer(**{"from": consumer}, to=token_market, value=7),
    ]


def test_tokens_are_withdrawn(token_market, currency, consumer, token_books):
    receipt = token_market.withdraw(FUNDS, consumer, sender=consumer)

    assert token_books() == ([2 * FUNDS, 2 * FUNDS, FUNDS, FUNDS], [0, FUNDS, FUNDS, 0, 0])
    assert receipt.events == [
        token_market.Withdrawn(account=consumer, to=consumer, amount=FUNDS),
        currency.Transfer(**{"from": token_market}, to=consumer, value=FUNDS),
    ]


def test_an_auction_and_a_bid_move_no_tokens(token_market, token_bid_id, token_books):
    assert token_market.auctions(token_bid_id).state == OPEN
    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - RESERVE, FUNDS - BOND, FUNDS, 0, 0],
    )


def test_a_trade_is_paid_in_tokens(token_market, token_award_id, evs, sign, token_books):
    consumer, provider, rival = evs
    receipt = {
        "auctionId": token_award_id,
        "consumer": consumer.address,
        "provider": rival.address,
        "energyWh": ENERGY - 1,
        "meterDataHash": METER_DATA,
        "last": True,
    }
    signature = sign(consumer, messages.Reading, on=token_market, **receipt)

    settling = token_market.settle(
        (token_award_id, ENERGY - 1, METER_DATA, True), signature, b"", sender=rival
    )

    cost = LOWER_RATE * (ENERGY - 1)
    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - cost, FUNDS, FUNDS + cost, 0, 0],
    )
    assert settling.events == [
        token_market.ConnectionEnded(
            auctionId=token_award_id,
            consumer=consumer,
            how=1,
            penalty=0,
            provider=rival,
            energyWh=ENERGY - 1,
            cost=cost,
            meterDataHash=METER_DATA,
        )
    ]

    for ev, amount in ((consumer, FUNDS - cost), (provider, FUNDS), (rival, FUNDS + cost)):
        token_market.withdraw(amount, ev, sender=ev)

    assert token_books() == ([0, 2 * FUNDS - cost, 2 * FUNDS, 2 * FUNDS + cost], [0] * 5)
    assert token_market.balance == 0


def test_burnt_tokens_stay_in_the_market(
    token_market, token_award_id, stranger, clock, token_books
):
    clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])

    token_market.expireConnection(token_award_id, sender=stranger)

    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - PENALTY, FUNDS, FUNDS - PENALTY, 0, 2 * PENALTY],
    )


def test_an_auction_with_ether_is_refused_in_the_token_market(token_market, consumer, token_books):
    before = consumer.balance, token_books()

    with reverts_with(token_market.UnexpectedEther, amount=7):
        token_market.startAuction(
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

    assert (consumer.balance, token_books()) == before
    assert token_market.balance == 0


def test_a_bid_with_ether_is_refused_in_the_token_market(
    token_market, token_bid_id, rival, token_books
):
    before = rival.balance, token_books()

    with reverts_with(token_market.UnexpectedEther, amount=7):
        token_market.placeBid(
            token_bid_id,
            LOWER_RATE,
            offered(token_market, token_bid_id),
            sender=rival,
            value=7,
            gas_price=0,
        )

    assert (rival.balance, token_books()) == before
    assert token_market.balance == 0


@pytest.mark.parametrize(
    "send",
    [
        lambda market, account, **terms: account.transfer(market, 7, **terms),
        lambda market, account, **terms: market.deposit(7, sender=account, value=7, **terms),
    ],
    ids=["transfer", "deposit"],
)
def test_ether_is_refused_by_the_token_market(token_market, consumer, token_books, send):
    before = consumer.balance, token_books()

    with pytest.raises(ContractLogicError) as refusal:
        send(token_market, consumer, gas_price=0)

    assert is_without_a_reason(refusal.value)
    assert (consumer.balance, token_books()) == before
    assert token_market.balance == 0


def test_a_deposit_of_no_token_is_refused(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(token_market.ZeroAmount):
        token_market.deposit(0, sender=consumer)

    assert token_books() == before


def test_a_deposit_beyond_a_balances_width_is_refused(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(token_market.SafeCastOverflowedUintDowncast, bits=128, value=2**128 + 7):
        token_market.deposit(2**128 + 7, sender=consumer)

    assert token_books() == before


def test_tokens_that_the_market_may_not_take_are_not_credited(
    token_market, currency, consumer, token_books
):
    currency.approve(token_market, FUNDS - 1, sender=consumer)
    before = token_books()

    with reverts_with(
        currency.ERC20InsufficientAllowance,
        spender=token_market,
        allowance=FUNDS - 1,
        needed=FUNDS,
    ):
        token_market.deposit(FUNDS, sender=consumer)

    assert token_books() == before


def test_tokens_that_are_not_there_are_not_credited(token_market, currency, consumer, token_books):
    currency.approve(token_market, FUNDS + 1, sender=consumer)
    before = token_books()

    with reverts_with(
        currency.ERC20InsufficientBalance, sender=consumer, balance=FUNDS, needed=FUNDS + 1
    ):
        token_market.deposit(FUNDS + 1, sender=consumer)

    assert token_books() == before


def test_no_more_tokens_are_withdrawn_than_the_balance(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(
        token_market.BalanceTooLow, account=consumer, balance=FUNDS, needed=FUNDS + 1
    ):
        token_market.withdraw(FUNDS + 1, consumer, sender=consumer)

    assert token_books() == before


def test_tokens_sent_past_the_ledger_are_in_nobodys_balance(
    token_market, currency, consumer, ledger
):
    currency.transfer(token_market, 7, sender=consumer)

    assert currency.balanceOf(token_market) == 3 * FUNDS + 7
    assert ledger(token_market) == [FUNDS, FUNDS, FUNDS, 0, 0]
