"""Transactions as a node gives them, in a block or waiting for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.address import is_hex_address, to_checksum_address

from ape_v2v.chain import blocks
from ape_v2v.chain.line.answered import read_bytes
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.price import GasPrice
from ape_v2v.chain.signing import Authorization

if TYPE_CHECKING:
    from ape_v2v.chain.node import Node


@dataclass(frozen=True)
class Transaction:
    """What was signed, and the block that has it."""

    sender: str
    nonce: int
    to: str | None
    """None creates a contract."""
    value: int
    """Wei."""
    data: bytes
    gas_limit: int
    block: int | None
    """None while it waits, or where the node does not prove which one has it."""
    price: GasPrice | None
    """None where the node does not tell."""
    authorizations: tuple[Authorization, ...] = ()
    """Of accounts that delegate with it (EIP-7702)."""


def find(node: Node, hash_: str) -> Transaction | None:
    """A transaction by its hash; None when the node does not know it.

    Raises:
        NodeError: The node does not answer, or with something else.
    """
    return read(node.request("eth_getTransactionByHash", [hash_]), hash_)


def read(answer: Any, hash_: str) -> Transaction | None:
    """A transaction out of a node's answer.

    Raises:
        NodeError: It is none.
    """
    if answer is None:
        return None
    if not isinstance(answer, dict) or not is_hex_address(answer.get("from")):
        raise NodeError(f"the node answers with no transaction instead of {hash_}: ask another one")
    nonce, value, gas = (_number(answer, name, hash_) for name in ("nonce", "value", "gas"))
    to = answer.get("to")
    return Transaction(
        sender=str(to_checksum_address(answer["from"])),
        nonce=nonce,
        to=None if to is None else str(to),
        value=value,
        data=read_bytes(answer.get("input", answer.get("data"))),
        gas_limit=gas,
        block=blocks.number(answer.get("blockNumber")),
        price=_price(answer),
        authorizations=tuple(
            _authorization(one, hash_) for one in answer.get("authorizationList") or ()
        ),
    )


def _authorization(answer: Any, hash_: str) -> Authorization:
    if not isinstance(answer, dict) or not is_hex_address(answer.get("address")):
        raise NodeError(f"the node does not say who delegates in {hash_}: ask another one")
    numbers = (_number(answer, name, hash_) for name in ("chainId", "nonce", "yParity", "r", "s"))
    chain_id, nonce, y_parity, r, s = numbers
    address = str(to_checksum_address(answer["address"]))
    return Authorization(chain_id, address, nonce, y_parity, r, s)


def _number(answer: dict[str, Any], name: str, hash_: str) -> int:
    found = blocks.number(answer.get(name))
    if found is None:
        raise NodeError(f"the node does not say the {name} of {hash_}: ask another one")
    return found


def _price(answer: dict[str, Any]) -> GasPrice | None:
    most, priority, gas_price = (
        blocks.number(answer.get(name))
        for name in ("maxFeePerGas", "maxPriorityFeePerGas", "gasPrice")
    )
    if most is not None and priority is not None:
        return GasPrice(most, priority)
    return None if gas_price is None else GasPrice(gas_price, gas_price, legacy=True)
