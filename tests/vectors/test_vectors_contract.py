"""The same vectors against the contract: it accepts what is valid, and names what is wrong."""

import pytest
from ape.exceptions import CustomError
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex

from tests.helpers.scenario import MAX_RATE, RATE
from tests.vectors.vectors import CONTEXT, parameters, vectors

AUCTION_ID = int(CONTEXT["auctionId"])
CONTRACTED = int(CONTEXT["energyWh"])
RESERVE = CONTRACTED * MAX_RATE


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
            AUCTION_ID,
            energy,
            message["meterDataHash"],
            decode_hex(message["signature"]),
            sender=provider,
        )

    assert outcome(settle) == vector.contract
    paid = RESERVE + energy * RATE if vector.contract == "accepts" else 0  # with the bond
    assert vectors_market.evs(provider).balance == before + paid


@pytest.mark.parametrize("vector", **parameters("settlement", tried_on_chain))
def test_end_connection(vector, vectors_market, consumer):
    message = vector.message
    energy = int(message["energyWh"])
    before = vectors_market.evs(consumer).balance

    def end():
        vectors_market.endConnection(
            energy, message["meterDataHash"], decode_hex(message["signature"]), sender=consumer
        )

    assert outcome(end) == vector.contract
    returned = RESERVE - energy * RATE if vector.contract == "accepts" else 0
    assert vectors_market.evs(consumer).balance == before + returned


HASHED = {
    "session-setup-answer": (
        "hashSessionChallenge",
        ("challengeEVC", "challengeEVP", "meterId", "meterStartWh"),
    ),
    "authorization": ("hashAccessToken", ("challengeEVC", "challengeEVP")),
    "meter-value": ("hashMeterValue", ("energyWh", "meterDataHash")),
    "metering-receipt": ("hashMeteringReceipt", ("energyWh", "meterDataHash")),
    "settlement": ("hashSettlement", ("energyWh", "meterDataHash")),
}


@pytest.mark.parametrize("name", HASHED)
def test_digests_of_valid_vectors_are_those_of_the_contract(name, vectors_market):
    view, fields = HASHED[name]
    vector = next(vectors(name))
    said = {"challengeEVC": next(vectors("session-setup")).message["challengeEVC"]} | vector.message
    if "meterRecord" in said:
        said["meterDataHash"] = to_hex(keccak(decode_hex(said["meterRecord"])))
    values = [said[field] for field in fields]
    values = [value if value.startswith("0x") else int(value) for value in values]
    digest = getattr(vectors_market, view)(CONTEXT["token"], *values)
    assert to_hex(digest) == vector.digest
