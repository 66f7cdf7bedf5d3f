"""Transactions signed by Ape's accounts: the one place that knows how Ape wants them.

Ape fills in and sends transactions by the connection that it has at the moment; here it only signs
what is filled in already, whichever network it is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import rlp
from eth_keys.datatypes import Signature as KeySignature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError as InvalidSignature

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.chain.price import GasPrice

_DYNAMIC_FEE = b"\x02"
_SET_CODE = 4
_FIRST_V = 27


@dataclass(frozen=True)
class Authorization:
    """What an account signs to delegate to a contract, for anybody to send (EIP-7702)."""

    chain_id: int
    address: str
    """The contract."""
    nonce: int
    """Of the account's transactions, when it counts."""
    y_parity: int
    r: int
    s: int

    def as_json(self) -> dict[str, str]:
        """As nodes take it."""
        numbers = {
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "yParity": self.y_parity,
            "r": self.r,
            "s": self.s,
        }
        return {"address": self.address} | {name: hex(value) for name, value in numbers.items()}


@dataclass(frozen=True)
class Unsigned:
    """A transaction, filled in."""

    chain_id: int
    sender: str
    nonce: int
    to: str | None
    """None creates a contract."""
    value: int
    data: bytes
    gas_limit: int
    price: GasPrice
    authorizations: tuple[Authorization, ...] = ()

    def with_nonce(self, nonce: int) -> Unsigned:
        """The same with another nonce."""
        return replace(self, nonce=nonce)

    def as_call(self) -> dict[str, Any]:
        """What a node that has the key, or pretends to, takes to sign and send it itself."""
        return call(self.sender, self.to, self.value, self.data, self.authorizations) | {
            "nonce": hex(self.nonce),
            "gas": hex(self.gas_limit),
            **{name: hex(value) for name, value in self._offer().items()},
        }

    def _offer(self) -> dict[str, int]:
        if self.price.legacy:
            return {"gasPrice": self.price.max_fee}
        return {
            "maxFeePerGas": self.price.max_fee,
            "maxPriorityFeePerGas": self.price.priority_fee,
        }

    def for_ape(self) -> Any:
        """The transaction as Ape's accounts take it."""
        from ape_ethereum.transactions import (  # noqa: PLC0415 - Ape, only where one signs
            DynamicFeeTransaction,
            SetCodeTransaction,
            StaticFeeTransaction,
        )

        kind: type[Any] = StaticFeeTransaction if self.price.legacy else DynamicFeeTransaction
        fields = {
            "chainId": self.chain_id,
            "from": self.sender,
            "nonce": self.nonce,
            "value": self.value,
            "data": self.data,
            "gas": self.gas_limit,
            **self._offer(),
        }
        if self.authorizations:
            kind = SetCodeTransaction
            fields["type"] = _SET_CODE  # else Ape takes it for one of EIP-1559
            fields["authorizationList"] = [
                one.as_json() | {"r": one.r.to_bytes(32), "s": one.s.to_bytes(32)}
                for one in self.authorizations
            ]
        return kind.model_validate(fields if self.to is None else fields | {"to": self.to})


@dataclass(frozen=True)
class Signed:
    """A transaction as nodes take it: anybody may send it, and it says nothing secret."""

    hash: str
    raw: str


def call(
    sender: str,
    to: str | None,
    value: int,
    data: bytes,
    authorizations: tuple[Authorization, ...] = (),
) -> dict[str, Any]:
    """A call as `eth_call` and its kin take it."""
    fields: dict[str, Any] = {"from": sender, "value": hex(value), "data": f"0x{data.hex()}"}
    if to is not None:
        fields["to"] = to
    if authorizations:
        fields["authorizationList"] = [one.as_json() for one in authorizations]
    return fields


def sign(account: AccountAPI, unsigned: Unsigned) -> Signed | None:
    """Have an account sign.

    Returns:
        None for an account without a key, which only a development node sends for.

    Raises:
        V2VError: The account does not sign.
    """
    transaction = unsigned.for_ape()
    if _is_impersonated(account):
        return None
    signed = account.sign_transaction(transaction)
    if signed is None or signed.signature is None:
        raise V2VError(f"{account.address} did not sign: nothing was sent")
    raw = _encoded(unsigned, signed.signature) or signed.serialize_transaction()
    return Signed(f"0x{keccak(raw).hex()}", f"0x{raw.hex()}")


def _encoded(unsigned: Unsigned, signature: Any) -> bytes | None:
    """What was signed as nodes take it, by EIP-1559; None where that is not what was signed.

    Ape gives the same, and takes several times as long as the signature.
    """
    if unsigned.price.legacy or unsigned.authorizations:
        return None
    fields = [
        unsigned.chain_id,
        unsigned.nonce,
        unsigned.price.priority_fee,
        unsigned.price.max_fee,
        unsigned.gas_limit,
        b"" if unsigned.to is None else bytes.fromhex(unsigned.to[2:]),
        unsigned.value,
        unsigned.data,
        [],  # no access list
    ]
    parity = signature.v - _FIRST_V if signature.v >= _FIRST_V else signature.v
    values = parity, int.from_bytes(signature.r), int.from_bytes(signature.s)
    try:
        key = KeySignature(vrs=values).recover_public_key_from_msg_hash(
            keccak(_DYNAMIC_FEE + rlp.encode(fields))
        )
    except (BadSignature, InvalidSignature):
        return None
    if key.to_checksum_address() != unsigned.sender:  # it has signed something else
        return None
    return bytes(_DYNAMIC_FEE + rlp.encode([*fields, *values]))


def _is_impersonated(account: AccountAPI) -> bool:
    from ape.api import ImpersonatedAccount  # noqa: PLC0415 - Ape, only where one signs

    return isinstance(account, ImpersonatedAccount)
