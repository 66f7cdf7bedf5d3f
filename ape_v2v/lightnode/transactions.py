"""Transactions as nodes give them, encoded as they were signed: that gives their hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import rlp
from eth_account import Account
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from pydantic import Field

from ape_v2v.lightnode.answers import Answer, Data, Quantity, parsed
from ape_v2v.lightnode.faults import InvalidTransaction

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 20_000
_LEGACY, _SET_CODE = 0, 4


class _Access(Answer):
    address: Data
    storage_keys: list[Data]

    def encoded(self) -> list[Any]:
        return [self.address, self.storage_keys]


class _Authorization(Answer):
    chain_id: Quantity
    address: Data
    nonce: Quantity
    y_parity: Quantity
    r: Quantity
    s: Quantity

    def encoded(self) -> list[Any]:
        return [self.chain_id, self.address, self.nonce, self.y_parity, self.r, self.s]


class TransactionAnswer(Answer):
    """A transaction of any kind that there is up to the forks Prague and Osaka."""

    type: Quantity = 0
    nonce: Quantity
    gas: Quantity
    to: Data | None
    value: Quantity
    input: Data
    r: Quantity
    s: Quantity
    v: Quantity | None = None
    y_parity: Quantity | None = None
    chain_id: Quantity | None = None
    gas_price: Quantity | None = None
    max_fee_per_gas: Quantity | None = None
    max_priority_fee_per_gas: Quantity | None = None
    max_fee_per_blob_gas: Quantity | None = None
    access_list: list[_Access] | None = None
    blob_versioned_hashes: list[Data] | None = None
    authorization_list: list[_Authorization] | None = None

    def encoded(self) -> bytes:
        """As it was signed, and is in the transactions' trie.

        Raises:
            InvalidTransaction: It is of another kind, or something is missing in it.
        """
        if self.type not in _KINDS:
            raise InvalidTransaction(
                f"a transaction of type {self.type} is not known here: use a newer version"
            )
        called = [self.gas, self.to or b"", self.value, self.input]
        fields = _KINDS[self.type](self, called)
        parity = self.v if self.type == _LEGACY or self.y_parity is None else self.y_parity
        fields += [parity, self.r, self.s]
        if any(field is None for field in fields):
            raise InvalidTransaction("the node gives a transaction without all of its fields")
        body: bytes = rlp.encode(fields)
        return body if self.type == _LEGACY else bytes([self.type]) + body


def _accesses(said: TransactionAnswer) -> list[Any]:
    return [access.encoded() for access in said.access_list or []]


def _paying_tips(said: TransactionAnswer, called: list[Any]) -> list[Any]:
    fees = [said.max_priority_fee_per_gas, said.max_fee_per_gas]
    return [said.chain_id, said.nonce, *fees, *called, _accesses(said)]


_KINDS: dict[int, Callable[[TransactionAnswer, list[Any]], list[Any]]] = {
    _LEGACY: lambda said, called: [said.nonce, said.gas_price, *called],
    1: lambda said, called: [
        said.chain_id, said.nonce, said.gas_price, *called, _accesses(said)
    ],
    2: _paying_tips,
    3: lambda said, called: [
        *_paying_tips(said, called), said.max_fee_per_blob_gas, said.blob_versioned_hashes
    ],
    _SET_CODE: lambda said, called: [
        *_paying_tips(said, called), [each.encoded() for each in said.authorization_list or []]
    ],
}  # fmt: skip


def encoded(answer: object) -> list[bytes]:
    """The transactions of a block, in their order.

    Raises:
        MalformedAnswer: It is no list of transactions.
        InvalidTransaction: One of them cannot be encoded.
    """
    kind = Annotated[list[TransactionAnswer], Field(max_length=_MOST)]
    return [said.encoded() for said in parsed(kind, answer, "the transactions of a block")]


def proven(answer: object, hash_: bytes) -> dict[str, Any]:
    """What a transaction with this hash does, by whom: nothing else can have the hash.

    Raises:
        MalformedAnswer: It is no transaction.
        InvalidTransaction: It is another one.
    """
    said: TransactionAnswer = parsed(TransactionAnswer, answer, "a transaction")
    raw = said.encoded()
    if keccak(raw) != hash_:
        raise InvalidTransaction(
            f"the transaction that the node gives for {to_hex(hash_)} hashes to "
            f"{to_hex(keccak(raw))}: the node lies; ask another one"
        )
    return {
        "hash": to_hex(hash_),
        "type": hex(said.type),
        "from": Account.recover_transaction(raw),
        "to": None if said.to is None else to_hex(said.to),
        "nonce": hex(said.nonce),
        "value": hex(said.value),
        "gas": hex(said.gas),
        "input": to_hex(said.input),
    }
