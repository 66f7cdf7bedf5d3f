"""Kinds of fault that real nodes and real lines have, for `tests.helpers.fault_proxy`.

`ANYWHERE` may befall every request, `SENDING` those that send a transaction, `NETWORKS` are ways in
which a node is otherwise than others and right, `READING` befall what reads blocks and logs.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ape_v2v.chain.line.faults import NodeSilent
from tests.helpers.fault_proxy import Cut, Fault, Forward, Http, Outcome, Request, Stall

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SEND = "eth_sendRawTransaction"
RECEIPT = "eth_getTransactionReceipt"
BLOCK = "eth_getBlockByNumber"
LOGS = "eth_getLogs"


def result(request: Request, value: Any) -> dict[str, Any]:
    """An answer with a result."""
    return {"jsonrpc": "2.0", "id": request["id"], "result": value}


def error(request: Request, code: int | None, message: Any, **more: Any) -> dict[str, Any]:
    """An answer with an error."""
    told = (
        {"message": message, **more} if code is None else {"code": code, "message": message, **more}
    )
    return {"jsonrpc": "2.0", "id": request["id"], "error": told}


def instead(outcome: Callable[[Request], Outcome] | Http | Cut | Stall) -> Fault:
    """The request never reaches the node."""
    return lambda request, _forward: outcome(request) if callable(outcome) else outcome


def afterwards(outcome: Callable[[Request], Outcome] | Http | Cut | Stall) -> Fault:
    """The node gets the request, and its answer is lost."""

    def fault(request: Request, forward: Forward) -> Outcome:
        forward(request)
        return outcome(request) if callable(outcome) else outcome

    return fault


def refused(code: int | None, message: Any, **more: Any) -> Callable[[Request], Outcome]:
    """An error in the place of an answer."""
    return lambda request: error(request, code, message, **more)


def changed(change: Callable[[Any], Any]) -> Fault:
    """The result is another one than the node's."""

    def fault(request: Request, forward: Forward) -> Outcome:
        answer = forward(request)
        if "result" in answer:
            return {**answer, "result": change(answer["result"])}
        return answer

    return fault


def of(method: str, fault: Fault) -> Fault:
    """A fault of one method only."""
    return lambda request, forward: fault(request, forward) if request["method"] == method else None


def fields(**values: Any) -> Callable[[Any], Any]:
    """Another value for some fields of an object; a callable changes what is there."""

    def change(found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        new = {name: v(found.get(name)) if callable(v) else v for name, v in values.items()}
        return {**found, **new}

    return change


def _half(request: Request, forward: Forward) -> Outcome:
    body = json.dumps(forward(request)).encode()
    return Http(200, body[: len(body) // 2], {"Content-Length": str(len(body))})


def _cut_json(request: Request, forward: Forward) -> Outcome:
    body = json.dumps(forward(request)).encode()
    return Http(200, body[: len(body) // 2])


def _trickle(request: Request, forward: Forward) -> Outcome:
    return Http(200, json.dumps(forward(request)).encode(), pause=0.05)


_PAGE = b"<html><h1>Bad gateway</h1></html>"
_HTML = {"Content-Type": "text/html"}

LOST = afterwards(Cut())
"""The node has it, and nobody says so."""

_SLOW = ("nothing comes", "it trickles", "429", "a rate limit")


def while_all_is_well(ask: Callable[[], T]) -> T:
    """Ask a node that has no fault yet: on a busy machine it may be late once or twice."""
    for _ in range(2):
        with suppress(NodeSilent):
            return ask()
    return ask()


def timeout(*kinds: str) -> float:
    """Seconds to wait for an answer: few where giving up ends the fault, else more than a stall."""
    return 1.0 if any(kind.startswith(_SLOW) for kind in kinds) else 15.0


ANYWHERE: dict[str, Fault] = {
    "the line is cut before": instead(Cut()),
    "the answer is lost": LOST,
    "nothing comes": instead(Stall()),
    "nothing comes, and it was done": afterwards(Stall()),
    "half an answer comes": _half,
    "half of the JSON comes": _cut_json,
    "it trickles": _trickle,
    "an empty body": instead(Http(200)),
    "502": instead(Http(502, _PAGE, _HTML)),
    "502, and it was done": afterwards(Http(502, _PAGE, _HTML)),
    "503": instead(Http(503, b"overloaded", {"Content-Type": "text/plain"})),
    "504, and it was done": afterwards(Http(504, b"")),
    "a page for people": instead(Http(200, b"<html>Log in</html>", _HTML)),
    "a redirect": instead(Http(302, b"", {"Location": "http://127.0.0.1:9/login"})),
    "401": instead(Http(401, b"missing key")),
    "403": instead(Http(403, b'{"error": "forbidden"}')),
    "429 with Retry-After": instead(Http(429, b"", {"Retry-After": "0.2"})),
    "429": instead(Http(429, b'{"error": "slow down"}')),
    "a rate limit in HTTP 200": instead(refused(-32_005, "rate limit exceeded")),
    "a rate limit in other words": instead(refused(-32_016, "over rate limit")),
    "an internal error": instead(refused(-32_603, "Internal error")),
    "an internal error, and it was done": afterwards(refused(-32_603, "Internal error")),
    "an error that is an object": instead(refused(-32_000, {"reason": "x"})),
    "an error without a code": instead(refused(None, "something is wrong")),
    "an error that is a text": instead(
        lambda request: {"jsonrpc": "2.0", "id": request["id"], "error": "something is wrong"}
    ),
    "null": instead(lambda request: result(request, None)),
    "no result at all": instead(lambda request: {"jsonrpc": "2.0", "id": request["id"]}),
    "an answer of the wrong kind": instead(lambda request: result(request, {"what": []})),
}
"""What may happen to any request."""

SENDING: dict[str, Fault] = {
    "already known": of(SEND, afterwards(refused(-32_000, "already known"))),
    "known transaction": of(SEND, afterwards(refused(-32_010, "Known transaction: 0x12"))),
    "nonce too low, of itself": of(
        SEND, afterwards(refused(-32_000, "nonce too low: next nonce 9, tx nonce 8"))
    ),
    "underpriced, of itself": of(
        SEND, afterwards(refused(-32_000, "replacement transaction underpriced"))
    ),
    "the hash is null": of(SEND, afterwards(lambda request: result(request, None))),
    "the hash is another one": of(SEND, changed(lambda _: "0x" + "12" * 32)),
    "taken and forgotten": of(SEND, instead(lambda request: result(request, "0x" + "12" * 32))),
    "refused": of(SEND, instead(refused(-32_000, "transaction pool is full"))),
    "the receipt has null fields": of(
        RECEIPT,
        changed(fields(effectiveGasPrice=None, contractAddress=None, logsBloom=None, type=None)),
    ),
    "the receipt has no logs field and more others": of(
        RECEIPT, changed(fields(l1Fee="0x0", l1GasUsed=None, timeboosted=False, depositNonce=None))
    ),
    "the receipt is late": of(RECEIPT, instead(lambda request: result(request, None))),
    "the receipt has no status": of(RECEIPT, changed(fields(status=None))),
    "no estimate": of("eth_estimateGas", instead(refused(-32_000, "estimation timed out"))),
}
"""What may happen to a transaction; `the receipt is late` and `no status` last until taken away."""


def _no_pending(request: Request, forward: Forward) -> Outcome:
    if "pending" not in request["params"]:
        return None
    if request["method"] == BLOCK:
        return result(request, None)
    return error(request, -32_602, "pending state is not supported")


def _missing(*methods: str) -> Fault:
    return lambda request, _forward: (
        error(request, -32_601, f"the method {request['method']} does not exist")
        if request["method"] in methods
        else None
    )


def _no_base_fee(request: Request, forward: Forward) -> Outcome:
    if request["method"] == "eth_maxPriorityFeePerGas":
        return error(request, -32_601, "the method does not exist")
    if request["method"] != BLOCK:
        return None
    answer = forward(request)
    if isinstance(answer.get("result"), dict):
        del answer["result"]["baseFeePerGas"]
    return answer


def _null_fees(request: Request, forward: Forward) -> Outcome:
    if request["method"] in ("eth_maxPriorityFeePerGas",):
        return result(request, None)
    return None


def _more_fields(request: Request, forward: Forward) -> Outcome:
    if request["method"] not in (BLOCK, RECEIPT, "eth_getTransactionByHash"):
        return None
    return changed(fields(l1BlockNumber="0x1", sendRoot=None, logsBloom=None, signature={}))(
        request, forward
    )


NETWORKS: dict[str, Fault] = {
    "no pending state": _no_pending,
    "no eth_maxPriorityFeePerGas": _missing("eth_maxPriorityFeePerGas"),
    "no eth_feeHistory": _missing("eth_feeHistory"),
    "no eth_gasPrice": _missing("eth_gasPrice"),
    "no base fee": _no_base_fee,
    "null fees": _null_fees,
    "more fields than usual": _more_fields,
}
"""Nodes that are otherwise than others, and right."""


def lagging(blocks: int, methods: tuple[str, ...] = ("eth_blockNumber", BLOCK, LOGS)) -> Fault:
    """A node that is so many blocks behind, and says nothing of it."""

    def fault(request: Request, forward: Forward) -> Outcome:
        if request["method"] not in methods:
            return None
        head = int(forward({**request, "method": "eth_blockNumber", "params": []})["result"], 16)
        return _as_of(max(0, head - blocks), request, forward)

    return fault


def _as_of(seen: int, request: Request, forward: Forward) -> Outcome:
    """What a node answers that has seen no more than so many blocks."""
    if request["method"] == "eth_blockNumber":
        return result(request, hex(seen))
    first, *rest = request["params"]
    if request["method"] == BLOCK:
        if first in ("latest", "pending", "safe", "finalized"):
            return forward({**request, "params": [hex(seen), *rest]})
        unknown = first != "earliest" and int(first, 16) > seen
        return result(request, None) if unknown else None
    filters = dict(first)
    if filters.get("toBlock", "").startswith("0x"):
        filters["toBlock"] = hex(min(int(filters["toBlock"], 16), seen))
        if int(filters["fromBlock"], 16) > seen:
            return result(request, [])
    return forward({**request, "params": [filters]})


def logs(change: Callable[[list[Any]], Any]) -> Fault:
    """Other logs than the node's."""
    return of(LOGS, changed(change))


def each_log(**values: Any) -> Fault:
    """Another value for some fields of every log; a callable changes what is there."""
    return logs(lambda found: [fields(**values)(log) for log in found])


def one_more(**values: Any) -> Fault:
    """A log more, like the last one but for these fields."""
    return logs(
        lambda found: [*found, {**found[-1], "logIndex": "0x77", **values}] if found else []
    )


def _without(name: str) -> Fault:
    return logs(lambda found: [{k: v for k, v in log.items() if k != name} for log in found])


READING: dict[str, Fault] = {
    "the head lags": lagging(15),
    "the logs lag": lagging(15, (LOGS,)),
    "null instead of no logs": logs(lambda found: found or None),
    "no times": _without("blockTimestamp"),
    "times are null": each_log(blockTimestamp=None),
    "times are numbers": each_log(blockTimestamp=lambda value: value and int(value, 16)),
    "times are zero": each_log(blockTimestamp="0x0"),
    "a removed log": one_more(removed=True),
    "a log of another contract": one_more(address="0x" + "11" * 20),
    "a log with an unknown topic": one_more(topics=["0x" + "ab" * 32]),
    "a pending log": one_more(blockNumber=None, blockHash=None, logIndex=None),
    "every log twice": logs(lambda found: [log for log in found for _ in (1, 2)]),
    "logs in another order": logs(lambda found: found[::-1]),
    "logs cut without a word": logs(lambda found: found[:50]),
    "the head is null": of("eth_blockNumber", instead(lambda request: result(request, None))),
    "blocks without a bloom": of(BLOCK, changed(fields(logsBloom=None))),
    "addresses in capitals": each_log(address=lambda value: value and "0x" + value[2:].upper()),
}
"""What may happen to who reads blocks and logs."""


def reversed_batch(requests: list[Request], forward: Forward) -> Any:
    """Answers to a batch in another order."""
    return [forward(request) for request in requests][::-1]


def incomplete_batch(requests: list[Request], forward: Forward) -> Any:
    """A batch with an answer missing."""
    return [forward(request) for request in requests][:-1]


def refused_batch(requests: list[Request], _forward: Forward) -> Any:
    """A node that takes no batches."""
    return error({**requests[0], "id": None}, -32_600, "batch requests are not supported")


def http_refused_batch(_requests: list[Request], _forward: Forward) -> Any:
    """A node that takes no batches, and says so by HTTP."""
    return Http(400, b"Bad request")


BATCHES = {
    "answers in another order": reversed_batch,
    "an answer missing": incomplete_batch,
    "batches refused": refused_batch,
    "batches refused by HTTP": http_refused_batch,
}
"""What may happen to a batch; by `FaultProxy.batch_fault`."""
