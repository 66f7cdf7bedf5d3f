"""How long somebody goes on against a node's trouble, and how long the pauses in between are."""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING

from ape_v2v.chain.line.faults import AccessDenied, NodeBehind, NodeError, RateLimited

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
_ASKED_FOR_AT_MOST = 60.0
_BEHIND = 10.0
"""Seconds that a node is waited for that has not got so far."""
_UNSAID = 5.0
"""Seconds of trouble that nobody is told of."""


def _silence(_text: str) -> None:
    pass


class Patience:
    """Pauses that grow with every failure and end with the next success; a limit in seconds.

    Each is spread at random, so that many who wait for one node do not come back at once.
    """

    def __init__(
        self,
        seconds: float,
        stop: threading.Event | None = None,
        tell: Callable[[str], None] = _silence,
    ) -> None:
        """Begin without trouble.

        Args:
            seconds: Of trouble without a success in between, after which it is over; the pauses
                that a node asks for do not count. `inf` goes on for ever, whatever it is.
            stop: Ends a pause, and the patience, when it is set.
            tell: Told in a sentence what the trouble is, once it has lasted for a while.
        """
        self.seconds = seconds
        self._stop = stop
        self._tell = tell
        self._well = time.monotonic()
        self._failures = 0
        self._asked_for = 0.0
        self._told = False

    @property
    def stopped(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    def succeeded(self) -> None:
        """There is no trouble any more."""
        if self._told:
            self._tell("the node answers again")
        self._well, self._failures = time.monotonic(), 0
        self._asked_for, self._told = 0.0, False

    def failed(self, error: NodeError, *, pause: bool = True) -> None:
        """Wait a while before another attempt.

        Args:
            error: What went wrong.
            pause: Whether to wait: not when something else will be asked.

        Raises:
            NodeError: That one: it is time to give up.
        """
        self._failures += 1
        delay = self._delay(error) if pause else 0.0
        lasted = time.monotonic() - self._well - self._asked_for
        is_denied = isinstance(error, AccessDenied)
        if self.stopped or lasted + delay > self._limit(error):
            raise error
        if isinstance(error, RateLimited) and error.retry_after is not None:
            self._asked_for += delay
        if not self._told and (is_denied or lasted > _UNSAID):
            self._told = True
            self._tell(f"{error}; trying again")
        if delay:
            self._wait(delay)

    def _limit(self, error: NodeError) -> float:
        """Seconds of this trouble that are borne."""
        if math.isinf(self.seconds):
            return self.seconds
        if isinstance(error, AccessDenied):
            return -1  # waiting does not help
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return self.seconds + _ASKED_FOR_AT_MOST
        return min(self.seconds, _BEHIND) if isinstance(error, NodeBehind) else self.seconds

    def _delay(self, error: NodeError) -> float:
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return min(error.retry_after, _ASKED_FOR_AT_MOST)
        most = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._failures, 10))
        return float(most * (0.5 + random.random() / 2))

    def _wait(self, seconds: float) -> None:
        if self._stop is None:
            time.sleep(seconds)
        else:
            self._stop.wait(seconds)
