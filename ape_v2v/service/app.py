"""The service as one application, and how it is served."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ape_v2v.chain.line.faults import NodeError
from ape_v2v.errors import V2VError
from ape_v2v.listening import LOOPBACK, listen
from ape_v2v.service import health, page, pairing, reads, rpc, stream
from ape_v2v.service.health import Unwell
from ape_v2v.service.protection import REFUSED, REQUESTS, Gate, Headers
from ape_v2v.service.reads import NotFound, NotReady
from ape_v2v.service.shapes import ProblemAnswer
from ape_v2v.serving import AnnouncedServer

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path
    from types import FrameType

    from ape_v2v.market.market import Market
    from ape_v2v.service.watch import WatchedMarket

_SHUTDOWN_SECONDS = 5

_logger = logging.getLogger(__name__)


def create_app(watch: WatchedMarket, *, requests: int = REQUESTS, tls: bool = False) -> FastAPI:
    """The whole service over one watched market.

    Args:
        watch: The market; it is watched as long as the application is served.
        requests: That one address may make in ten seconds.
        tls: Whether it is served by TLS, which browsers are then told to insist on.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with watch:
            yield

    app = FastAPI(
        title="V2V market",
        version=reads.VERSION,
        description="One market: what runs in it, what has happened, and what happens.",
        lifespan=lifespan,
        responses={
            status: {"model": ProblemAnswer, "description": said}
            for status, said in REFUSED.items()
        },
        # Pages that would have a browser load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    metrics = health.ServiceMetrics(watch)
    app.include_router(reads.router(reads.Reads(watch)))
    app.include_router(stream.router(watch))
    app.include_router(rpc.router(_relay(watch.market)))
    app.include_router(pairing.router(pairing.Mailbox()))
    app.include_router(health.router(watch, metrics))
    app.include_router(page.router(page.Files.built()))  # the last: it answers for any other path
    app.add_middleware(Gate, requests=requests)
    app.add_middleware(health.Counting, metrics=metrics)
    app.add_middleware(Headers, tls=tls)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(V2VError, _problem)
    return app


def _relay(market: Market) -> rpc.Relay:
    token = market.currency.address
    return rpc.Relay(market.node, [market.address, *([] if token is None else [token])])


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError), "it is registered for these"
    first = error.errors()[0]
    where = " ".join(str(part) for part in first["loc"])
    return _sentence(422, f"{where}: {first['msg']}")


async def _unknown(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException), "it is registered for these"
    return _sentence(error.status_code, str(error.detail), dict(error.headers or {}))


async def _problem(_request: Request, error: Exception) -> JSONResponse:
    match error:
        case NotFound():
            status = 404
        case NotReady() | Unwell() | NodeError():
            status = 503
        case _:
            status = 422
    return _sentence(status, str(error))


def _sentence(status: int, said: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": said}, status_code=status, headers=headers)


class MarketService(AnnouncedServer):
    """The service, until Ctrl-C or SIGTERM."""

    def __init__(
        self,
        watch: WatchedMarket,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        certificate: tuple[Path, Path] | None = None,
        requests: int = REQUESTS,
        on_start: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare to serve.

        Args:
            watch: The market.
            host: The address to listen on.
            port: And the port; 0: any that is free.
            certificate: The files of a certificate and of its key, for TLS.
            requests: That one address may make in ten seconds.
            on_start: Told the URL once it can be reached.
        """
        tls: dict[str, Any] = {}
        if certificate is not None:
            tls = {"ssl_certfile": str(certificate[0]), "ssl_keyfile": str(certificate[1])}
        super().__init__(
            uvicorn.Config(
                create_app(watch, requests=requests, tls=certificate is not None),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
                **tls,
            ),
            on_start,
        )
        self._watch = watch
        self._address = host, port

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until it is told to end.

        Raises:
            ConfigurationError: It cannot listen there.
        """
        super().run(sockets or [listen(*self._address)])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End in order; at once when it is asked twice."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: Any = None) -> None:
        self._watch.hush()  # or who listens would be waited for
        await super().shutdown(sockets)
