"""Bytes to a node and back, in a bounded time: urllib3's pool of connections, and no more."""

from __future__ import annotations

import base64
import ssl
import time
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

import certifi
import urllib3
from urllib3.exceptions import (
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.exceptions import (
    TimeoutError as Late,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Failure = Literal["unreachable", "late", "cut", "other"]

_CONNECTIONS = 16
_MAX_BYTES = 256 * 2**20
_CHUNK = 2**16


class TransportError(Exception):
    """There is no whole answer. What it says may hold the URL: it is for no one to see as it is."""

    def __init__(self, kind: Failure, detail: object = "") -> None:
        super().__init__(str(detail))
        self.kind: Failure = kind


@dataclass(frozen=True)
class HttpAnswer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def retry_after(self) -> float | None:
        """Seconds that the other side asks to wait, as a number or as a date."""
        value = self.headers.get("Retry-After")
        if value is None:
            return None
        try:
            return max(0.0, float(value))
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (TypeError, ValueError):
            return None


class Transport:
    """Connections to one address, kept open between requests."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._headers = {"Content-Type": "application/json", **headers}
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        host = parts.netloc.rpartition("@")[2]
        self._url = parts._replace(netloc=host, fragment="").geturl()
        self._ask = _asking(self._url, parts.hostname or "")

    def post(self, body: bytes, seconds: float) -> HttpAnswer:
        """Post a body and read the whole answer.

        Raises:
            TransportError: There is none within so many seconds.
        """
        end = time.monotonic() + seconds
        try:
            response = self._ask(
                "POST",
                body=body,
                headers=self._headers,
                timeout=urllib3.Timeout(total=seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                return HttpAnswer(response.status, _whole(response, end), response.headers)
            except BaseException:
                response.close()  # what is left of it must not be read as the next answer
                raise
            finally:
                response.release_conn()
        except NewConnectionError as error:
            raise TransportError("unreachable", error) from error
        except Late as error:
            raise TransportError("late", error) from error
        except (ProtocolError, ConnectionError) as error:
            raise TransportError("cut", error) from error
        except (HTTPError, OSError, ValueError) as error:
            reason = error.reason if isinstance(error, MaxRetryError) else error
            raise TransportError("other", reason) from error


def _whole(response: urllib3.BaseHTTPResponse, end: float) -> bytes:
    """The body, if it is not endless and does not trickle."""
    parts, size = [], 0
    while part := response.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > _MAX_BYTES:
            raise TransportError("other", f"the answer has more than {_MAX_BYTES} bytes")
        if time.monotonic() > end:
            raise TransportError("late")
    return b"".join(parts)


def _asking(url: str, host: str) -> Callable[..., urllib3.BaseHTTPResponse]:
    """What sends a request to an address, through the environment's proxy if there is one."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    context = None
    if parts.scheme == "https":
        context = ssl.create_default_context()  # the system's authorities, and the usual ones
        context.load_verify_locations(certifi.where())
    if proxy and not urllib.request.proxy_bypass(host):
        manager = urllib3.ProxyManager(proxy, maxsize=_CONNECTIONS, ssl_context=context)
        return partial(manager.request, url=url)
    # Without the manager, which looks at the address each time: that takes a fifth of a request.
    pool = urllib3.PoolManager(maxsize=_CONNECTIONS, ssl_context=context).connection_from_url(url)
    target = parts._replace(scheme="", netloc="").geturl() or "/"
    return partial(pool.urlopen, url=target if target.startswith("/") else f"/{target}")
