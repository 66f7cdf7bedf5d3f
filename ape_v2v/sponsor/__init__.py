"""Trades without ether: what an EV signs, and a sponsor sends and pays.

A `Sponsor` is the sponsor's side, and `service` puts it behind HTTP; `SponsoredGateway` is the
EV's: a market whose writes go through it works as any other. What both speak is an `Order`.
"""

from ape_v2v.sponsor.gateway import SponsoredGateway
from ape_v2v.sponsor.ledger import SpendingLimits
from ape_v2v.sponsor.order import Order
from ape_v2v.sponsor.sponsor import Sponsor

__all__ = ["Order", "SpendingLimits", "Sponsor", "SponsoredGateway"]
