"""Money: where it is, and every movement that brought it there."""

from collections import defaultdict
from typing import NamedTuple

BURNT = "0x" + "00" * 20


class Pot(NamedTuple):
    """A place where money is. Exactly one movement fills it with what another one loses."""

    kind: str
    of: str | int


def wallet(account: str) -> Pot:
    """Outside of the market: counts from zero, so it is negative for who has paid in more."""
    return Pot("wallet", account)


def balance(account: str) -> Pot:
    """Free, inside the market; that of `BURNT` for ever."""
    return Pot("balance", account)


def reserve(auction_id: int) -> Pot:
    """Locked by the consumer of an auction."""
    return Pot("reserve", auction_id)


def bond(auction_id: int) -> Pot:
    """Locked by the leading provider of an auction."""
    return Pot("bond", auction_id)


FORCED = Pot("forced", "upon the market")


class Movement(NamedTuple):
    amount: int
    source: Pot
    target: Pot


class Ledger:
    """Double entry: no movement makes or destroys money, and no pot but a wallet is overdrawn."""

    def __init__(self) -> None:
        self.journal: list[Movement] = []
        self._pots: defaultdict[Pot, int] = defaultdict(int)

    def __getitem__(self, pot: Pot) -> int:
        return self._pots[pot]

    def move(self, amount: int, source: Pot, target: Pot) -> None:
        held = self._pots[source]
        assert amount >= 0, f"{amount} wei from {source} to {target}"
        assert source.kind == "wallet" or held >= amount, f"{source} has {held}, not {amount} wei"
        if amount == 0:
            return
        self._pots[source] -= amount
        self._pots[target] += amount
        self.journal.append(Movement(amount, source, target))

    def move_all(self, source: Pot, target: Pot) -> None:
        self.move(self._pots[source], source, target)

    def inside(self) -> int:
        """What the contract holds, by these books."""
        return sum(amount for pot, amount in self._pots.items() if pot.kind != "wallet")
