"""What attackers need: a client that sends anything, a provider that answers anything."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
from eth_utils.crypto import keccak

from ape_v2v.metering.meter import MeterReading
from ape_v2v.session.link.guard import Bounds, refusal
from ape_v2v.session.link.server import Service, create_app
from ape_v2v.session.link.serving import serve
from ape_v2v.session.protocol import wire
from ape_v2v.session.protocol.codes import SessionError
from ape_v2v.session.protocol.wire import PREFIX, Message
from ape_v2v.session.terms import SessionPatience, SessionTerms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape_v2v.metering.meter import Meter
    from ape_v2v.session.protocol.codes import ErrorCode
    from ape_v2v.session.provider import Provider
    from tests.session.admissions import Admission

PATIENCE = 20.0  # seconds, for what should take one
REQUESTS: dict[str, tuple[type[Message], str]] = {
    "session-setup": (wire.SessionSetupReq, "setup"),
    "authorization": (wire.AuthorizationReq, "authorize"),
    "meter-value": (wire.MeterValueReq, "meter_value"),
    "metering-receipt": (wire.MeteringReceiptReq, "receipt"),
    "session-stop": (wire.SessionStopReq, "stop"),
    "settlement": (wire.SettlementReq, "settlement"),
}


def wait_until(true: Callable[[], object], what: str) -> None:
    """Wait, but not for ever."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, f"{what}: not after {PATIENCE} s"
        time.sleep(0.01)


# A client


@contextmanager
def served(provider: Provider, bounds: Bounds | None = None) -> Iterator[str]:
    """The real service in this process, on a free port of the loopback interface."""
    urls: list[str] = []
    service = Service(create_app(provider, bounds), bounds=bounds, on_start=urls.append)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=service.run, args=([listening],))
    thread.start()
    try:
        wait_until(lambda: urls, "the service starts")
        yield urls[0]
    finally:
        service.should_exit = True
        thread.join(PATIENCE)
        listening.close()
        assert not thread.is_alive(), "the service does not stop"


class Client:
    """Sends what it likes. Has the keys of the consumer and of somebody else."""

    def __init__(self, url: str, there: Admission) -> None:
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)
        self.there = there
        self.heard: list[tuple[str, str]] = []

    def close(self) -> None:
        self.http.close()

    def send(self, path: str, message: Message | str | bytes) -> httpx.Response:
        content = message.text() if isinstance(message, Message) else message
        return self.http.post(f"{PREFIX}/{path}", content=content)

    def ask(self, path: str, message: Message) -> dict[str, Any]:
        """Send what is accepted."""
        answer = self.send(path, message)
        assert answer.is_success, answer.text
        self.heard.append((path, message.text()))
        return answer.json()

    def refused(self, code: ErrorCode, path: str, message: Message | str | bytes) -> None:
        """Send what is refused by this name, with its status, and changes nothing stored."""
        before = self.there.stored
        answer = self.send(path, message)
        assert answer.json()["error"] == str(code), answer.text
        assert answer.status_code == code.status
        assert answer.json()["responseCode"] == code.response_code
        assert self.there.stored == before

    def set_up(self) -> tuple[wire.SessionSetupReq, wire.SessionSetupRes]:
        request = self.there.setup_request()
        answer = self.send("session-setup", request)
        self.heard.append(("session-setup", request.text()))
        return request, wire.SessionSetupRes.received(answer.content)

    def admitted(self) -> bytes:
        """Shake hands as the consumer; the session's id."""
        answer = self.ask("authorization", self.there.authorization(*self.set_up()))
        return bytes.fromhex(answer["sessionId"][2:])

    def value(self, session_id: bytes, target: int | None = None) -> tuple[int, bytes]:
        """The next reading: energy and hash."""
        request = wire.MeterValueReq(session_id=session_id, target_energy_wh=target)
        answer = self.ask("meter-value", request)
        return int(answer["energyWh"]), keccak(hexstr=answer["meterRecord"])

    def acknowledge(self, session_id: bytes, energy_wh: int, meter_data_hash: bytes) -> int:
        """Sign for energy as the consumer; what the provider has then."""
        request = self.there.receipt_for(session_id, energy_wh, meter_data_hash)
        return int(self.ask("metering-receipt", request)["acknowledgedWh"])

    def charge_up_to(self, session_id: bytes, energy_wh: int) -> tuple[int, bytes]:
        """Acknowledge readings until there is so much; the last one."""
        while True:
            value = self.value(session_id)
            self.acknowledge(session_id, *value)
            if value[0] >= energy_wh:
                return value

    def settlement(self, session_id: bytes) -> dict[str, Any]:
        return self.ask("settlement", wire.SettlementReq(session_id=session_id))


@contextmanager
def attacking(there: Admission, bounds: Bounds | None = None) -> Iterator[Client]:
    """A client of a provider's real service."""
    with served(there.provider, bounds) as url:
        client = Client(url, there)
        with closing(client):
            yield client


AT_ONCE = SessionPatience(
    for_the_last_receipt=0.1,
    for_the_consumer=0,
    between_looks=0.02,
    between_looks_at_the_chain=0.05,
)


@contextmanager
def attacking_to_the_end(there: Admission, patience: SessionPatience = AT_ONCE) -> Iterator[Client]:
    """A client of a provider that settles by itself, as the command does; waits for that."""
    urls: list[str] = []
    settings = {"patience": patience, "on_start": urls.append}
    thread = threading.Thread(target=serve, args=(there.provider,), kwargs=settings, daemon=True)
    thread.start()
    wait_until(lambda: urls, "the service starts")
    client = Client(urls[0], there)
    with closing(client):
        yield client
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the provider does not settle"


def delivered(there: Admission) -> float:
    """What has come through the cable, Wh."""
    flow = there.cable.flow()
    return flow.energy_at(there.cable.clock()) if flow else 0.0


# A provider


@dataclass
class HostileProvider:
    """Answers as a real provider does, unless a twist for the path says otherwise.

    A twist gets the request and a function that gives the honest answer.
    """

    provider: Provider
    twists: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        kind, method = REQUESTS[path]
        self.asked.append(path)
        request = kind.received(body)

        def honest() -> Message:
            return getattr(self.provider, method)(request)

        try:
            twist = self.twists.get(path)
            answer = twist(request, honest) if twist else honest()
        except SessionError as error:
            return int(error.code.status), refusal(error).text().encode()
        return 200, answer if isinstance(answer, bytes) else answer.text().encode()


@contextmanager
def hostile(provider: Provider, **twists: Any) -> Iterator[tuple[str, HostileProvider]]:
    """A server that is written for the purpose, at a URL."""
    there = HostileProvider(provider, {name.replace("_", "-"): f for name, f in twists.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = there.answer(self.path.removeprefix(f"{PREFIX}/"), body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", there
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


@dataclass
class LyingMeter:
    """Says more, or less, than it has measured."""

    meter: Meter
    factor: float

    @property
    def id(self) -> str:
        return self.meter.id

    def read(self) -> MeterReading:
        true = self.meter.read()
        energy = int(true.energy_wh * self.factor)
        record = json.dumps({"energyWh": energy, "meter": self.id}).encode()
        return MeterReading(energy, true.power_w, true.at, record)


IMPATIENT = SessionTerms(
    meter_interval=0.2, link_timeout=1, stall_timeout=1, settlement_timeout=1, chain_interval=0.05
)
