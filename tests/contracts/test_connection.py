"""From the award to the payment: the access token and the ways to end a connection."""

from typing import Any, NamedTuple

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from ape_v2v.market.interface import messages
from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
    FUNDS,
    LOWER_RATE,
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
PAID, AGREED, SHORT, FORFEITED, EXPIRED = range(5)
NO_AUCTION = (NONE, ZERO_ADDRESS, 0, 0, 0, 0, False, ZERO_ADDRESS, 0, 0, 0, 0)
COST = RATE * ENERGY
DELIVERED = 12_345  # Wh, of the ENERGY that was contracted
NO_METER_DATA = bytes(32)

LOSS = -(-PENALTY * (ENERGY - DELIVERED) // ENERGY)

ENDINGS = ("paid in full", "paid in part", "settled", "broken off", "forfeited", "expired")


class Ledger(NamedTuple):
    """Free balances, wei. The burnt ether is the zero address's."""

    consumer: int = FUNDS
    provider: int = FUNDS
    rival: int = FUNDS
    burnt: int = 0


LOCKED = Ledger(consumer=FUNDS - RESERVE, provider=FUNDS - BOND)


@pytest.fixture
def counts(market, consumer, provider):
    """Return a function that reads how many connections the two EVs completed and missed."""

    def counts():
        records = [market.evs(ev) for ev in (consumer, provider)]
        return [(record.completed, record.noShows) for record in records]

    return counts


@pytest.fixture
def connect(market, consumer, provider, start_auction, clock):
    """A factory of connections of the same two EVs."""

    def connect():
        auction_id = start_auction()
        market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
        clock.next_block_at(market.auctions(auction_id).closingTime)
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)
        return auction_id

    return connect


@pytest.fixture
def expiry(market, connection_id):
    """From when on anyone may expire the connection."""
    connected_at = market.auctions(connection_id).connectedAt
    return connected_at + VALIDITY + PARAMETERS["settlementWindow"]


@pytest.fixture
def end(market, connection_id, consumer, provider, stranger, receipt, settlement):
    """Return a function that ends the connection in one of its ways."""
    paid, acknowledged = settlement(DELIVERED), receipt(DELIVERED)
    running = receipt(DELIVERED, last=False)
    reading = (connection_id, DELIVERED, METER_DATA)
    ways = {
        "paid in full": lambda: market.endConnection(connection_id, sender=consumer),
        "paid in part": lambda: market.settle((*reading, True), b"", paid, sender=consumer),
        "settled": lambda: market.settle((*reading, True), acknowledged, b"", sender=provider),
        "broken off": lambda: market.settle((*reading, False), running, b"", sender=provider),
        "forfeited": lambda: market.forfeit(connection_id, sender=provider),
        "expired": lambda: market.expireConnection(connection_id, sender=stranger),
    }
    return lambda way: ways[way]()


@pytest.fixture
def recovered(market, chain, consumer, provider):
    """Whose signature the market takes it for, when it is over something else."""

    def recovered(signature, auction_id, energy=DELIVERED, meter_data=METER_DATA, *, last=True):
        kind: Any = messages.Reading
        expected = kind(
            auctionId=auction_id,
            consumer=consumer.address,
            provider=provider.address,
            energyWh=energy,
            meterDataHash=meter_data,
            last=last,
            eip712_domain=messages.domain(market.address, chain.chain_id),
        )
        return Account.recover_message(expected.signable_message, signature=signature)

    return recovered


@pytest.fixture
def key():
    """A key in a car, which has no account in any market."""
    return Account.from_key(b"\x77" * 32)


@pytest.fixture
def sign_by_key(market, chain, sign, key, connection_id, consumer, provider):
    """Sign a reading by the key, which an account has chosen: 130 bytes."""

    def sign_by_key(owner, energy=DELIVERED, *, last=True, of=connection_id, on=market):
        kind: Any = messages.Reading
        message = kind(
            auctionId=connection_id,
            consumer=consumer.address,
            provider=provider.address,
            energyWh=energy,
            meterDataHash=METER_DATA,
            last=last,
            eip712_domain=messages.domain(market.address, chain.chain_id),
        )
        signature = bytes(key.sign_message(message.signable_message).signature)
        return signature + sign(owner, messages.SessionKey, on=on, auctionId=of, key=key.address)

    return sign_by_key


# --- The access token


def test_access_token_is_derived_from_the_two_evs_the_moment_and_the_validity(
    market, bid_id, consumer, provider, clock
):
    connected_at = market.auctions(bid_id).closingTime + 7
    clock.next_block_at(connected_at)
    receipt = market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    values = [consumer.address, provider.address, connected_at, VALIDITY]
    token = keccak(encode(["address", "address", "uint256", "uint256"], values))
    assert market.accessToken(bid_id) == token
    assert receipt.events == [
        market.AuctionEnded(auctionId=bid_id, provider=provider, rate=RATE, cost=COST),
        market.Connected(
            auctionId=bid_id,
            provider=provider,
            consumer=consumer,
            token=token,
            validity=VALIDITY,
        ),
    ]


def test_next_connection_of_the_same_evs_has_another_token(
    market, connection_id, token, consumer, connect
):
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert market.accessToken(connect()) != token


# A refusal is told with its values only when the view is sent as a transaction.


@pytest.mark.parametrize("stage", ["auction_id", "bid_id"])
def test_open_auction_has_no_access_token(market, stranger, request, stage):
    auction_id = request.getfixturevalue(stage)

    with reverts_with(
        market.UnexpectedState, auctionId=auction_id, actual=OPEN, expected=CONNECTED
    ):
        market.accessToken.transact(auction_id, sender=stranger)


def test_connection_that_has_ended_has_no_access_token(market, connection_id, consumer, stranger):
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    with reverts_with(
        market.UnexpectedState, auctionId=connection_id, actual=NONE, expected=CONNECTED
    ):
        market.accessToken.transact(connection_id, sender=stranger)


def test_earlier_connection_has_no_access_token_while_the_next_one_runs(
    market, connection_id, consumer, stranger, connect
):
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    connect()

    with reverts_with(
        market.UnexpectedState, auctionId=connection_id, actual=NONE, expected=CONNECTED
    ):
        market.accessToken.transact(connection_id, sender=stranger)


# --- endConnection(): the consumer pays in full


def test_consumer_pays_in_full(market, connection_id, consumer, provider, ledger, counts):
    receipt = market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert market.auctions(connection_id) == NO_AUCTION
    assert ledger() == Ledger(consumer=FUNDS - COST, provider=FUNDS + COST)
    assert counts() == [(1, 0), (1, 0)]
    assert receipt.events == [
        market.ConnectionEnded(
            auctionId=connection_id,
            consumer=consumer,
            how=PAID,
            penalty=0,
            provider=provider,
            energyWh=ENERGY,
            cost=COST,
            meterDataHash=NO_METER_DATA,
        )
    ]


def test_consumer_pays_in_full_after_the_deadline_too(
    market, connection_id, consumer, clock, expiry, ledger
):
    clock.next_block_at(expiry)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert ledger() == Ledger(consumer=FUNDS - COST, provider=FUNDS + COST)


def test_nobody_but_the_consumer_can_pay_in_full(
    market, connection_id, consumer, organization, provider, rival, stranger, untouched
):
    for account in (organization, provider, rival, stranger):
        with untouched(), reverts_with(market.NotConsumer, account=account, consumer=consumer):
            market.endConnection(connection_id, sender=account)


@pytest.mark.parametrize("call", ["endAuction", "endConnection"])
def test_a_late_call_does_not_act_on_a_later_trade(
    market, connection_id, consumer, connect, untouched, call
):
    """F7: of a smart account, say, whose transaction comes in when the next trade runs."""
    market.endConnection(connection_id, sender=consumer)
    connect()
    expected = OPEN if call == "endAuction" else CONNECTED

    with (
        untouched(),
        reverts_with(
            market.UnexpectedState, auctionId=connection_id, actual=NONE, expected=expected
        ),
    ):
        getattr(market, call)(connection_id, sender=consumer)


def test_open_auction_cannot_be_paid(market, bid_id, consumer, untouched):
    with (
        untouched(),
        reverts_with(market.UnexpectedState, auctionId=bid_id, actual=OPEN, expected=CONNECTED),
    ):
        market.endConnection(market.currentAuctionId(consumer), sender=consumer)


def test_counts_add_up_over_connections(market, consumer, connect, clock, counts):
    for _ in range(2):
        connect()
        market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    auction_id = connect()
    clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])
    market.expireConnection(auction_id, sender=consumer)

    assert counts() == [(2, 1), (2, 1)]


# --- settle: both sides consent to a reading, by a signature or by the call


@pytest.fixture(params=["consumer", "provider", "stranger"])
def hand_in(request, market, connection_id, receipt, settlement):
    """Hand in what both have signed, as each side and as somebody else.

    A side that calls needs no signature of its own.
    """
    sender = request.getfixturevalue(request.param)

    def hand_in(energy, *, last):
        theirs = b"" if request.param == "consumer" else receipt(energy, last=last)
        ours = b"" if request.param == "provider" else settlement(energy, last=last)
        reading = (connection_id, energy, METER_DATA, last)
        return market.settle(reading, theirs, ours, sender=sender)

    return hand_in


@pytest.mark.parametrize(
    ("energy", "last"), [(1, True), (DELIVERED, True), (ENERGY, True), (ENERGY, False)]
)
def test_what_both_agree_on_is_paid_and_costs_nobody_anything(
    market, connection_id, consumer, provider, hand_in, ledger, counts, energy, last
):
    settled = hand_in(energy, last=last)

    cost = RATE * energy
    assert market.auctions(connection_id) == NO_AUCTION
    assert ledger() == Ledger(consumer=FUNDS - cost, provider=FUNDS + cost)
    assert counts() == [(1, 0), (1, 0)]
    assert settled.events == [
        market.ConnectionEnded(
            auctionId=connection_id,
            consumer=consumer,
            provider=provider,
            how=AGREED,
            energyWh=energy,
            cost=cost,
            penalty=0,
            meterDataHash=METER_DATA,
        )
    ]


def test_agreeing_on_nothing_frees_both_and_is_no_completed_connection(hand_in, ledger, counts):
    hand_in(0, last=True)

    assert ledger() == Ledger()
    assert counts() == [(0, 0), (0, 0)]


@pytest.mark.parametrize("energy", [0, 1, DELIVERED, ENERGY - 1])
def test_what_only_a_running_reading_says_costs_both_for_what_is_missing(
    market, connection_id, consumer, provider, hand_in, ledger, counts, energy
):
    settled = hand_in(energy, last=False)

    cost, loss = RATE * energy, -(-PENALTY * (ENERGY - energy) // ENERGY)
    assert market.auctions(connection_id) == NO_AUCTION
    assert ledger() == Ledger(
        consumer=FUNDS - cost - loss, provider=FUNDS + cost - loss, burnt=2 * loss
    )
    assert counts() == [(0, 0), (0, 0)]
    assert settled.events == [
        market.ConnectionEnded(
            auctionId=connection_id,
            consumer=consumer,
            provider=provider,
            how=SHORT,
            energyWh=energy,
            cost=cost,
            penalty=loss,
            meterDataHash=METER_DATA,
        )
    ]


@pytest.mark.parametrize("energy", [ENERGY + 1, 2**32 - 1])
def test_more_energy_than_was_contracted_cannot_be_settled(market, hand_in, untouched, energy):
    with (
        untouched(),
        reverts_with(market.EnergyAboveContract, energyWh=energy, contracted=ENERGY),
    ):
        hand_in(energy, last=True)


@pytest.mark.parametrize("role", ["provider", "rival", "stranger"])
def test_reading_that_the_consumer_has_not_signed_is_refused(
    market, connection_id, consumer, provider, receipt, untouched, request, role
):
    signer = request.getfixturevalue(role)
    signature = receipt(DELIVERED, signer=signer)

    with untouched(), reverts_with(market.WrongSigner, expected=consumer, signer=signer):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


@pytest.mark.parametrize("role", ["consumer", "rival", "stranger"])
def test_reading_that_the_provider_has_not_signed_is_refused(
    market, connection_id, consumer, provider, settlement, untouched, request, role
):
    signer = request.getfixturevalue(role)
    signature = settlement(DELIVERED, signer=signer)

    with untouched(), reverts_with(market.WrongSigner, expected=provider, signer=signer):
        market.settle((connection_id, DELIVERED, METER_DATA, True), b"", signature, sender=consumer)


@pytest.mark.parametrize("missing", ["consumer", "provider"])
def test_somebody_else_needs_both_signatures(
    market, connection_id, stranger, receipt, settlement, untouched, missing
):
    signatures = {"consumer": receipt(DELIVERED), "provider": settlement(DELIVERED)}
    signatures[missing] = b""

    with untouched(), reverts_with(market.ECDSAInvalidSignatureLength, length=0):
        market.settle(
            (connection_id, DELIVERED, METER_DATA, True), *signatures.values(), sender=stranger
        )


@pytest.mark.parametrize(
    "signed",
    [
        {"energy": DELIVERED - 1},
        {"energy": DELIVERED + 2**32},
        {"meter_data": NO_METER_DATA},
        {"last": False},
        {"auction_id": 7},
        {"chain_id": 1},
        {"consumer": ZERO_ADDRESS},
        {"provider": ZERO_ADDRESS},
    ],
    ids=lambda signed: next(iter(signed)),
)
def test_signature_over_anything_but_this_reading_is_refused(
    market, connection_id, consumer, provider, receipt, recovered, untouched, signed
):
    signature = receipt(**{"energy": DELIVERED, **signed})
    signer = recovered(signature, connection_id)

    with untouched(), reverts_with(market.WrongSigner, expected=consumer, signer=signer):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


def test_a_reading_on_the_way_is_no_last_one(
    market, connection_id, consumer, provider, receipt, recovered, untouched
):
    signature = receipt(DELIVERED, last=False)
    signer = recovered(signature, connection_id, last=True)

    with untouched(), reverts_with(market.WrongSigner, expected=consumer, signer=signer):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


def test_a_meter_value_is_no_reading(
    market, connection_id, consumer, provider, sign, token, recovered, untouched
):
    """Else a consumer would end with an early one."""
    signature = sign(
        provider,
        messages.MeterValue,
        token=token,
        energyWh=DELIVERED,
        meterDataHash=METER_DATA,
    )
    signer = recovered(signature, connection_id)

    with untouched(), reverts_with(market.WrongSigner, expected=provider, signer=signer):
        market.settle((connection_id, DELIVERED, METER_DATA, True), b"", signature, sender=consumer)


def test_reading_for_another_market_is_refused(
    market, empty_market, connection_id, consumer, provider, receipt, recovered, untouched
):
    signature = receipt(DELIVERED, on=empty_market)
    signer = recovered(signature, connection_id)

    with untouched(), reverts_with(market.WrongSigner, expected=consumer, signer=signer):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


def test_reading_of_an_earlier_connection_is_refused(
    market, connection_id, consumer, provider, receipt, connect, recovered, untouched
):
    signature = receipt(DELIVERED)
    market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)
    next_id = connect()
    signer = recovered(signature, next_id)

    with untouched(), reverts_with(market.WrongSigner, expected=consumer, signer=signer):
        market.settle((next_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


@pytest.mark.parametrize("length", [0, 64, 66, 129, 131])
def test_signature_of_65_or_130_bytes_is_needed(
    market, connection_id, provider, receipt, untouched, length
):
    signature = (2 * receipt(DELIVERED) + b"\x00")[:length]

    with untouched(), reverts_with(market.ECDSAInvalidSignatureLength, length=length):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


# --- Session keys


@pytest.mark.parametrize("side", ["consumer", "provider"])
def test_a_key_that_a_side_has_chosen_signs_for_it(
    market, connection_id, consumer, provider, sign_by_key, ledger, side
):
    owner, sender = (consumer, provider) if side == "consumer" else (provider, consumer)
    signatures = [b"", b""]
    signatures[side == "provider"] = sign_by_key(owner)

    market.settle((connection_id, DELIVERED, METER_DATA, True), *signatures, sender=sender)

    cost = RATE * DELIVERED
    assert ledger() == Ledger(consumer=FUNDS - cost, provider=FUNDS + cost)


def test_a_key_for_another_auction_is_refused(
    market, connection_id, consumer, provider, sign_by_key, untouched
):
    signature = sign_by_key(consumer, of=connection_id + 1)

    with untouched(), pytest.raises(market.WrongSigner):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


def test_a_key_for_another_market_is_refused(
    market, empty_market, connection_id, consumer, provider, sign_by_key, untouched
):
    signature = sign_by_key(consumer, on=empty_market)

    with untouched(), pytest.raises(market.WrongSigner):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


@pytest.mark.parametrize("role", ["provider", "rival"])
def test_a_key_that_somebody_else_has_chosen_is_refused(
    market, connection_id, consumer, provider, sign_by_key, untouched, request, role
):
    owner = request.getfixturevalue(role)
    signature = sign_by_key(owner)

    with untouched(), reverts_with(market.WrongSigner, expected=consumer, signer=owner):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


def test_a_key_signs_for_nothing_but_what_it_has_signed(
    market, connection_id, consumer, provider, sign_by_key, untouched
):
    signature = sign_by_key(consumer, DELIVERED - 1)

    with untouched(), pytest.raises(market.WrongSigner):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


# --- When


@pytest.mark.parametrize("after_expiry", [-1, 0, 86_400])
def test_provider_may_settle_after_the_deadline_until_the_connection_is_expired(
    market, connection_id, provider, receipt, clock, expiry, ledger, after_expiry
):
    signature = receipt(DELIVERED)

    clock.next_block_at(expiry + after_expiry)
    market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)

    cost = RATE * DELIVERED
    assert ledger() == Ledger(consumer=FUNDS - cost, provider=FUNDS + cost)


def test_expired_connection_cannot_be_settled(
    market, connection_id, provider, stranger, receipt, clock, expiry, untouched
):
    signature = receipt(DELIVERED)
    clock.next_block_at(expiry)
    market.expireConnection(connection_id, sender=stranger)

    with (
        untouched(),
        reverts_with(
            market.UnexpectedState, auctionId=connection_id, actual=NONE, expected=CONNECTED
        ),
    ):
        market.settle((connection_id, DELIVERED, METER_DATA, True), signature, b"", sender=provider)


@pytest.mark.parametrize("way", ["paid in part", "settled"])
def test_party_that_delegates_its_code_after_signing_is_held_to_its_word(
    market, chain, consumer, provider, end, ledger, way
):
    signer = provider if way == "paid in part" else consumer
    delegated = bytes.fromhex("ef0100") + bytes.fromhex(market.address[2:])
    chain.provider.set_code(signer.address, delegated)

    end(way)

    cost = RATE * DELIVERED
    assert chain.provider.get_code(signer.address) == delegated
    assert ledger() == Ledger(consumer=FUNDS - cost, provider=FUNDS + cost)


# --- forfeit: the provider admits that it cannot deliver


def test_provider_forfeits_and_two_penalties_go_to_the_consumer(
    market, connection_id, consumer, provider, ledger, counts
):
    receipt = market.forfeit(connection_id, sender=provider)

    assert market.auctions(connection_id) == NO_AUCTION
    assert ledger() == Ledger(consumer=FUNDS + 2 * PENALTY, provider=FUNDS - 2 * PENALTY)
    assert counts() == [(0, 0), (0, 0)]
    assert receipt.events == [
        market.ConnectionEnded(
            auctionId=connection_id,
            consumer=consumer,
            provider=provider,
            how=FORFEITED,
            energyWh=0,
            cost=0,
            penalty=2 * PENALTY,
            meterDataHash=bytes(32),
        )
    ]


def test_provider_may_forfeit_after_the_deadline_too(
    market, connection_id, provider, clock, expiry, ledger
):
    clock.next_block_at(expiry)
    market.forfeit(connection_id, sender=provider)

    assert ledger() == Ledger(consumer=FUNDS + 2 * PENALTY, provider=FUNDS - 2 * PENALTY)


@pytest.mark.parametrize("role", ["consumer", "organization", "rival", "stranger"])
def test_nobody_but_the_provider_can_forfeit(
    market, connection_id, provider, untouched, request, role
):
    account = request.getfixturevalue(role)

    with untouched(), reverts_with(market.NotProvider, account=account, provider=provider):
        market.forfeit(connection_id, sender=account)


# --- expireConnection: nobody settled in time


@pytest.mark.parametrize(
    ("role", "after_expiry"),
    [("stranger", 0), ("stranger", 1), ("consumer", 0), ("provider", 0), ("organization", 0)],
)
def test_anyone_may_expire_the_connection_and_both_penalties_are_burnt(
    market,
    connection_id,
    consumer,
    provider,
    clock,
    expiry,
    ledger,
    counts,
    request,
    role,
    after_expiry,
):
    account = request.getfixturevalue(role)

    clock.next_block_at(expiry + after_expiry)
    receipt = market.expireConnection(connection_id, sender=account)

    assert market.auctions(connection_id) == NO_AUCTION
    assert ledger() == Ledger(consumer=FUNDS - PENALTY, provider=FUNDS - PENALTY, burnt=2 * PENALTY)
    assert counts() == [(0, 1), (0, 1)]
    assert receipt.events == [
        market.ConnectionEnded(
            auctionId=connection_id,
            consumer=consumer,
            provider=provider,
            how=EXPIRED,
            energyWh=0,
            cost=0,
            penalty=PENALTY,
            meterDataHash=bytes(32),
        )
    ]


@pytest.mark.parametrize("role", ["stranger", "consumer", "provider", "organization"])
def test_nobody_can_expire_the_connection_one_second_early(
    market, connection_id, clock, expiry, untouched, request, role
):
    account = request.getfixturevalue(role)
    clock.next_block_at(expiry - 1)

    with (
        untouched(),
        reverts_with(market.ConnectionNotExpired, expiry=expiry, timestamp=expiry - 1),
    ):
        market.expireConnection(connection_id, sender=account)


def test_expiry_counts_from_the_award_and_not_from_the_close(
    market, bid_id, consumer, stranger, clock
):
    connected_at = market.auctions(bid_id).closingTime + PARAMETERS["awardWindow"] - 1
    clock.next_block_at(connected_at)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    expiry = connected_at + VALIDITY + PARAMETERS["settlementWindow"]

    clock.next_block_at(expiry - 1)
    with reverts_with(market.ConnectionNotExpired, expiry=expiry, timestamp=expiry - 1):
        market.expireConnection(bid_id, sender=stranger)
    clock.next_block_at(expiry)
    market.expireConnection(bid_id, sender=stranger)

    assert market.auctions(bid_id) == NO_AUCTION


def test_open_auction_cannot_be_settled_forfeited_or_expired(
    market, bid_id, provider, clock, untouched
):
    clock.move_to(clock.now + BIDDING_TIME + VALIDITY + PARAMETERS["settlementWindow"])
    refused = {"auctionId": bid_id, "actual": OPEN, "expected": CONNECTED}

    with untouched():
        with reverts_with(market.UnexpectedState, **refused):
            market.settle((bid_id, DELIVERED, METER_DATA, True), bytes(65), b"", sender=provider)
        with reverts_with(market.UnexpectedState, **refused):
            market.forfeit(bid_id, sender=provider)
        with reverts_with(market.UnexpectedState, **refused):
            market.expireConnection(bid_id, sender=provider)


# --- Other shares


def test_shares_that_do_not_divide_the_reserve_leave_nothing_behind(
    deploy_market, organization, consumer, provider, start_auction, clock
):
    reserve, bond, penalty, funds = 77, 115, 2, 1_000
    market = deploy_market(bondBps=15_000, penaltyBps=333, minPenalty=1)
    market.addEVs([consumer, provider], ["", ""], sender=organization)
    for ev in (consumer, provider):
        market.deposit(sender=ev, value=funds)

    def connect():
        auction_id = start_auction(energy=7, max_rate=11, on=market)
        market.placeBid(auction_id, 5, offered(market, auction_id), sender=provider)
        clock.next_block_at(market.auctions(auction_id).closingTime)
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)
        return auction_id

    def balances():
        return [market.evs(account).balance for account in (consumer, provider, ZERO_ADDRESS)]

    auction_id = connect()
    assert balances() == [funds - reserve, funds - bond, 0]
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    assert balances() == [funds - 35, funds + 35, 0]
    auction_id = connect()
    market.forfeit(auction_id, sender=provider)
    assert balances() == [funds - 35 + 2 * penalty, funds + 35 - 2 * penalty, 0]
    auction_id = connect()
    clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])
    market.expireConnection(auction_id, sender=provider)
    assert balances() == [funds - 35 + penalty, funds + 35 - 3 * penalty, 2 * penalty]
    assert market.balance == 2 * funds


# --- Nothing leaves Connected twice, nor back to Open


@pytest.mark.parametrize("second", ENDINGS)
@pytest.mark.parametrize("first", ENDINGS)
def test_connection_ends_once(market, connection_id, end, clock, expiry, untouched, first, second):
    clock.next_block_at(expiry)
    end(first)

    with (
        untouched(),
        reverts_with(
            market.UnexpectedState, auctionId=connection_id, actual=NONE, expected=CONNECTED
        ),
    ):
        end(second)


def test_connection_is_no_open_auction_again(
    market, connection_id, consumer, provider, rival, clock, expiry, untouched
):
    clock.move_to(expiry)
    refused = {"auctionId": connection_id, "actual": CONNECTED, "expected": OPEN}

    with untouched():
        with reverts_with(market.UnexpectedState, **refused):
            market.placeBid(connection_id, LOWER_RATE, offered(market, connection_id), sender=rival)
        with reverts_with(market.UnexpectedState, **refused):
            market.removeBid(connection_id, sender=provider)
        with reverts_with(market.UnexpectedState, **refused):
            market.cancelAuction(connection_id, RESERVE, sender=consumer)
        with reverts_with(market.UnexpectedState, **refused):
            market.endAuction(market.currentAuctionId(consumer), sender=consumer)


# --- What the organization cannot stop


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("paid in full", Ledger(consumer=FUNDS - COST, provider=FUNDS + COST)),
        (
            "paid in part",
            Ledger(consumer=FUNDS - RATE * DELIVERED, provider=FUNDS + RATE * DELIVERED),
        ),
        (
            "settled",
            Ledger(consumer=FUNDS - RATE * DELIVERED, provider=FUNDS + RATE * DELIVERED),
        ),
        (
            "broken off",
            Ledger(
                consumer=FUNDS - RATE * DELIVERED - LOSS,
                provider=FUNDS + RATE * DELIVERED - LOSS,
                burnt=2 * LOSS,
            ),
        ),
        ("forfeited", Ledger(consumer=FUNDS + 2 * PENALTY, provider=FUNDS - 2 * PENALTY)),
        (
            "expired",
            Ledger(consumer=FUNDS - PENALTY, provider=FUNDS - PENALTY, burnt=2 * PENALTY),
        ),
    ],
)
def test_every_ending_works_in_a_closed_market_between_removed_evs(
    market, organization, consumer, provider, end, clock, expiry, ledger, way, expected
):
    market.changeStatus(sender=organization)
    market.removeEV(consumer, sender=organization)
    market.removeEV(provider, sender=organization)
    assert ledger() == LOCKED

    clock.next_block_at(expiry)
    end(way)
    assert ledger() == expected

    for ev in (consumer, provider):
        market.withdraw(market.evs(ev).balance, ev, sender=ev)
    assert market.balance == FUNDS + expected.burnt


@pytest.mark.parametrize(
    ("way", "count"),
    [("paid in full", (1, 0)), ("forfeited", (0, 0)), ("expired", (0, 1))],
)
def test_removed_evs_are_counted_as_well(
    market, organization, consumer, provider, end, clock, expiry, counts, way, count
):
    for ev in (consumer, provider):
        market.removeEV(ev, sender=organization)

    clock.next_block_at(expiry)
    end(way)

    assert counts() == [count, count]
    assert [market.evs(ev).addedAt for ev in (consumer, provider)] == [0, 0]
