"""The same vectors against the contract: it accepts what is valid, and names what is wrong."""

import pytest
from ape.exceptions import CustomError
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex

from tests.helpers.scenario import MAX_RATE, RATE
from tests.model.signatures import Message
from tests.vectors.vectors import CONTEXT, parameters, vectors

AUCTION_ID = int(CONTEXT["auctionId"])
CONTRACTED = int(CONTEXT["energyWh"])
RESERVE = CONTRACTED * MAX_RATE
READING = ("auctionId", "consumer", "provider", "energyWh", "meterDataHash", "last")


def tried_on_chain(vector):
    return vector.contract is not None


def outcome(call):
    """The name of the custom error that a transaction reverts with, or "accepts"."""
    try:
        call()
    except CustomError as error:
        return error.name
    return "accepts"


def test_the_market_is_where_the_vectors_say(vectors_market, chain):
    assert vectors_market.address == CONTEXT["market"]
    assert chain.chain_id == int(CONTEXT["chainId"])
    assert to_hex(vectors_market.accessToken(AUCTION_ID)) == CONTEXT["token"]


@pytest.mark.parametrize("vector", **parameters("metering-receipt", tried_on_chain))
def test_settle(vector, vectors_market, provider, consumer):
    message = vector.message
    energy = int(message["energyWh"])
    before = vectors_market.evs(provider).balance

    def settle():
        vectors_market.settle(
            (AUCTION_ID, energy, message["meterDataHash"], message["last"]),
            decode_hex(message["signature"]),
            b"",
            sender=provider,
        )

    assert outcome(settle) == vector.contract
    loss = 0 if message["last"] else -(-RESERVE // 10 * (CONTRACTED - energy) // CONTRACTED)
    # With the bond.
    paid = RESERVE + energy * RATE - loss if vector.contract == "accepts" else 0
    assert vectors_market.evs(provider).balance == before + paid


@pytest.mark.parametrize("vector", **parameters("settlement", tried_on_chain))
def test_end_connection(vector, vectors_market, consumer):
    message = vector.message
    energy = int(message["energyWh"])
    before = vectors_market.evs(consumer).balance

    def end():
        vectors_market.settle(
            (AUCTION_ID, energy, message["meterDataHash"], True),
            b"",
            decode_hex(message["signature"]),
            sender=consumer,
        )

    assert outcome(end) == vector.contract
    returned = RESERVE - energy * RATE if vector.contract == "accepts" else 0
    assert vectors_market.evs(consumer).balance == before + returned


SIGNED = {
    "session-setup-answer": (
        "SessionChallenge",
        ("token", "challengeEVC", "challengeEVP", "meterId", "meterStartWh"),
    ),
    "authorization": ("AccessToken", ("token", "challengeEVC", "challengeEVP")),
    "meter-value": ("MeterValue", ("token", "energyWh", "meterDataHash")),
    "metering-receipt": ("Reading", READING),
    "settlement": ("Reading", READING),
}


@pytest.mark.parametrize("name", SIGNED)
def test_digests_of_valid_vectors_are_those_of_another_implementation(name):
    purpose, fields = SIGNED[name]
    vector = next(vectors(name))
    said = {**CONTEXT, "last": True}
    said |= {"challengeEVC": next(vectors("session-setup")).message["challengeEVC"]}
    said |= vector.message
    if "meterRecord" in said:
        said["meterDataHash"] = to_hex(keccak(decode_hex(said["meterRecord"])))
    values = tuple(
        int(value) if isinstance(value, str) and not value.startswith("0x") else value
        for value in (said[field] for field in fields)
    )
    message = Message(int(CONTEXT["chainId"]), CONTEXT["market"], purpose, values)
    assert to_hex(message.digest) == vector.digest
