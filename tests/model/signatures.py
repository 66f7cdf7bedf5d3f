"""What EVs sign and how a signature is read, by eth_account: no line of it is the market's."""

from functools import lru_cache
from typing import Any, NamedTuple

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from .refusal import Refused

SIGNATURE_LENGTH = 65
# The order of secp256k1. Of s and ORDER - s, the market takes the lower.
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

STRUCTS = {
    "Bid": {
        "auctionId": "uint256",
        "energyWh": "uint256",
        "maxRate": "uint256",
        "validity": "uint256",
        "rate": "uint256",
        "nonce": "uint256",
        "deadline": "uint256",
    },
    "Reading": {
        "auctionId": "uint256",
        "consumer": "address",
        "provider": "address",
        "energyWh": "uint256",
        "meterDataHash": "bytes32",
        "last": "bool",
    },
    "SessionKey": {"auctionId": "uint256", "key": "address"},
    "Withdrawal": {
        "amount": "uint256",
        "to": "address",
        "nonce": "uint256",
        "deadline": "uint256",
    },
    "AccessToken": {"token": "bytes32", "challengeEVC": "bytes32", "challengeEVP": "bytes32"},
    "SessionChallenge": {
        "token": "bytes32",
        "challengeEVC": "bytes32",
        "challengeEVP": "bytes32",
        "meterId": "bytes32",
        "meterStartWh": "uint256",
    },
    "MeterValue": {"token": "bytes32", "energyWh": "uint256", "meterDataHash": "bytes32"},
}


class Message(NamedTuple):
    """One struct, filled in, for one market on one chain."""

    chain_id: int
    market: str
    purpose: str
    values: tuple[Any, ...]

    @property
    def signable(self) -> SignableMessage:
        return _encoded(self)

    @property
    def digest(self) -> bytes:
        """The hash that is signed (EIP-191)."""
        signable = self.signable
        return keccak(b"\x19" + signable.version + signable.header + signable.body)

    def signed_by(self, key: bytes) -> bytes:
        """The 65 bytes r, s, v of the holder of a key."""
        return bytes(Account.sign_message(self.signable, key).signature)


# Each is signed, hashed for comparison, and recovered from.
@lru_cache(maxsize=2**8)
def _encoded(message: Message) -> SignableMessage:
    fields = STRUCTS[message.purpose]
    return encode_typed_data(
        domain_data={
            "name": "V2VMarket",
            "version": "1",
            "chainId": message.chain_id,
            "verifyingContract": message.market,
        },
        message_types={message.purpose: [{"name": n, "type": t} for n, t in fields.items()]},
        message_data=dict(zip(fields, message.values, strict=True)),
    )


def signer(message: Message, signature: bytes) -> str:
    """Whose signature it is if it is over this message, lower case; refused if it is nobody's."""
    if len(signature) != SIGNATURE_LENGTH:
        raise Refused("ECDSAInvalidSignatureLength", len(signature))
    s, v = signature[32:64], signature[64]
    if int.from_bytes(s) > ORDER // 2:
        raise Refused("ECDSAInvalidSignatureS", s)
    if v not in {27, 28}:
        raise Refused("ECDSAInvalidSignature")
    try:
        return str(Account.recover_message(message.signable, signature=signature)).lower()
    except (BadSignature, ValidationError):
        raise Refused("ECDSAInvalidSignature") from None


def require_signer(expected: str, message: Message, signature: bytes) -> None:
    """Refuse a signature that is not of `expected` over this message."""
    actual = signer(message, signature)
    if actual != expected:
        raise Refused("WrongSigner", expected, actual)


def require_party(expected: str, auction_id: int, message: Message, signature: bytes) -> None:
    """As `require_signer`, or by a key: its signature, then that of `expected` over the key."""
    if len(signature) != 2 * SIGNATURE_LENGTH:
        require_signer(expected, message, signature)
        return
    key = signer(message, signature[:SIGNATURE_LENGTH])
    delegation = message._replace(purpose="SessionKey", values=(auction_id, key))
    require_signer(expected, delegation, signature[SIGNATURE_LENGTH:])
