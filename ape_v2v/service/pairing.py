"""`/api/v1/pair/CODE`: a signature on its way from the phone to the car.

The car shows a code, the phone leaves the session key's signature under it, the car takes it. It
is no secret: it lets one key sign the readings of one auction, and nothing else.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from ape_v2v.service.reads import PREFIX, NotFound
from ape_v2v.service.shapes import ProblemAnswer, ServiceAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT_SECONDS = 600.0
_MOST = 1_000

Code = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16,64}$")]


class LeftSignature(ServiceAnswer):
    """A session key's signature, which is not secret."""

    signature: str = Field(
        pattern=r"^0x([0-9a-fA-F]{2}){65,400}$", examples=["0x" + "ab" * 65], max_length=1_000
    )


class Mailbox:
    """Signatures that wait for their cars, for ten minutes each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, str]] = {}

    def leave(self, code: str, signature: str) -> None:
        """Leave a signature; a later one under the same code takes its place."""
        now = self._clock()
        with self._lock:
            self._left.pop(code, None)
            self._left = {
                key: left for key, left in self._left.items() if now - left[0] < KEPT_SECONDS
            }
            if len(self._left) >= _MOST:
                del self._left[next(iter(self._left))]
            self._left[code] = now, signature

    def take(self, code: str) -> str:
        """What waits under a code; it stays there until its time is over.

        Raises:
            NotFound: Nothing does.
        """
        with self._lock:
            left = self._left.get(code)
        if left is None or self._clock() - left[0] >= KEPT_SECONDS:
            raise NotFound("nothing waits under this code: scan it with the phone, and sign")
        return left[1]


def router(mailbox: Mailbox) -> APIRouter:
    """The requests, as OpenAPI describes them."""
    routes = APIRouter(prefix=f"{PREFIX}/pair")
    wrong: dict[int | str, dict[str, Any]] = {
        422: {"model": ProblemAnswer, "description": "Something in the request is wrong."}
    }

    @routes.post("/{code}", status_code=204, responses=wrong)
    def post_pair(code: Code, left: LeftSignature) -> Response:
        """Leave the signature for the car that shows this code."""
        mailbox.leave(code, left.signature)
        return Response(status_code=204)

    @routes.get(
        "/{code}",
        response_model=LeftSignature,
        responses=wrong | {404: {"model": ProblemAnswer, "description": "Nothing waits there."}},
    )
    def get_pair(code: Code) -> Response:
        """The signature that was left under this code."""
        return JSONResponse(
            {"signature": mailbox.take(code)}, headers={"Cache-Control": "no-store"}
        )

    return routes
