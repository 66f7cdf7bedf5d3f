"""Places for whoever waits: so many at a time, and so many from one address.

Who is only slow, or says nothing, keeps nobody out: where there is no place left, the oldest of
the address that has most gives way to the newcomer. An honest vehicle needs its place for some
milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Places:
    """Places of one kind."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._taken: dict[str, dict[Hashable, Callable[[], None]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def take(self, who: Hashable, address: str, give_way: Callable[[], None]) -> None:
        """Take a place; somebody else may have to give way.

        Args:
            who: Leaves it again by this.
            address: Where it comes from.
            give_way: Called when it has to leave; it has left already.
        """
        here = self._taken.setdefault(address, {})
        if who in here:
            return
        here[who] = give_way
        self._count += 1
        if len(here) > self._most_per_address:
            self._evict(address)
        elif self._count > self._most:
            self._evict(max(self._taken, key=lambda name: len(self._taken[name])))

    def leave(self, who: Hashable, address: str) -> None:
        """Give a place back, if it is still held."""
        here = self._taken.get(address)
        if here is None or here.pop(who, None) is None:
            return
        self._count -= 1
        if not here:
            del self._taken[address]

    def _evict(self, address: str) -> None:
        who, give_way = next(iter(self._taken[address].items()))
        self.leave(who, address)
        give_way()
