"""The consumer's end of the link: messages over HTTP to where the provider serves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import httpx
from pydantic import ValidationError

from ape_v2v.session.protocol.codes import ErrorCode, LinkError, SessionError
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

if TYPE_CHECKING:
    import ssl
    from types import TracebackType
    from typing import Self

_MAX_ANSWER_BYTES = 64 * 1024

_Answer = TypeVar("_Answer", bound=Message)


class Link:
    """One provider, by the address of its service."""

    def __init__(
        self, url: str, timeout: float = 15.0, verify: ssl.SSLContext | bool = True
    ) -> None:
        """Connect when there is something to say.

        Args:
            url: Where the provider serves: `http://…` or `https://…`.
            timeout: How long an answer may take in all, seconds.
            verify: Which certificates are believed.

        Raises:
            LinkError: The address is none.
        """
        self.url = url
        self._timeout = timeout
        try:
            if httpx.URL(url).scheme not in {"http", "https"}:
                raise LinkError(
                    f"{url!r} is no address of a provider: expected http:// or https:// and a host"
                )
            # A proxy for the internet has no business between two vehicles.
            self._http = httpx.Client(base_url=url, timeout=timeout, verify=verify, trust_env=False)
        except httpx.InvalidURL as error:
            raise LinkError(f"{url!r} is no address of a provider: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def setup(self, request: SessionSetupReq) -> SessionSetupRes:
        return self._ask("session-setup", request, SessionSetupRes)

    def authorize(self, request: AuthorizationReq) -> AuthorizationRes:
        return self._ask("authorization", request, AuthorizationRes)

    def meter_value(self, request: MeterValueReq) -> MeterValueRes:
        return self._ask("meter-value", request, MeterValueRes)

    def receipt(self, request: MeteringReceiptReq) -> MeteringReceiptRes:
        return self._ask("metering-receipt", request, MeteringReceiptRes)

    def stop(self, request: SessionStopReq) -> SessionStopRes:
        return self._ask("session-stop", request, SessionStopRes)

    def settlement(self, request: SettlementReq) -> SettlementRes:
        return self._ask("settlement", request, SettlementRes)

    def _ask(self, path: str, request: Message, kind: type[_Answer]) -> _Answer:
        """Send a message and read the answer.

        Raises:
            SessionError: The provider refused the message.
            LinkError: There was no answer, or none that can be read.
        """
        until = time.monotonic() + self._timeout
        body = b""
        try:
            with self._http.stream(
                "POST",
                f"{PREFIX}/{path}",
                content=request.text(),
                headers={"Content-Type": "application/json"},
            ) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MAX_ANSWER_BYTES or time.monotonic() > until:
                        raise LinkError(f"the answer of {self.url} to {path} has no end")
        except httpx.HTTPError as error:
            raise LinkError(
                f"{self.url} does not answer {path}: {str(error) or type(error).__name__}"
            ) from error
        try:
            if response.is_success:
                return kind.received(body)
            refusal = ErrorRes.received(body)
        except ValidationError as error:
            raise LinkError(
                f"{self.url} answers {path} with what is no message of a session "
                f"(status {response.status_code}): is this the address of a provider?"
            ) from error
        code = ErrorCode.named(refusal.error)
        if code is None:
            raise LinkError(f"{self.url} refuses {path}, and this program does not know why")
        raise SessionError(code, refusal.message)
