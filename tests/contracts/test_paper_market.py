"""The baseline: it does what the paper says, so that measuring it is fair.

Its weaknesses are the paper's, and are tested as well: they are what this project does otherwise.
"""

import pytest
from ape.exceptions import ContractLogicError

from ape_v2v.testing.assertions import rollback
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    LOWER_RATE,
    MAX_RATE,
    RATE,
    RESERVE,
    ZERO_ADDRESS,
)

NOTES = "Leaf, 39 kWh"


def refused():
    """The paper's `throw`: no reason is given."""
    return pytest.raises(ContractLogicError)


@pytest.fixture(scope="module")
def paper_market(project, organization, consumer, provider, rival):
    market = organization.deploy(project.PaperMarket)
    for ev in (consumer, provider, rival):
        market.addEV(ev, NOTES, sender=organization)
    return market


@pytest.fixture
def start(paper_market, consumer):
    def start(price=MAX_RATE, value=RESERVE, sender=consumer):
        return paper_market.StartAuction(ENERGY, BIDDING_TIME, price, sender=sender, value=value)

    return start


@pytest.fixture
def bid(paper_market, consumer):
    def bid(ev, rate=RATE, value=None):
        value = ENERGY * rate if value is None else value
        return paper_market.PlaceBid(consumer, rate, sender=ev, value=value)

    return bid


@pytest.fixture
def close(paper_market, consumer, clock):
    """Go to the close of the auction."""
    return lambda: clock.next_block_at(paper_market.Bids(consumer).closingTime)


@pytest.fixture
def connected(paper_market, consumer, provider, rival, start, bid, close):
    """The rival has overtaken the provider and won."""
    start()
    bid(provider)
    bid(rival, LOWER_RATE)
    close()
    return paper_market.EndAuction(rival, ENERGY, sender=consumer)


# --- EVs ------------------------------------------------------------------------------------------


def test_the_organization_adds_an_ev(paper_market, organization, stranger):
    receipt = paper_market.addEV(stranger, NOTES, sender=organization)

    assert paper_market.isEV(stranger)
    assert paper_market.numberOfEVs() == 4
    assert paper_market.EVsAdr(3) == stranger
    assert paper_market.EVs(stranger).index == 3
    assert receipt.events == [paper_market.EVAdded(ev=stranger, infos=NOTES)]


def test_adding_an_ev_is_refused_to_others_twice_and_while_closed(
    paper_market, organization, provider, stranger
):
    with refused():
        paper_market.addEV(stranger, NOTES, sender=provider)
    with refused():
        paper_market.addEV(provider, NOTES, sender=organization)
    paper_market.changeStatus(sender=organization)
    with refused():
        paper_market.addEV(stranger, NOTES, sender=organization)


def test_the_last_of_the_list_takes_the_place_of_a_removed_ev(
    paper_market, organization, consumer, provider, rival
):
    paper_market.removeEV(consumer, sender=organization)

    assert not paper_market.isEV(consumer)
    assert paper_market.numberOfEVs() == 2
    assert [paper_market.EVsAdr(index) for index in range(2)] == [rival, provider]
    assert paper_market.EVs(rival).index == 0


def test_the_last_ev_of_the_list_can_be_removed(paper_market, organization, rival):
    paper_market.removeEV(rival, sender=organization)

    assert not paper_market.isEV(rival)
    assert paper_market.EVs(rival).EOA == ZERO_ADDRESS


def test_removing_and_closing_are_refused_to_others(paper_market, organization, provider, stranger):
    with refused():
        paper_market.removeEV(provider, sender=provider)
    with refused():
        paper_market.removeEV(stranger, sender=organization)
    with refused():
        paper_market.changeStatus(sender=provider)


# --- Auction --------------------------------------------------------------------------------------


def test_an_auction_takes_the_most_that_the_energy_can_cost(paper_market, consumer, start):
    start()

    assert paper_market.Bids(consumer).status
    assert paper_market.EVC(consumer).deposit == paper_market.balance == RESERVE


def test_an_auction_is_refused_to_strangers_for_less_and_twice(start, stranger):
    with refused():
        start(sender=stranger)
    with refused():
        start(value=RESERVE - 1)
    start()
    with refused():
        start()


def test_a_lower_bid_leads_and_pays_the_overtaken_one_back(
    paper_market, consumer, provider, rival, start, bid
):
    start()
    bid(provider)
    before = provider.balance
    bid(rival, LOWER_RATE)

    assert paper_market.Bids(consumer).lowestBidder == rival
    assert paper_market.Bids(consumer).lowestBid == LOWER_RATE
    assert provider.balance - before == ENERGY * RATE
    assert paper_market.EVP(consumer, provider).deposit == 0
    assert paper_market.balance == RESERVE + ENERGY * LOWER_RATE


def test_a_bid_is_refused_when_it_is_not_lower_not_covered_or_not_an_evs(
    provider, rival, stranger, consumer, start, bid
):
    start()
    with refused():
        bid(provider, MAX_RATE + 1)
    with refused():
        bid(provider, value=ENERGY * RATE - 1)
    with refused():
        bid(stranger)
    with refused():
        bid(consumer)
    bid(provider)
    with refused():
        bid(rival)


def test_a_bid_is_refused_from_the_close_on(provider, start, bid, close):
    start()
    with rollback():
        bid(provider)
    close()
    with refused():
        bid(provider)


def test_ending_takes_the_cost_off_and_stores_the_token(paper_market, consumer, rival, connected):
    cost = ENERGY * LOWER_RATE
    assert not paper_market.Bids(consumer).status
    assert paper_market.EVC(consumer).deposit == RESERVE - cost
    token = paper_market.EVC(consumer).token
    assert int.from_bytes(token) != 0
    connection = {"provider": rival, "consumer": consumer, "token": token}
    assert connected.events == [
        paper_market.Connected(**connection, validity=paper_market.VALIDITY())
    ]


def test_ending_is_refused_before_the_close_and_for_another_provider(
    paper_market, consumer, provider, rival, start, bid, close
):
    start()
    bid(provider)
    with refused():
        paper_market.EndAuction(provider, ENERGY, sender=consumer)
    close()
    with refused():
        paper_market.EndAuction(rival, ENERGY, sender=consumer)


def test_without_a_bid_the_deposit_comes_back(paper_market, consumer, start, close):
    start()
    close()
    paper_market.EndAuction(ZERO_ADDRESS, ENERGY, sender=consumer)

    assert paper_market.balance == 0
    start()


# --- Connection -----------------------------------------------------------------------------------


def test_ending_the_connection_pays_fee_deposit_and_remainder(
    paper_market, consumer, rival, connected
):
    cost = ENERGY * LOWER_RATE
    before = rival.balance

    receipt = paper_market.EndConnection(sender=consumer)

    assert rival.balance - before == 2 * cost
    assert paper_market.balance == 0
    assert receipt.events == [
        paper_market.ConnectionEnded(provider=rival, consumer=consumer, fee=cost)
    ]


def test_a_connection_ends_once_and_then_another_auction_may_start(
    paper_market, consumer, provider, connected, start
):
    with refused():
        paper_market.EndConnection(sender=provider)
    paper_market.EndConnection(sender=consumer)
    with refused():
        paper_market.EndConnection(sender=consumer)
    start()


# --- What is wrong with it ------------------------------------------------------------------------


def test_a_closed_market_strands_the_money_of_an_auction(
    paper_market, organization, consumer, provider, start, bid, close
):
    start()
    bid(provider)
    paper_market.changeStatus(sender=organization)
    close()
    with refused():
        paper_market.EndAuction(provider, ENERGY, sender=consumer)


def test_a_removed_consumer_strands_the_providers_money(
    paper_market, organization, consumer, connected
):
    paper_market.removeEV(consumer, sender=organization)
    with refused():
        paper_market.EndConnection(sender=consumer)
