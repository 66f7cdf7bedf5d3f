"""Blocks as a node gives them, and the time that the chain has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.chain.line.faults import NodeBehind, NodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.chain.node import Node

LATEST, PENDING = "latest", "pending"


@dataclass(frozen=True)
class Block:
    """What this package reads of a block."""

    number: int
    hash: bytes
    """Empty where it is not made yet."""
    timestamp: int
    """Seconds since 1970."""
    base_fee: int | None
    """Wei per gas; None on networks that have none."""
    gas_limit: int | None


def number(value: Any) -> int | None:
    """A number as nodes give it: hexadecimal, plain, or none at all."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return (
            int(value, 16 if value.startswith("0x") else 10)
            if isinstance(value, str)
            else int(value)
        )
    except (TypeError, ValueError):
        return None


def read(answer: Any, which: str) -> Block:
    """A block out of a node's answer.

    Raises:
        NodeBehind: The node does not have it.
        NodeError: It is no block.
    """
    if answer is None:
        raise NodeBehind(f"the node has no block {which}: it is behind; try again in a minute")
    height = number(answer.get("number")) if isinstance(answer, dict) else None
    timestamp = number(answer.get("timestamp")) if isinstance(answer, dict) else None
    if timestamp is None or (height is None and which != PENDING):
        raise NodeError(f"the node's block {which} has no number or no time: ask another node")
    return Block(
        number=-1 if height is None else height,
        hash=_bytes(answer.get("hash")),
        timestamp=timestamp,
        base_fee=number(answer.get("baseFeePerGas")),
        gas_limit=number(answer.get("gasLimit")),
    )


def tagged(block: int | str) -> str:
    """A block's number, or `latest` and its kin, as a parameter."""
    return hex(block) if isinstance(block, int) else block


def block(node: Node, which: int | str = LATEST) -> Block:
    """A block.

    Raises:
        NodeBehind: The node does not have it.
        NodeError: The node does not answer.
    """
    return read(node.request("eth_getBlockByNumber", [tagged(which), False]), str(which))


def height(node: Node) -> int:
    """The number of the latest block.

    Raises:
        NodeError: The node does not say.
    """
    found = number(node.request("eth_blockNumber"))
    if found is None:
        raise NodeBehind("the node does not say which block is its latest: try again in a minute")
    return found


def next_timestamp(node: Node) -> int:
    """When the next block would be made, if that were now: what a transaction's time will be.

    Raises:
        NodeError: The node does not answer.
    """
    try:
        return block(node, PENDING).timestamp
    except NodeError:  # not every node has pending blocks
        return block(node).timestamp


def balance(node: Node, account: str) -> int:
    """What an account has in ether, wei.

    Raises:
        NodeError: The node does not say.
    """
    return _balance(account, node.request("eth_getBalance", [account, LATEST]))


def balances(node: Node, accounts: Sequence[str]) -> list[int]:
    """What each account has in ether, wei.

    Raises:
        NodeError: The node does not say.
    """
    answers = node.batch([("eth_getBalance", [account, LATEST]) for account in accounts])
    return [_balance(account, answer) for account, answer in zip(accounts, answers, strict=True)]


def _balance(account: str, answer: Any) -> int:
    found = number(answer)
    if found is None:
        raise NodeBehind(f"the node does not say what {account} has: try again in a minute")
    return found


def _bytes(value: Any) -> bytes:
    try:
        return bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError:
        return b""
