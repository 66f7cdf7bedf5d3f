"""What the next transaction on a network offers per gas, by its gas policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ape_v2v.chain import blocks
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.price import GasPrice
from ape_v2v.config import Configuration, Fees
from ape_v2v.errors import V2VError
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ape_v2v.chain.blocks import Block
    from ape_v2v.chain.node import Node

QUESTIONS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("eth_maxPriorityFeePerGas", ()),
    ("eth_gasPrice", ()),
)
"""What a node is asked beside its block; either answer may be missing."""


def configured_fees(node: Node) -> Fees:
    """What `v2v: fees:` says of a node's network."""
    return Configuration.current().fees.get(node.network.upstream, Fees())


def ask(node: Node, fees: Fees) -> tuple[Block, GasPrice]:
    """The latest block, and what a transaction that is sent now offers.

    Raises:
        NodeError: The node does not answer.
        V2VError: The policy allows less than every transaction pays now.
    """
    block, *answers = node.batch(
        [("eth_getBlockByNumber", (blocks.LATEST, False)), *QUESTIONS], errors=True
    )
    if isinstance(block, NodeError):
        raise block
    head = blocks.read(block, blocks.LATEST)
    return head, price(fees, node, head, answers)


def price(fees: Fees, node: Node, head: Block, answers: Sequence[Any]) -> GasPrice:
    """The fees of a transaction that is sent now.

    Args:
        fees: The policy.
        node: Where it is sent.
        head: The latest block, or the pending one.
        answers: To `QUESTIONS`; an error where the node gives none.

    Raises:
        V2VError: The most that may be paid is less than every transaction pays now.
    """
    proposed, gas_price = (blocks.number(answer) for answer in map(_or_none, answers))
    base = head.base_fee
    if base is None:  # one price: there is nothing that would be burnt
        return _legacy(fees, gas_price)
    priority = proposed
    if priority is None:
        priority = max(0, gas_price - base) if gas_price is not None else 0
    if fees.priority_fee is not None:
        priority = int(fees.priority_fee)
    if fees.max_fee is None:
        return GasPrice(int(base * node.network.base_fee_multiplier) + priority, priority)
    if (maximum := int(fees.max_fee)) < base:
        raise V2VError(
            f"max_fee is {fees.max_fee} per gas, and the base fee is {Money(base)}: wait until it "
            "has fallen, or allow more"
        )
    return GasPrice(maximum, min(priority, maximum))


def confirmations(fees: Fees, node: Node) -> int:
    """How many blocks a transaction waits for: none where blocks only come when they are asked for.

    A fork has the policy of the network that it forks, and not its blocks.
    """
    if node.network.is_dev:
        return 0
    return node.network.confirmations if fees.confirmations is None else fees.confirmations


def amount_paid(receipt: Mapping[str, object]) -> int:
    """What a transaction has cost by its node's receipt, wei.

    Rollups of the OP stack charge for the data on layer 1 beside the gas.
    """
    gas, rate, data = (
        blocks.number(receipt.get(name)) or 0 for name in ("gasUsed", "effectiveGasPrice", "l1Fee")
    )
    return gas * rate + data


def _legacy(fees: Fees, gas_price: int | None) -> GasPrice:
    if gas_price is None:
        raise NodeError("the node does not say what gas costs: ask another node, or set max_fee")
    if fees.max_fee is not None and int(fees.max_fee) < gas_price:
        raise V2VError(
            f"max_fee is {fees.max_fee} per gas, and the network asks for {Money(gas_price)}: wait "
            "until it has fallen, or allow more"
        )
    return GasPrice(gas_price, gas_price, legacy=True)


def _or_none(answer: Any) -> Any:
    return None if isinstance(answer, NodeError) else answer
