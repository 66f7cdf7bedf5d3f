"""A reorganisation of the chain takes the award back, and with it the token of the session."""

import pytest

from ape_v2v.market.market import Market
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.wire import ChargingState, StopReason
from ape_v2v.session.provider import Supervisor
from ape_v2v.session.terms import SessionPatience, SessionTerms
from tests.session.attacking import wait_until
from tests.session.pairs import RATE

LONG_WH = 20_000
CONFIRMATIONS = 3


@pytest.fixture
def reorganise(chain):
    """Replace the last blocks by as many empty ones."""

    def reorganise(depth):
        height = chain.blocks.height
        chain.provider.make_request("anvil_reorg", [depth, []])
        assert chain.blocks.height == height

    return reorganise


@pytest.fixture
def seen(market, provider):
    """The chain as the provider sees it: what has enough blocks on top."""

    def seen(auction_id, confirmations=CONFIRMATIONS):
        connection = Market.at(market.address).connection(auction_id)
        return MarketChain(connection, provider, confirmations)

    return seen


@pytest.fixture
def award_again(market, consumer, clock):
    """End the auction once more, so many seconds after its close; the token."""

    def award_again(auction_id, seconds):
        clock.next_block_at(market.auctions(auction_id).closingTime + seconds)
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)
        return bytes(market.accessToken(auction_id))

    return award_again


# As deep as what is believed


def test_nobody_begins_on_an_award_that_may_still_be_taken_back(connect, seen, chain):
    auction_id = int(connect())
    chain.mine(CONFIRMATIONS - 1)
    with pytest.raises(SessionError) as refusal:
        seen(auction_id).agreement()
    assert refusal.value.code is ErrorCode.NOT_CONNECTED
    assert "is not connected at block" in str(refusal.value)

    chain.mine()
    assert seen(auction_id).agreement().auction_id == auction_id


def test_a_reorganisation_above_the_award_changes_nothing(connect, seen, chain, reorganise):
    auction_id = int(connect())
    chain.mine(CONFIRMATIONS)
    before = seen(auction_id)
    agreement = before.agreement()

    reorganise(CONFIRMATIONS)
    chain.mine(CONFIRMATIONS)

    before.require_award(agreement)
    assert before.end_of(agreement) is None
    assert seen(auction_id).agreement().token == agreement.token


def test_a_deeper_one_is_noticed_once_the_new_blocks_are_deep_enough(
    connect, seen, chain, reorganise, award_again
):
    auction_id = int(connect())
    chain.mine(CONFIRMATIONS)
    before = seen(auction_id)
    agreement = before.agreement()

    reorganise(CONFIRMATIONS + 1)
    assert _found_out(before, agreement, chain) is ErrorCode.AWARD_TAKEN_BACK

    assert award_again(auction_id, 1) != agreement.token
    chain.mine(CONFIRMATIONS)
    assert _found_out(before, agreement, chain) is ErrorCode.AWARD_TAKEN_BACK
    assert before.end_of(agreement) is None  # that is another connection


def _found_out(there, agreement, chain):
    """What the provider is told.

    Anvil may never have the state of blocks that replaced others: then as many are made after them
    as are waited for, at once, for each time that it is asked may take seconds.
    """
    told = []

    def is_told():
        with pytest.raises(SessionError) as refusal:
            there.require_award(agreement)
        told.append(refusal.value.code)
        if told[-1] is ErrorCode.NODE_UNAVAILABLE:
            chain.mine(CONFIRMATIONS + 1)
        return told[-1] is not ErrorCode.NODE_UNAVAILABLE

    wait_until(is_told, "the new blocks are there")
    return told[-1]


def test_a_node_that_is_behind_takes_no_award_back(connect, seen, chain):
    auction_id = int(connect())
    agreement = seen(auction_id, confirmations=0).agreement()
    behind = seen(auction_id, confirmations=1)  # it does not know of the award yet
    behind.require_award(agreement)


def test_a_connection_that_has_ended_was_not_taken_back(connect, seen, market, consumer):
    auction_id = int(connect())
    agreement = seen(auction_id, confirmations=0).agreement()
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    seen(auction_id, confirmations=0).require_award(agreement)


def test_an_end_whose_event_comes_later_than_its_state_is_no_reorganisation(
    connect, seen, market, consumer, monkeypatch
):
    """Anvil, for one, shows the state of a block for a moment before the block."""
    auction_id = int(connect())
    there = seen(auction_id, confirmations=0)
    agreement = there.agreement()
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    find, asked = there._find_end, []

    def find_later(*arguments):
        asked.append(arguments)
        return find(*arguments) if len(asked) > 2 else None

    monkeypatch.setattr(there, "_find_end", find_later)
    there.require_award(agreement)
    assert len(asked) == 3


# In the middle of a session


@pytest.fixture
def charging(admission):
    """A provider that has delivered an increment against a receipt, and who looks after it."""
    there = admission(LONG_WH)
    session_id = there.admitted()
    while (value := there.value(session_id))[0] < there.provider.limits.increment_wh:
        there.provider.receipt(there.receipt_for(session_id, *value))
    there.provider.receipt(there.receipt_for(session_id, *value))
    said: list[str] = []
    patience = SessionPatience(
        for_the_last_receipt=0, for_the_consumer=0, between_looks=0, between_looks_at_the_chain=0
    )
    return there, Supervisor(there.provider, patience, said.append), said


def standing(there):
    connection = there.provider.connection
    assert connection is not None
    return there.provider.state, connection.stop_reason


def test_a_provider_whose_award_is_taken_back_delivers_nothing_more(charging, reorganise):
    there, supervisor, said = charging
    assert not supervisor.step()
    assert standing(there) == (ChargingState.CHARGING, None)

    reorganise(1)

    assert not supervisor.step()
    assert standing(there) == (ChargingState.STOPPING, StopReason.OTHER)
    assert supervisor.problem.code is ErrorCode.AWARD_TAKEN_BACK
    assert said == [str(supervisor.problem)]
    delivered = there.cable.flow().energy_at(there.cable.clock())
    assert there.provider.unacknowledged_wh() <= there.provider.limits.max_unacknowledged_wh
    assert not supervisor.step()
    assert standing(there) == (ChargingState.CLOSED, StopReason.OTHER)
    assert there.cable.flow().energy_at(there.cable.clock()) == delivered
    assert there.provider.acknowledged is not None  # and is kept


def test_receipts_are_settled_if_the_award_comes_back(charging, reorganise, award_again):
    there, supervisor, _ = charging
    reorganise(1)
    while there.provider.state is not ChargingState.CLOSED:
        assert not supervisor.step()

    assert award_again(there.agreement.auction_id, 0) == there.agreement.token

    assert not supervisor.step()
    assert supervisor.problem is None
    while supervisor.end is None:
        supervisor.step()
    assert supervisor.end.energy_wh == there.provider.acknowledged.energy_wh > 0


def test_it_waits_no_longer_than_it_could_settle(charging, chain, clock, reorganise):
    there, supervisor, _ = charging
    reorganise(1)
    assert not supervisor.step()
    clock.next_block_at(there.agreement.expires_at)
    chain.mine()
    assert supervisor.step()
    assert supervisor.end is None


def test_a_provider_to_whom_nobody_has_come_does_not_wait(admission, reorganise):
    there = admission()
    supervisor = Supervisor(there.provider)
    reorganise(1)
    assert supervisor.step()
    assert supervisor.problem is not None
    assert supervisor.problem.code is ErrorCode.AWARD_TAKEN_BACK


def test_both_sides_say_so_and_the_new_award_is_charged_from_the_start(
    pair, market, reorganise, award_again
):
    both = pair(LONG_WH, speed=100)
    both.provider.start()
    assert both.provider.await_message() == both.url
    both.consumer.start()
    _, consumer = both.stores
    first = both.token
    wait_until(lambda: len(consumer.statements.receipts(first)) > 2, "energy is acknowledged")

    reorganise(1)

    assert both.consumer.await_exit() == 1
    acknowledged = consumer.statements.highest_receipt(first)
    both.provider.kill()  # it would wait for the award to come back
    assert both.outcomes() == (None, None)
    assert market.auctions(both.auction_id).state == 1

    both.token = award_again(both.auction_id, 1)
    assert both.token != first
    both.consumer.replace(terms=SessionTerms(limit_wh=200))
    both.run()

    ours, theirs = both.outcomes()
    assert ours == theirs
    assert (ours.how, ours.energy_wh, ours.cost) == ("agreed", 200, 200 * RATE)
    assert consumer.statements.highest_receipt(first) == acknowledged
