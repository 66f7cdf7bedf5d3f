"""What the EVs sign: EIP-712 typed data, one struct for each role and purpose.

The structs and their domain are those of the contract (`ISignatures` in contracts/IV2VMarket.sol);
the contract's `hash…` views give the same digests.
"""

from __future__ import annotations

from eip712 import EIP712Domain, EIP712Message
from eth_abi.abi import encode
from eth_account import Account
from eth_pydantic_types import abi  # noqa: TC002 - pydantic reads it
from eth_utils.crypto import keccak

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


def signer_of(message: EIP712Message, signature: bytes) -> str:
    """Whose signature this is, if it is over exactly this message."""
    return Account.recover_message(message.signable_message, signature=signature)


class Bid(EIP712Message):
    """A provider's offer, for anyone to relay. `rate` is wei per Wh."""

    auctionId: abi.uint256
    rate: abi.uint256
    nonce: abi.uint256
    """How many bids have been removed from the auction so far (`removals`)."""
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


class _Metering(EIP712Message):
    token: abi.bytes32
    energyWh: abi.uint256
    """Energy delivered so far in this connection, Wh: cumulative."""
    meterDataHash: abi.bytes32


class MeteringReceipt(_Metering):
    """The consumer acknowledges energy; the provider is paid for the highest it has."""


class MeterValue(_Metering):
    """The provider's reading on the way, one for each increment. Off-chain."""


class Settlement(_Metering):
    """The provider's word on what is to be paid, once, at the end."""
