"""A connection to the service: a request has to begin on it in time, or it gives its place away."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ape_v2v.session.link.guard import refusal
from ape_v2v.session.link.places import Places
from ape_v2v.session.protocol.codes import ErrorCode, SessionError

if TYPE_CHECKING:
    import asyncio

    from ape_v2v.session.link.guard import Bounds

HOLDER = "v2v.holder"
"""Set in a request's scope once it has shown that it comes from whoever has a session."""


def hasty(bounds: Bounds) -> type[asyncio.Protocol]:
    """The connections of one service, within its bounds."""
    places = Places(bounds.connections, bounds.connections_per_address)
    own = {"places": places, "header_seconds": bounds.header_seconds}
    return type("_Hasty", (_Connection,), own)


class _Connection(H11Protocol):
    """A connection that waits in a place until a request has come in, and again after its answer.

    Whoever has a session needs no place, and keeps its connection as long as it likes.
    """

    places: ClassVar[Places]
    header_seconds: ClassVar[float]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._hurry: asyncio.TimerHandle | None = None
        self._is_holder = False
        self._waits()
        self._hurries()

    def connection_lost(self, exc: Exception | None) -> None:
        self._comes_in()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._comes_in()
        elif self._hurry is None and not self.transport.is_closing():
            self._hurries()

    def on_response_complete(self) -> None:
        self._is_holder = self._is_holder or bool(self.scope.get(HOLDER))
        super().on_response_complete()
        if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            self._waits()

    def send_400_response(self, msg: str) -> None:
        self._refuse(SessionError(ErrorCode.MALFORMED_MESSAGE, f"this is no HTTP request: {msg}"))

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _waits(self) -> None:
        if not self._is_holder:
            self.places.take(self, self._address, self._give_way)

    def _hurries(self) -> None:
        self._hurry = self.loop.call_later(self.header_seconds, self._is_late)

    def _comes_in(self) -> None:
        self.places.leave(self, self._address)
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _is_late(self) -> None:
        self._hurry = None
        self._refuse(
            SessionError(
                ErrorCode.REQUEST_TIMEOUT,
                f"the head of a message did not come in within {self.header_seconds:g} s",
            )
        )

    def _give_way(self) -> None:
        self._refuse(
            SessionError(
                ErrorCode.TOO_MANY_REQUESTS,
                "too many connections that say nothing: connect again when there is a message",
            )
        )

    def _refuse(self, error: SessionError) -> None:
        """Answer in the form of all refusals, where an answer may still be given, and close."""
        if self.transport.is_closing():
            return
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            body = refusal(error).text().encode()
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ]
            status = HTTPStatus(error.code.status)
            for event in (
                h11.Response(status_code=status, headers=headers, reason=status.phrase.encode()),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
