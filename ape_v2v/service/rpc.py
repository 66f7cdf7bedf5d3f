"""`/rpc`: so much of a node as the page needs, so that it speaks to one place only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from ape_v2v.chain.line.faults import NodeError, RateLimited, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.chain.node import Node

MOST_CALLS = 50
"""In one batch."""

_ANYTHING = frozenset(
    {
        "eth_blockNumber",
        "eth_chainId",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "net_version",
        "web3_clientVersion",
    }
)
_OF_THE_MARKET = frozenset({"eth_call", "eth_estimateGas", "eth_getCode", "eth_getLogs"})
_LOCAL = frozenset({"eth_sendRawTransaction"})
# JSON-RPC's numbers, and what nodes use for the last one.
_NO_JSON, _INVALID, _UNKNOWN_METHOD, _WRONG_PARAMETERS = -32_700, -32_600, -32_601, -32_602
_SERVER, _LIMITED = -32_000, -32_005


class Relay:
    """Passes on what may be asked of the node, about these contracts: a market and its token."""

    def __init__(self, node: Node, contracts: Sequence[str]) -> None:
        self._node = node
        self._contracts = {address.lower() for address in contracts}
        self._methods = _ANYTHING | _OF_THE_MARKET | (_LOCAL if node.network.is_local else set())

    def answer(self, body: bytes) -> Any:
        """The answers to one call or to several, as JSON-RPC has them."""
        try:
            calls = json.loads(body)
        except (ValueError, RecursionError):
            return _error(None, _NO_JSON, "this is no JSON")
        if not isinstance(calls, list):
            return self._one(calls)
        if not 0 < len(calls) <= MOST_CALLS:
            return _error(None, _INVALID, f"a batch has from 1 to {MOST_CALLS} calls")
        return [self._one(call) for call in calls]

    def _one(self, call: Any) -> dict[str, Any]:
        if not isinstance(call, dict):
            return _error(None, _INVALID, "a call is an object")
        name, method, parameters = call.get("id"), call.get("method"), call.get("params", [])
        if not isinstance(name, str | int | None):
            name = None
        if not isinstance(method, str) or method not in self._methods:
            return _error(name, _UNKNOWN_METHOD, f"the method {str(method)[:40]!r} is not offered")
        if not isinstance(parameters, list) or not self._may(method, parameters):
            return _error(
                name,
                _WRONG_PARAMETERS,
                f"{method} takes a list, and asks about the market and its token only",
            )
        return {"jsonrpc": "2.0", "id": name} | self._asked(method, parameters)

    def _asked(self, method: str, parameters: list[Any]) -> dict[str, Any]:
        """What the node says, as a result or as an error."""
        try:
            return {"result": self._node.request(method, parameters)}
        except Rejected as error:
            code = _SERVER if error.code is None else error.code
            return _failure(code, error.said, error.data)
        except RateLimited:
            return _failure(_LIMITED, "the node is asked too often: try again in a moment")
        except NodeError as error:
            return _failure(_SERVER, str(error))

    def _may(self, method: str, parameters: list[Any]) -> bool:
        return method not in _OF_THE_MARKET or self._is_about_us(method, parameters)

    def _is_about_us(self, method: str, parameters: list[Any]) -> bool:
        first = parameters[0] if parameters else None
        if method == "eth_getCode":
            return self._is_ours(first)
        if not isinstance(first, dict):
            return False
        if method == "eth_getLogs":
            address = first.get("address")
            addresses = address if isinstance(address, list) else [address]
            return bool(addresses) and all(map(self._is_ours, addresses))
        # What else a call may carry, such as another state of the chain, is nobody's need here.
        return self._is_ours(first.get("to")) and len(parameters) <= 2  # noqa: PLR2004

    def _is_ours(self, address: Any) -> bool:
        return isinstance(address, str) and address.lower() in self._contracts


def router(relay: Relay) -> APIRouter:
    """The request, as OpenAPI describes it."""
    routes = APIRouter()

    @routes.post(
        "/rpc",
        response_class=JSONResponse,
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}
        },
    )
    async def post_rpc(request: Request) -> Response:
        """JSON-RPC to the node behind this service: reads of the market, and no more."""
        return JSONResponse(await run_in_threadpool(relay.answer, await request.body()))

    return routes


def _error(name: Any, code: int, said: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": name} | _failure(code, said)


def _failure(code: int, said: str, data: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": said} | ({} if data is None else {"data": data})}
