"""Autobidders through nodes that fail now and then: they bid, once, and go on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

import ape
import pytest

from ape_v2v import Market, Money, Rate
from ape_v2v.bidding.autobidder import Action, Autobidder, Decision
from ape_v2v.bidding.policy import Policy
from ape_v2v.chain.node import Network, Node
from ape_v2v.config import Configuration, Fees
from ape_v2v.evm.anvil import anvil
from ape_v2v.index.board import Board
from ape_v2v.index.history import History
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy, some
from tests.helpers.live import SEPOLIA, connected

if TYPE_CHECKING:
    from web3 import HTTPProvider

SOMETIMES = 5
"""One request in so many meets with a fault."""
TIMEOUT, PATIENCE = 0.5, 60.0  # seconds
WAITS_FOR_A_BLOCK = 10.0
ETHER, GWEI = 10**18, 10**9
FLOOR = Rate(150 * GWEI)

ANY = {**faults.ANYWHERE, **faults.SENDING, **faults.READING}


@pytest.fixture(scope="module")
def chain_url():
    with anvil("--chain-id", str(SEPOLIA)) as node, connected(node):
        yield str(cast("HTTPProvider", node.provider).endpoint_uri)


@pytest.fixture(scope="module")
def people():
    return ape.accounts.test_accounts[:3]


@pytest.fixture(scope="module")
def direct(chain_url, people):
    """A market with a consumer and a bidder, over a node that never fails."""
    organization, *evs = people
    market = Market.deploy(organization, node=_node(chain_url))
    market.add_evs([(ev.address, "") for ev in evs], sender=organization)
    for ev in evs:
        market.deposit(Money(ETHER), sender=ev)
    return market


@pytest.fixture
def auction(direct, people):
    """Open, and taken back in the end."""
    _, consumer, _ = people
    auction = direct.start_auction("20 kWh", Rate(300 * GWEI), sender=consumer)
    yield auction
    auction.cancel(auction.penalty, sender=consumer)


@pytest.fixture
def bidder(chain_url, direct, people):
    """What an autobidder does over a faulty line until a condition holds; its decisions."""

    def bid(fault, until, told=None, *, counts_gas=False):
        told, stop = [] if told is None else told, threading.Event()
        with FaultProxy(chain_url) as proxy:
            node = _node(proxy.url, timeout=TIMEOUT)
            there = faults.while_all_is_well(lambda: Market.at(direct.address, node))
            market = there.lasting()
            policy = Policy(FLOOR, counts_gas=counts_gas)
            with History(market, cache=False, confirmations=0, patience=1.0) as history:
                autobidder = Autobidder(market, people[2], policy, told.append)
                board = Board(history)

                def look():
                    board.refresh()
                    return board.running()

                faults.while_all_is_well(look)
                proxy.fault = fault
                thread = threading.Thread(
                    target=autobidder.run,
                    args=(look, stop),
                    kwargs={"interval": 0.05, "lasting": True},
                )
                thread.start()
                deadline = time.monotonic() + PATIENCE
                while not until() and thread.is_alive() and time.monotonic() < deadline:
                    stop.wait(0.1)
                alive = thread.is_alive()
                stop.set()
                thread.join(PATIENCE)
        return told, alive, proxy

    return bid


@pytest.fixture
def allow(monkeypatch):
    """Set what the configuration says of fees."""
    return lambda fees: monkeypatch.setitem(Configuration.current().fees, "ethereum-sepolia", fees)


def _node(url, **options):
    return Node(url, network=Network("ethereum-sepolia", patience=WAITS_FOR_A_BLOCK), **options)


def bids_of(market, auction):
    with History(market, cache=False, confirmations=0) as history:
        history.refresh()
        return list(history.events(["BidPlaced"], auction=auction.id))


@pytest.mark.parametrize("kind", ANY)
def test_a_bidder_through_a_fault_now_and_then_bids_once_and_goes_on(
    bidder, direct, auction, people, kind
):
    told, alive, _ = bidder(
        some(ANY[kind], one_in=SOMETIMES), lambda: auction.info.provider == people[2].address
    )

    assert alive, [decision.reason for decision in told]
    assert auction.info.provider == people[2].address
    assert len(bids_of(direct, auction)) == 1


def test_a_bidder_that_is_not_told_what_became_of_its_bid_goes_on(
    bidder, direct, auction, people, monkeypatch
):
    monkeypatch.setattr(f"{__name__}.WAITS_FOR_A_BLOCK", 0.5)
    told: list[Decision] = []

    def is_told():
        return bool(told) and told[-1].action is Action.SENT

    decisions, alive, _ = bidder(faults.SENDING["the receipt has no status"], is_told, told)

    assert alive
    assert decisions[-1].transaction in decisions[-1].reason
    assert auction.info.provider == people[2].address
    assert len(bids_of(direct, auction)) == 1


@pytest.mark.parametrize("counts_gas", [True, False])
def test_a_bidder_waits_while_gas_costs_more_than_it_may(
    bidder, direct, auction, people, allow, counts_gas
):
    told: list[Decision] = []
    allow(Fees(max_fee=Money(1)))

    _, alive, _ = bidder(None, lambda: told, told, counts_gas=counts_gas)

    assert alive
    assert [decision.action for decision in told] == [Action.WAITS]
    assert told[0].reason.endswith("wait until it has fallen, or allow more")
    allow(Fees())
    bidder(None, lambda: auction.info.provider == people[2].address)
    assert len(bids_of(direct, auction)) == 1


def test_a_bidder_takes_up_its_unmined_bid(bidder, direct, auction, people, chain_url):
    """It was sent by another process, before: nothing is bid on top of it."""
    node = direct.node
    node.request("evm_setAutomine", [False])
    try:
        bid = auction.id, 300 * GWEI, auction.info.terms
        call = direct.contract.call_data("placeBid", *bid)
        account = people[2].address
        node.request(
            "eth_sendTransaction",
            [{"from": account, "to": direct.address, "data": f"0x{call.hex()}", "gas": "0x50000"}],
        )
        waited = threading.Event()
        threading.Timer(3, waited.set).start()
        told, alive, _ = bidder(None, waited.is_set)
        assert alive
        assert not [decision for decision in told if decision.action is Action.BID]
        node.request("evm_mine")
    finally:
        node.request("evm_setAutomine", [True])

    told, alive, _ = bidder(None, lambda: auction.info.provider == account)
    assert alive
    assert len(bids_of(direct, auction)) == 1
