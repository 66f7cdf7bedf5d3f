"""Trades without ether: what an EV signs, and a sponsor sends and pays.

`Sponsor` and `create_app` are the sponsor's side, `SponsoredGateway` is the EV's: a market whose
writes go through it works as any other. What both speak is an `Order`.
"""

from ape_v2v.sponsor.gateway import SponsoredGateway
from ape_v2v.sponsor.ledger import SpendingLimits
from ape_v2v.sponsor.order import Order
from ape_v2v.sponsor.service import create_app
from ape_v2v.sponsor.sponsor import Sponsor

__all__ = ["Order", "SpendingLimits", "Sponsor", "SponsoredGateway", "create_app"]
