"""The package's objects: a market in the user's units, through whole trades and refusals."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ape_v2v import (
    EV,
    Auction,
    Connection,
    Energy,
    Market,
    Money,
    Parameters,
    Rate,
    Refused,
    State,
    UnitError,
    V2VError,
)
from ape_v2v.market.interface.records import auction_id, consumer_of
from ape_v2v.market.interface.transactions import Write, send, simulate
from ape_v2v.testing.assertions import rollback
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
)


def at(timestamp):
    return datetime.fromtimestamp(timestamp, UTC)


# Whole trades


def test_a_trade_ends_with_every_wei_where_it_belongs(api, consumer, provider, rival, clock):
    auction = api.start_auction(
        "20 kWh",
        "0.0003 ether/kWh",
        timedelta(minutes=10),
        timedelta(hours=2),
        "bay 7",
        sender=consumer,
        value="0.001 ether",
    )
    assert api.balance(consumer) == Money(FUNDS + 10**15 - RESERVE)
    assert auction == api.auction_of(consumer)
    assert auction.time_left == timedelta(minutes=10)

    auction.place_bid("0.00025 ether/kWh", sender=rival)
    assert auction.best_bid == Rate.parse("0.00025 ether/kWh")
    assert api.balance(rival) == Money(FUNDS - BOND)
    auction.place_bid("0.0002 ether/kWh", sender=provider)
    assert api.balance(rival) == Money(FUNDS)
    clock.next_block_at(int(auction.info.closing_time.timestamp()))
    connection = auction.end(sender=consumer)

    receipt = connection.sign_receipt("18.4 kWh", METER_DATA, last=True, signer=consumer)
    connection.settle(receipt, sender=provider)

    cost = Rate.parse("0.0002 ether/kWh") * Energy.parse("18.4 kWh")
    assert api.balance(provider) == Money(FUNDS) + cost
    assert api.balance(consumer) == Money(FUNDS + 10**15) - cost
    assert [api.ev(ev).completed for ev in (consumer, provider, rival)] == [1, 1, 0]
    for ev in (consumer, provider, rival):
        api.withdraw_all(sender=ev)
    assert api.holdings == Money(0)


def test_a_consumer_pays_what_the_provider_states(api, connection, consumer, provider):
    settlement = connection.sign_settlement("5 kWh", METER_DATA, signer=provider)
    connection.end(settlement, sender=consumer)
    assert api.balance(provider) == Money(FUNDS + 5_000 * RATE)
    assert connection.state is State.NONE


def test_a_consumer_pays_the_whole_energy(api, connection, consumer, provider):
    connection.end(sender=consumer)
    assert api.balance(provider) == Money(FUNDS + ENERGY * RATE)


def test_a_provider_forfeits_the_penalty(api, connection, consumer, provider):
    connection.forfeit(sender=provider)
    assert api.balance(provider) == Money(FUNDS - 2 * PENALTY)
    assert api.balance(consumer) == Money(FUNDS + 2 * PENALTY)


def test_a_receipt_on_the_way_costs_both_for_what_is_missing(api, connection, consumer, provider):
    receipt = connection.sign_receipt("15 kWh", METER_DATA, signer=consumer)
    assert connection.loss(receipt) == Money(PENALTY // 4)
    connection.settle(receipt, sender=provider)
    assert api.balance(provider) == Money(FUNDS + 15_000 * RATE - PENALTY // 4)
    assert api.balance(consumer) == Money(FUNDS - 15_000 * RATE - PENALTY // 4)
    assert api.burnt == Money(PENALTY // 2)


def test_anybody_hands_in_what_both_have_signed(api, connection, consumer, provider, stranger):
    receipt = connection.sign_receipt("5 kWh", METER_DATA, last=True, signer=consumer)
    settlement = connection.sign_settlement("5 kWh", METER_DATA, signer=provider)
    connection.settle_with(receipt, settlement, sender=stranger)
    assert api.balance(provider) == Money(FUNDS + 5_000 * RATE)


def test_keys_sign_for_both_who_have_signed_once_for_them(
    api, auction, consumer, provider, rival, stranger, clock
):
    """Before the award even: with the request, and with the bid."""
    hers = auction.sign_key(rival.address, signer=consumer)
    auction.place_bid(Rate(RATE), sender=provider)
    his = auction.sign_key(stranger.address, signer=provider)
    clock.next_block_at(int(auction.info.closing_time.timestamp()))
    connection = auction.end(sender=consumer)

    receipt = connection.sign_receipt("5 kWh", METER_DATA, last=True, signer=rival, chosen=hers)
    settlement = connection.sign_settlement("5 kWh", METER_DATA, signer=stranger, chosen=his)
    connection.settle_with(receipt, settlement, sender=stranger)

    assert len(receipt.signature) == len(settlement.signature) == 130
    assert api.balance(provider) == Money(FUNDS + 5_000 * RATE)
    assert api.balance(consumer) == Money(FUNDS - 5_000 * RATE)


def test_a_key_of_another_auction_or_of_somebody_else_signs_nothing(
    api, connection, consumer, rival, stranger
):
    other = api.auction(connection.id + 1).sign_key(rival.address, signer=consumer)
    with pytest.raises(V2VError, match=f"chosen for auction {connection.id + 1}"):
        connection.sign_receipt("5 kWh", METER_DATA, signer=rival, chosen=other)

    chosen = connection.sign_key(rival.address, signer=consumer)
    with pytest.raises(V2VError, match="the key that was chosen is"):
        connection.sign_receipt("5 kWh", METER_DATA, signer=stranger, chosen=chosen)


def test_the_market_refuses_the_key_of_another_auction(api, connection, consumer, provider, rival):
    other = api.auction(connection.id + 1).sign_key(rival.address, signer=consumer)
    forged = replace(other, auction_id=connection.id)
    receipt = connection.sign_receipt("5 kWh", METER_DATA, signer=rival, chosen=forged)

    with pytest.raises(Refused) as refused:
        connection.settle(receipt, sender=provider)

    assert refused.value.name == "WrongSigner"


def test_a_connection_that_expires_burns_both_penalties(api, connection, provider, stranger, clock):
    clock.next_block_at(int(connection.expires_at.timestamp()))
    connection.expire(sender=stranger)
    assert api.burnt == Money(2 * PENALTY)
    assert api.balance(provider) == Money(FUNDS - PENALTY)
    assert api.ev(provider).no_shows == 1


def test_an_auction_without_a_bid_ends_without_a_connection(api, auction, consumer, clock):
    clock.next_block_at(int(auction.info.closing_time.timestamp()))
    assert auction.end(sender=consumer) is None
    assert api.balance(consumer) == Money(FUNDS)


def test_a_signed_bid_is_placed_by_anyone(api, auction, provider, stranger):
    bid = auction.sign_bid(Rate(RATE), auction.info.closing_time, signer=provider)
    auction.relay_bid(bid, sender=stranger)
    assert auction.info.provider == provider.address
    assert auction.best_bid == Rate(RATE)
    assert api.balance(provider) == Money(FUNDS - BOND)


def test_a_signed_bid_is_void_after_a_removal(led_auction, provider, rival, stranger):
    bid = led_auction.sign_bid(Rate(LOWER_RATE), led_auction.info.closing_time, signer=rival)
    led_auction.remove_bid(sender=provider)
    with pytest.raises(Refused) as refusal:
        led_auction.relay_bid(bid, sender=stranger)
    assert refusal.value.name == "WrongSigner"

    again = led_auction.sign_bid(Rate(LOWER_RATE), led_auction.info.closing_time, signer=rival)
    led_auction.relay_bid(again, sender=stranger)
    assert led_auction.info.provider == rival.address


def test_a_signed_bid_is_void_once_it_is_revoked(api, auction, provider, stranger):
    bid = auction.sign_bid(Rate(RATE), auction.info.closing_time, signer=provider)
    api.revoke_bids(sender=provider)
    assert api.ev(provider).revocations == 1
    with pytest.raises(Refused) as refusal:
        auction.relay_bid(bid, sender=stranger)
    assert refusal.value.name == "WrongSigner"

    again = auction.sign_bid(Rate(RATE), auction.info.closing_time, signer=provider)
    auction.relay_bid(again, sender=stranger)
    assert auction.info.provider == provider.address


@pytest.fixture
def before_a_reorganisation(api, start_auction):
    """An auction as it was seen; now its number is that of one that asks for twice the energy."""
    with rollback():
        seen = api.auction(start_auction()).info
    assert start_auction(energy=2 * ENERGY) == seen.id
    return seen


def test_a_bid_on_what_was_seen_is_placed(auction, provider):
    auction.place_bid(Rate(RATE), sender=provider, seen=auction.info)
    assert auction.info.provider == provider.address


def test_a_bid_on_what_was_seen_is_refused_where_a_reorganisation_has_changed_the_terms(
    api, before_a_reorganisation, provider
):
    seen = before_a_reorganisation
    with pytest.raises(Refused, match="made for other terms than the auction has"):
        api.auction(seen.id).place_bid(Rate(RATE), sender=provider, seen=seen)
    assert api.balance(provider) == Money(FUNDS)


def test_a_signed_bid_is_for_what_was_seen(api, before_a_reorganisation, provider, stranger):
    auction, seen = api.auction(before_a_reorganisation.id), before_a_reorganisation
    bid = auction.sign_bid(Rate(RATE), seen.closing_time, signer=provider, seen=seen)
    with pytest.raises(Refused):
        auction.relay_bid(bid, sender=stranger)
    assert api.balance(provider) == Money(FUNDS)


def test_a_bid_on_what_was_seen_of_another_auction_is_refused(auction, provider):
    with pytest.raises(V2VError, match="pass its own"):
        auction.place_bid(Rate(RATE), sender=provider, seen=replace(auction.info, id=7))


def test_cancelling_is_free_for_a_while_after_a_removal(
    api, led_auction, consumer, provider, rival
):
    led_auction.remove_bid(sender=provider)
    led_auction.place_bid(Rate(RATE), sender=rival)
    assert led_auction.info.free_until is not None
    assert led_auction.cancellation_penalty == Money(0)
    led_auction.cancel(sender=consumer)
    assert api.balance(consumer) == Money(FUNDS + PENALTY)


def test_an_open_award_is_made_by_anybody(api, consumer, provider, stranger, clock):
    auction = api.start_auction("20 kWh", "0.0003 ether/kWh", open_award=True, sender=consumer)
    auction.place_bid(Rate(RATE), sender=provider)
    assert auction.info.open_award
    clock.next_block_at(int(auction.info.closing_time.timestamp()))
    connection = auction.end(sender=stranger)
    assert connection is not None
    assert connection.state is State.CONNECTED


def test_an_open_award_that_nobody_made_is_cancelled_for_nothing(api, consumer, provider, clock):
    auction = api.start_auction("20 kWh", "0.0003 ether/kWh", open_award=True, sender=consumer)
    auction.place_bid(Rate(RATE), sender=provider)
    window = PARAMETERS["awardWindow"]
    clock.move_to(int(auction.info.closing_time.timestamp()) + window)
    assert auction.cancellation_penalty == Money(0)
    auction.cancel(sender=provider)
    assert api.balance(consumer) == api.balance(provider) == Money(FUNDS)


def test_money_is_withdrawn_to_another_account(api, provider, stranger):
    before = stranger.balance
    api.withdraw("0.5 ether", sender=provider, to=stranger.address)
    assert stranger.balance == before + FUNDS // 2


def test_a_bid_is_removed_for_the_penalty(api, led_auction, consumer, provider):
    led_auction.remove_bid(sender=provider)
    assert led_auction.best_bid is None
    assert led_auction.info.removals == 1
    assert api.balance(provider) == Money(FUNDS - PENALTY)
    assert api.balance(consumer) == Money(FUNDS - RESERVE + PENALTY)


def test_an_auction_is_cancelled_for_a_penalty_that_was_agreed_to(
    api, led_auction, consumer, provider
):
    assert led_auction.cancellation_penalty == Money(PENALTY)
    led_auction.cancel(Money(PENALTY), sender=consumer)
    assert led_auction.state is State.NONE
    assert api.balance(provider) == Money(FUNDS + PENALTY)


def test_an_auction_without_a_bid_is_cancelled_free_of_charge(api, auction, consumer):
    assert auction.cancellation_penalty == Money(0)
    auction.cancel(sender=consumer)
    assert api.balance(consumer) == Money(FUNDS)


# The organization


def test_a_new_market_belongs_to_who_deploys_it(organization):
    market = Market.deploy(organization)
    assert market.organization == organization.address
    assert market.pending_organization is None
    assert market.active
    assert market.number_of_evs == 0
    assert market.holdings == market.burnt == Money(0)
    assert market.parameters == Parameters()


def test_a_market_can_be_deployed_for_somebody_else(organization, stranger):
    assert Market.deploy(organization, organization=stranger.address).organization == stranger


def test_an_ownership_on_offer_is_seen(api, organization, stranger):
    api.transact("transferOwnership", stranger.address, sender=organization)
    assert api.organization == organization.address
    assert api.pending_organization == stranger.address


def test_the_organization_adds_and_removes_evs(api, organization, accounts, clock):
    ev = api.add_ev(accounts[5], "a lorry", sender=organization)
    assert ev.registered
    assert ev.added_at == at(clock.now)
    api.add_evs([(accounts[6], ""), (accounts[7], "a bus")], sender=organization)
    assert api.number_of_evs == 6
    api.remove_ev(accounts[5], sender=organization)
    assert not ev.registered
    assert ev.added_at is None
    assert api.number_of_evs == 5


def test_the_organization_closes_and_opens_the_market(api, organization):
    api.change_status(sender=organization)
    assert not api.active
    api.change_status(sender=organization)
    assert api.active


def test_the_organization_says_whether_the_market_is_open(api, organization):
    for active in (False, False, True):
        api.set_active(active, sender=organization)
        assert api.active is active


def test_a_stranger_funds_an_ev(api, provider, stranger):
    api.deposit_for(provider, "0.5 ether", sender=stranger)
    assert api.ev(provider).balance == Money(FUNDS + FUNDS // 2)


# What objects tell


def test_an_open_auction_tells_everything(auction, consumer, clock):
    info = auction.info
    assert info.id == auction.id
    assert info.state is State.OPEN
    assert info.consumer == consumer.address
    assert (info.energy, info.max_rate) == (Energy(ENERGY), Rate(MAX_RATE))
    assert info.closing_time == at(clock.now + BIDDING_TIME)
    assert info.validity == timedelta(seconds=VALIDITY)
    assert info.provider is info.rate is info.connected_at is info.cost is None
    assert info.removals == 0
    assert info.reserve == auction.reserve == Money(RESERVE)
    assert (auction.bond, auction.penalty) == (Money(BOND), Money(PENALTY))
    assert auction.best_bid is None
    assert auction.highest_rate == Rate(MAX_RATE)


def test_a_led_auction_tells_the_standing_bid(led_auction, provider):
    info = led_auction.info
    assert (info.provider, info.rate) == (provider.address, Rate(RATE))
    assert info.cost == Money(RATE * ENERGY)
    assert led_auction.best_bid == Rate(RATE)


@pytest.mark.parametrize("rate", ["1 wei/Wh", "2 wei/Wh", "101 wei/Wh", "199999999999 wei/Wh"])
def test_the_highest_rate_is_the_highest_that_the_contract_accepts(auction, provider, rival, rate):
    auction.place_bid(rate, sender=provider)
    highest = auction.highest_rate
    with rollback(), pytest.raises(Refused) as refusal:
        auction.place_bid(Rate(int(highest or Rate(0)) + 1), sender=rival)
    assert refusal.value.inputs["highest"] == int(highest or Rate(0))
    if highest is not None:
        auction.place_bid(highest, sender=rival)
        assert auction.best_bid == highest


def test_time_does_not_run_below_nothing(auction, clock):
    closing = int(auction.info.closing_time.timestamp())
    clock.move_to(closing - 1)
    assert auction.time_left == timedelta(seconds=1)
    clock.move_to(closing + 1)
    assert auction.time_left == timedelta(0)


def test_a_connection_tells_its_token_and_its_times(connection, consumer, provider, clock):
    connected_at = clock.now
    types = ["address", "address", "uint256", "uint256"]
    token = keccak(encode(types, [consumer.address, provider.address, connected_at, VALIDITY]))
    assert connection.access_token == token
    assert connection.info.state is connection.state is State.CONNECTED
    assert connection.info.connected_at == at(connected_at)
    assert connection.valid_until == at(connected_at + VALIDITY)
    assert connection.expires_at == at(connected_at + VALIDITY + PARAMETERS["settlementWindow"])


@pytest.mark.parametrize("told", ["access_token", "valid_until", "expires_at"])
def test_an_auction_that_is_not_connected_has_no_token(api, auction, told):
    with pytest.raises(Refused) as refusal:
        getattr(api.connection(auction.id), told)
    assert refusal.value.inputs == {"auctionId": auction.id, "actual": 1, "expected": 2}


def test_an_auction_that_is_over_has_nothing_to_tell(auction, consumer):
    auction.cancel(sender=consumer)
    assert auction.state is State.NONE
    assert auction.reserve == auction.bond == auction.penalty == Money(0)
    with pytest.raises(Refused, match="this auction is over or never was"):
        _ = auction.info


def test_an_ev_tells_its_record(api, consumer, auction, market, stranger):
    ev = api.ev(consumer.address)
    assert ev.registered
    assert ev.balance == Money(FUNDS - RESERVE)
    assert (ev.completed, ev.no_shows) == (0, 0)
    assert ev.added_at == at(market.evs(consumer).addedAt)
    assert ev.auction == auction
    unknown = api.ev(stranger)
    assert not unknown.registered
    assert unknown.added_at is None
    assert unknown.balance == Money(0)


def test_an_auction_id_is_the_consumer_and_the_round(auction, consumer):
    assert auction.id == auction_id(consumer.address, 1)
    assert consumer_of(auction.id) == consumer.address.lower()


def test_objects_of_the_same_auction_are_equal(api, auction, empty_market):
    assert api.auction(auction.id) == auction
    assert len({api.auction(auction.id), auction}) == 1
    assert api.auction(auction.id + 1) != auction
    assert api.connection(auction.id) != auction
    assert Market.at(empty_market.address).auction(auction.id) != auction


def test_objects_say_what_they_are(api, auction, connection, provider):
    assert repr(api) == f"<Market {api.address}>"
    assert repr(auction) == f"<Auction {auction.id}>"
    assert repr(connection) == f"<Connection {connection.id}>"
    assert repr(api.ev(provider.address)) == f"<EV {provider.address}>"


# What never reaches the contract


def test_a_text_that_is_no_quantity_is_refused_before_anything_is_sent(api, consumer):
    nonce = consumer.nonce
    with pytest.raises(UnitError, match=r"'1.5 Wh' is 1.5 Wh: the market counts in whole Wh"):
        api.start_auction("1.5 Wh", "1 gwei/Wh", sender=consumer)
    with pytest.raises(UnitError, match="is not a rate"):
        api.start_auction("1 kWh", "1 gwei", sender=consumer)
    assert consumer.nonce == nonce


def test_the_same_quantity_may_be_a_text_or_a_type(api, consumer):
    with rollback():
        texts = api.start_auction("1 kWh", "200 gwei/Wh", sender=consumer).info
    with rollback():
        types = api.start_auction(Energy(1_000), Rate(200 * 10**9), sender=consumer).info
    assert replace(texts, closing_time=types.closing_time) == types


# The gateway


class Stopped(Exception):
    """The gateway has seen enough."""


@dataclass(frozen=True)
class Case:
    """A write: at which stage, by whom, how, and what the gateway gets to see of it."""

    stage: str | None
    sender: str
    call: Callable[..., Any]
    """With the object at hand and the sender."""
    method: str
    value: int = 0
    locks: int = 0
    pays: int = 0


SOMEBODY = "0x52908400098527886E0F7030069857D2E4169EE7"
FULL_COST = ENERGY * RATE


@pytest.fixture
def offered(api, organization, stranger):
    """The market, offered to somebody."""
    Market.at(api.address).transfer(stranger.address, sender=organization)
    return api


CASES = {
    "Market.add_ev": Case(
        None, "organization", lambda market, by: market.add_ev(SOMEBODY, sender=by), "addEV"
    ),
    "Market.add_evs": Case(
        None,
        "organization",
        lambda market, by: market.add_evs([(SOMEBODY, "")], sender=by),
        "addEVs",
    ),
    "Market.remove_ev": Case(
        "auction",
        "organization",
        lambda a, by: a.market.remove_ev(a.info.consumer, sender=by),
        "removeEV",
    ),
    "Market.change_status": Case(
        None, "organization", lambda market, by: market.change_status(sender=by), "changeStatus"
    ),
    "Market.set_active": Case(
        None, "organization", lambda market, by: market.set_active(False, sender=by), "setActive"
    ),
    "Market.revoke_bids": Case(
        None, "provider", lambda market, by: market.revoke_bids(sender=by), "revokeBids"
    ),
    "Market.transfer": Case(
        None,
        "organization",
        lambda market, by: market.transfer(SOMEBODY, sender=by),
        "transferOwnership",
    ),
    "Market.withdraw_transfer": Case(
        None,
        "organization",
        lambda market, by: market.withdraw_transfer(sender=by),
        "transferOwnership",
    ),
    "Market.accept": Case(
        "offered", "stranger", lambda market, by: market.accept(sender=by), "acceptOwnership"
    ),
    "Market.deposit": Case(
        None,
        "provider",
        lambda market, by: market.deposit("1 gwei", sender=by),
        "deposit",
        value=10**9,
    ),
    "Market.deposit_for": Case(
        None,
        "provider",
        lambda market, by: market.deposit_for(by, "1 gwei", sender=by),
        "depositFor",
        value=10**9,
    ),
    "Market.pay_in": Case(
        None,
        "provider",
        lambda market, by: market.pay_in("1 gwei", sender=by),
        "deposit",
        value=10**9,
    ),
    "Market.withdraw": Case(
        None, "provider", lambda market, by: market.withdraw("1 gwei", sender=by), "withdraw"
    ),
    "Market.withdraw_all": Case(
        None, "provider", lambda market, by: market.withdraw_all(sender=by), "withdraw"
    ),
    "Market.start_auction": Case(
        None,
        "consumer",
        lambda market, by: market.start_auction("1 kWh", "200 gwei/Wh", sender=by, value="7 wei"),
        "startAuction",
        value=7,
        locks=200 * 10**12,
    ),
    "Auction.place_bid": Case(
        "auction",
        "provider",
        lambda a, by: a.place_bid(Rate(RATE), sender=by, value="7 wei"),
        "placeBid",
        value=7,
        locks=BOND,
    ),
    "Auction.relay_bid": Case(
        "auction",
        "provider",
        lambda a, by: a.relay_bid(
            a.sign_bid(Rate(RATE), a.info.closing_time, signer=by), sender=by
        ),
        "placeBidFor",
    ),
    "Auction.remove_bid": Case(
        "led_auction", "provider", lambda a, by: a.remove_bid(sender=by), "removeBid", pays=PENALTY
    ),
    "Auction.cancel": Case(
        "led_auction",
        "consumer",
        lambda a, by: a.cancel("1 ether", sender=by),
        "cancelAuction",
        pays=PENALTY,
    ),
    "Auction.end": Case("closed_auction", "consumer", lambda a, by: a.end(sender=by), "endAuction"),
    "Connection.end": Case(
        "connection", "consumer", lambda c, by: c.end(sender=by), "endConnection", pays=FULL_COST
    ),
    "Connection.settle": Case(
        "received",
        "provider",
        lambda r, by: r[0].settle(r[1], sender=by),
        "settle",
        pays=PENALTY * 19 // 20,
    ),
    "Connection.settle_with": Case(
        "agreed", "stranger", lambda r, by: r[0].settle_with(*r[1:], sender=by), "settle"
    ),
    "Connection.forfeit": Case(
        "connection", "provider", lambda c, by: c.forfeit(sender=by), "forfeit", pays=2 * PENALTY
    ),
    "Connection.expire": Case(
        "expired", "consumer", lambda c, by: c.expire(sender=by), "expireConnection", pays=PENALTY
    ),
}


@pytest.fixture
def writes(api):
    """What reaches the gateway of `api`, which simulates and then stops the call."""
    writes = []

    def gateway(write):
        simulate(write)
        writes.append(write)
        raise Stopped

    api.gateway = gateway
    return writes


@pytest.fixture
def closed_auction(led_auction, clock):
    clock.move_to(int(led_auction.info.closing_time.timestamp()))
    return led_auction


@pytest.fixture
def received(connection, consumer):
    """A connection and the consumer's receipt."""
    return connection, connection.sign_receipt("1 kWh", METER_DATA, signer=consumer)


@pytest.fixture
def agreed(connection, consumer, provider):
    """A connection, and what both have signed."""
    return (
        connection,
        connection.sign_receipt("1 kWh", METER_DATA, last=True, signer=consumer),
        connection.sign_settlement("1 kWh", METER_DATA, signer=provider),
    )


@pytest.fixture
def expired(connection, clock):
    clock.move_to(int(connection.expires_at.timestamp()))
    return connection


def test_every_method_with_a_sender_is_among_the_cases():
    methods = {
        f"{kind.__name__}.{name}"
        for kind in (Market, EV, Auction, Connection)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if "sender" in inspect.signature(method).parameters and not name.startswith("_")
    }
    in_a_token = {"Market.approve", "Market.deposit_authorized", "Market.withdraw_signed"}
    assert (
        set(CASES) == methods - {"Market.transact"} - in_a_token
    )  # tests/api/test_token_market.py


@pytest.mark.parametrize("name", CASES)
def test_every_write_goes_through_the_gateway_and_a_simulation_sends_nothing(
    api, writes, request, chain, name
):
    case = CASES[name]
    subject = request.getfixturevalue(case.stage) if case.stage else api
    sender = request.getfixturevalue(case.sender)
    before = chain.blocks.height, sender.nonce, sender.balance, api.holdings

    with pytest.raises(Stopped):
        case.call(subject, sender)

    (write,) = writes
    assert (write.method, write.sender) == (case.method, sender)
    assert (write.value, write.locks, write.pays) == (
        Money(case.value),
        Money(case.locks),
        Money(case.pays),
    )
    assert before == (chain.blocks.height, sender.nonce, sender.balance, api.holdings)


def test_a_leader_that_lowers_its_bid_locks_nothing_more(led_auction, provider, writes):
    with pytest.raises(Stopped):
        led_auction.place_bid(Rate(LOWER_RATE), sender=provider)
    assert writes[0].locks == Money(0)


def test_a_consumer_with_a_settlement_pays_only_that(connection, consumer, provider, writes):
    settlement = connection.sign_settlement("1 kWh", METER_DATA, signer=provider)
    with pytest.raises(Stopped):
        connection.end(settlement, sender=consumer)
    assert writes[0].pays == Money(1_000 * RATE)


def test_who_expires_the_connection_of_others_pays_nothing(expired, stranger, writes):
    with pytest.raises(Stopped):
        expired.expire(sender=stranger)
    assert writes[0].pays == Money(0)


def test_a_write_that_would_be_refused_does_not_reach_the_node(api, provider, chain):
    height = chain.blocks.height
    arguments = (0, provider.address)
    nothing = Write(api.contract, "withdraw", arguments, provider, Money(0), Money(0), Money(0))
    with pytest.raises(Refused):
        send(nothing)
    assert chain.blocks.height == height
