"""Openings that others are asked to place: a signed bid costs its bidder no gas.

Whoever wants bids in an auction places them: its consumer, the organization. When nobody has, the
signature runs out halfway to the close, and the bidder bids by itself; so there are never two bids
for one decision.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ape_v2v.market.documents.bids import BidDocument

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ape.api import AccountAPI

    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.market.market import Market
    from ape_v2v.units import Rate

_LONGEST = timedelta(minutes=10)


@dataclass
class SignedOpenings:
    """One account's, in any number of auctions."""

    publish: Callable[[BidDocument], None]
    """Give it to those who may place it."""
    _signed: dict[int, tuple[Rate, datetime]] = field(default_factory=dict)

    def may_open(self, info: AuctionInfo) -> bool:
        """Whether an auction has no bid yet, nor had one of these."""
        return info.rate is None and info.id not in self._signed

    def sign(
        self, market: Market, info: AuctionInfo, rate: Rate, signer: AccountAPI, now: datetime
    ) -> BidDocument:
        """Sign an opening and publish it.

        Raises:
            DocumentError: The auction is too young: another may take its place.
            Refused: The market would not accept the bid.
        """
        deadline = now + min(_LONGEST, (info.closing_time - now) / 2)
        document = BidDocument.sign(
            market.auction(info.id), rate, deadline.replace(microsecond=0), signer
        )
        self.publish(document)
        self._signed[info.id] = rate, document.deadline
        return document

    def is_out(self, info: AuctionInfo, now: datetime, min_decrement_bps: int) -> bool:
        """Whether somebody may still place one: till then, another bid would be one too many."""
        rate, deadline = self._signed.get(info.id, (None, now))
        highest = info.highest_rate(min_decrement_bps)
        return rate is not None and now <= deadline and highest is not None and rate <= highest
