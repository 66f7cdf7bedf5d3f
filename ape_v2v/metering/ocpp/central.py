"""The central system that chargers connect to: one for each address, in a thread of its own."""

from __future__ import annotations

import asyncio
import hmac
import ssl
import threading
from base64 import b64decode
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from websockets.asyncio.server import serve

from ape_v2v.errors import ConfigurationError
from ape_v2v.listening import require_certificate
from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.ocpp.conversation import Conversation
from ape_v2v.metering.ocpp.dialect import SUBPROTOCOLS, spoken
from ape_v2v.metering.ocpp.station import ChargingStation

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

_MOST_BYTES = 256 * 1024
_OPEN_SECONDS = 5.0
_PING_SECONDS = 20.0
_START_SECONDS = 10.0
_REPLACED = 1000


@dataclass
class _Admitted:
    """A charger that is let in."""

    station: ChargingStation
    password: str | None
    interval: int
    socket: ServerConnection | None = field(default=None)


class CentralSystem:
    """Listens at one address. Only chargers that are expected get in."""

    def __init__(self, host: str, port: int, certificate: tuple[Path, Path] | None = None) -> None:
        """Listen.

        Args:
            host: Where.
            port: Where; 0 for a free one.
            certificate: Files of a certificate and its key, for TLS.

        Raises:
            ConfigurationError: It cannot be listened there, or these are no certificate.
        """
        if certificate is not None:
            require_certificate(*certificate)
        self.port = port
        self._host, self._named = host, port
        self.certificate = certificate
        self._chargers: dict[str, _Admitted] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        started: Future[int] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name="central system", daemon=True
        )
        self._thread.start()
        self.port = started.result(_START_SECONDS)

    def admit(
        self, name: str, *, outlet: int, password: str | None, interval: int
    ) -> ChargingStation:
        """Expect a charger; asked again, it is the same.

        Raises:
            ConfigurationError: It is expected with something else already.
        """
        with self._lock:
            known = self._chargers.get(name)
            if known is None:
                station = ChargingStation(name, outlet)
                self._chargers[name] = _Admitted(station, password, interval)
                return station
        if (known.station.outlet, known.password) != (outlet, password):
            raise ConfigurationError(
                f"the charger {name} is named twice, with another connector or password: name its "
                "meter and its source by the same ones"
            )
        return known.station

    def run(self, task: Callable[[], Coroutine[Any, Any, Any]]) -> Future[Any]:
        """Have something done in the thread of the chargers' connections.

        Raises:
            MeterError: It is closed.
        """
        self._require_open()
        return asyncio.run_coroutine_threadsafe(task(), self._loop)

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have something called there, soon.

        Raises:
            MeterError: It is closed.
        """
        self._require_open()
        self._loop.call_soon_threadsafe(function, *arguments)

    def close(self) -> None:
        """Hang up, and listen no more."""
        with _lock:
            _systems.pop((self._host, self._named), None)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_START_SECONDS)

    def _require_open(self) -> None:
        if self._loop.is_closed():
            raise MeterError("the central system that the charger connected to was closed")

    def _run(self, started: Future[int]) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(started))
        finally:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _serve(self, started: Future[int]) -> None:
        context = None
        try:
            if self.certificate is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(*self.certificate)
            server = await serve(
                self._speak,
                self._host,
                self.port,
                subprotocols=SUBPROTOCOLS,  # type: ignore[arg-type]
                process_request=self._judge,
                ssl=context,
                max_size=_MOST_BYTES,
                open_timeout=_OPEN_SECONDS,
                ping_interval=_PING_SECONDS,
                ping_timeout=_PING_SECONDS,
                close_timeout=1,
                compression=None,
                server_header=None,
            )
        except (OSError, OverflowError, ssl.SSLError) as error:
            started.set_exception(
                ConfigurationError(
                    f"chargers cannot be listened for on {self._host}, port {self.port} ({error}): "
                    "name another address, or end what listens there"
                )
            )
            return
        async with server:
            started.set_result(int(next(iter(server.sockets)).getsockname()[1]))
            await self._stop.wait()

    def _judge(self, socket: ServerConnection, request: Request) -> Response | None:
        """Refuse whoever is not expected, before anything else is said."""
        charger = self._chargers.get(_name(request.path))
        if charger is None:
            return socket.respond(HTTPStatus.NOT_FOUND, "no charger of this name is expected\n")
        if charger.password is not None:
            shown = request.headers.get("Authorization", "")
            if not _is_password(shown, charger):
                return socket.respond(HTTPStatus.UNAUTHORIZED, "a wrong name or password\n")
        return None

    async def _speak(self, socket: ServerConnection) -> None:
        assert socket.request is not None, "it was judged by its request"
        assert socket.subprotocol is not None, "and let in with a version of OCPP only"
        charger = self._chargers[_name(socket.request.path)]
        if charger.socket is not None:  # its connection was cut, and only it has seen that
            await charger.socket.close(_REPLACED, "another connection of this charger")
        station = charger.station
        line = Conversation(
            socket,
            station,
            spoken(socket.subprotocol),
            interval=charger.interval,
        )
        charger.socket, station.line = socket, line
        station.wake()
        try:
            await line.run()
        finally:
            if charger.socket is socket:
                charger.socket, station.line = None, None
            station.wake()


def _name(path: str) -> str:
    return unquote(path.partition("?")[0].rstrip("/").rpartition("/")[2])


def _is_password(shown: str, charger: _Admitted) -> bool:
    assert charger.password is not None, "or none is asked for"
    kind, _, text = shown.partition(" ")
    try:
        said = b64decode(text, validate=True)
    except ValueError:
        return False
    expected = f"{charger.station.name}:{charger.password}".encode()
    return kind.lower() == "basic" and hmac.compare_digest(said, expected)


_systems: dict[tuple[str, int], CentralSystem] = {}
_lock = threading.Lock()


def central_at(host: str, port: int, certificate: tuple[Path, Path] | None = None) -> CentralSystem:
    """The central system at an address: a meter and a source of one charger share it.

    Raises:
        ConfigurationError: It cannot be listened there, these are no certificate, or it listens
            there with another one.
    """
    with _lock:
        if (host, port) not in _systems:
            _systems[host, port] = CentralSystem(host, port, certificate)
        central = _systems[host, port]
    if certificate not in {None, central.certificate}:
        raise ConfigurationError(
            f"chargers are listened for on {host}, port {port}, with another certificate: name the "
            "meter and the source of a charger by the same one"
        )
    return central
