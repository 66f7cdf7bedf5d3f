"""What an account has in a market: free, and locked in its auction and as a provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.market.interface.records import in_currency
from ape_v2v.market.interface.states import State

if TYPE_CHECKING:
    from ape_v2v.index.history import History
    from ape_v2v.units import Money


@dataclass(frozen=True)
class Holdings:
    """What an account has in a market."""

    address: str
    free: Money
    reserve: Money
    """Locked in the auction that it has started."""
    bonds: Money
    """Locked in the auctions where its bid stands, or that it has won."""

    @property
    def total(self) -> Money:
        return self.free + self.reserve + self.bonds

    def as_json(self) -> dict[str, Any]:
        amounts = {name: getattr(self, name) for name in ("free", "reserve", "bonds", "total")}
        shown = {"address": self.address} | {name: one.as_json() for name, one in amounts.items()}
        return shown | in_currency(self.free)


def holdings(history: History, account: str) -> Holdings:
    """What an account has: where it has bid is taken from the history, how much from now.

    Raises:
        NodeError: The node does not answer.
    """
    market = history.market
    bonds = market.money(0)
    for auction in history.auctions(ev=account):
        info = market.contract.view("auctions", auction.id)
        if State(info.state) is not State.NONE and info.provider == account:
            bonds += market.auction(auction.id).bond
    return Holdings(account, market.balance(account), market.reserve_of(account), bonds)
