"""What the EVs sign: EIP-712 typed data, one struct for each role and purpose.

The structs and their domain are those of docs/protocol.md. The contract checks `Bid`, `Reading` and
`SessionKey`, and one that is paid in a token `Withdrawal`; the others are for the two EVs alone.
"""

from __future__ import annotations

from typing import Any

from eip712 import EIP712Domain, EIP712Message
from eip712.messages import extract_eip712_domain
from eth_abi.abi import encode
from eth_account import Account
from eth_pydantic_types import abi  # noqa: TC002 - pydantic reads it
from eth_utils.crypto import keccak

from ape_v2v.market.interface.fields import SIGNATURE_BYTES

DOMAIN_NAME = "V2VMarket"
DOMAIN_VERSION = "1"


def domain(market: str, chain_id: int) -> EIP712Domain:
    """The EIP-712 domain of one market on one chain."""
    return EIP712Domain(
        name=DOMAIN_NAME,
        version=DOMAIN_VERSION,
        chainId=chain_id,
        verifyingContract=market,  # type: ignore[arg-type]
    )


def access_token(consumer: str, provider: str, connected_at: int, validity: int) -> bytes:
    """The 32 bytes that identify a connection, as the contract derives them."""
    types = ["address", "address", "uint256", "uint256"]
    return keccak(encode(types, [consumer, provider, connected_at, validity]))


def offered(energy_wh: int, max_rate: int, validity: int) -> int:
    """The terms that a bid is made for in one number, as `placeBid` takes them."""
    return energy_wh | max_rate << 32 | validity << 96


def signer_of(message: EIP712Message, signature: bytes) -> str:
    """Whose signature this is, if it is over exactly this message."""
    return Account.recover_message(message.signable_message, signature=signature)


def party_of(message: EIP712Message, signature: bytes, auction_id: int) -> str:
    """Whose signature this is: its own, or, of 130 bytes, that of a key it has chosen.

    Raises:
        BadSignature: No key makes such a signature.
        ValueError: It has another length.
    """
    if len(signature) != 2 * SIGNATURE_BYTES:
        return signer_of(message, signature)
    key = signer_of(message, signature[:SIGNATURE_BYTES])
    return signer_of(session_key(message, auction_id, key), signature[SIGNATURE_BYTES:])


def session_key(message: EIP712Message, auction_id: int, key: str) -> EIP712Message:
    """What an account signs to let a key sign for it, on the market that a message is for."""
    kind: Any = SessionKey  # its domain is a keyword that the class does not declare
    same = EIP712Domain(**extract_eip712_domain(message))
    typed: EIP712Message = kind(auctionId=auction_id, key=key, eip712_domain=same)
    return typed


class Bid(EIP712Message):
    """A provider's offer, for anyone to relay, on exactly these terms. `rate` is wei per Wh."""

    auctionId: abi.uint256
    energyWh: abi.uint256
    maxRate: abi.uint256
    validity: abi.uint256
    rate: abi.uint256
    nonce: abi.uint256
    """How many bids have been removed from the auction, and revoked by the provider, together."""
    deadline: abi.uint256
    """The last second in which the signature is valid."""


class Reading(EIP712Message):
    """The one statement of energy that is paid by: both sides sign it, or make the call."""

    auctionId: abi.uint256
    consumer: abi.address
    provider: abi.address
    energyWh: abi.uint256
    """Energy delivered so far in this connection, Wh: cumulative."""
    meterDataHash: abi.bytes32
    last: bool
    """Whether the two agree to end here. False while they charge."""


class SessionKey(EIP712Message):
    """An account lets a key sign the readings of one auction for it."""

    auctionId: abi.uint256
    key: abi.address


class Withdrawal(EIP712Message):
    """An account takes money out of a market that is paid in a token, for anyone to send."""

    amount: abi.uint256
    to: abi.address
    nonce: abi.uint256
    """How often the account has revoked what it had signed."""
    deadline: abi.uint256
    """The last second in which the signature is valid."""


class AccessToken(EIP712Message):
    """The consumer's proof, to the provider, that it is who the token was issued to. Off-chain."""

    token: abi.bytes32
    challengeEVC: abi.bytes32
    challengeEVP: abi.bytes32


class SessionChallenge(EIP712Message):
    """The provider's proof, to the consumer, with its meter's reading at the start. Off-chain."""

    token: abi.bytes32
    challengeEVC: abi.bytes32
    challengeEVP: abi.bytes32
    meterId: abi.bytes32
    meterStartWh: abi.uint256


class MeterValue(EIP712Message):
    """The provider's reading on the way, one for each increment. Nobody is paid by it."""

    token: abi.bytes32
    energyWh: abi.uint256
    """Energy delivered so far in this connection, Wh: cumulative."""
    meterDataHash: abi.bytes32
