"""A proxy between the code under test and an Anvil, which answers as bad nodes and bad lines do.

    with FaultProxy(node_url) as proxy:
        proxy.fault = some(faults.LOST, of="eth_sendRawTransaction", once=True)
        …                                        # talk to proxy.url
        assert proxy.faulted                     # it has happened

The kinds of fault are in `tests.helpers.faults`: a fault gets a request and a function that passes
it on, and gives the answer instead, or something that happens to the line.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

Request: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, Any]
Forward: TypeAlias = Callable[[Request], Answer]


@dataclass(frozen=True)
class Http:
    """An HTTP answer of the proxy's own; the whole of it, for a batch too."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    """`Content-Length` may lie."""
    pause: float = 0.0
    """Seconds between two bytes."""


@dataclass(frozen=True)
class Cut:
    """The line is cut."""


@dataclass(frozen=True)
class Stall:
    """Nothing comes, for so many seconds or until the proxy is closed; then the line is cut."""

    seconds: float = 60.0


Outcome: TypeAlias = Answer | Http | Cut | Stall | None
"""What a fault does; None passes the request on as if there were none."""
Fault: TypeAlias = Callable[[Request, Forward], Outcome]
BatchFault: TypeAlias = Callable[[list[Request], Forward], Any]


def some(
    fault: Fault,
    *,
    of: str | Iterable[str] = (),
    once: bool = False,
    times: int | None = None,
    one_in: int = 1,
    after: int = 0,
) -> Fault:
    """A fault that only befalls some requests.

    Args:
        fault: What happens to them.
        of: Only requests for this method, or one of these; none: any.
        once: The first one only; `times=1` in short.
        times: So many of them, at most.
        one_in: One of so many.
        after: So many go well first.
    """
    methods = {of} if isinstance(of, str) else set(of)
    limit = 1 if once else times
    lock = threading.Lock()
    seen, done = 0, 0

    def befalls(request: Request) -> bool:
        nonlocal seen, done
        if methods and request["method"] not in methods:
            return False
        with lock:
            seen += 1
            if (
                seen <= after
                or (seen - after - 1) % one_in
                or (limit is not None and done >= limit)
            ):
                return False
            done += 1
            return True

    return lambda request, forward: fault(request, forward) if befalls(request) else None


class FaultProxy:
    """Passes JSON-RPC on to `upstream`, except where a fault says otherwise."""

    def __init__(
        self, upstream: str, fault: Fault | None = None, path: str = "", client: str | None = None
    ) -> None:
        """Prepare it; it listens from `with` on.

        Args:
            upstream: The node.
            fault: What goes wrong; may be changed at any time, None is a good line.
            path: Of its URL: a key, say.
            client: The program that seems to answer. None: what the node says.
        """
        self.fault = fault
        self.batch_fault: BatchFault | None = None
        """What becomes of a whole batch: an answer to it, or None."""
        self.asked: list[tuple[str, list[Any]]] = []
        """Every request, those in batches too."""
        self.batches: list[int] = []
        """How many requests each batch had."""
        self.faulted = 0
        """How many requests a fault has befallen."""
        self._upstream = urlsplit(upstream)
        self._path = path
        self._client = client
        self._local = threading.local()
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}{self._path}"
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, method: str) -> int:
        """How often a method was asked for."""
        return sum(1 for name, _ in self.asked if name == method)

    def forward(self, request: Request) -> Answer:
        """Ask the node itself."""
        if self._client is not None and request["method"] == "web3_clientVersion":
            return {"jsonrpc": "2.0", "id": request["id"], "result": self._client}
        return self.passed_on(request)

    def passed_on(self, body: Any) -> Any:
        """Ask the node, one thing or a batch of several."""
        connection = getattr(self._local, "connection", None)
        for attempt in (1, 2):
            if connection is None:
                assert self._upstream.hostname is not None
                connection = http.client.HTTPConnection(
                    self._upstream.hostname, self._upstream.port, timeout=60
                )
                self._local.connection = connection
            try:
                connection.request(
                    "POST", "/", json.dumps(body), {"Content-Type": "application/json"}
                )
                return json.loads(connection.getresponse().read())
            except (http.client.HTTPException, OSError):
                connection.close()
                connection = self._local.connection = None
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def outcome(self, body: Any) -> Any:
        """What becomes of a body: an answer to it, or something else that happens."""
        if not isinstance(body, list):
            return self._one(body)
        self.batches.append(len(body))
        if self.batch_fault is not None:
            self.asked += [(request["method"], request["params"]) for request in body]
            if (whole := self.batch_fault(body, self.forward)) is not None:
                self.faulted += 1
                return whole
            return [self.forward(request) for request in body]
        answers = []
        for request in body:
            answer = self._one(request)
            if not isinstance(answer, dict):
                return answer
            answers.append(answer)
        return answers

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the proxy's end."""
        self._closed.wait(seconds)

    def _one(self, request: Request) -> Any:
        self.asked.append((request["method"], request["params"]))
        found = None if self.fault is None else self.fault(request, self.forward)
        if found is None:
            return self.forward(request)
        self.faulted += 1
        return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, line: FaultProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.line = line

    def handle_error(self, *_: object) -> None:
        """Who asked has lost patience: that is what some faults are for."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: else the body waits for an acknowledgement

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        match self.server.line.outcome(body):
            case Stall(seconds):
                self.server.line.wait(seconds)
                self._cut()
            case Cut():
                self._cut()
            case Http() as answer:
                self._answer(answer)
            case answer:
                self._answer(Http(200, json.dumps(answer).encode()))

    def _answer(self, answer: Http) -> None:
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body)),
            **answer.headers,
        }
        try:
            self.send_response(answer.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.pause:
                self.wfile.flush()
                self._trickle(answer)
            else:
                self.wfile.write(answer.body)
        except OSError:  # who asked has lost patience
            self.close_connection = True
            return
        if int(headers["Content-Length"]) != len(answer.body):
            self._cut()

    def _trickle(self, answer: Http) -> None:
        for at in range(len(answer.body)):
            self.wfile.write(answer.body[at : at + 1])
            self.wfile.flush()
            time.sleep(answer.pause)

    def _cut(self) -> None:
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass
