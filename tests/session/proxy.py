"""A bad link: it cuts, delays, duplicates and reorders what goes through it."""

from __future__ import annotations

import http.client
import random
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = ("lose request", "lose answer", "delay", "duplicate", "repeat an older one")
_TIMEOUT = 10  # seconds
_DELAY = 0.2  # seconds


class _Cut(Exception):
    """The connection is gone."""


class FaultyLink:
    """What happens to each message; `seen` counts how often each fault occurred."""

    def __init__(self, upstream: str, rate: float, seed: int) -> None:
        self._upstream = urlsplit(upstream)
        self._rate = rate
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._older: list[tuple[str, bytes]] = []
        self.seen = dict.fromkeys(FAULTS, 0)

    def carry(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Bring a request to the provider and its answer back, or not.

        Raises:
            _Cut: Not.
        """
        fault = self._fault()
        if fault == "lose request":
            raise _Cut
        if fault == "delay":
            time.sleep(_DELAY)
        if fault == "duplicate":
            self._forward(path, body)
        if fault == "repeat an older one":
            self._forward(*self._random.choice(self._older or [(path, body)]))
        answer = self._forward(path, body)
        with self._lock:
            self._older.append((path, body))
        if fault == "lose answer":
            raise _Cut
        return answer

    def _fault(self) -> str | None:
        with self._lock:
            if self._random.random() >= self._rate:
                return None
            fault = self._random.choice(FAULTS)
            self.seen[fault] += 1
            return fault

    def _forward(self, path: str, body: bytes) -> tuple[int, bytes]:
        assert self._upstream.hostname is not None
        upstream = http.client.HTTPConnection(
            self._upstream.hostname, self._upstream.port, timeout=_TIMEOUT
        )
        try:
            upstream.request("POST", path, body, {"Content-Type": "application/json"})
            answer = upstream.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise _Cut from error
        finally:
            upstream.close()


@contextmanager
def faulty_link(
    upstream: str, rate: float = 0.3, seed: int = 1
) -> Iterator[tuple[str, FaultyLink]]:
    """A link to a provider on which so many messages meet with a fault: its address, and itself."""
    link = FaultyLink(upstream, rate, seed)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, answer = link.carry(self.path, body)
            except _Cut:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", link
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
