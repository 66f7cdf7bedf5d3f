"""What the service bears from anyone on the network: so much at a time, so large, so slow."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.serving import replayed
from ape_v2v.session.link.places import Places
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.wire import ErrorRes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]
    App = Callable[[Any, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Bounds:
    """What one provider's service bears."""

    body_bytes: int = 4 * 1024
    """The longest message has about 600 bytes."""
    body_seconds: float = 5.0
    """How long a message may take to come in."""
    header_seconds: float = 10.0
    """How long its head may take, from the first byte or from the connection on."""
    slow: int = 32
    """How many messages may be coming in at a time; the oldest gives way."""
    slow_per_address: int = 16
    connections: int = 128
    """How many connections may be open without a message; the oldest gives way."""
    connections_per_address: int = 64
    requests: int = 32
    """How many messages are answered at a time."""
    requests_per_address: int = 16
    kept: int = 8
    """So many of these places are kept for whoever has a session."""


class Guard:
    """ASGI middleware: refuses what goes beyond the bounds, before anything reads it."""

    def __init__(self, app: App, bounds: Bounds, holds: Callable[[bytes], bool]) -> None:
        """Stand before an application.

        Args:
            app: It.
            bounds: What it bears.
            holds: Tells whether a message comes from whoever has a session.
        """
        self._app = app
        self._bounds = bounds
        self._holds = holds
        self._slow = Places(bounds.slow, bounds.slow_per_address)
        self._answering: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = (scope.get("client") or ("", 0))[0]
        try:
            body = await self._body(receive, address)
        except SessionError as error:
            await _refuse(send, error)
            return
        if not self._has_place(address, body):
            await _refuse(
                send,
                SessionError(ErrorCode.TOO_MANY_REQUESTS, "too many requests at a time: try later"),
            )
            return
        self._answering[address] += 1
        try:
            await self._app(scope, replayed(body, receive), send)
        finally:
            self._answering[address] -= 1
            if not self._answering[address]:
                del self._answering[address]

    def _has_place(self, address: str, body: bytes) -> bool:
        """Whether a message is answered now; some places are kept for whoever has a session."""
        bounds, answering = self._bounds, self._answering.total()
        free = (
            answering < bounds.requests - bounds.kept
            and self._answering[address] < bounds.requests_per_address
        )
        return free or (answering < bounds.requests and self._holds(body))

    async def _body(self, receive: Receive, address: str) -> bytes:
        body = b""
        limit = asyncio.timeout(self._bounds.body_seconds)
        try:
            async with limit:
                message = await receive()
                while message["type"] != "http.disconnect":
                    body += message.get("body", b"")
                    if len(body) > self._bounds.body_bytes:
                        raise SessionError(
                            ErrorCode.MESSAGE_TOO_LARGE,
                            f"a message has at most {self._bounds.body_bytes} bytes",
                        )
                    if not message.get("more_body", False):
                        break
                    self._slow.take(limit, address, lambda: limit.reschedule(0))  # is slow
                    message = await receive()
        except TimeoutError as error:
            raise SessionError(
                ErrorCode.REQUEST_TIMEOUT,
                f"the message did not come in within {self._bounds.body_seconds:g} s, or many "
                "others were coming in: send it at once",
            ) from error
        finally:
            self._slow.leave(limit, address)
        return body


def refusal(error: SessionError) -> ErrorRes:
    """What the other side is told."""
    return ErrorRes(
        error=str(error.code), response_code=error.code.response_code, message=str(error)
    )


async def _refuse(send: Send, error: SessionError) -> None:
    body = refusal(error).text().encode()
    headers = {
        "content-type": "application/json",
        "content-length": len(body),
        "connection": "close",
    }
    await send(
        {
            "type": "http.response.start",
            "status": int(error.code.status),
            "headers": [(name.encode(), str(value).encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
