"""What everybody can see: the auctions that run, as the blocks tell of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ape_v2v.currency import ETHER
from ape_v2v.units import Rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.currency import Currency
    from ape_v2v.market.interface.events import Fact

_REMEMBERED = 64
"""Auctions won lately, for those who form an expectation of them."""


@dataclass
class Posted:
    """An auction as its events have it."""

    id: int
    consumer: str
    site: str
    energy: int
    """Wh."""
    max_rate: int
    """Smallest units of the market's currency per Wh."""
    started: int
    closing: int
    leader: str | None = None
    rate: int | None = None
    bids: int = 0
    """How many the market has accepted."""
    bidders: dict[str, int] = field(default_factory=dict)
    """By account, how many of them are its own."""


class PublicBoard:
    """The open auctions, and the rates at which the last ones were won."""

    def __init__(self, currency: Currency = ETHER) -> None:
        self.currency = currency
        self.open: dict[int, Posted] = {}
        self.won: list[tuple[Rate, Rate]] = []

    def see(self, facts: Sequence[Fact], time: int) -> list[Posted]:
        """Take note of what has happened.

        Returns:
            The auctions that bidders may have to look at again.
        """
        touched = {}
        for name, args in facts:
            posted = self._see(name, args, time)
            if posted is not None and posted.id in self.open:
                touched[posted.id] = posted
        return list(touched.values())

    def _see(self, name: str, args: dict[str, Any], time: int) -> Posted | None:
        if name == "AuctionStarted":
            posted = Posted(
                id=args["auctionId"],
                consumer=args["consumer"],
                site=args["details"],
                energy=args["energyWh"],
                max_rate=args["maxRate"],
                started=time,
                closing=args["closingTime"],
            )
            self.open[posted.id] = posted
            return posted
        known = self.open.get(args.get("auctionId", 0))
        if known is None:
            return None
        match name:
            case "BidPlaced":
                known.leader, known.rate = args["provider"], args["rate"]
                known.closing = args["closingTime"]
                known.bids += 1
                known.bidders[known.leader] = known.bidders.get(known.leader, 0) + 1
            case "BidRemoved":
                known.leader = known.rate = None
                known.closing = args["closingTime"]
            case "AuctionEnded" | "AuctionCancelled":
                del self.open[known.id]
                if name == "AuctionEnded" and known.rate is not None:
                    won = Rate(known.rate, self.currency), Rate(known.max_rate, self.currency)
                    self.won = [*self.won, won][-_REMEMBERED:]
        return known
