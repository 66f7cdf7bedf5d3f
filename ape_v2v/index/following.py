"""Telling what happens as it happens, whatever the node does meanwhile."""

from __future__ import annotations

import math
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Sight:
    """What a look at the chain has brought."""

    removed: list[Event]
    """What a reorganisation has taken back."""
    new: list[Event]


class Lookout:
    """What happens in one history from now on, of which the last blocks may be taken back."""

    def __init__(self, history: Followed, filters: dict[str, Any]) -> None:
        self._history = history
        self._filters = filters
        self._floor = _floor(history)
        self._recent: dict[tuple[str, int], Event] = {}

    def past(self) -> Iterator[Event]:
        """What has been read before; it comes first."""
        for event in self._history.events(**self._filters):
            if event.block >= self._floor:
                self._recent[event.key] = event
            yield event

    def look(self) -> Sight:
        """Read what is new.

        Raises:
            NodeError: The node does not give it.
        """
        self._history.refresh()
        found = self._history.events(**_from(self._floor, self._filters))
        current = {event.key: event for event in found}
        removed = [self._recent[key] for key in self._recent.keys() - current.keys()]
        new = [event for key, event in current.items() if key not in self._recent]
        self._floor = max(self._floor, _floor(self._history))
        self._recent = {key: one for key, one in current.items() if one.block >= self._floor}
        return Sight(removed, new)


def follow(
    history: Followed,
    interval: float,
    stop: threading.Event,
    tell: Callable[[str], None],
    filters: dict[str, Any],
) -> Iterator[tuple[Event, bool]]:
    """What has been read, one after the other, and then what is new, and what was taken back."""
    following = Lookout(history, filters)
    for event in following.past():
        yield event, False
    patience = Patience(math.inf, stop, tell)
    while not stop.wait(interval):
        try:
            look = following.look()
        except NodeError as error:
            if not stop.is_set():
                patience.failed(error)
            continue
        patience.succeeded()
        for event in look.removed:
            yield event, True
        for event in look.new:
            yield event, False


def _floor(history: Followed) -> int:
    """The first of the blocks whose events may still be taken back."""
    return max(0, (history.read_to or 0) - _REMEMBERED_BLOCKS)


def _from(floor: int, filters: dict[str, Any]) -> dict[str, Any]:
    """The same filters, and nothing of before a block."""
    since = filters.get("since")
    if isinstance(since, int):
        return {**filters, "since": max(since, floor)}
    return filters if since is not None else {**filters, "since": floor}
