"""Signatures of a session: made by Ape's accounts, checked as strictly as the contract does."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Protocol

from eip712 import hash_message
from eth_keys.constants import SECPK1_N
from eth_keys.datatypes import PrivateKey, PublicKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from ape_v2v.errors import V2VError
from ape_v2v.market.interface.fields import SIGNATURE_BYTES
from ape_v2v.market.interface.messages import SessionKey, domain, session_key
from ape_v2v.session.protocol.codes import ErrorCode, SessionError

if TYPE_CHECKING:
    from ape.api import AccountAPI
    from eip712 import EIP712Message

    from ape_v2v.market.statements import SignedKey
    from ape_v2v.session.protocol.agreement import Agreement

_V = (27, 28)


class Signer(Protocol):
    """Who signs a side's messages."""

    @property
    def address(self) -> str: ...

    def sign(self, message: EIP712Message) -> bytes:
        """65 bytes: r, s, v; by a key 130, the account's over the key after it."""


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


class KeySigner:
    """A key of its own for one auction, which an account has chosen once: it is asked no more.

    The key is in memory only: a program that is started again asks the account for another one.
    """

    def __init__(self, account: AccountAPI, agreement: Agreement) -> None:
        """Make a key, and have the account sign it.

        Raises:
            V2VError: The account did not sign.
        """
        self.address: str = account.address
        self._key = PrivateKey(secrets.token_bytes(32))
        chosen: Any = SessionKey  # its domain is a keyword that the class does not declare
        message = chosen(
            auctionId=agreement.auction_id,
            key=self._key.public_key.to_checksum_address(),
            eip712_domain=domain(agreement.market, agreement.chain_id),
        )
        self._delegation = AccountSigner(account).sign(message)

    def sign(self, message: EIP712Message) -> bytes:
        """Sign typed data: the key's signature, then the account's over the key."""
        v, r, s = self._key.sign_msg_hash(hash_message(message)).vrs
        own = r.to_bytes(32) + s.to_bytes(32) + bytes([v + _V[0]])
        return own + self._delegation


class ChosenSigner:
    """An account that another one has chosen for an auction: it signs for that one."""

    def __init__(self, key: AccountAPI, chosen: SignedKey) -> None:
        """Take the key's account, and what has been signed for it.

        Raises:
            V2VError: It is another account.
        """
        if key.address != chosen.key:
            raise V2VError(
                f"the key that was chosen is {chosen.key}, and the account is {key.address}: name "
                "the key's account"
            )
        self.address: str = chosen.account
        self._key = AccountSigner(key)
        self._delegation = chosen.signature

    def sign(self, message: EIP712Message) -> bytes:
        """Sign typed data: the key's signature, then the account's over the key."""
        return self._key.sign(message) + self._delegation


def require_signer(
    message: EIP712Message, signature: bytes, expected: str, auction_id: int
) -> None:
    """Check a signature, of an account or of a key that it has chosen for this auction.

    Raises:
        SessionError: It is malformed, malleable, or somebody else's.
    """
    if len(signature) == 2 * SIGNATURE_BYTES:
        key = public_key_of(message, signature[:SIGNATURE_BYTES]).to_checksum_address()
        message = session_key(message, auction_id, key)
        signature = signature[SIGNATURE_BYTES:]
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
