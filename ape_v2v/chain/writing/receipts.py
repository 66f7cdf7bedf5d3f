"""What has become of a transaction that a block has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.chain import blocks, fees
from ape_v2v.chain.line.answered import field, read_bytes, read_word
from ape_v2v.chain.line.faults import NodeError

if TYPE_CHECKING:
    from ape_v2v.chain.node import Node


@dataclass(frozen=True)
class RawLog:
    """An event, undecoded."""

    address: str
    topics: bytes
    """One to four words of 32 bytes."""
    data: bytes


@dataclass(frozen=True)
class Mined:
    """A transaction in a block."""

    transaction: str
    """Its hash."""
    block: int
    succeeded: bool
    """False: it reverted, and changed nothing but what its gas cost."""
    gas_used: int
    gas_price: int
    """Wei per gas that were paid."""
    cost: int
    """Wei; on a rollup with what the data costs on layer 1."""
    created: str | None
    """The contract that it created."""
    logs: tuple[RawLog, ...]

    @property
    def txn_hash(self) -> str:
        """Its hash, as Ape's receipts name it."""
        return self.transaction


def receipt(node: Node, transaction: str) -> Mined | None:
    """What has become of a transaction; None while no block has it.

    Raises:
        NodeError: The node does not answer.
    """
    return read(node.request("eth_getTransactionReceipt", [transaction]), transaction)


def read(answer: Any, transaction: str) -> Mined | None:
    """A receipt out of a node's answer."""
    if not isinstance(answer, dict):
        return None
    block = blocks.number(answer.get("blockNumber"))
    if block is None:  # some give receipts of what only waits
        return None
    status = blocks.number(answer.get("status"))
    if status is None:
        raise NodeError(
            f"block {block} has {transaction}, and the node does not say whether it succeeded: ask "
            "another node"
        )
    created = answer.get("contractAddress")
    return Mined(
        transaction=str(answer.get("transactionHash") or transaction),
        block=block,
        succeeded=bool(status),
        gas_used=blocks.number(answer.get("gasUsed")) or 0,
        gas_price=blocks.number(answer.get("effectiveGasPrice")) or 0,
        cost=fees.amount_paid(answer),
        created=str(created) if created else None,
        logs=tuple(map(raw_log, answer.get("logs") or ())),
    )


def raw_log(log: Any) -> RawLog:
    """An event as a node gives it.

    Raises:
        NodeError: It is none.
    """
    return RawLog(
        address=f"0x{read_bytes(field(log, 'address')).hex()}",
        topics=b"".join(map(read_word, field(log, "topics") or ())),
        data=read_bytes(field(log, "data") or "0x"),
    )
