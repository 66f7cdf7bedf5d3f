"""What the service bears from anyone, and what its answers forbid a browser."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from ape_v2v.serving import replayed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES = 128 * 1024
BODY_SECONDS = 10.0

REQUESTS = 100
"""That one address may make in `WINDOW_SECONDS`."""
LEFT = 10
"""Signatures that one address may leave in them."""
WINDOW_SECONDS = 10

REFUSED: dict[int | str, str] = {
    408: "The request did not come in in time.",
    413: "The request is too long.",
    429: "Too many requests from one address: try later.",
}
"""What any request may be answered with."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types v2v-sw"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer says to a browser."""
_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class Headers:
    """ASGI middleware: every answer has the headers that forbid a browser the rest."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        said = HEADERS | (_TLS if tls else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in said.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


class Gate:
    """ASGI middleware: refuses who asks too often, and what is too long or too slow."""

    def __init__(self, app: ASGIApp, *, requests: int = REQUESTS) -> None:
        """Stand before an application.

        Args:
            app: It.
            requests: That one address may make in `WINDOW_SECONDS`.
        """
        self._app = app
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._requests = RateLimitItemPerSecond(requests, WINDOW_SECONDS)
        self._left = RateLimitItemPerSecond(LEFT, WINDOW_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not await self._may(scope):
            said = f"too many requests from this address: try again in {WINDOW_SECONDS} s"
            await refuse(send, 429, said, {"retry-after": str(WINDOW_SECONDS)})
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive)
        except TimeoutError:
            await refuse(send, 408, f"the request did not come in within {BODY_SECONDS:g} s")
            return
        if body is None:
            await refuse(send, 413, f"a request has at most {BODY_BYTES} bytes")
            return
        await self._app(scope, replayed(body, receive), send)

    async def _may(self, scope: Scope) -> bool:
        address = (scope.get("client") or ("", 0))[0]
        leaves = scope["method"] == "POST" and "/pair/" in scope["path"]
        if leaves and not await self._limiter.hit(self._left, "leave", address):
            return False
        return await self._limiter.hit(self._requests, "ask", address)


async def _body(receive: Receive) -> bytes | None:
    """All of a request's body; None when it is too long."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            return None
        more = message.get("more_body", False)
    return body


async def refuse(send: Send, status: int, said: str, headers: dict[str, str] | None = None) -> None:
    """ServiceAnswer with one sentence, before anything reads the request."""
    body = json.dumps({"error": said}).encode()
    named = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        **(headers or {}),
    }
    encoded = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
