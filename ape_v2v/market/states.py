"""Where things of the market stand, by the contract's numbers."""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where the current auction of one consumer stands."""

    NONE = 0
    OPEN = 1
    CONNECTED = 2

    @property
    def shown(self) -> str:
        """Its name, as people and programs get it."""
        return self.name.lower()
