"""Bids that a provider signs and anyone relays: placeBidFor."""

from types import MappingProxyType
from typing import NamedTuple

import pytest
from eip712 import EIP712Message
from eth_account import Account
from eth_pydantic_types import abi

from ape_v2v.market.interface import messages
from ape_v2v.testing.assertions import reverts_with
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
    ZERO_ADDRESS,
    offered,
)

NONE, OPEN, CONNECTED = range(3)
FOREVER = 2**256 - 1
TERMS_SIGNED = {"energyWh": ENERGY, "maxRate": MAX_RATE, "validity": VALIDITY}
# The highest rate that undercuts RATE by 1 %.
UNDERCUT = RATE * 99 // 100
# The order of secp256k1: s and ORDER - s are both right, and only the lower one is accepted.
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Ledger(NamedTuple):
    """Free balances, wei. The burnt ether is the zero address's."""

    consumer: int = FUNDS - RESERVE
    provider: int = FUNDS
    rival: int = FUNDS
    burnt: int = 0


class Offer(EIP712Message):
    """The fields of a `Bid` under another name."""

    auctionId: abi.uint256  # noqa: N815
    energyWh: abi.uint256  # noqa: N815
    maxRate: abi.uint256  # noqa: N815
    validity: abi.uint256
    rate: abi.uint256
    nonce: abi.uint256
    deadline: abi.uint256


@pytest.fixture
def sign_bid(sign, provider, auction_id):
    """A factory of the provider's signatures: RATE in the open auction, less what the test says."""

    def sign_bid(
        signer=provider,
        auction=auction_id,
        rate=RATE,
        nonce=0,
        deadline=FOREVER,
        message=messages.Bid,
        terms=MappingProxyType({}),
        **domain,
    ):
        return sign(
            signer,
            message,
            auctionId=auction,
            **{**TERMS_SIGNED, **terms},
            rate=rate,
            nonce=nonce,
            deadline=deadline,
            **domain,
        )

    return sign_bid


@pytest.fixture
def recovered(market, chain, auction_id):
    """Whose signature the market takes it for, when it is over something else."""

    def recovered(signature, auction=auction_id, nonce=0, message=messages.Bid):
        expected = message(
            auctionId=auction,
            **TERMS_SIGNED,
            rate=RATE,
            nonce=nonce,
            deadline=FOREVER,
            eip712_domain=messages.domain(market.address, chain.chain_id),
        )
        return Account.recover_message(expected.signable_message, signature=signature)

    return recovered


# --- What works


@pytest.mark.parametrize("role", ["organization", "consumer", "provider", "rival", "stranger"])
def test_anyone_may_relay_a_signed_bid_and_the_bond_is_the_providers(
    market, auction_id, consumer, provider, sign_bid, ledger, request, role
):
    relayer = request.getfixturevalue(role)
    closes = market.auctions(auction_id).closingTime

    receipt = market.placeBidFor(auction_id, provider, RATE, FOREVER, sign_bid(), sender=relayer)

    assert market.auctions(auction_id) == (
        OPEN,
        consumer,
        ENERGY,
        MAX_RATE,
        closes,
        VALIDITY,
        False,
        provider,
        RATE,
        0,
        0,
        0,
    )
    assert ledger() == Ledger(provider=FUNDS - BOND)
    assert receipt.events == [
        market.BidPlaced(auctionId=auction_id, provider=provider, rate=RATE, closingTime=closes)
    ]


def test_signed_bid_overtakes(market, bid_id, provider, rival, stranger, sign_bid, ledger):
    signature = sign_bid(signer=rival, rate=UNDERCUT)

    market.placeBidFor(bid_id, rival, UNDERCUT, FOREVER, signature, sender=stranger)

    assert market.auctions(bid_id).provider == rival
    assert market.auctions(bid_id).rate == UNDERCUT
    assert ledger() == Ledger(rival=FUNDS - BOND)


def test_signed_bid_lowers_the_leaders_own_and_its_bond_stays_where_it_is(
    market, bid_id, provider, stranger, sign_bid, ledger
):
    market.withdraw(FUNDS - BOND, provider, sender=provider)

    signature = sign_bid(rate=LOWER_RATE)
    market.placeBidFor(bid_id, provider, LOWER_RATE, FOREVER, signature, sender=stranger)

    assert market.auctions(bid_id).rate == LOWER_RATE
    assert ledger() == Ledger(provider=0)


def test_signed_bid_near_the_close_extends_it(
    market, auction_id, provider, stranger, sign_bid, clock
):
    closes = market.auctions(auction_id).closingTime

    clock.next_block_at(closes - 1)
    market.placeBidFor(auction_id, provider, RATE, FOREVER, sign_bid(), sender=stranger)

    assert market.auctions(auction_id).closingTime == closes - 1 + PARAMETERS["extensionWindow"]


def test_provider_that_delegates_its_code_after_signing_is_held_to_its_bid(
    market, auction_id, provider, stranger, sign_bid, chain, ledger
):
    signature = sign_bid()
    delegated = bytes.fromhex("ef0100") + bytes.fromhex(market.address[2:])
    chain.provider.set_code(provider.address, delegated)

    market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert chain.provider.get_code(provider.address) == delegated
    assert market.auctions(auction_id).provider == provider
    assert ledger() == Ledger(provider=FUNDS - BOND)


# --- Every check of placeBid applies to the provider


@pytest.mark.parametrize(
    ("rate", "error", "values"),
    [
        (0, "ZeroRate", {}),
        (MAX_RATE + 1, "RateTooHigh", {"rate": MAX_RATE + 1, "highest": MAX_RATE}),
    ],
)
def test_signed_rate_out_of_bounds_is_refused(
    market, auction_id, provider, stranger, sign_bid, untouched, rate, error, values
):
    with untouched(), reverts_with(getattr(market, error), **values):
        market.placeBidFor(
            auction_id, provider, rate, FOREVER, sign_bid(rate=rate), sender=stranger
        )


def test_signed_bid_must_undercut_by_the_minimum_decrement(
    market, bid_id, rival, stranger, sign_bid, untouched
):
    signature = sign_bid(signer=rival, rate=UNDERCUT + 1)

    with untouched(), reverts_with(market.RateTooHigh, rate=UNDERCUT + 1, highest=UNDERCUT):
        market.placeBidFor(bid_id, rival, UNDERCUT + 1, FOREVER, signature, sender=stranger)


def test_signed_bid_of_a_provider_without_the_bond_is_refused_whatever_the_relayer_has(
    market, auction_id, provider, rival, sign_bid, untouched
):
    market.withdraw(FUNDS - BOND + 1, provider, sender=provider)

    with (
        untouched(),
        reverts_with(market.BalanceTooLow, account=provider, balance=BOND - 1, needed=BOND),
    ):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, sign_bid(), sender=rival)


def test_signed_bid_of_a_removed_ev_is_refused_whoever_relays_it(
    market, auction_id, organization, provider, rival, sign_bid, untouched
):
    market.removeEV(provider, sender=organization)

    with untouched(), reverts_with(market.NotEV, account=provider):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, sign_bid(), sender=rival)


def test_signed_bid_of_a_removed_leader_is_refused(
    market, bid_id, organization, provider, rival, sign_bid, untouched
):
    market.removeEV(provider, sender=organization)
    signature = sign_bid(rate=LOWER_RATE)

    with untouched(), reverts_with(market.NotEV, account=provider):
        market.placeBidFor(bid_id, provider, LOWER_RATE, FOREVER, signature, sender=rival)


def test_consumer_cannot_bid_in_its_own_auction_by_signature(
    market, auction_id, consumer, rival, sign_bid, untouched
):
    signature = sign_bid(signer=consumer)

    with untouched(), reverts_with(market.OwnAuction, auctionId=auction_id):
        market.placeBidFor(auction_id, consumer, RATE, FOREVER, signature, sender=rival)


@pytest.mark.parametrize("late", [0, 1])
def test_signed_bid_from_the_close_on_is_refused(
    market, auction_id, provider, stranger, sign_bid, clock, untouched, late
):
    closes = market.auctions(auction_id).closingTime
    clock.next_block_at(closes + late)

    with (
        untouched(),
        reverts_with(market.BiddingClosed, closingTime=closes, timestamp=closes + late),
    ):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, sign_bid(), sender=stranger)


def test_signed_bid_reaches_no_auction_that_is_over(
    market, auction_id, consumer, provider, stranger, sign_bid, untouched
):
    market.cancelAuction(auction_id, 0, sender=consumer)

    with (
        untouched(),
        reverts_with(market.UnexpectedState, auctionId=auction_id, actual=NONE, expected=OPEN),
    ):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, sign_bid(), sender=stranger)


def test_signed_bid_reaches_no_connected_auction(
    market, connection_id, rival, stranger, sign_bid, untouched
):
    signature = sign_bid(signer=rival, rate=LOWER_RATE)

    with (
        untouched(),
        reverts_with(
            market.UnexpectedState, auctionId=connection_id, actual=CONNECTED, expected=OPEN
        ),
    ):
        market.placeBidFor(connection_id, rival, LOWER_RATE, FOREVER, signature, sender=stranger)


# --- The deadline


@pytest.mark.parametrize("early", [1, 0])
def test_signed_bid_is_accepted_up_to_the_last_second_of_its_deadline(
    market, auction_id, provider, stranger, sign_bid, clock, early
):
    deadline = clock.now + 100
    signature = sign_bid(deadline=deadline)

    clock.next_block_at(deadline - early)
    market.placeBidFor(auction_id, provider, RATE, deadline, signature, sender=stranger)

    assert market.auctions(auction_id).provider == provider


def test_signed_bid_is_refused_one_second_after_its_deadline(
    market, auction_id, provider, stranger, sign_bid, clock, untouched
):
    deadline = clock.now + 100
    signature = sign_bid(deadline=deadline)
    clock.next_block_at(deadline + 1)

    with (
        untouched(),
        reverts_with(market.SignatureExpired, deadline=deadline, timestamp=deadline + 1),
    ):
        market.placeBidFor(auction_id, provider, RATE, deadline, signature, sender=stranger)


def test_deadline_does_not_outlast_the_bidding(
    market, auction_id, provider, stranger, sign_bid, clock, untouched
):
    closes = market.auctions(auction_id).closingTime
    signature = sign_bid(deadline=closes + BIDDING_TIME)
    clock.next_block_at(closes)

    with (
        untouched(),
        reverts_with(market.BiddingClosed, closingTime=closes, timestamp=closes),
    ):
        market.placeBidFor(
            auction_id, provider, RATE, closes + BIDDING_TIME, signature, sender=stranger
        )


# --- One signer, one market, one chain, one auction, one purpose


def test_bid_signed_by_somebody_else_is_refused(
    market, auction_id, provider, rival, sign_bid, untouched
):
    signature = sign_bid(signer=rival)

    with untouched(), reverts_with(market.WrongSigner, expected=provider, signer=rival):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=rival)


def test_bid_cannot_be_placed_for_nobody(market, auction_id, rival, sign_bid, untouched):
    signature = sign_bid(signer=rival)

    with untouched(), reverts_with(market.WrongSigner, expected=ZERO_ADDRESS, signer=rival):
        market.placeBidFor(auction_id, ZERO_ADDRESS, RATE, FOREVER, signature, sender=rival)


@pytest.mark.parametrize(
    "signed",
    [
        {"auction": 1},
        {"terms": {"energyWh": ENERGY - 1}},
        {"terms": {"maxRate": MAX_RATE - 1}},
        {"terms": {"validity": VALIDITY + 1}},
        {"rate": LOWER_RATE},
        {"rate": RATE + 2**64},
        {"nonce": 1},
        {"nonce": 2**32},
        {"deadline": FOREVER - 1},
        {"chain_id": 1},
        {"message": Offer},
    ],
    ids=lambda signed: next(iter(signed)),
)
def test_signature_over_anything_else_is_refused(
    market, auction_id, provider, stranger, sign_bid, recovered, untouched, signed
):
    signature = sign_bid(**signed)

    with (
        untouched(),
        reverts_with(market.WrongSigner, expected=provider, signer=recovered(signature)),
    ):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


def test_bid_signed_for_another_market_is_refused(
    market, empty_market, auction_id, provider, stranger, sign_bid, recovered, untouched
):
    signature = sign_bid(on=empty_market)

    with (
        untouched(),
        reverts_with(market.WrongSigner, expected=provider, signer=recovered(signature)),
    ):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


def test_metering_signature_is_no_bid(
    market, auction_id, provider, stranger, sign, recovered, untouched
):
    signature = sign(
        provider,
        messages.MeterValue,
        token=auction_id.to_bytes(32),
        energyWh=RATE,
        meterDataHash=METER_DATA,
    )

    with (
        untouched(),
        reverts_with(market.WrongSigner, expected=provider, signer=recovered(signature)),
    ):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


def test_bid_signed_for_another_consumers_auction_is_refused(
    market, auction_id, rival, provider, stranger, start_auction, sign_bid, recovered
):
    other_id = start_auction(sender=rival)
    signature = sign_bid()

    with reverts_with(
        market.WrongSigner, expected=provider, signer=recovered(signature, auction=other_id)
    ):
        market.placeBidFor(other_id, provider, RATE, FOREVER, signature, sender=stranger)


def test_bid_signed_for_an_earlier_round_is_refused(
    market, auction_id, consumer, provider, stranger, start_auction, sign_bid, recovered
):
    signature = sign_bid()
    market.cancelAuction(auction_id, 0, sender=consumer)
    next_id = start_auction()

    with reverts_with(
        market.WrongSigner, expected=provider, signer=recovered(signature, auction=next_id)
    ):
        market.placeBidFor(next_id, provider, RATE, FOREVER, signature, sender=stranger)
    with reverts_with(market.UnexpectedState, auctionId=auction_id, actual=NONE, expected=OPEN):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


# --- Replays


def test_signed_bid_cannot_be_placed_twice(
    market, auction_id, provider, stranger, sign_bid, untouched
):
    signature = sign_bid()
    market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)

    with untouched(), reverts_with(market.RateTooHigh, rate=RATE, highest=UNDERCUT):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


def test_overtaken_signed_bid_cannot_be_placed_again(
    market, auction_id, provider, rival, stranger, sign_bid, untouched
):
    signature = sign_bid()
    market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)
    market.placeBid(auction_id, LOWER_RATE, offered(market, auction_id), sender=rival)

    with (
        untouched(),
        reverts_with(market.RateTooHigh, rate=RATE, highest=LOWER_RATE * 99 // 100),
    ):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


@pytest.mark.parametrize("remover", ["provider", "rival"])
def test_removal_voids_every_bid_that_was_signed_before_it(
    market, auction_id, provider, stranger, sign_bid, recovered, untouched, request, remover
):
    signature = sign_bid()
    leader = request.getfixturevalue(remover)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=leader)
    market.removeBid(auction_id, sender=leader)

    with (
        untouched(),
        reverts_with(market.WrongSigner, expected=provider, signer=recovered(signature, nonce=1)),
    ):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


def test_bid_signed_after_a_removal_is_accepted(
    market, bid_id, provider, stranger, sign_bid, ledger
):
    market.removeBid(bid_id, sender=provider)
    signature = sign_bid(nonce=market.auctions(bid_id).removals)

    market.placeBidFor(bid_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert market.auctions(bid_id).provider == provider
    assert ledger() == Ledger(consumer=FUNDS - RESERVE + PENALTY, provider=FUNDS - PENALTY - BOND)


# --- The form of a signature


@pytest.mark.parametrize("length", [0, 64, 66])
def test_signature_of_another_length_is_refused(
    market, auction_id, provider, stranger, sign_bid, untouched, length
):
    signature = (sign_bid() + b"\0")[:length]

    with untouched(), reverts_with(market.ECDSAInvalidSignatureLength, length=length):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


def test_compact_signature_is_refused(market, auction_id, provider, stranger, sign_bid, untouched):
    signature = sign_bid()
    r, s, v = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    compact = r + (s | (v - 27) << 255).to_bytes(32)

    with untouched(), reverts_with(market.ECDSAInvalidSignatureLength, length=64):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, compact, sender=stranger)


def test_mirrored_signature_is_refused(market, auction_id, provider, stranger, sign_bid, untouched):
    signature = sign_bid()
    s = (ORDER - int.from_bytes(signature[32:64])).to_bytes(32)
    mirrored = signature[:32] + s + bytes([55 - signature[64]])

    with untouched(), reverts_with(market.ECDSAInvalidSignatureS, s=s):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, mirrored, sender=stranger)


@pytest.mark.parametrize("v", [0, 1, 26, 29])
def test_signature_with_another_recovery_id_is_refused(
    market, auction_id, provider, stranger, sign_bid, untouched, v
):
    signature = sign_bid()[:64] + bytes([v])

    with untouched(), reverts_with(market.ECDSAInvalidSignature):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)


def test_signature_of_zeros_is_nobodys(market, auction_id, stranger, untouched):
    with untouched(), reverts_with(market.ECDSAInvalidSignature):
        market.placeBidFor(
            auction_id, ZERO_ADDRESS, RATE, FOREVER, bytes(64) + b"\x1b", sender=stranger
        )
