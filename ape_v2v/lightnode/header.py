"""Block headers: hashed here, so that a node cannot give another one for a trusted hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import rlp
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.lightnode.answers import (
    Data,
    Hash,
    Quantity,
    parsed,
)
from ape_v2v.lightnode.faults import HeaderMismatch, UnknownHeaderField

# In the order in which they are hashed.
_FIELDS: dict[str, Any] = {
    "parentHash": Hash,
    "sha3Uncles": Hash,
    "miner": Data,
    "stateRoot": Hash,
    "transactionsRoot": Hash,
    "receiptsRoot": Hash,
    "logsBloom": Data,
    "difficulty": Quantity,
    "number": Quantity,
    "gasLimit": Quantity,
    "gasUsed": Quantity,
    "timestamp": Quantity,
    "extraData": Data,
    "mixHash": Hash,
    "nonce": Data,
}
# What forks have added, in the order in which they did: a header has the first so many of them.
_ADDED: dict[str, Any] = {
    "baseFeePerGas": Quantity,  # London
    "withdrawalsRoot": Hash,  # Shanghai
    "blobGasUsed": Quantity,  # Cancun
    "excessBlobGas": Quantity,
    "parentBeaconBlockRoot": Hash,
    "requestsHash": Hash,  # Prague
}
# What nodes say about a block beside its header.
_NOT_HASHED = {"hash", "size", "totalDifficulty", "transactions", "uncles", "withdrawals"}


@dataclass(frozen=True)
class Header:
    """What a proof needs of a block's header."""

    hash: bytes
    number: int
    timestamp: int
    """Seconds since the epoch."""
    state_root: bytes
    receipts_root: bytes
    transactions_root: bytes
    gas_limit: int
    base_fee: int
    """Wei per gas; 0 before there was one."""

    @classmethod
    def read(cls, answer: object) -> Self:
        """A header as a node gives it, with the hash that follows from its fields.

        Only the hash says which block it is: it must be one that is trusted.

        Raises:
            MalformedAnswer: The answer is no block.
        """
        block = _block(answer)
        # Nodes give null for what a fork will bring.
        added = {name: kind for name, kind in _ADDED.items() if block.get(name) is not None}
        fields = {
            name: parsed(kind, block.get(name), f"a block, in its {name}")
            for name, kind in (_FIELDS | added).items()
        }
        return cls(
            hash=keccak(rlp.encode(list(fields.values()))),
            number=fields["number"],
            timestamp=fields["timestamp"],
            state_root=fields["stateRoot"],
            receipts_root=fields["receiptsRoot"],
            transactions_root=fields["transactionsRoot"],
            gas_limit=fields["gasLimit"],
            base_fee=fields.get("baseFeePerGas", 0),
        )

    @classmethod
    def trusted(cls, answer: object, trusted_hash: bytes) -> Self:
        """A header as a node gives it, of the block with a trusted hash.

        Raises:
            MalformedAnswer: The answer is no block.
            HeaderMismatch: It is another block, or something in it was changed.
            UnknownHeaderField: The same, and it has fields that are not known here.
        """
        header = cls.read(answer)
        if header.hash == trusted_hash:
            return header
        if unknown := sorted(_block(answer).keys() - _FIELDS.keys() - _ADDED.keys() - _NOT_HASHED):
            raise UnknownHeaderField(
                f"the header that the node gives for block {to_hex(trusted_hash)} hashes to "
                f"{to_hex(header.hash)}, and it has fields that are unknown here, "
                f"{', '.join(unknown)}: a fork may have added them; use a newer version"
            )
        raise HeaderMismatch(
            f"the header that the node gives for block {to_hex(trusted_hash)} hashes to "
            f"{to_hex(header.hash)}: the node lies, or the trusted hash is of another chain; ask "
            "another node"
        )


def fields_of(answer: object) -> dict[str, Any]:
    """What of a node's answer a block's hash is made of."""
    block = _block(answer)
    return {name: block[name] for name in _FIELDS | _ADDED if block.get(name) is not None}


def _block(answer: object) -> dict[str, Any]:
    block: dict[str, Any] = parsed(dict[str, Any], answer, "a block")
    return block
