"""The sponsor's service: orders over HTTP."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from ape_v2v.chain.line.faults import NodeError
from ape_v2v.errors import SentAs, V2VError
from ape_v2v.listening import LOOPBACK, listen
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.serving import AnnouncedServer
from ape_v2v.sponsor.ledger import LimitReached
from ape_v2v.sponsor.order import Order
from ape_v2v.sponsor.sponsor import NotSponsored

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.sponsor.sponsor import Sponsor

PREFIX = "/v1"
MOST_BYTES = 256 * 1024
"""Of a message."""

_MOST_AT_ONCE = 64
_KEEP_ALIVE_SECONDS = 5
_SHUTDOWN_SECONDS = 2
_MALFORMED, _TOO_LARGE = 400, 413

_logger = logging.getLogger(__name__)


def create_app(sponsor: Sponsor) -> FastAPI:
    """The service of a sponsor: `GET /v1/sponsor` and `POST /v1/orders`."""
    app = FastAPI(title="V2V sponsor", version="v1", docs_url=None, redoc_url=None)

    @app.get(f"{PREFIX}/sponsor")
    def about() -> JSONResponse:
        """What an EV has to know."""
        return _answered(sponsor.as_json)

    @app.post(f"{PREFIX}/orders")
    async def orders(request: Request) -> JSONResponse:
        """Carry an order out, and tell its transaction."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return _error(_TOO_LARGE, f"an order has at most {MOST_BYTES} bytes")
        try:
            order = Order.load(body)
        except V2VError as error:
            return _error(_MALFORMED, str(error))
        return await run_in_threadpool(_answered, lambda: sponsor.carry_out(order).as_json())

    return app


def serve(
    sponsor: Sponsor,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    on_start: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        sponsor: Who pays.
        host: Where to listen.
        port: 0 for a free one.
        on_start: Told the service's address.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    with listen(host, port) as listening:
        SponsorServer(create_app(sponsor), on_start).run([listening])


class SponsorServer(AnnouncedServer):
    """The service, until it is stopped."""

    def __init__(self, app: FastAPI, on_start: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=_MOST_AT_ONCE,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            ),
            on_start,
        )


# What goes wrong, the most special first, and whether it is for the operator to see to.
_STATUSES: tuple[tuple[type[V2VError], int], ...] = (
    (Refused, 409),
    (NotSponsored, 403),
    (LimitReached, 429),
    (SentAs, 504),
)
_BROKEN = 503


def _answered(ask: Callable[[], dict[str, Any]]) -> JSONResponse:
    try:
        return JSONResponse(ask())
    except V2VError as error:
        for kind, status in _STATUSES:
            if isinstance(error, kind):
                name, sent = (getattr(error, key, None) for key in ("name", "transaction"))
                return _error(status, str(error), name, sent)
        _logger.exception("an order could not be sent")
        said = "its node does not answer" if isinstance(error, NodeError) else str(error)
        return _error(_BROKEN, f"the sponsor cannot send: {said}; nothing was sent")


def _error(
    status: int, said: str, name: str | None = None, transaction: str | None = None
) -> JSONResponse:
    body = {"error": said, "name": name, "transaction": transaction}
    return JSONResponse(body, status_code=status)
