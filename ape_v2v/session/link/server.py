"""The provider's end of the link: its messages over HTTP, with an OpenAPI document."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from eth_utils.hexadecimal import decode_hex
from fastapi import FastAPI, Request, Response
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ape_v2v.errors import V2VError
from ape_v2v.serving import AnnouncedServer
from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.link.connections import HOLDER, hasty
from ape_v2v.session.link.guard import Bounds, Guard, refusal
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.wire import (
    PREFIX,
    AuthorizationReq,
    AuthorizationRes,
    ErrorRes,
    Message,
    MeteringReceiptReq,
    MeteringReceiptRes,
    MeterValueReq,
    MeterValueRes,
    SessionSetupReq,
    SessionSetupRes,
    SessionStopReq,
    SessionStopRes,
    SettlementReq,
    SettlementRes,
)
from ape_v2v.session.provider import Provider
from ape_v2v.validation import first_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from starlette.types import Receive, Scope, Send

_SHUTDOWN_SECONDS = 2
_KEEP_ALIVE_SECONDS = 30

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Route:
    path: str
    request: type[Message]
    answer: type[Message]
    handle: Callable[[Provider, Any], Message]
    boundary: Boundary

    @property
    def holds(self) -> bool:
        """Whether only who has a session, or begins one, gets an answer."""
        return self.request is not SessionSetupReq


_ROUTES = (
    _Route(
        "session-setup",
        SessionSetupReq,
        SessionSetupRes,
        Provider.setup,
        Boundary.PROVIDER_SETUP_SEND,
    ),
    _Route(
        "authorization",
        AuthorizationReq,
        AuthorizationRes,
        Provider.authorize,
        Boundary.PROVIDER_AUTHORIZATION_SEND,
    ),
    _Route(
        "meter-value",
        MeterValueReq,
        MeterValueRes,
        Provider.meter_value,
        Boundary.PROVIDER_VALUE_SEND,
    ),
    _Route(
        "metering-receipt",
        MeteringReceiptReq,
        MeteringReceiptRes,
        Provider.receipt,
        Boundary.PROVIDER_RECEIPT_SEND,
    ),
    _Route(
        "session-stop", SessionStopReq, SessionStopRes, Provider.stop, Boundary.PROVIDER_STOP_SEND
    ),
    _Route(
        "settlement",
        SettlementReq,
        SettlementRes,
        Provider.settlement,
        Boundary.PROVIDER_SETTLEMENT_SEND,
    ),
)


class _Answer(Response):
    """An answer whose sending is a boundary."""

    media_type = "application/json"

    def __init__(self, message: Message, boundary: Boundary) -> None:
        super().__init__(message.text())
        self._boundary = boundary

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with crossing(self._boundary):
            await super().__call__(scope, receive, send)


def create_app(provider: Provider, bounds: Bounds | None = None) -> FastAPI:
    """The provider's messages as a web application."""
    app = FastAPI(
        title="V2V charging session",
        version=PREFIX.strip("/"),
        description="The provider of one connection, for its consumer.",
        # Pages that would have a browser load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Guard, bounds=bounds or Bounds(), holds=partial(_holds, provider))
    app.add_exception_handler(HTTPException, _unknown)
    for route in _ROUTES:
        _add(app, route, provider)
    return app


def _holds(provider: Provider, body: bytes) -> bool:
    """Whether a message names the provider's session."""
    try:
        said = from_json(body)
        return provider.has_session(decode_hex(said["sessionId"]))
    except (V2VError, ValueError, TypeError, LookupError):
        return False


def _add(app: FastAPI, route: _Route, provider: Provider) -> None:
    async def endpoint(request: Request) -> Response:
        try:
            message = route.request.received(await request.body())
            answer = await run_in_threadpool(route.handle, provider, message)
        except ValidationError as error:
            return _refused(SessionError(ErrorCode.MALFORMED_MESSAGE, first_words(error)))
        except SessionError as error:
            return _refused(error)
        except V2VError as error:  # the disk or the account: the owner has to see to it
            _logger.exception("%s could not be answered", route.path)
            return _refused(SessionError(ErrorCode.INTERNAL_ERROR, type(error).__name__))
        if route.holds:
            request.scope[HOLDER] = True
        return _Answer(answer, route.boundary)

    content = {"application/json": {"schema": _schema(route.request)}}
    app.add_api_route(
        f"{PREFIX}/{route.path}",
        endpoint,
        methods=["POST"],
        name=route.path,
        description=route.request.__doc__,
        response_model=route.answer,
        responses={
            int(code.status): {"model": ErrorRes, "description": "Refused; nothing has changed."}
            for code in ErrorCode
        },
        openapi_extra={"requestBody": {"required": True, "content": content}},
    )


def _schema(message: type[Message]) -> dict[str, Any]:
    # Read by pydantic from the text itself, which tells a number from its digits in a text.
    schema = message.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # answers have them among the components
    return schema


def _refused(error: SessionError) -> Response:
    return Response(
        refusal(error).text(), status_code=int(error.code.status), media_type="application/json"
    )


async def _unknown(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    answer = refusal(SessionError(ErrorCode.UNKNOWN_REQUEST, str(error.detail)))
    return Response(
        answer.text(),
        status_code=error.status_code,
        media_type="application/json",
        headers=error.headers,
    )


class Service(AnnouncedServer):
    """The provider's service, until it is stopped."""

    def __init__(
        self,
        app: FastAPI,
        *,
        bounds: Bounds | None = None,
        certificate: tuple[Path, Path] | None = None,
        on_start: Callable[[str], None] = lambda _: None,
        on_signal: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare to serve.

        Args:
            app: What to serve.
            bounds: What it bears.
            certificate: The files of a certificate and of its key, for TLS.
            on_start: Told the address once it can be reached.
            on_signal: Asked at Ctrl-C and at SIGTERM whether to go on for the time being.
        """
        tls = {}
        if certificate is not None:
            tls = {"ssl_certfile": str(certificate[0]), "ssl_keyfile": str(certificate[1])}
        super().__init__(
            uvicorn.Config(
                app,
                http=hasty(bounds or Bounds()),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
                **tls,  # type: ignore[arg-type]
            ),
            on_start,
        )
        self._on_signal = on_signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self._on_signal():
            super().handle_exit(sig, frame)
