"""How far a bidder goes, and what it offers: arithmetic alone, for the bidder and for simulations.

A bid costs gas, whether it wins or not. Who underbids by the least that is accepted makes many
bids; who underbids by much gives money away. With a step `s`, two bidders who are `d` apart from
where it ends make about `d / s` bids, and the winner ends half a step too low; so the step that
costs least is the root of `2 * d * g`, where `g` is what the gas of a bid costs for each watt-hour.
Where gas is free, that is the least that is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

from ape_v2v.errors import V2VError
from ape_v2v.index.board import EVERYTHING
from ape_v2v.units import Money, Rate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from ape_v2v.currency import Currency
    from ape_v2v.index.board import Filters
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.units import Price

BID_GAS = 60_000
"""What a bid takes."""
DELIVERY_GAS = 70_000
"""What a provider's part of the rest takes: settling with the last receipt."""
_BPS = 10_000


@dataclass(frozen=True)
class Policy:
    """How far a bidder goes.

    Raises:
        V2VError: It could never bid so.
    """

    floor: Rate
    """The lowest rate that it bids: what the energy costs it."""
    start_rate: Rate | None = None
    """The highest that it bids where no bid stands; None: the consumer's maximum rate."""
    max_auctions: int = 1
    """In how many it leads or delivers at a time, at most."""
    filters: Filters = EVERYTHING
    expected: Rate | None = None
    """What it expects to win at: it opens there, where no bid stands."""
    max_rate: Rate | None = None
    """The highest that it ever bids."""
    max_bond: Money | None = None
    """The most that it locks in one auction."""
    max_at_stake: Money | None = None
    """The most that it locks in all of them."""
    max_validity: timedelta | None = None
    """The longest that it is bound for after the award."""
    counts_gas: bool = True
    """Whether it stays out where the gas costs more than there is to earn."""
    ether_price: Price | None = None
    """What one ether costs in the token that a market is paid in: gas is paid in ether."""

    def __post_init__(self) -> None:
        if not self.floor:
            raise V2VError(f"the floor is 0: it is at least 1 {self.floor.scale.base}")
        for name, rate in (("start rate", self.start_rate), ("maximum rate", self.max_rate)):
            if rate is not None and rate < self.floor:
                raise V2VError(
                    f"the {name} of {rate} is below the floor of {self.floor}: raise the one or "
                    "lower the other"
                )

    def require_for(self, currency: Currency) -> None:
        """Refuse a market that this cannot be carried out in.

        Raises:
            WrongCurrency: It is for one in another currency.
            V2VError: It counts gas, and what ether costs in the market's token is not said.
        """
        self.floor.require_in(currency)
        if self.counts_gas:
            self.gas_in(currency, 0)

    def gas_in(self, currency: Currency, wei: int) -> int:
        """What gas costs in the smallest units of a market's currency, rounded up.

        Raises:
            V2VError: What ether costs in it is not said.
        """
        if currency.is_ether:
            return wei
        if self.ether_price is None:
            raise V2VError(
                f"gas is paid in ether, and this market in {currency}, so what a bid costs is not "
                f"known: say what one ether costs with --ether-price '{currency}=3100', or leave "
                "gas out with --ignore-gas (in a car's file, ether_price and ignore_gas)"
            )
        return self.ether_price.of(wei, currency)


@dataclass(frozen=True)
class BidTerms:
    """What a market and its network ask of a bidder at the moment."""

    min_decrement_bps: int
    bond_bps: int
    gas_price: int
    """Wei per gas, as a transaction pays it now."""
    balance: Money
    """What is free in the market."""
    at_stake: Money
    """What is locked already."""


@dataclass(frozen=True)
class Offer:
    """What to bid, or why not."""

    rate: Rate | None
    reason: str = ""
    """Why it does not bid; empty where it does."""


def bond(info: AuctionInfo, terms: BidTerms) -> Money:
    """What a provider locks in an auction."""
    return Money(int(info.reserve) * terms.bond_bps // _BPS, info.max_rate.currency)


def offer(policy: Policy, info: AuctionInfo, terms: BidTerms, bid_gas: int = BID_GAS) -> Offer:
    """What to bid in an open auction of somebody else, in which somebody else leads or nobody.

    Args:
        policy: How far to go.
        info: The auction.
        terms: What bidding takes now.
        bid_gas: What this bid takes of it; nothing where others place it.
    """
    highest = info.highest_rate(terms.min_decrement_bps)
    if highest is None or highest < policy.floor:
        return Offer(None, "a bid would have to be below the floor")
    if reason := _beyond_a_cap(policy, info, terms):
        return Offer(None, reason)
    currency = info.max_rate.currency
    wei = terms.gas_price * (bid_gas + DELIVERY_GAS)
    gas = Money(policy.gas_in(currency, wei) if policy.counts_gas else 0, currency)
    least = Rate(int(policy.floor) + _per_wh(int(gas), info), currency)
    if highest < least:
        return Offer(
            None,
            f"a bid would have to be below {least}, where it earns less than its gas of {gas}",
        )
    return Offer(max(least, _wanted(policy, info, highest, terms)))


def expected_rate(won: Sequence[tuple[Rate, Rate]], max_rate: Rate) -> Rate | None:
    """What an auction is expected to be won at: as much below its maximum rate as others were.

    Args:
        won: Of past auctions, the rate that won and the consumer's maximum rate.
        max_rate: The maximum rate of this one.

    Returns:
        The median of the shares, applied to `max_rate`; None without past auctions.
    """
    if not won:
        return None
    shares = sorted(int(rate) * _BPS // int(most) for rate, most in won)
    return Rate(max(1, int(max_rate) * shares[len(shares) // 2] // _BPS), max_rate.currency)


def _wanted(policy: Policy, info: AuctionInfo, highest: Rate, terms: BidTerms) -> Rate:
    """What would be bid if nothing else counted."""
    rate = highest
    opens = info.rate is None
    limits = [policy.max_rate, *([policy.start_rate, policy.expected] if opens else [])]
    for limit in limits:
        if limit is not None:
            rate = min(rate, limit)
    if policy.counts_gas and not (opens and policy.expected):
        gas = _per_wh(policy.gas_in(rate.currency, terms.gas_price * BID_GAS), info)
        step = isqrt(2 * max(0, int(rate) - int(policy.floor)) * gas)
        least = max(1, min(int(rate), int(info.rate or info.max_rate) - step))
        rate = Rate(least, rate.currency)
    return rate


def _per_wh(amount: int, info: AuctionInfo) -> int:
    """An amount spread over an auction's energy, rounded up."""
    return -(-amount // int(info.energy))


def _beyond_a_cap(policy: Policy, info: AuctionInfo, terms: BidTerms) -> str:
    """Which limit keeps it out; empty where none does."""
    needed = bond(info, terms)
    if policy.max_validity is not None and info.validity > policy.max_validity:
        return f"it would be bound for {info.validity}, and {policy.max_validity} is the most"
    if policy.max_bond is not None and needed > policy.max_bond:
        return f"the bond is {needed}, and {policy.max_bond} is the most"
    if policy.max_at_stake is not None and terms.at_stake + needed > policy.max_at_stake:
        return (
            f"with a bond of {needed} there would be {terms.at_stake + needed} at stake, and "
            f"{policy.max_at_stake} is the most"
        )
    if terms.balance < needed:
        missing = needed - terms.balance
        return f"the bond is {needed}, and {terms.balance} are free: deposit {missing} more"
    return ""
