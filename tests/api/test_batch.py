"""Several signed documents in one transaction: what the market takes, what it refuses, and why."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from ape_ethereum.multicall.constants import MULTICALL3_ADDRESS
from eth_utils.crypto import keccak

from ape_v2v import Market, Refused, V2VError
from ape_v2v.market.batch import Batch, Relayed, signed_bid, signed_reading
from ape_v2v.market.interface import batcher
from tests.helpers.scenario import BOND, FUNDS, LOWER_RATE, METER_DATA, RATE

MULTICALL3 = "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"
"""The hash of its code, as the public networks have it."""


@pytest.fixture
def call_for(api: Market, auction: Any) -> Callable[..., Any]:
    """A factory of signed bids, as calls."""

    def call_for(signer: Any, rate: int, what: str = "") -> Any:
        deadline = api.now + timedelta(minutes=10)
        bid = auction.sign_bid(f"{rate} wei/Wh", deadline, signer=signer)
        return signed_bid(what or f"{signer.alias} at {rate}", api, bid)

    return call_for


def test_several_signed_bids_are_one_transaction(
    api, auction, call_for, provider, rival, stranger, chain, balance
):
    head = chain.blocks.height
    calls = [call_for(rival, RATE, "first"), call_for(provider, LOWER_RATE, "second")]

    results = Batch(api, calls).send(sender=stranger)

    assert chain.blocks.height == head + 1
    assert [(one.what, one.refusal) for one in results] == [("first", None), ("second", None)]
    assert len({one.transaction for one in results}) == 1
    assert (auction.info.provider, int(auction.info.rate)) == (provider.address, LOWER_RATE)
    assert (balance(provider), balance(rival)) == (FUNDS - BOND, FUNDS)


def test_what_would_be_refused_is_left_out_and_the_others_are_brought(
    api, auction, call_for, provider, rival, stranger
):
    calls = [call_for(provider, LOWER_RATE, "low"), call_for(rival, RATE, "high")]

    low, high = Batch(api, calls).send(sender=stranger)

    assert low.refusal is None
    assert high.transaction is None
    assert "is too high: at most" in str(high.refusal)
    assert auction.info.provider == provider.address


def test_where_all_would_be_refused_nothing_is_sent(
    api, call_for, market, auction_id, provider, stranger, clock, chain
):
    call = call_for(provider, RATE, "late")
    clock.move_to(market.auctions(auction_id).closingTime)
    head = chain.blocks.height

    (late,) = Batch(api, [call]).send(sender=stranger)

    assert chain.blocks.height == head
    assert late.transaction is None
    assert "bidding closed at" in str(late.refusal)


def test_one_that_fails_in_the_block_does_not_stop_the_others(
    api, market, auction, auction_id, call_for, start_auction, provider, rival, stranger
):
    """Between the trial and the block another bid comes first."""
    start_auction(sender=provider)
    other = api.auction_of(provider.address)
    bid = other.sign_bid("200 gwei/Wh", api.now + timedelta(minutes=10), signer=rival)
    calls = [call_for(rival, RATE, "overtaken"), signed_bid("apart", api, bid)]

    def another_is_faster(_trial, _expected):
        market.placeBid(auction_id, LOWER_RATE, auction.info.terms, sender=provider)

    overtaken, apart = Batch(api, calls).send(sender=stranger, before_asking=another_is_faster)

    assert apart.refusal is None
    assert other.info.provider == rival.address
    assert "is too high: at most" in str(overtaken.refusal)
    assert overtaken.transaction == apart.transaction
    assert auction.info.provider == provider.address


def test_a_second_try_of_the_same_sends_nothing_again(
    api, call_for, provider, rival, stranger, monkeypatch
):
    """The first one's outcome was not told: its process ended as it waited."""
    calls = [call_for(rival, RATE), call_for(provider, LOWER_RATE)]

    class Ended(Exception):
        pass

    def ends(*_arguments):
        raise Ended

    with monkeypatch.context() as patch:
        patch.setattr("ape_v2v.chain.writing.sending.wait", ends)
        with pytest.raises(Ended):
            Batch(api, calls).send(sender=stranger)
    for note in api.node.notes.of(stranger.address, 0):
        api.node.notes.give_up(note.signed.hash)
    results = Batch(api, calls).send(sender=stranger)

    assert stranger.nonce == 1, "and no second one"
    assert [one.refusal for one in results] == [None, None]


def test_readings_of_several_connections_are_settled_at_once(
    api, connection, consumer, provider, stranger, balance
):
    signed = {"energy": "5 kWh", "meter_data_hash": METER_DATA}
    receipt = connection.sign_receipt(**signed, last=True, signer=consumer)
    settlement = connection.sign_settlement(**signed, signer=provider)
    calls = [
        signed_reading("once", connection, receipt, settlement),
        signed_reading("again", connection, receipt, settlement),
    ]

    once, again = Batch(api, calls).send(sender=stranger)

    assert once == Relayed("once", None, once.transaction)
    assert "over" in str(again.refusal)
    assert balance(provider) == FUNDS + 5_000 * RATE


def test_two_readings_that_differ_are_no_call(connection, consumer, provider):
    receipt = connection.sign_receipt("5 kWh", METER_DATA, last=True, signer=consumer)
    settlement = connection.sign_settlement("6 kWh", METER_DATA, signer=provider)

    with pytest.raises(V2VError, match="both have to sign the same one"):
        signed_reading("", connection, receipt, settlement)


def test_an_empty_batch_does_nothing(api, stranger, chain):
    head = chain.blocks.height

    assert Batch(api, []).send(sender=stranger) == []
    assert chain.blocks.height == head


def test_a_sender_has_to_sign(api, call_for, provider):
    with pytest.raises(V2VError, match="not an account that can sign"):
        Batch(api, [call_for(provider, RATE)]).send(sender="0x" + "11" * 20)


def test_the_batcher_is_the_one_of_the_public_networks(api, chain):
    address = batcher.batcher_on(api.node)

    assert address == MULTICALL3_ADDRESS
    assert keccak(chain.provider.get_code(address)).hex() == MULTICALL3


def test_another_contract_in_its_place_is_refused(api, call_for, provider, stranger, chain):
    chain.provider.set_code(MULTICALL3_ADDRESS, b"\x00")

    with pytest.raises(V2VError, match="is not Multicall3: send the documents one by one"):
        Batch(api, [call_for(provider, RATE)]).send(sender=stranger)


def test_the_batcher_can_do_nothing_that_was_not_signed(api, call_for, market, provider, stranger):
    call = call_for(provider, LOWER_RATE)
    changed = call.data.replace(LOWER_RATE.to_bytes(32), (LOWER_RATE - 1).to_bytes(32))
    assert changed != call.data
    forged = type(call)("forged", changed, call.event, call.values)

    (refused,) = Batch(api, [forged]).try_out().refusals.values()

    assert isinstance(refused, Refused)
    assert refused.name == "WrongSigner"
