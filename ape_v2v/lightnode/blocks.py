"""Blocks before a trusted one, and what has happened in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import rlp
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from pydantic import Field
from trie import HexaryTrie

from ape_v2v.lightnode import transactions
from ape_v2v.lightnode.answers import Answer, Data, Hash, Quantity, parsed
from ape_v2v.lightnode.faults import InvalidReceipts, NotProvable, UnknownBlock
from ape_v2v.lightnode.header import Header

if TYPE_CHECKING:
    from ape_v2v.lightnode.answers import Rpc
    from ape_v2v.lightnode.state import ProvenState

HISTORY = "0x0000F90827F1C53a10cb7A02335B175320002935"
"""Keeps the hashes of the last blocks in every state since the fork Prague (EIP-2935)."""

_KEPT = 8_191
# More than any block can have: a receipt takes 21,000 gas.
_MOST_RECEIPTS = 20_000
_MOST_LOGS = 100_000


class LogAnswer(Answer):
    """A log as a receipt has it."""

    address: Annotated[Data, Field(min_length=20, max_length=20)]
    topics: Annotated[list[Hash], Field(max_length=4)]
    data: Data


class ReceiptAnswer(Answer):
    """A receipt as nodes give it."""

    type: Quantity = 0
    status: Annotated[Quantity, Field(le=1)]
    cumulative_gas_used: Quantity
    logs_bloom: Annotated[Data, Field(min_length=256, max_length=256)]
    logs: Annotated[list[LogAnswer], Field(max_length=_MOST_LOGS)]

    def encoded(self) -> bytes:
        """As it is in the receipts' trie."""
        logs = [[log.address, log.topics, log.data] for log in self.logs]
        body: bytes = rlp.encode([self.status, self.cumulative_gas_used, self.logs_bloom, logs])
        return bytes([self.type]) + body if self.type else body


class ProvenLog(NamedTuple):
    """A log that has happened: its place and its content are proven."""

    block: Header
    transaction_index: int
    log_index: int
    address: bytes
    topics: list[bytes]
    data: bytes
    transaction: bytes
    """The transaction's hash."""

    def as_answer(self) -> dict[str, Any]:
        """As nodes give it."""
        return {
            "address": to_hex(self.address),
            "topics": [to_hex(topic) for topic in self.topics],
            "data": to_hex(self.data),
            "blockNumber": hex(self.block.number),
            "blockHash": to_hex(self.block.hash),
            "blockTimestamp": hex(self.block.timestamp),
            "transactionHash": to_hex(self.transaction),
            "transactionIndex": hex(self.transaction_index),
            "logIndex": hex(self.log_index),
            "removed": False,
        }


def ancestor(rpc: Rpc, state: ProvenState, number: int) -> Header:
    """The header of a block before a trusted one, up to 27 hours before.

    Args:
        rpc: Asks the node.
        state: Of the trusted block, which keeps the hash.
        number: Of the block.

    Raises:
        NotProvable: It is not among those that are kept.
        UnknownBlock: The node does not have it.
        ProofError: The node gives another one.
    """
    newest = state.header.number
    if number == newest:
        return state.header
    kept = state.slot(HISTORY, number % _KEPT) if 0 <= newest - number - 1 < _KEPT else 0
    if not kept:
        raise NotProvable(
            f"the hash of block {number} cannot be proven from block {newest}: only the {_KEPT} "
            "blocks before it can, on chains with the fork Prague (EIP-2935)"
        )
    hash_ = kept.to_bytes(32, "big")
    answer = rpc("eth_getBlockByHash", [to_hex(hash_), False])
    if answer is None:
        raise UnknownBlock(
            f"the node does not give block {number}, {to_hex(hash_)}, which is proven to be there: "
            "ask another node"
        )
    return Header.trusted(answer, hash_)


def logs_in(rpc: Rpc, block: Header) -> list[ProvenLog]:
    """All logs of a block, in their order: none can be made up, and none be left out.

    Raises:
        InvalidReceipts: The receipts, or the transactions, are not those of the block.
    """
    answer = rpc("eth_getBlockReceipts", [to_hex(block.hash)])
    kind = Annotated[list[ReceiptAnswer], Field(max_length=_MOST_RECEIPTS)]
    receipts: list[ReceiptAnswer] = parsed(kind, answer, "the receipts of a block")
    _require_root(
        "receipts", [receipt.encoded() for receipt in receipts], block.receipts_root, block
    )
    answer = rpc("eth_getBlockByHash", [to_hex(block.hash), True])
    sent = transactions.encoded(answer.get("transactions") if isinstance(answer, dict) else None)
    _require_root("transactions", sent, block.transactions_root, block)
    said = [(number, log) for number, receipt in enumerate(receipts) for log in receipt.logs]
    return [
        ProvenLog(block, number, index, log.address, log.topics, log.data, keccak(sent[number]))
        for index, (number, log) in enumerate(said)
    ]


def _require_root(what: str, items: list[bytes], root: bytes, block: Header) -> None:
    """The items of a block, each under its number, make the root that its header has."""
    trie: Any = HexaryTrie({})
    for number, item in enumerate(items):
        trie[rlp.encode(number)] = item
    if trie.root_hash != root:
        raise InvalidReceipts(
            f"the {what} that the node gives for block {block.number} hash to "
            f"{to_hex(trie.root_hash)}, and those of the block to {to_hex(root)}: the node lies, "
            "or does not have them; ask another node"
        )
