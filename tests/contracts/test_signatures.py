"""What the EVs sign, to the letter."""

import re

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from ape_v2v.market.interface import messages

# The structs, to the letter: wallets and receipts depend on every one.
STRUCTS = [
    "Bid(uint256 auctionId,uint256 energyWh,uint256 maxRate,uint256 validity,uint256 rate,"
    "uint256 nonce,uint256 deadline)",
    "Reading(uint256 auctionId,address consumer,address provider,uint256 energyWh,"
    "bytes32 meterDataHash,bool last)",
    "SessionKey(uint256 auctionId,address key)",
    "AccessToken(bytes32 token,bytes32 challengeEVC,bytes32 challengeEVP)",
    "SessionChallenge(bytes32 token,bytes32 challengeEVC,bytes32 challengeEVP,"
    "bytes32 meterId,uint256 meterStartWh)",
    "MeterValue(bytes32 token,uint256 energyWh,bytes32 meterDataHash)",
]
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
VALUES = {
    "uint256": st.integers(min_value=0, max_value=2**256 - 1),
    "bytes32": st.binary(min_size=32, max_size=32),
    "address": st.binary(min_size=20, max_size=20).map(to_checksum_address),
    "bool": st.booleans(),
}


def name_of(struct):
    return struct.partition("(")[0]


def fields_of(struct):
    """Types by names."""
    return {name: kind for kind, name in re.findall(r"(\w+) (\w+)", struct)}


def hash_struct(struct, types, values):
    return keccak(encode(["bytes32", *types], [keccak(text=struct), *values]))


def digest_of(message):
    """The digest that a wallet signs, as the eip712 library has it."""
    signable = message.signable_message
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@pytest.mark.parametrize("struct", STRUCTS, ids=name_of)
def test_every_struct_is_signed_to_the_letter(market, chain, struct):
    """That the contract takes what is signed so, the tests of bids and of settlements show."""
    message = getattr(messages, name_of(struct))
    domain = messages.domain(market.address, chain.chain_id)
    types = fields_of(struct)
    separator = hash_struct(
        DOMAIN,
        ["bytes32", "bytes32", "uint256", "address"],
        [keccak(text="V2VMarket"), keccak(text="1"), chain.chain_id, market.address],
    )

    @given(st.tuples(*(VALUES[kind] for kind in types.values())))
    @settings(max_examples=50)
    def agree(values):
        fields = dict(zip(types, values, strict=True))
        body = hash_struct(struct, types.values(), values)
        digest = keccak(b"\x19\x01" + separator + body)
        assert digest_of(message(**fields, eip712_domain=domain)) == digest

    agree()


def test_contract_tells_its_signing_domain(market, chain):
    domain = market.eip712Domain()

    assert domain.fields == b"\x0f"  # the four below, and no salt
    assert domain.name == "V2VMarket"
    assert domain.version == "1"
    assert domain.chainId == chain.chain_id
    assert domain.verifyingContract == market.address
    assert domain.salt == bytes(32)
    assert domain.extensions == []
