"""A beacon node that serves light clients of a test chain by HTTP; it lies when it is told to."""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.lightnode.beacon.chain import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lightnode.beacon.chain import Block, Chain

PATIENCE = 30  # seconds


@dataclass
class Served:
    """What a node has of a chain."""

    chain: Chain
    checkpoint: Block
    updates: dict[int, Any] = field(default_factory=dict)
    """By period."""
    finality_update: Any = None
    optimistic_update: Any = None

    @classmethod
    def until(cls, chain: Chain, slot: int, begin: int = 8, **head: Any) -> Served:
        """A chain that finalizes as it should, up to a slot.

        Args:
            chain: It.
            slot: The newest block's; it is signed in the next one.
            begin: The checkpoint's slot.
            head: Execution fields of the newest block, `latest`, and of the finalized one,
                `finalized`.
        """
        network = chain.network
        made = cls(chain, chain.block(begin))
        length = network.slots_per_period
        for period in range(network.period(begin), network.period(slot + 1)):
            end = (period + 1) * length
            early = chain.block(end - 3 * network.slots_per_epoch)
            made.updates[period] = chain.update(chain.block(end - 2, early))
        behind = max(begin, slot - 2 * network.slots_per_epoch)
        finalized = chain.block(behind, execution=head.get("finalized"))
        newest = chain.block(slot, finalized, head.get("latest"))
        made.finality_update = chain.update(newest, kind="finality_update")
        made.optimistic_update = chain.update(newest, kind="optimistic_update")
        period = network.period(slot)
        if network.period(behind) == period:
            made.updates[period] = chain.update(newest)
        return made

    def answer(self, path: str) -> Any:
        """The JSON for a path; None where there is nothing."""
        parts = urlsplit(path)
        what = parts.path.removeprefix("/eth/v1/beacon/")
        if what == f"light_client/bootstrap/0x{self.checkpoint.root.hex()}":
            return self.wrapped(self.chain.bootstrap(self.checkpoint))
        if what == "light_client/updates":
            asked = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
            periods = range(asked["start_period"], asked["start_period"] + asked["count"])
            return [self.wrapped(self.updates[p]) for p in periods if p in self.updates]
        if what in ("light_client/finality_update", "light_client/optimistic_update"):
            update = getattr(self, what.removeprefix("light_client/"))
            return None if update is None else self.wrapped(update)
        if what.startswith("headers/"):
            return self._header(what.removeprefix("headers/"))
        return None

    def wrapped(self, container: Any) -> dict[str, Any]:
        header = (
            container.header
            if "header" in type(container).fields()
            else (container.attested_header)
        )
        fork = self.chain.network.fork(int(header.beacon.slot)).name
        return {"version": fork, "data": as_json(container)}

    def _header(self, which: str) -> Any:
        slot = (
            int(self.finality_update.finalized_header.beacon.slot)
            if which == "finalized"
            else (int(which))
        )
        block = self.chain.blocks.get(slot)
        if block is None:
            return None
        return {
            "data": {
                "root": f"0x{block.root.hex()}",
                "header": {"message": as_json(block.beacon)},
            }
        }


class BeaconNode:
    """A node at a URL. `lies` changes an answer, by the first part of its path that fits."""

    def __init__(self, served: Served) -> None:
        self.url = ""
        self.served = served
        self.lies: dict[str, Callable[[Any], Any]] = {}
        self.asked: list[str] = []
        self.raw: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        """Answers that are no JSON, by a part of the path."""

    def answer(self, path: str) -> Any:
        self.asked.append(path)
        answer = self.served.answer(path)
        for part, lie in self.lies.items():
            if part in path:
                answer = lie(answer)
        return answer


@contextmanager
def beacon_node(served: Served, *, packed: bool = False) -> Iterator[BeaconNode]:
    """Serve on a free port of the loopback interface."""
    node = BeaconNode(served)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            for part, answer_raw in node.raw.items():
                if part in self.path:
                    answer_raw(self)
                    return
            answer = node.answer(self.path)
            missing = {"code": 404, "message": "not found"}
            body = json.dumps(missing if answer is None else answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            if packed:
                body = gzip.compress(body, 1)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    node.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield node
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()
