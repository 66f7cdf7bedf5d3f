"""A market in a token: acts of several steps, also where the page is closed in between."""

import re

import pytest

from ape_v2v.chain.node import Node
from ape_v2v.market.market import Market
from ape_v2v.testing.contracts import ape_token
from tests.service.conftest import serving_market
from tests.web.conftest import NodeOfTheTests, phones
from tests.web.test_seen import cut_off, seen

UNIT = 10**6
FUNDS = 1_000 * UNIT
"""What each has in the market, and again in its wallet."""
RESERVE = 2_999_999 * 501
"""Of 2999.999 kWh at 0.501 EURT/kWh: more than is free in the market."""
LACKING = RESERVE - FUNDS
ASKS = "Lock 1,502.999499 EURT and ask"
NOT_ALL = "Not all of this is signed yet. Go on?"


@pytest.fixture
def paid_in_a_token(v2v_token_market):
    return v2v_token_market()


@pytest.fixture
def node(chain):
    """Its blocks come by themselves again when a test is over."""
    node = NodeOfTheTests(chain.provider)
    yield node
    node.request("evm_setAutomine", True)


@pytest.fixture
def url(paid_in_a_token, chain):
    market = Market.at(paid_in_a_token.address, Node(chain.provider.uri))
    with serving_market(market, requests=100_000) as client:
        yield str(client.base_url)


@pytest.fixture
def new_phone(browser, node, url):
    with phones(browser, node, url) as new_phone:
        yield new_phone


@pytest.fixture
def asker(new_phone, consumer):
    return new_phone(consumer.address).connect()


@pytest.fixture
def holds(paid_in_a_token):
    """What an account has free in the market, and in its wallet."""
    token = ape_token(paid_in_a_token)

    def holds(account):
        free = int(paid_in_a_token.ev(account.address).balance)
        return free, token.balanceOf(account)

    return holds


def fill_in(phone):
    phone.fill("Energy", "2999.999")
    phone.fill("At most, per kWh", "0.501")
    phone.press("Ask")


def signs(phone, name):
    phone.page.get_by_role("dialog").get_by_role("button", name=name).click()


def test_two_phones_trade_in_a_token_to_the_last_unit(
    asker, new_phone, provider, consumer, holds, pass_time
):
    fill_in(asker)
    asker.sees("1 of 3: allow the market to take EURT")
    asker.confirms(ASKS, "Your request is open.")
    assert len(asker.wallet.sent) == 3
    assert holds(consumer) == (0, FUNDS - LACKING)

    bidder = new_phone(provider.address).connect()
    bidder.go("Earn")
    bidder.press("Bid 0.501 EURT/kWh")
    bidder.confirms("Bid 0.501 EURT/kWh", "You bid 0.501 EURT/kWh.")
    pass_time(601)
    asker.press("Accept 0.501 EURT/kWh")
    asker.confirms("Accept 0.501 EURT/kWh", re.compile("delivers"))
    asker.press("Pay and finish")
    asker.confirms("Pay 1,502.999499 EURT", "Paid 1,502.999499 EURT for 2,999.999 kWh.")

    # The provider had paid in what its bond lacked.
    assert holds(provider) == (FUNDS + LACKING + RESERVE, FUNDS - LACKING)
    assert holds(consumer) == (0, FUNDS - LACKING)
    bidder.go("Wallet")
    bidder.press("Withdraw all")
    bidder.confirms("Withdraw 3,005.998998 EURT", "3,005.998998 EURT is in your wallet.")
    assert holds(provider) == (0, 2 * FUNDS + RESERVE)
    assert asker.complaints == bidder.complaints == []


@pytest.mark.parametrize("steps", [1, 2], ids=["allowed", "paid in"])
def test_an_act_goes_on_after_the_page_was_closed(asker, node, consumer, holds, steps):
    """It was closed when a step was sent, and in no block yet."""
    node.request("evm_setAutomine", False)
    fill_in(asker)
    signs(asker, ASKS)
    for sent in range(1, steps + 1):
        if sent > 1:
            node.request("evm_mine")
            asker.sees(f"{sent} of 3")
        asker.sees("Sent. It comes with one of the next blocks.")
    asker.page.close()
    node.request("evm_setAutomine", True)
    node.request("evm_mine")

    asker.open()
    asker.sees(NOT_ALL)
    assert len(asker.wallet.sent) == steps
    asker.press("Go on")
    asker.sees("What can go wrong")
    assert len(asker.wallet.sent) == steps
    asker.confirms(ASKS, "Your request is open.")

    assert len(asker.wallet.sent) == 3
    assert holds(consumer) == (0, FUNDS - LACKING)
    asker.page.reload()
    asker.sees("No bid yet")
    asker.does_not_see(NOT_ALL)


def test_who_says_no_in_between_goes_on_later_or_not(asker, consumer, holds):
    answer = asker.wallet.send

    def sends_one(transaction):
        asker.wallet.says_no = True
        return answer(transaction)

    asker.wallet.send = sends_one
    fill_in(asker)
    signs(asker, ASKS)
    asker.sees("You said no. Nothing happened.")

    asker.page.reload()
    asker.sees(NOT_ALL)
    assert (list(seen(asker)), cut_off(asker)) == ([], 0)
    asker.wallet.says_no = False
    asker.press("Go on")
    asker.sees("1 of 2: pay in")
    signs(asker, ASKS)
    asker.sees("You said no. Nothing happened.")
    asker.press("Close")
    asker.press(NOT_ALL)
    asker.press("Leave it so")
    asker.page.reload()
    asker.sees("Ask for energy.")
    asker.does_not_see(NOT_ALL)
    assert holds(consumer) == (FUNDS + LACKING, FUNDS - LACKING)


@pytest.fixture
def closed_while_asked(asker):
    """Seven are to be paid in, in two steps: the wallet was asked, and then the page was closed."""
    asker.wallet.is_slow = True
    asker.go("Wallet")
    asker.fill("Amount", "7")
    asker.press("Add")
    signs(asker, "Add 7 EURT")
    asker.has_asked_its_wallet()
    asker.page.close()
    asker.wallet.is_slow = False
    return asker


@pytest.mark.parametrize("is_mined", [True, False], ids=["in a block", "on its way"])
def test_what_the_wallet_sent_after_the_page_was_closed_is_not_sent_again(
    closed_while_asked, node, consumer, holds, is_mined
):
    phone = closed_while_asked
    node.request("evm_setAutomine", is_mined)
    phone.wallet.send(*phone.wallet.held)
    phone.open()
    if not is_mined:
        phone.sees("Add 7 EURT")
        phone.does_not_see(NOT_ALL)
        node.request("evm_setAutomine", True)
        node.request("evm_mine")

    phone.sees(NOT_ALL)
    phone.press("Go on")
    phone.confirms("Add 7 EURT", "7 EURT is in the market.")
    assert holds(consumer) == (FUNDS + 7 * UNIT, FUNDS - 7 * UNIT)
    assert len(phone.wallet.sent) == 2


def test_what_the_wallet_has_not_sent_is_signed_when_the_page_is_open_again(
    closed_while_asked, consumer, holds
):
    phone = closed_while_asked
    phone.open()
    phone.sees(NOT_ALL)
    phone.press("Go on")
    phone.sees("1 of 2: allow the market to take EURT")
    phone.confirms("Add 7 EURT", "7 EURT is in the market.")

    assert holds(consumer) == (FUNDS + 7 * UNIT, FUNDS - 7 * UNIT)
    assert len(phone.wallet.sent) == 2


def test_the_last_step_is_not_asked_for_again(asker, consumer, holds):
    asker.wallet.is_slow = True
    asker.go("Wallet")
    asker.press("Withdraw all")
    signs(asker, "Withdraw 1,000 EURT")
    asker.has_asked_its_wallet()
    asker.page.close()
    asker.wallet.is_slow = False
    asker.wallet.send(*asker.wallet.held)

    asker.open()
    asker.go("Wallet")
    asker.sees("Withdrawn 1,000 EURT")
    asker.sees("1,000 EURT is in your wallet.")
    asker.does_not_see(NOT_ALL)
    assert holds(consumer) == (0, 2 * FUNDS)


def test_another_account_does_not_go_on_with_it(asker, node, rival):
    node.request("evm_setAutomine", False)
    fill_in(asker)
    signs(asker, ASKS)
    asker.sees("Sent. It comes with one of the next blocks.")
    asker.wallet.account, own = rival.address, asker.wallet.account
    asker.page.reload()
    node.request("evm_setAutomine", True)
    node.request("evm_mine")
    asker.sees(NOT_ALL)
    asker.press("Go on")
    asker.sees(f"This is for the account {own[:6]}…{own[-4:]}. Connect that one.")

    assert len(asker.wallet.sent) == 1
