"""A market in a stablecoin with 6 decimals, through the API: a whole trade, and the refusals."""

from datetime import UTC, datetime, timedelta

import pytest

from ape_v2v import Market, Money, Rate, Refused, UnitError
from ape_v2v.chain.node import Network, Node
from ape_v2v.currency import ETHER, Currency
from ape_v2v.errors import V2VError
from ape_v2v.market.interface.states import Ending
from ape_v2v.market.interface.transactions import simulate
from ape_v2v.market.shapes import ConnectionOutcome
from ape_v2v.testing.contracts import ape_contract, ape_token
from ape_v2v.units import WrongCurrency
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy, some

TOKEN = 10**6


class Stopped(Exception):
    """A gateway does not send."""


@pytest.fixture(scope="module")
def api(v2v_token_market):
    return v2v_token_market()


@pytest.fixture
def token(api):
    return ape_token(api)


@pytest.fixture
def tomorrow(clock):
    return datetime.fromtimestamp(clock.now, UTC) + timedelta(days=1)


def said(call, *arguments, kind=V2VError, **keywords):
    with pytest.raises(kind) as refusal:
        call(*arguments, **keywords)
    return str(refusal.value)


def test_a_market_says_what_it_is_paid_in(api, token, v2v_market):
    found = Market.at(api.address)

    assert found.currency == Currency("EURT", 6, token.address)
    assert found.parameters.minPenalty == 10_000  # a cent
    assert found.parameters.described(found.currency)["minPenalty"] == "0.01 EURT"
    assert Market.at(v2v_market().address).currency == ETHER


def test_a_whole_trade_is_counted_in_the_token(api, token, consumer, provider, clock):
    before = {who: (api.balance(who), api.wallet(who)) for who in (consumer, provider)}

    auction = api.start_auction("20 kWh", "0.35 EURT/kWh", sender=consumer)
    assert auction.reserve == Money(7 * TOKEN, api.currency)
    assert str(auction.standing().penalty) == "0.7 EURT"
    auction.place_bid("0.3 eurt/kWh", sender=provider)
    assert auction.best_bid == Rate(300, api.currency)
    assert str(auction.highest_rate) == "0.297 EURT/kWh"
    clock.next_block_at(int(auction.info.closing_time.timestamp()))
    connection = auction.end(sender=consumer)
    receipt = connection.sign_receipt("15 kWh", bytes(32), last=True, signer=consumer)
    mined = connection.settle(receipt, sender=provider)

    end = ConnectionOutcome.of(api.facts(mined), mined.transaction, api.currency)
    assert (end.how, str(end.cost), str(end.penalty)) == (Ending.AGREED, "4.5 EURT", "0 EURT")
    assert end.as_json()["cost"] == "4500000"
    assert end.as_json()["currency"] == api.currency.as_json()
    cost = Money(4_500_000, api.currency)
    assert api.balance(consumer) == before[consumer][0] - cost
    assert api.balance(provider) == before[provider][0] + cost

    api.withdraw("1004.5 EURT", sender=provider)
    assert api.wallet(provider) == before[provider][1] + Money(1_004_500_000, api.currency)
    assert api.holdings == Money(token.balanceOf(api.address), api.currency)
    assert not api.balance(provider)


def test_a_deposit_takes_what_was_allowed_and_no_more(api, token, rival):
    free = api.balance(rival)
    api.approve("5 EURT", sender=rival)
    assert str(api.allowance(rival)) == "5 EURT"
    api.deposit("5 EURT", sender=rival)

    assert str(api.balance(rival) - free) == "5 EURT"
    assert not api.allowance(rival)


def test_without_an_allowance_a_deposit_says_how_to_give_it(api, rival, provider):
    api.approve("2 EURT", sender=rival)
    text = said(api.deposit, "5 EURT", sender=rival, kind=Refused)
    assert f"may take 2 EURT of {rival.address}, and 5 EURT are to be deposited" in text
    assert "`ape v2v wallet approve '5 EURT'`" in text
    text = said(api.deposit_for, provider.address, "5 EURT", sender=rival, kind=Refused)
    assert "may take 2 EURT" in text


def test_a_deposit_of_more_than_the_wallet_has_says_how_much_there_is(api, rival):
    api.approve("2000 EURT", sender=rival)
    text = said(api.deposit, "2000 EURT", sender=rival, kind=Refused)
    assert f"{rival.address} has 1000 EURT in its wallet" in text
    assert "get 1000 EURT more" in text


def test_a_signed_deposit_is_sent_by_anybody(api, rival, stranger, tomorrow):
    free, wallet = api.balance(rival), api.wallet(rival)
    signed = api.authorize("7.5 EURT", tomorrow, signer=rival)
    api.deposit_authorized(signed, sender=stranger)

    assert str(api.balance(rival) - free) == "7.5 EURT"
    assert str(wallet - api.wallet(rival)) == "7.5 EURT"
    assert said(api.deposit_authorized, signed, sender=stranger, kind=Refused)  # once only


@pytest.mark.parametrize("fault", [faults.LOST, faults.ANYWHERE["an internal error"]])
def test_a_signed_deposit_whose_outcome_was_not_known_is_not_sent_twice(
    api, rival, tomorrow, chain, fault
):
    """Each try signs anew: it is told by what is wanted, and not by the call."""
    amount, before = "2 EURT", api.balance(rival)
    with FaultProxy(chain.provider.uri) as line:
        network = Network("ethereum-sepolia", patience=0.5)
        far = Market.at(api.address, Node(line.url, network=network))

        def deposit():
            return far.deposit_authorized(
                far.authorize(amount, tomorrow, signer=rival), sender=rival
            )

        line.fault = some(fault, of=(faults.SEND, faults.RECEIPT))
        said(deposit)
        line.fault = None
        deposit()

    assert api.balance(rival) - before == api.money_of(amount)


def test_a_deposit_signed_for_more_than_there_is_is_refused(api, rival, stranger, tomorrow):
    signed = api.authorize("2000 EURT", tomorrow, signer=rival)
    assert "has 1000 EURT in its wallet" in said(api.deposit_authorized, signed, sender=stranger)


def test_a_signed_withdrawal_is_sent_by_anybody(api, rival, stranger, tomorrow):
    signed = api.sign_withdrawal("3 EURT", stranger.address, tomorrow, signer=rival)
    api.withdraw_signed(signed, sender=stranger)

    assert str(api.wallet(stranger.address)) == "3 EURT"
    assert said(api.withdraw_signed, signed, sender=stranger, kind=Refused)


def test_a_token_without_signed_deposits_says_so(
    project, organization, rival, deploy_token_market, tomorrow
):
    plain = organization.deploy(project.TestToken, 18)
    market = Market.at(deploy_token_market(plain).address)

    assert market.currency == Currency("TEST", 18, plain.address)
    text = said(market.authorize, "1 TEST", tomorrow, signer=rival)
    assert "takes no signed deposits (EIP-3009): approve the amount instead" in text


def test_ether_is_refused_where_a_token_is_paid(api, consumer, provider, auction):
    assert "is in ether, and a rate here is in EURT: give it in EURT" in said(
        api.start_auction, "20 kWh", Rate.parse("1 gwei/Wh"), sender=consumer, kind=WrongCurrency
    )
    text = said(api.deposit, "0.05 ether", sender=consumer, kind=WrongCurrency)
    assert "'0.05 ether' is in ether, and an amount here is in EURT" in text
    assert "for example '5 EURT'" in text
    assert "is in ether" in said(auction.place_bid, "1 gwei/Wh", sender=provider)
    text = said(auction.place_bid, "0.3 EURT/kWh", sender=provider, value="1 EURT")
    assert "which no call brings along: deposit 1 EURT first" in text
    assert "is in ether" in said(auction.place_bid, "0.3 EURT/kWh", sender=provider, value=Money(1))


def test_a_token_is_refused_where_ether_is_paid(v2v_market, consumer, tomorrow):
    market = v2v_market()
    assert "'5 EURT' is in EURT, and an amount here is in ether" in said(
        market.deposit, "5 EURT", sender=consumer, kind=WrongCurrency
    )
    for call in (market.approve, market.allowance):
        arguments = {"sender": consumer} if call == market.approve else {}
        what = "1 ether" if call == market.approve else consumer.address
        assert "this market is paid in ether" in said(call, what, **arguments)
    assert "paid in ether" in said(market.authorize, "1 ether", tomorrow, signer=consumer)


def test_more_decimals_than_the_token_has_are_refused(api, consumer):
    text = said(api.deposit, "0.0000001 EURT", sender=consumer, kind=UnitError)
    assert text.endswith(
        "is 0.1 units of 0.000001 EURT: the market counts in whole units of 0.000001 EURT"
    )
    assert "counts in whole units of 0.000001 EURT/Wh" in said(
        api.start_auction, "20 kWh", "0.3500001 EURT/kWh", sender=consumer
    )


def test_what_the_market_refuses_is_said_in_the_token(api, consumer, provider, auction):
    assert "at most 0.6 EURT/kWh is accepted now" in said(
        auction.place_bid, "0.7 EURT/kWh", sender=provider
    )
    assert "has 988 EURT free in the market, and 1000 EURT" in said(
        api.withdraw, "1000 EURT", sender=consumer
    )
    auction.place_bid("0.5 EURT/kWh", sender=provider)
    text = said(auction.cancel, sender=consumer)
    assert "costs a penalty of 1.2 EURT, and you allowed 0 EURT" in text
    assert "is 0.01 EURT" not in text
    text = said(api.start_auction, "1 Wh", "0.001 EURT/kWh", sender=provider)
    assert "costs 0.01 EURT at least" in text


def test_what_the_issuer_refuses_is_said_to_be_the_tokens(api, token, consumer, organization):
    token.setBlocked(consumer, True, sender=organization)
    text = said(api.withdraw, "1 EURT", sender=consumer, kind=Refused)
    assert "the token EURT, which is no part of the market, has refused" in text
    assert str(api.balance(consumer)) == "1000 EURT"


def test_the_writes_that_only_a_token_has_go_through_the_gateway_too(api, rival, tomorrow):
    signed = api.authorize("1 EURT", tomorrow, signer=rival)
    withdrawal = api.sign_withdrawal("1 EURT", rival.address, tomorrow, signer=rival)
    seen = []

    def gateway(write):
        simulate(write)
        seen.append((write.contract.what, write.method, str(write.moves), write.value))
        raise Stopped

    market = Market(api.contract, gateway)
    with pytest.raises(Stopped):
        market.approve("1 EURT", sender=rival)
    with pytest.raises(Stopped):
        market.deposit_authorized(signed, sender=rival)
    with pytest.raises(Stopped):
        market.withdraw_signed(withdrawal, sender=rival)
    assert seen == [
        ("token", "approve", "0 ether", Money(0)),
        ("market", "depositWithAuthorization", "1 EURT", Money(0)),
        ("market", "withdrawFor", "0 ether", Money(0)),
    ]


def test_ether_sent_to_a_market_in_a_token_is_refused(api, consumer, auction, provider):
    contract = ape_contract(api)
    with pytest.raises(contract.UnexpectedEther):
        contract.placeBid(auction.id, 300, auction.info.terms, sender=provider, value=1)


def test_no_market_is_deployed_in_what_is_no_token(api, organization):
    for address in (organization.address, api.address):
        assert "there is no token at" in said(Market.deploy, organization, token=address)


@pytest.fixture
def auction(open_auction, api):
    return open_auction(api)
