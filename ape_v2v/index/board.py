"""The auctions that are running, and which of them suit an EV.

    with History(market) as history:
        board = Board(history)
        board.refresh()
        for listing in board.running(Filters(connector="CHADEMO")):
            print(listing.info.max_rate, listing.details.place)

That an auction was started is taken from confirmed blocks, how it stands from the latest one, for
all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.market.details import Details
from ape_v2v.market.interface.records import AuctionInfo
from ape_v2v.market.interface.refusals import Refused

if TYPE_CHECKING:
    from datetime import timedelta

    from ape_v2v.index.history import History, Progress
    from ape_v2v.market.details import Place
    from ape_v2v.market.interface.states import State
    from ape_v2v.units import Energy, Rate

DEFAULT_WITHIN_KM = 10.0
NO_DETAILS = Details()


@dataclass(frozen=True)
class Listing:
    """A running auction with what its consumer says about it."""

    info: AuctionInfo
    details: Details = NO_DETAILS
    text: str = ""
    """The details as they were published."""


@dataclass(frozen=True)
class Filters:
    """What an auction has to be like; None: anything will do.

    An auction that says nothing about its place or its connector does not pass a filter on it.
    """

    min_energy: Energy | None = None
    max_energy: Energy | None = None
    min_rate: Rate | None = None
    """The consumer's maximum rate is at least this."""
    min_validity: timedelta | None = None
    near: Place | None = None
    within_km: float = DEFAULT_WITHIN_KM
    """How far from `near`, as the crow flies."""
    connector: str | None = None
    """Capitals do not count."""
    state: State | None = None

    def passes(self, listing: Listing) -> bool:
        info, details = listing.info, listing.details
        return (
            (self.min_energy is None or info.energy >= self.min_energy)
            and (self.max_energy is None or info.energy <= self.max_energy)
            and (self.min_rate is None or info.max_rate >= self.min_rate)
            and (self.min_validity is None or info.validity >= self.min_validity)
            and (self.state is None or info.state is self.state)
            and (
                self.connector is None
                or (details.connector or "").casefold() == self.connector.casefold()
            )
            and (
                self.near is None
                or (
                    details.place is not None
                    and self.near.distance_km(details.place) <= self.within_km
                )
            )
        )


EVERYTHING = Filters()


class Board:
    """The running auctions of one market: at most one of each consumer."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.market = history.market

    def refresh(self, progress: Progress = lambda _done, _total: None) -> None:
        """Read which auctions have been started.

        Raises:
            NodeError: The node does not give what has happened.
        """
        self.history.refresh(progress)

    def running(self, filters: Filters = EVERYTHING) -> list[Listing]:
        """Every auction that is open or connected at the latest block, by its close.

        Raises:
            NodeError: The node does not give how they stand.
        """
        started = self.history.running()
        views = [("auctions", (auction.id,)) for auction in started]
        listings = []
        for auction, record in zip(started, self.market.contract.views(views), strict=True):
            try:
                info = AuctionInfo.read(auction.id, record, self.market.currency)
            except Refused:  # over
                continue
            listing = Listing(info, Details.read(auction.details), auction.details)
            if filters.passes(listing):
                listings.append(listing)
        return sorted(listings, key=lambda listing: listing.info.closing_time)
