"""Attacks with signatures: used twice, elsewhere, in another form, or taken back."""

from typing import Any

import pytest
from eth_account import Account
from eth_keys.constants import SECPK1_N

from ape_v2v.evm.chains import HARDFORK
from ape_v2v.evm.contracts import Contract, Interface
from ape_v2v.evm.node import AnvilChain
from ape_v2v.market.interface import messages
from ape_v2v.testing.assertions import reverts_with
from tests.helpers.refusals import wrong_signer
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    FUNDS,
    LOWER_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    offered,
)

FOREVER = 2**256 - 1
OPEN, CONNECTED = 1, 2


@pytest.fixture
def sign_bid(signed_bid, provider):
    """Return a function that signs a bid of the provider for an auction."""

    def sign_bid(auction_id, rate=RATE, **other):
        return signed_bid(provider, auction_id, rate, FOREVER, **other)

    return sign_bid


def mirrored(signature: bytes) -> bytes:
    """The other signature that the same key has over the same message."""
    r, s, v = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    return r + (SECPK1_N - s).to_bytes(32) + bytes([27 + 28 - v])


# --- Replay ---------------------------------------------------------------------------------------


def test_replay_of_a_bid_in_the_same_auction(
    market, auction_id, sign_bid, stranger, provider, rival, gains
):
    """A relayer hands in a bid again after it was overtaken, and again after it was taken back.

    The provider would lead against its will. Rates only fall, and a removal voids what was signed.
    """
    signature = sign_bid(auction_id)
    bid = (auction_id, provider, RATE, FOREVER, signature)
    market.placeBidFor(*bid, sender=stranger)
    market.placeBid(auction_id, LOWER_RATE, offered(market, auction_id), sender=rival)
    highest = LOWER_RATE - LOWER_RATE // 100

    with reverts_with(market.RateTooHigh, rate=RATE, highest=highest):
        market.placeBidFor(*bid, sender=stranger)
    market.removeBid(auction_id, sender=rival)
    with wrong_signer(market, provider):
        market.placeBidFor(*bid, sender=stranger)

    assert gains() == {"rival": -PENALTY, "consumer": PENALTY}
    assert market.evs(provider).balance == FUNDS


def test_replay_of_a_bid_in_the_next_auction(
    market, auction_id, start_auction, sign_bid, stranger, provider, consumer, gains
):
    """A consumer hands in a bid for its last auction in its next one, on worse terms."""
    signature = sign_bid(auction_id)
    market.cancelAuction(auction_id, 0, sender=consumer)
    next_id = start_auction(energy=10 * ENERGY)

    with reverts_with(market.UnexpectedState, auctionId=auction_id, actual=0, expected=OPEN):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)
    with wrong_signer(market, provider):
        market.placeBidFor(next_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert gains() == {}


def test_replay_of_a_bid_in_another_consumers_auction(
    market, auction_id, start_auction, sign_bid, stranger, provider, rival, gains
):
    signature = sign_bid(auction_id)
    others_id = start_auction(sender=rival)

    with wrong_signer(market, provider):
        market.placeBidFor(others_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert gains() == {}


@pytest.mark.parametrize("elsewhere", ["another market", "another chain"])
def test_replay_of_a_bid_elsewhere(
    market, empty_market, auction_id, sign_bid, stranger, provider, elsewhere, gains
):
    """The same consumer has an auction of the same id in another market, or on another chain."""
    info = market.auctions(auction_id)
    terms = {"energyWh": info.energyWh, "maxRate": info.maxRate, "validity": info.validity}
    domain = {"on": empty_market} if elsewhere == "another market" else {"chain_id": 1}
    signature = sign_bid(auction_id, **terms, **domain)

    with wrong_signer(market, provider):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert gains() == {}


def test_replay_of_a_receipt_in_the_same_connection(
    market, connection_id, receipt, provider, consumer, gains
):
    """The provider is paid, and asks for the same once more."""
    signature = receipt(ENERGY)
    settlement = ((connection_id, ENERGY, METER_DATA, True), signature, b"")
    market.settle(*settlement, sender=provider)

    with reverts_with(
        market.UnexpectedState, auctionId=connection_id, actual=0, expected=CONNECTED
    ):
        market.settle(*settlement, sender=provider)

    assert gains() == {"consumer": -RATE * ENERGY, "provider": RATE * ENERGY}


def test_replay_of_a_receipt_in_the_next_connection(
    market, connection_id, receipt, start_auction, close, provider, consumer, gains
):
    """The same two meet again on the same terms; the provider delivers nothing this time."""
    signature = receipt(ENERGY)
    market.settle((connection_id, ENERGY, METER_DATA, True), signature, b"", sender=provider)
    next_id = start_auction()
    market.placeBid(next_id, RATE, offered(market, next_id), sender=provider)
    close(next_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    with wrong_signer(market, consumer):
        market.settle((next_id, ENERGY, METER_DATA, True), signature, b"", sender=provider)

    assert gains() == {"consumer": -RATE * ENERGY, "provider": RATE * ENERGY}


@pytest.mark.parametrize("elsewhere", ["another market", "another chain"])
def test_replay_of_a_receipt_elsewhere(
    market, empty_market, connection_id, receipt, provider, consumer, elsewhere, gains
):
    domain = {"on": empty_market} if elsewhere == "another market" else {"chain_id": 1}
    signature = receipt(ENERGY, **domain)

    with wrong_signer(market, consumer):
        market.settle((connection_id, ENERGY, METER_DATA, True), signature, b"", sender=provider)

    assert gains() == {}


def test_a_receipt_that_the_provider_signs_itself(
    market, connection_id, receipt, provider, consumer, gains
):
    with wrong_signer(market, consumer):
        market.settle(
            (connection_id, ENERGY, METER_DATA, True),
            receipt(ENERGY, signer=provider),
            b"",
            sender=provider,
        )

    assert gains() == {}


def test_an_early_reading_as_the_final_settlement(
    market, connection_id, token, sign, provider, consumer, gains
):
    """A consumer closes with the smaller meter value that the provider signed on the way."""
    reading = {"token": token, "energyWh": 1, "meterDataHash": METER_DATA}
    signature = sign(provider, messages.MeterValue, **reading)

    with wrong_signer(market, provider):
        market.settle(
            (market.currentAuctionId(consumer), 1, METER_DATA, True),
            b"",
            signature,
            sender=consumer,
        )

    assert gains() == {}


# --- Malleable signatures -------------------------------------------------------------------------


def test_malleable_signature_of_a_bid(market, auction_id, sign_bid, stranger, provider, gains):
    """A second signature over the same bid, made without the key, to bid where one was used."""
    signature = mirrored(sign_bid(auction_id))

    with reverts_with(market.ECDSAInvalidSignatureS, s=signature[32:64]):
        market.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert gains() == {}


def test_malleable_signature_of_a_receipt(market, connection_id, receipt, provider, gains):
    signature = mirrored(receipt(ENERGY))

    with reverts_with(market.ECDSAInvalidSignatureS, s=signature[32:64]):
        market.settle((connection_id, ENERGY, METER_DATA, True), signature, b"", sender=provider)

    assert gains() == {}


# --- EIP-7702 -------------------------------------------------------------------------------------


@pytest.fixture
def node():
    """A node of the newest hardfork, on which accounts have keys of ours and pay for gas."""
    with AnvilChain() as node:
        yield node


def test_delegation_after_signing_revokes_nothing(node, project):
    """A consumer signs a receipt, takes the energy, and then delegates its account to a contract.

    Were the account asked whether the signature is good (ERC-1271), its new code could say no. The
    key is recovered instead: by a real type-4 transaction the account has code, and the receipt
    still settles. The consumer has only paid for the transaction.
    """
    people = {name: Account.create() for name in ("organization", "consumer", "provider")}
    organization, consumer, provider = (one.address.lower() for one in people.values())
    interface = Interface(project.V2VMarket.contract_type)
    code = interface.creation_code(organization, tuple(PARAMETERS.values()))
    market = Contract(node, node.deploy(organization, code), interface)
    hostile = Interface(project.HostileEV.contract_type)
    delegate = node.deploy(organization, hostile.creation_code(market.address))

    def call(sender, method, *arguments, value=0):
        receipt = node.transact(
            sender, market.address, interface.call_data(method, *arguments), value
        )
        assert receipt.success, interface.failure(receipt.output)

    for account in (consumer, provider):
        node.set_balance(account, 10**18)
        call(organization, "addEV", account, "")
        call(account, "deposit", value=10**17)
    call(consumer, "startAuction", ENERGY, RATE, BIDDING_TIME, 7_200, False, "")
    auction_id = market.view("currentAuctionId", consumer)
    call(provider, "placeBid", auction_id, RATE, messages.offered(ENERGY, RATE, 7_200))
    node.timestamp += BIDDING_TIME
    call(consumer, "endAuction", auction_id)
    typed: Any = messages.Reading  # its domain is a keyword that it does not declare
    reading = typed(
        auctionId=auction_id,
        consumer=consumer,
        provider=provider,
        energyWh=ENERGY,
        meterDataHash=METER_DATA,
        last=True,
        eip712_domain=messages.domain(market.address, node.chain_id),
    )
    signature = people["consumer"].sign_message(reading.signable_message).signature

    delegation = delegated(node, people["consumer"], delegate)
    assert delegation["type"] == "0x4"
    assert node.request("eth_getCode", consumer, "latest") == f"0xef0100{delegate[2:]}"
    call(provider, "settle", (auction_id, ENERGY, METER_DATA, True), bytes(signature), b"")

    cost = RATE * ENERGY
    assert market.view("evs", provider)[0] == 10**17 + cost
    assert market.view("evs", consumer)[0] == 10**17 - cost


def delegated(node, account, delegate):
    """Send a type-4 transaction in which an account delegates itself. Returns its receipt."""
    nonce = int(node.request("eth_getTransactionCount", account.address, "latest"), 16)
    # The transaction itself takes one nonce before the authorization is looked at.
    authorization = account.sign_authorization(
        {"chainId": node.chain_id, "address": delegate, "nonce": nonce + 1}
    )
    transaction = account.sign_transaction(
        {
            "type": 4,
            "chainId": node.chain_id,
            "nonce": nonce,
            "to": account.address,
            "value": 0,
            "gas": 200_000,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "authorizationList": [authorization],
        }
    )
    node.request("evm_setNextBlockTimestamp", node.timestamp)
    name = node.request("eth_sendRawTransaction", f"0x{transaction.raw_transaction.hex()}")
    return node.receipt(name)


def test_the_nodes_hardfork_knows_delegation(node):
    """Else the test before would show nothing: a hardfork before Prague has no type 4."""
    assert HARDFORK in {"prague", "osaka"}
    assert node.request("anvil_nodeInfo")["hardFork"].lower() == HARDFORK
