"""What other projects get for their own tests: fixtures, checks and strategies."""

import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ape_v2v import (
    ConfigurationError,
    Energy,
    Market,
    Money,
    Rate,
    State,
    V2VError,
)
from ape_v2v.testing.assertions import reverts_with, rollback
from ape_v2v.testing.contracts import ape_contract
from ape_v2v.testing.strategies import (
    auctions,
    bids,
    refused_auctions,
    refused_bids,
)
from tests.helpers.scenario import offered

BID = "0.0002 ether/kWh"


@pytest.fixture(scope="module")
def ready(v2v_market):
    """A market as the factory deploys it."""
    return v2v_market()


# --- Fixtures -------------------------------------------------------------------------------------


def test_a_market_has_three_evs_with_money(
    ready, v2v_organization, v2v_consumer, v2v_provider, v2v_rival
):
    assert isinstance(ready, Market)
    assert ready.organization == v2v_organization
    assert ready.number_of_evs == 3
    for account in (v2v_consumer, v2v_provider, v2v_rival):
        assert ready.ev(account.address).registered
        assert ready.balance(account.address) == Money.parse("1 ether")


def test_a_market_has_the_parameters_asked_for(v2v_market):
    market = v2v_market(penaltyBps=500, awardWindow="30 min")

    assert market.parameters.penaltyBps == 500
    assert market.parameters.awardWindow == 1_800
    assert market.parameters.bondBps == 10_000


def test_a_market_with_an_unknown_parameter_is_refused(v2v_market):
    with pytest.raises(ConfigurationError, match="unknown parameter 'penalty'"):
        v2v_market(penalty=500)


def test_a_market_on_a_chain_that_does_not_explain_itself_is_refused(v2v_market, networks):
    with (
        networks.ethereum.local.use_provider("test"),
        pytest.raises(ConfigurationError, match="default_provider: foundry"),
    ):
        v2v_market()


def test_an_auction_is_the_consumers(open_auction, ready, v2v_consumer):
    auction = open_auction(ready)

    assert auction.market is ready
    assert auction.info.consumer == v2v_consumer
    assert auction.state is State.OPEN


def test_an_auction_has_the_terms_asked_for(open_auction, ready, v2v_rival):
    auction = open_auction(
        ready,
        energy="7 kWh",
        max_rate=BID,
        bidding_time=timedelta(minutes=3),
        validity=timedelta(hours=1),
        sender=v2v_rival,
    )

    info = auction.info
    assert (info.energy, info.max_rate) == (Energy(7_000), Rate.parse(BID))
    assert info.validity == timedelta(hours=1)
    assert auction.time_left == timedelta(minutes=3)
    assert info.consumer == v2v_rival


def test_an_auction_needs_no_market_at_hand(open_auction, ready):
    assert open_auction().market != ready


def test_a_connection_is_that_of_consumer_and_provider(
    connected, ready, v2v_consumer, v2v_provider
):
    connection = connected(ready, energy="7 kWh", rate="0.0001 ether/kWh")

    info = connection.info
    assert info.state is State.CONNECTED
    assert (info.consumer, info.provider) == (v2v_consumer, v2v_provider)
    assert (info.energy, info.rate) == (Energy(7_000), Rate.parse("0.0001 ether/kWh"))
    assert info.connected_at == info.closing_time


def test_a_connection_can_be_that_of_another_consumer(connected, ready, v2v_rival):
    assert connected(ready, sender=v2v_rival).info.consumer == v2v_rival


@pytest.mark.parametrize("run", [1, 2])
def test_what_a_test_does_is_undone(connected, ready, v2v_consumer, run):
    with pytest.raises(V2VError, match="has not started an auction"):
        ready.auction_of(v2v_consumer.address)

    connected(ready)


def test_nothing_is_loaded_before_it_is_asked_for():
    ours = "ape_v2v.market.market", "ape_v2v.market.interface.contract"
    heavy = *ours, "hypothesis", "web3", "pandas"
    program = (
        "import sys; import ape_v2v.testing.fixtures; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert answer.stdout == "[]\n"


# --- Checks ---------------------------------------------------------------------------------------


@pytest.fixture
def refused(open_auction, ready, v2v_provider):
    """A bid above the maximum, by an object of the package, and what is wrong with it."""
    auction = open_auction(ready)
    rate = Rate(int(auction.info.max_rate) + 1)

    def bid():
        auction.place_bid(rate, sender=v2v_provider)

    return bid, {"rate": int(rate), "highest": int(auction.info.max_rate)}


@pytest.fixture
def reverted(open_auction, ready, v2v_provider):
    """The same bid, by the contract itself."""
    auction = open_auction(ready)
    rate = int(auction.info.max_rate) + 1

    def bid():
        contract = ape_contract(ready)
        contract.placeBid(auction.id, rate, offered(contract, auction.id), sender=v2v_provider)

    return bid, {"rate": rate, "highest": rate - 1}


@pytest.fixture(params=["refused", "reverted"])
def failing(request, ready):  # named here: else Ape would take the market back with the first test
    return request.getfixturevalue(request.param)


def test_an_error_is_expected_by_its_name(failing):
    bid, inputs = failing

    with reverts_with("RateTooHigh", **inputs):
        bid()


def test_an_error_is_expected_by_its_class(failing, ready):
    bid, inputs = failing

    with reverts_with(ape_contract(ready).RateTooHigh, **inputs):
        bid()


def test_values_are_expected_in_the_users_units(failing):
    bid, inputs = failing

    with reverts_with("RateTooHigh", rate=Rate(inputs["rate"]), highest=Rate(inputs["highest"])):
        bid()


def test_an_account_and_a_time_are_expected_as_they_are(open_auction, ready, v2v_consumer, chain):
    auction = open_auction(ready)
    with reverts_with("OwnAuction", auctionId=auction.id):
        auction.place_bid(BID, sender=v2v_consumer)
    closing, now = auction.info.closing_time, auction.info.closing_time - timedelta(seconds=5)

    chain.pending_timestamp = int(now.timestamp())
    with reverts_with("BiddingOpen", closingTime=closing, timestamp=now):
        ape_contract(ready).endAuction(auction.id, sender=v2v_consumer)
    with reverts_with("NotEV", account=ready.organization):
        ready.deposit_for(ready.organization, "1 wei", sender=v2v_consumer)


def test_another_error_is_not_taken_for_it(failing):
    bid, _ = failing

    wrong = pytest.raises(AssertionError, match=r"reverted with RateTooHigh.*, expected ZeroRate")
    with wrong, reverts_with("ZeroRate"):
        bid()


def test_other_values_are_not_taken_for_it(failing):
    bid, inputs = failing

    wrong = pytest.raises(AssertionError, match=r"RateTooHigh with .*, expected .*'highest': 1}")
    with wrong, reverts_with("RateTooHigh", rate=inputs["rate"], highest=1):
        bid()


def test_values_left_out_are_missed(failing):
    bid, _ = failing

    wrong = pytest.raises(AssertionError, match=r"RateTooHigh with .*, expected {}")
    with wrong, reverts_with("RateTooHigh"):
        bid()


def test_no_error_is_not_taken_for_it():
    wrong = pytest.raises(AssertionError, match="no revert, expected RateTooHigh")
    with wrong, reverts_with("RateTooHigh", rate=1, highest=1):
        pass


def test_another_exception_goes_through():
    with pytest.raises(ZeroDivisionError), reverts_with("RateTooHigh", rate=1, highest=1):
        1 / 0  # noqa: B018


def test_a_rollback_undoes_what_happened_inside(open_auction, ready, v2v_provider):
    auction = open_auction(ready)

    with rollback():
        auction.place_bid(BID, sender=v2v_provider)
        assert auction.best_bid == Rate.parse(BID)

    assert auction.best_bid is None


def test_a_rollback_lets_a_failed_assertion_through(open_auction, ready, v2v_consumer):
    with pytest.raises(AssertionError, match="open"), rollback():
        assert open_auction(ready).state is State.NONE, "it is open"

    with pytest.raises(V2VError, match="has not started an auction"):
        ready.auction_of(v2v_consumer.address)


# --- Strategies -----------------------------------------------------------------------------------

# Without shrinking, which takes minutes on a node.
some = settings(max_examples=20, phases=[Phase.generate])


def test_auctions_and_bids_that_are_drawn_are_accepted(open_auction, ready, v2v_provider):
    @some
    @given(terms=auctions(), data=st.data())
    def check(terms, data):
        with rollback():
            auction = open_auction(ready, **terms)
            rate = data.draw(bids(auction.highest_rate))
            auction.place_bid(rate, sender=v2v_provider)
            assert auction.best_bid == rate

    check()


def test_auctions_that_are_drawn_to_be_refused_are_refused(open_auction, ready):
    errors = set()

    @some
    @given(auction=refused_auctions())
    def check(auction):
        terms, error, inputs = auction
        with reverts_with(error, **inputs):
            open_auction(ready, **terms)
        errors.add(error)

    check()
    assert len(errors) > 1


def test_bids_that_are_drawn_to_be_refused_are_refused(open_auction, ready, v2v_provider):
    auction = open_auction(ready)

    @some
    @given(bid=refused_bids(auction.highest_rate))
    def check(bid):
        rate, error, inputs = bid
        with reverts_with(error, **inputs):
            auction.place_bid(rate, sender=v2v_provider)

    check()


@given(terms=auctions(budget=Money(1_000), least=Money(10)))
def test_an_auction_that_is_drawn_is_within_the_budget(terms):
    assert terms["max_rate"] * terms["energy"] <= Money(1_000)


def test_without_hypothesis_the_strategies_say_how_to_get_it():
    program = "import sys; sys.modules['hypothesis'] = None; import ape_v2v.testing.strategies"

    answer = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert answer.returncode == 1
    assert "needs Hypothesis: install ape-v2v[testing]" in answer.stderr.splitlines()[-1]
