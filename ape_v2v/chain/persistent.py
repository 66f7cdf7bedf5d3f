"""A node that is asked again whatever goes wrong: for processes that last.

Somebody at a prompt wants to be told at once that a node denies access, or has an error of its own.
A process that goes on for days wants its answer: a question that is worth asking is worth asking
four times.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from ape_v2v.chain.line.faults import NodeBehind, NodeError, NodeSilent, Reverted
from ape_v2v.chain.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape_v2v.chain.node import Call

_ATTEMPTS = 4
_PAUSE = 0.2
# Who reads logs asks for fewer, and what was perhaps sent is looked up.
_NEVER_REPEATED = ("eth_getLogs", "eth_send")


def _is_hexadecimal(result: Any) -> bool:
    return isinstance(result, str) and result.startswith("0x")


def _is_none_or_has(result: Any, name: str) -> bool:
    return result is None or (isinstance(result, dict) and name in result)


_FORMS: dict[str, Callable[[Any], bool]] = dict.fromkeys(
    (
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getCode",
        "eth_getTransactionCount",
        "eth_maxPriorityFeePerGas",
    ),
    _is_hexadecimal,
) | {
    "eth_getBlockByNumber": lambda result: _is_none_or_has(result, "timestamp"),
    "eth_getTransactionByHash": lambda result: _is_none_or_has(result, "from"),
    "eth_getTransactionReceipt": lambda result: _is_none_or_has(result, "status"),
}
"""What a result has to look like; of other methods any will do."""


def persistent(node: Node) -> Node:
    """The same node, asked again whatever goes wrong.

    One that is reached otherwise than by HTTP is left as it is.
    """
    if type(node) is not Node:
        return node
    found = PersistentNode.__new__(PersistentNode)
    found.__dict__.update(node.__dict__)  # the same line, limits and notes
    return found


class PersistentNode(Node):
    """A node that is asked again whatever goes wrong, except for what may do something."""

    def request(self, method: str, parameters: Sequence[Any] = ()) -> Any:
        if method.startswith(_NEVER_REPEATED):
            return super().request(method, parameters)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._formed(method, super().request(method, parameters))
            except (NodeBehind, Reverted):
                raise
            except NodeError:
                if attempt == _ATTEMPTS:
                    raise
            time.sleep(_PAUSE * attempt * random.random())
        raise AssertionError("unreachable")

    def batch(self, calls: Sequence[Call], *, errors: bool = False) -> list[Any]:
        results = super().batch(calls, errors=True)
        for at, ((method, parameters), result) in enumerate(zip(calls, results, strict=True)):
            if isinstance(result, Reverted):
                continue
            try:
                results[at] = self._formed(method, result)
            except NodeError:
                results[at] = self._once_more(method, parameters)
        if not errors:
            for result in results:
                if isinstance(result, NodeError):
                    raise result
        return results

    def _once_more(self, method: str, parameters: Sequence[Any]) -> Any:
        try:
            return self.request(method, parameters)
        except NodeError as error:
            return error

    def _formed(self, method: str, result: Any) -> Any:
        """A result, if it is one.

        Raises:
            NodeError: It is none.
        """
        if isinstance(result, NodeError):
            raise result
        form = _FORMS.get(method)
        if form is not None and not form(result):
            said = self.scrubbed(str(result)[:80])
            raise NodeSilent(f"the node at {self.shown} answers {said} to {method}")
        return result
