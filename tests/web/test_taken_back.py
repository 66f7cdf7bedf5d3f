"""What the chain takes back or forgets: sent again when it is gone, not while it may come."""

import pytest
from playwright.sync_api import expect

from ape_v2v.chain.node import Node
from ape_v2v.market.market import Market
from tests.helpers.world import ALICE, FUNDS
from tests.service.conftest import serving_market
from tests.web.test_stories import ASKS, fill_in
from tests.web.test_trade import balance

CONFIRMATIONS = 3
RESERVE = 6 * 10**15
TAKEN_BACK = "The chain took it back. It may come again; if not, send again."
FORGOTTEN = "The network forgot it. Send again?"
PATIENCE = 180_000
"""For how long a transaction may be unknown, milliseconds."""


@pytest.fixture
def url(world):
    """Of a service that believes what some blocks lie on."""
    market = Market.at(world.address, Node(world.node.url))
    with serving_market(market, confirmations=CONFIRMATIONS, requests=100_000) as client:
        world.node.request("anvil_mine", hex(CONFIRMATIONS))
        yield str(client.base_url)


@pytest.fixture
def asked(alice):
    """Alice's phone has sent what it asks for, which is in the latest block."""
    fill_in(alice)
    alice.page.get_by_role("dialog").get_by_role("button", name=ASKS).click()
    alice.sees("Done, 1 of 3 blocks")
    return alice


def looks(phone, times):
    """Wait until the page has asked so often what has become of it."""
    for _ in range(times):
        with phone.page.expect_response(
            lambda answer: "eth_getTransactionReceipt" in (answer.request.post_data or "")
        ):
            pass


def goes_again(phone, node):
    """It is shown and signed once more, and there to stay."""
    phone.press("Try again")
    phone.page.get_by_role("dialog").get_by_role("button", name=ASKS).click()
    phone.sees("Done, 1 of 3 blocks")
    node.request("anvil_mine", hex(CONFIRMATIONS))
    phone.sees("Your request is open.")


def test_what_the_chain_took_back_for_good_is_sent_again_at_once(asked, node, world):
    node.request("anvil_reorg", 1, [])
    asked.sees(FORGOTTEN)

    goes_again(asked, node)
    assert len(asked.wallet.sent) == 2
    assert balance(world, ALICE) == FUNDS - RESERVE


def test_what_the_chain_took_back_is_not_sent_again_while_it_may_come(asked, node, world):
    (first,) = asked.wallet.sent
    node.request("evm_setAutomine", False)
    node.request("anvil_reorg", 1, [])
    node.request("eth_sendTransaction", first | {"gasPrice": "0x0"})
    asked.sees(TAKEN_BACK)
    looks(asked, 4)
    asked.sees(TAKEN_BACK)
    expect(asked.page.get_by_role("button", name="Try again")).to_have_count(0)

    node.request("anvil_mine", hex(CONFIRMATIONS))
    asked.sees("Your request is open.")
    assert len(asked.wallet.sent) == 1
    assert balance(world, ALICE) == FUNDS - RESERVE


def test_what_has_come_back_is_not_sent_again(asked, node, world):
    (first,) = asked.wallet.sent
    node.request("evm_setAutomine", False)
    node.request("anvil_reorg", 1, [])
    asked.sees(FORGOTTEN)
    node.request("eth_sendTransaction", first | {"gasPrice": "0x0"})
    asked.press("Try again")
    asked.sees("Sent. It comes with one of the next blocks.")

    node.request("anvil_mine", hex(CONFIRMATIONS))
    asked.sees("Your request is open.")
    assert len(asked.wallet.sent) == 1
    assert balance(world, ALICE) == FUNDS - RESERVE


def test_what_the_chain_took_back_is_known_on_a_page_that_is_opened_again(asked, node, world):
    asked.page.close()
    node.request("anvil_reorg", 1, [])
    asked.open()
    asked.page.locator("button.underway").click()
    asked.sees(FORGOTTEN)

    goes_again(asked, node)
    assert balance(world, ALICE) == FUNDS - RESERVE


def test_what_the_network_forgot_is_sent_again_after_a_while(alice, node, world):
    alice.page.clock.install()
    node.request("evm_setAutomine", False)
    fill_in(alice)
    alice.page.get_by_role("dialog").get_by_role("button", name=ASKS).click()
    alice.sees("Sent. It comes with one of the next blocks.")
    (waiting,) = node.request("txpool_content")["pending"].values()
    node.request("anvil_dropTransaction", next(iter(waiting.values()))["hash"])
    looks(alice, 4)
    alice.sees("Sent. It comes with one of the next blocks.")

    alice.page.clock.fast_forward(PATIENCE)
    alice.sees(FORGOTTEN)
    node.request("evm_setAutomine", True)
    goes_again(alice, node)
    assert balance(world, ALICE) == FUNDS - RESERVE


def test_what_stays_is_done_after_its_blocks(asked, node):
    node.request("anvil_mine", hex(CONFIRMATIONS - 1))

    asked.sees("Your request is open.")
