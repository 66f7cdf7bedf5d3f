"""Several calls in one transaction, of which single ones may fail: by the contract Multicall3.

It lies at the same address on nearly every network, and anybody may use it. It has no power: what
goes through it counts by the signatures in it, whoever sends it. Its code and ABI are those that
Ape carries; a contract with other code at that address is refused.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ethpm_types import ContractType

from ape_v2v.chain.line.answered import read_bytes
from ape_v2v.errors import V2VError
from ape_v2v.evm.contracts import Interface
from ape_v2v.market.interface.access import code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.chain.node import Node

_METHOD = "aggregate3"
_SET_CODE = "anvil_setCode"


def batcher_on(node: Node) -> str:
    """The address of the batcher on a node's network; a development chain without gets it.

    Raises:
        V2VError: It is not there, or something else is.
        NodeError: The node does not answer.
    """
    address, expected = deployed()
    found = code(node, address)
    if not found and node.network.is_dev:
        node.request(_SET_CODE, [address, f"0x{expected.hex()}"])
        return address
    if not found:
        raise V2VError(
            f"there is no batcher, Multicall3, at {address} on {node.network.name}: send the "
            "documents one by one"
        )
    if found != expected:
        raise V2VError(
            f"the contract at {address} on {node.network.name} is not Multicall3: send the "
            "documents one by one"
        )
    return address


def batched(target: str, calls: Sequence[bytes], *, strict: bool) -> bytes:
    """The call that makes several calls of one contract.

    Args:
        target: The contract.
        calls: What it is called with, in this order.
        strict: Whether one that fails reverts all of them.
    """
    return batched_for([(target, call) for call in calls], strict=strict)


def batched_for(calls: Sequence[tuple[str, bytes]], *, strict: bool) -> bytes:
    """The call that makes several calls, each of a contract: as `batched`."""
    rows = [(target, not strict, call) for target, call in calls]
    return _interface().call_data(_METHOD, rows)


def outcomes(output: str) -> list[tuple[bool, bytes]]:
    """What a batch has returned: of each call, whether it succeeded and what it gave."""
    rows: Any = _interface().output(_METHOD, 1, read_bytes(output))
    return [(bool(succeeded), bytes(data)) for succeeded, data in rows]


@cache
def _interface() -> Interface:
    from ape_ethereum.multicall.constants import (  # noqa: PLC0415 - Ape, only where one batches
        MULTICALL3_CONTRACT_TYPE,
    )

    return Interface(ContractType.model_validate(MULTICALL3_CONTRACT_TYPE))


@cache
def deployed() -> tuple[str, bytes]:
    """Where it lies, and its code."""
    from ape_ethereum.multicall.constants import (  # noqa: PLC0415 - Ape, only where one batches
        MULTICALL3_ADDRESS,
        MULTICALL3_CODE,
    )

    return str(MULTICALL3_ADDRESS), bytes(MULTICALL3_CODE)
