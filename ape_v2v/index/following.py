"""Telling what happens as it happens, whatever the node does meanwhile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.line.patience import Patience

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from ape_v2v.market.interface.events import Event

# Who follows is told of events that a reorganisation took back, so far down.
_REMEMBERED_BLOCKS = 256


class Followed(Protocol):
    """A history, as far as it is followed."""

    @property
    def read_to(self) -> int | None:
        """The last block that has been read."""

    @property
    def events(self) -> Callable[..., Iterator[Event]]:
        """What has been read."""

    def refresh(self) -> None:
        """Read what is new."""


def follow(
    history: Followed,
    interval: float,
    stop: threading.Event,
    tell: Callable[[str], None],
    filters: dict[str, Any],
) -> Iterator[tuple[Event, bool]]:
    """What has been read, one after the other, and then what is new, and what was taken back."""
    recent: dict[tuple[str, int], Event] = {}
    floor = _floor(history)
    for event in history.events(**filters):
        if event.block >= floor:
            recent[event.key] = event
        yield event, False
    patience = Patience(math.inf, stop, tell)
    while not stop.wait(interval):
        try:
            history.refresh()
        except NodeError as error:
            if not stop.is_set():
                patience.failed(error)
            continue
        patience.succeeded()
        current = {event.key: event for event in history.events(**_from(floor, filters))}
        for key in recent.keys() - current.keys():
            yield recent[key], True
        for key, event in current.items():
            if key not in recent:
                yield event, False
        floor = max(floor, _floor(history))
        recent = {key: event for key, event in current.items() if event.block >= floor}


def _floor(history: Followed) -> int:
    """The first of the blocks whose events may still be taken back."""
    return max(0, (history.read_to or 0) - _REMEMBERED_BLOCKS)


def _from(floor: int, filters: dict[str, Any]) -> dict[str, Any]:
    """The same filters, and nothing of before a block."""
    since = filters.get("since")
    if isinstance(since, int):
        return {**filters, "since": max(since, floor)}
    return filters if since is not None else {**filters, "since": floor}
