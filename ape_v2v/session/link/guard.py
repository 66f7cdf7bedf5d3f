"""What the service bears from anyone on the network: so much at a time, so large, so slow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    requests: int = 32
    """At a time."""


class Guard:
    """ASGI middleware: refuses what goes beyond the bounds, before anything reads it."""

    def __init__(self, app: App, bounds: Bounds) -> None:
        self._app = app
        self._bounds = bounds
        self._running = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._running >= self._bounds.requests:
            await _refuse(
                send,
                SessionError(ErrorCode.TOO_MANY_REQUESTS, "too many requests at a time: try later"),
            )
            return
        self._running += 1
        try:
            body = await self._body(receive)
            await self._app(scope, _replay(body, receive), send)
        except SessionError as error:
            await _refuse(send, error)
        finally:
            self._running -= 1

    async def _body(self, receive: Receive) -> bytes:
        body = b""
        try:
            async with asyncio.timeout(self._bounds.body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        break
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > self._bounds.body_bytes:
                        raise SessionError(
                            ErrorCode.MESSAGE_TOO_LARGE,
                            f"a message has at most {self._bounds.body_bytes} bytes",
                        )
        except TimeoutError as error:
            raise SessionError(
                ErrorCode.REQUEST_TIMEOUT,
                f"the message did not come in within {self._bounds.body_seconds:.0f} s",
            ) from error
        return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the application a body that has been read."""
    given = False

    async def replayed() -> Any:
        nonlocal given
        if given:
            return await receive()  # that the other side has gone
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


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
