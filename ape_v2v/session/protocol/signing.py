"""Signatures of a session: made by Ape's accounts, checked as strictly as the contract does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from eip712 import hash_message
from eth_keys.constants import SECPK1_N
from eth_keys.datatypes import PublicKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from ape_v2v.errors import V2VError
from ape_v2v.market.fields import SIGNATURE_BYTES
from ape_v2v.session.protocol.codes import ErrorCode, SessionError

if TYPE_CHECKING:
    from ape.api import AccountAPI
    from eip712 import EIP712Message

_V = (27, 28)


class Signer(Protocol):
    """Who signs a side's messages."""

    @property
    def address(self) -> str: ...

    def sign(self, message: EIP712Message) -> bytes:
        """65 bytes: r, s, v."""


class AccountSigner:
    """An Ape account, whichever plugin it comes from. The key never leaves it."""

    def __init__(self, account: AccountAPI) -> None:
        self.account = account

    @property
    def address(self) -> str:
        return self.account.address

    def sign(self, message: EIP712Message) -> bytes:
        """Sign typed data.

        Raises:
            V2VError: The account did not sign.
        """
        signature = self.account.sign_message(message)
        if signature is None:
            raise V2VError(f"{self.address} did not sign the {type(message).__name__}")
        return signature.encode_rsv()


def require_signer(message: EIP712Message, signature: bytes, expected: str) -> None:
    """Check a signature.

    Raises:
        SessionError: It is malformed, malleable, or somebody else's.
    """
    what = type(message).__name__
    signer = public_key_of(message, signature).to_checksum_address()
    if signer != expected:
        raise SessionError(
            ErrorCode.WRONG_SIGNER,
            f"the {what} must be signed by {expected}, over exactly these values for this market "
            f"and chain; the signature gives {signer}",
        )


def public_key_of(message: EIP712Message, signature: bytes) -> PublicKey:
    """The key that has made a signature over exactly this message.

    Raises:
        SessionError: No key makes such a signature, or it is malleable.
    """
    what = type(message).__name__
    invalid = SessionError(ErrorCode.INVALID_SIGNATURE, f"the signature of the {what} is not valid")
    if len(signature) != SIGNATURE_BYTES or signature[-1] not in _V:
        raise invalid
    r, s = (int.from_bytes(part) for part in (signature[:32], signature[32:64]))
    if s > SECPK1_N // 2:
        raise SessionError(
            ErrorCode.MALLEABLE_SIGNATURE,
            f"the signature of the {what} is malleable (high s): sign again",
        )
    try:
        parsed = Signature(vrs=(signature[-1] - _V[0], r, s))
        return parsed.recover_public_key_from_msg_hash(hash_message(message))
    except (BadSignature, ValidationError) as error:
        raise invalid from error
