"""What services of this package share: they say where they are, and give a read body again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[Any]]


class AnnouncedServer(uvicorn.Server):
    """A server that tells its address once it can be reached."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[str], None]) -> None:
        """Prepare to serve.

        Args:
            config: What, and how.
            on_start: Told the URL.
        """
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            scheme = "https" if self.config.is_ssl else "http"
            self._on_start(f"{scheme}://{shown}:{port}")


def replayed(body: bytes, receive: Receive) -> Receive:
    """Give an application a body that has been read."""
    given = False

    async def again() -> Any:
        nonlocal given
        if given:
            return await receive()  # that the other side has gone
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
