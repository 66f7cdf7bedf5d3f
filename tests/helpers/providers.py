"""A provider as the public ones are: it passes requests on to a node, and refuses some of them.

It listens on this machine, between the code under test and an Anvil.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Refusal(NamedTuple):
    """In which words a provider refuses."""

    status: int
    body: bytes


def error(code: int, message: str, status: int = 200) -> Refusal:
    """A refusal in JSON-RPC."""
    answer = {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}
    return Refusal(status, json.dumps(answer).encode())


TOO_MANY_REQUESTS = error(429, "compute units per second exceeded", status=429)

TOO_MUCH = {
    "too many blocks": error(-32602, "eth_getLogs is limited to 0 - 4 blocks range"),
    "too many blocks, by HTTP": error(-32614, "eth_getLogs is limited to a 5 range", 413),
    "too many results": error(
        -32005, "query returned more than 10000 results. Try with this block range [0x1, 0x5]."
    ),
    "too long an answer": error(-32602, "Log response size exceeded.", 400),
    "too slow": error(-32000, "query timeout exceeded"),
    "a gateway's page": Refusal(413, b"<html>413 Request Entity Too Large</html>"),
    "a page for people": Refusal(200, b"<html>This took too long</html>"),
    "JSON of its own": Refusal(400, b'{"error": "the query is too large"}'),
    "a cut line": Refusal(0, b""),
}


@dataclass
class Provider:
    """Passes JSON-RPC on to `node`; `asked` is what it was asked."""

    node: str
    refusal: Refusal = TOO_MUCH["too many blocks"]
    """Its answer to a request for more events than it gives at once."""
    max_blocks: int | None = None
    max_results: int | None = None
    tells_times: bool = True
    before: Callable[[str, list[Any]], Refusal | None] = lambda _method, _parameters: None
    """Called before a request is passed on; what it returns is the answer instead."""
    asked: list[tuple[str, list[Any]]] = field(default_factory=list)

    def answer(self, body: bytes) -> Refusal:
        content = json.loads(body)
        if not isinstance(content, list):
            return self._answer(content, body)
        answers = []
        for request in content:
            status, answer = self._answer(request, json.dumps(request).encode())
            if not status or not answer.startswith(b"{"):
                return Refusal(status, answer)
            answers.append({**json.loads(answer), "id": request["id"]})
        return Refusal(200, json.dumps(answers).encode())

    def _answer(self, request: dict[str, Any], body: bytes) -> Refusal:
        method, parameters = request["method"], request["params"]
        self.asked.append((method, parameters))
        if refusal := self.before(method, parameters):
            return refusal
        if method == "eth_getLogs" and self.max_blocks is not None and "fromBlock" in parameters[0]:
            first, last = block_range(parameters)
            if last - first + 1 > self.max_blocks:
                return self.refusal
        forward = urllib.request.Request(
            self.node, body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(forward, timeout=30) as response:
            answer = response.read()
        if method == "eth_getLogs":
            content = json.loads(answer)
            if self.max_results is not None and len(content["result"]) > self.max_results:
                return self.refusal
            if not self.tells_times:
                for log in content["result"]:
                    del log["blockTimestamp"]
                answer = json.dumps(content).encode()
        return Refusal(200, answer)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The first and the last block of every request for events by their numbers.

        Without those that look again at the end of the one before.
        """
        found: list[tuple[int, int]] = []
        for method, given in self.asked:
            if method == "eth_getLogs" and "fromBlock" in given[0]:
                first, last = block_range(given)
                if not found or last != found[-1][1] or first <= found[-1][0]:
                    found.append((first, last))
        return found


def block_range(parameters: list[Any]) -> tuple[int, int]:
    """Which blocks a request for events is about."""
    (filters,) = parameters
    return int(filters["fromBlock"], 16), int(filters["toBlock"], 16)


class Line:
    """Where a provider is reached. Who is at the other end may change."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def __enter__(self) -> Self:
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: else the body waits for an acknowledgement

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = line.provider.answer(body)
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
