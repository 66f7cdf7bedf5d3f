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


class Ending(IntEnum):
    """How a connection ended."""

    PAID = 0
    """The consumer paid all that was contracted."""
    AGREED = 1
    """All was delivered, or both have signed the reading as the last one."""
    SHORT = 2
    """Less was delivered, and only a running reading was handed in: both have lost for it."""
    FORFEITED = 3
    EXPIRED = 4

    @property
    def shown(self) -> str:
        """Its name, as people and programs get it."""
        return self.name.lower()
