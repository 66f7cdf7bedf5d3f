"""What happens next: events in the order of their times, and of their making where those agree."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Loop:
    """Time goes from one event to the next. Seconds since 1970, with fractions."""

    def __init__(self, start: float) -> None:
        self.now = start
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()

    def at(self, time: float, what: Callable[[], object]) -> None:
        """Do something at a time; one that has passed is now."""
        heapq.heappush(self._events, (max(time, self.now), next(self._numbers), what))

    def after(self, seconds: float, what: Callable[[], object]) -> None:
        """Do something in a while."""
        self.at(self.now + seconds, what)

    def run(self, until: float = float("inf")) -> None:
        """Let happen what is due before a time."""
        while self._events and self._events[0][0] < until:
            self.now, _, what = heapq.heappop(self._events)
            what()
