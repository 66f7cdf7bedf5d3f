"""What bidding takes at the moment, asked of the market and its network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ape_v2v.bidding.policy import BidTerms, bond
from ape_v2v.chain import fees
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ape_v2v.chain.node import Node
    from ape_v2v.market.interface.parameters import Parameters
    from ape_v2v.market.interface.records import AuctionInfo


def terms(
    parameters: Parameters, balance: Money, engaged: Iterable[AuctionInfo], gas_price: int
) -> BidTerms:
    """What a market asks of a bidder who is engaged in some auctions already."""
    nothing = BidTerms(
        min_decrement_bps=parameters.minDecrementBps,
        bond_bps=parameters.bondBps,
        gas_price=gas_price,
        balance=balance,
        at_stake=Money(0, balance.currency),
    )
    locked = sum(int(bond(info, nothing)) for info in engaged)
    return replace(nothing, at_stake=Money(locked, balance.currency))


def gas_price(node: Node) -> int:
    """What a transaction pays now, wei per gas.

    Raises:
        V2VError: Gas costs more than the configuration allows.
        NodeError: The node does not answer.
    """
    block, price = fees.ask(node, fees.configured_fees(node))
    return min(price.max_fee, (block.base_fee or 0) + price.priority_fee)
