"""How many questions a node is asked at once."""

from __future__ import annotations

_MOST = 400
_GROWS_AFTER = 32


class BatchSize:
    """Nodes take as many as they take, and say so in many ways: it is halved, and grows again.

    What was refused may have been a bad moment, so that one who lasts does not end up asking
    everything one by one.
    """

    def __init__(self) -> None:
        self.most = _MOST
        """So many at once, at most."""
        self._taken = 0

    def learn(self, size: int, *, taken: bool) -> None:
        """Learn what has become of a batch of so many."""
        if not taken:
            self.most, self._taken = max(1, size // 2), 0
        elif size == self.most < _MOST:
            self._taken += 1
            if self._taken >= _GROWS_AFTER:
                self.most, self._taken = min(_MOST, 2 * size), 0
