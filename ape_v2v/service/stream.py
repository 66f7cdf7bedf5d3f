"""`/api/v1/events`: what happens, as it happens, as server-sent events.

| event | data |
| --- | --- |
| `hello` | the first: the market's address, and whether all that was missed follows |
| `auction` | an event of the market, as its history has it; its id is BLOCK-LOG-HASH8 |
| `reorg` | from this block on, what was told was taken back: read again |
| `head` | the latest block; every ten seconds at least, so that a page can see that it lives |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from ape_v2v.service.reads import PREFIX
from ape_v2v.service.watch import Notice, event_id, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ape_v2v.service.watch import Listener, WatchedMarket

_RETRY_MILLISECONDS = 1_000
_MOST_MISSED = 1_000
_ID = re.compile(r"([0-9]{1,18})-([0-9]{1,9})-[0-9a-f]{8}", re.ASCII)


def router(watch: WatchedMarket) -> APIRouter:
    """The stream, as OpenAPI describes it."""
    routes = APIRouter(prefix=PREFIX)

    @routes.get(
        "/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def get_events(
        last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=80)] = None,
    ) -> StreamingResponse:
        """What happens, as it happens; with `Last-Event-ID`, what was missed comes first."""
        listener = watch.listen()  # before the past is read, so that nothing falls in between
        return StreamingResponse(
            _messages(watch, listener, last),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return routes


async def _messages(
    watch: WatchedMarket, listener: Listener, last: str | None
) -> AsyncIterator[bytes]:
    try:
        yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
        missed = await run_in_threadpool(_missed, watch, last)
        hello = {"market": watch.market.address, "resumed": missed is not None}
        yield Notice("hello", hello).encoded()
        for message in missed or ():
            yield message.encoded()
        if (head := watch.head()) is not None:
            yield head.encoded()
        while (messages := await listener.next()) is not None:
            yield messages
    finally:
        watch.leave(listener)


def _missed(watch: WatchedMarket, last: str | None) -> list[Notice] | None:
    """What has happened since an event; None where that cannot be told, or is a lot."""
    match = _ID.fullmatch(last or "")
    if match is None:
        return None
    block, log_index = int(match[1]), int(match[2])
    known = False
    missed: list[Notice] = []
    for event in watch.history.events(since=block):
        if (event.block, event.log_index) == (block, log_index):
            known = event_id(event) == last  # else a reorganisation has taken it back
        elif (event.block, event.log_index) > (block, log_index):
            missed.append(told(event, watch.market.currency))
        if len(missed) > _MOST_MISSED:
            return None
    return missed if known else None
