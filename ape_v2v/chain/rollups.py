"""What a transaction's data costs on layer 1, where a rollup charges for it beside the gas.

Rollups of the OP stack do, and a contract of theirs says how much. On Arbitrum it is in the gas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector

from ape_v2v.chain import blocks
from ape_v2v.chain.line.answered import read_bytes
from ape_v2v.chain.line.faults import NodeError

if TYPE_CHECKING:
    from ape_v2v.chain.node import Call, Node

ORACLE = "0x420000000000000000000000000000000000000F"
"""The OP stack's GasPriceOracle, on every one of its chains."""

_OP_STACK = {"base", "optimism"}
_UPPER_BOUND = function_signature_to_4byte_selector("getL1FeeUpperBound(uint256)")
_BESIDE_THE_DATA = 120
"""Bytes of an unsigned transaction: nonce, fees, limit, receiver, value."""
_AUTHORIZATION = 110


def data_question(node: Node, data: bytes, authorizations: int) -> list[Call]:
    """What to ask about the data of a transaction; nothing where the gas is all that is paid."""
    if node.network.upstream.partition("-")[0] not in _OP_STACK:
        return []
    size = len(data) + _BESIDE_THE_DATA + authorizations * _AUTHORIZATION
    asked = _UPPER_BOUND + encode(["uint256"], [size])
    return [("eth_call", ({"to": ORACLE, "data": f"0x{asked.hex()}"}, blocks.LATEST))]


def data_fee(answers: list[Any]) -> int:
    """The most that they cost, wei, by the answers to that; 0 where the oracle is not there."""
    try:
        return sum(int.from_bytes(read_bytes(answer)[:32]) for answer in answers)
    except NodeError:
        return 0
