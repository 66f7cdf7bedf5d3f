"""Accounts of simulated vehicles: keys of their own, the same in every run."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from coincurve import PrivateKey
from eip712.messages import calculate_hash
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from eip712 import EIP712Message

_ADDRESS_BYTES = 20


class Signature(NamedTuple):
    """A signature: r, s, v."""

    rsv: bytes

    def encode_rsv(self) -> bytes:
        """As Ape's signatures give it."""
        return self.rsv


class SimulatedAccount:
    """Signs messages as an account of Ape does; transactions need no signature on this chain."""

    def __init__(self, name: str) -> None:
        """Make the account of this name.

        Args:
            name: Its key is the hash of it, known to everybody: for simulated chains alone.
        """
        self.alias = name
        self._key, self.address = _key(name)

    def __repr__(self) -> str:
        return f"<SimulatedAccount {self.alias}>"

    def sign_message(self, message: EIP712Message) -> Signature:
        """Sign typed data."""
        digest = bytes(calculate_hash(message.signable_message))
        return Signature(self._key.sign_recoverable(digest, hasher=None))

    def sign_transaction(self, *_: Any, **__: Any) -> Any:
        """Refuse: the simulated chain takes a call from whoever it is said to be from.

        Raises:
            V2VError: Always.
        """
        raise V2VError(f"{self.alias} acts on a simulated chain, where transactions are not signed")


@lru_cache(maxsize=4_096)
def _key(name: str) -> tuple[PrivateKey, str]:
    key = PrivateKey(hashlib.sha256(f"ape-v2v simulation {name}".encode()).digest())
    public = key.public_key.format(compressed=False)[1:]
    return key, str(to_checksum_address(keccak(public)[-_ADDRESS_BYTES:]))
