"""A node that lies: an HTTP proxy before a real one, which changes some of its answers."""

from __future__ import annotations

import json
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30  # seconds


def ask(url: str, method: str, parameters: list[Any]) -> dict[str, Any]:
    """Send a JSON-RPC request by plain HTTP, and return the whole answer."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        answer: dict[str, Any] = json.loads(response.read())
    return answer


class LyingNode:
    """Passes requests on. `lies` has a function for each method whose result it changes."""

    def __init__(self, url: str, truth: str) -> None:
        self.url = url
        self.truth = truth
        self.lies: dict[str, Callable[[Any], Any]] = {}
        self.asked: list[str] = []

    def __call__(self, method: str, parameters: Any) -> Any:
        """Ask it as a light node does, through the network."""
        return ask(self.url, method, list(parameters))["result"]

    def honest(self, method: str, *parameters: Any) -> Any:
        """What the real node says."""
        return ask(self.truth, method, list(parameters))["result"]

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        method = request["method"]
        self.asked.append(method)
        answer = ask(self.truth, method, request["params"])
        if method in self.lies:
            answer["result"] = self.lies[method](answer["result"])
        return answer


@contextmanager
def lying_node(truth: str) -> Iterator[LyingNode]:
    """A proxy before the node at a URL, on a free port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            asked = json.loads(self.rfile.read(length))
            told = list(map(node.answer, asked)) if isinstance(asked, list) else node.answer(asked)
            answer = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    node = LyingNode(f"http://127.0.0.1:{server.server_port}", truth)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield node
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()
