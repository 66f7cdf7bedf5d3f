"""What a car that sells does next: decided from how things stand, without doing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ape_v2v.bidding.policy import Policy
from ape_v2v.car.buying import too_much
from ape_v2v.car.choice import Act, Choice
from ape_v2v.index.board import Filters
from ape_v2v.market.interface.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ape_v2v.car.settings import CarSettings, ProviderSettings
    from ape_v2v.market.interface.parameters import Parameters
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.units import Energy, Money


@dataclass(frozen=True)
class SellerStanding:
    """How things stand for a car that sells."""

    now: datetime
    """By this machine's clock."""
    chain_now: datetime
    engaged: Sequence[AuctionInfo]
    """The running auctions in which it leads, or which it has won."""
    acknowledged: frozenset[int]
    """Those of them of which it has receipts."""
    closed: frozenset[int]
    """Those of them whose token it has closed."""
    free: Money
    """Its free balance."""
    spare: Energy
    """What the battery holds above the reserve."""
    percent: float
    is_counted: bool
    """Whether the battery only changes by what is sold."""
    waits_for: bool
    """Whether a transaction of its own is in no block yet."""
    registered: bool = True


def choose_as_provider(
    settings: CarSettings, rules: Parameters, standing: SellerStanding
) -> Choice:
    """What to do next, and why."""
    offers = settings.provider
    assert offers is not None, "it is a provider's file"
    if standing.waits_for:
        return Choice(Act.WAIT, "a transaction of the account is in no block yet")
    waiting: Choice | None = None
    for info in standing.engaged:
        choice = _engaged(rules, info, standing)
        if choice.act is not Act.WAIT:
            return choice
        waiting = waiting or choice
    live = [info for info in standing.engaged if not is_dead(info, standing)]
    if live and waiting is not None:
        return waiting
    return _idle(settings, offers, standing) or Choice(
        Act.OFFER, f"{standing.spare} can be spared, at no less than {offers.floor}"
    )


def is_dead(info: AuctionInfo, standing: SellerStanding) -> bool:
    """Whether nothing can come of a connection any more but its expiry."""
    if info.state is not State.CONNECTED or info.id in standing.acknowledged:
        return False
    assert info.connected_at is not None, "it is connected"
    return info.id in standing.closed or standing.chain_now >= info.connected_at + info.validity


def policy_of(offers: ProviderSettings, spare: Energy, dead: int) -> Policy:
    """How far the bidder goes now.

    Args:
        offers: What the car is told.
        spare: What the battery holds above the reserve.
        dead: Of how many connections nothing can come any more: they keep it from nothing.
    """
    return Policy(
        offers.floor,
        max_auctions=1 + dead,  # one cable
        filters=Filters(
            min_energy=offers.at_least,
            max_energy=spare if offers.at_most is None else min(spare, offers.at_most),
            connector=offers.connector,
        ),
        max_rate=offers.max_rate,
        max_bond=offers.max_bond,
        max_validity=offers.max_validity,
        counts_gas=not offers.ignore_gas,
        ether_price=offers.ether_price,
    )


def _engaged(rules: Parameters, info: AuctionInfo, standing: SellerStanding) -> Choice:
    if info.state is State.CONNECTED:
        return _won(rules, info, standing)
    return _leading(rules, info, standing.chain_now)


def _won(rules: Parameters, info: AuctionInfo, standing: SellerStanding) -> Choice:
    assert info.connected_at is not None, "it is connected"
    expires_at = info.connected_at + info.validity + timedelta(seconds=rules.settlementWindow)
    if standing.chain_now >= expires_at:
        return Choice(
            Act.EXPIRE, "nobody has settled it in time: the bond comes free again", info.id
        )
    if is_dead(info, standing):
        expiry = f"it can be expired from {expires_at:%Y-%m-%d %H:%M:%S} UTC on"
        return Choice(
            Act.WAIT, f"nothing is acknowledged, and its token is over: {expiry}", info.id
        )
    return Choice(Act.SERVE, f"won {info.energy} at {info.rate}", info.id)


def _leading(rules: Parameters, info: AuctionInfo, now: datetime) -> Choice:
    closing = info.closing_time
    if now < closing:
        return Choice(
            Act.WAIT, f"leads with {info.rate}; it closes at {closing:%H:%M:%S} UTC", info.id
        )
    if info.open_award:
        return Choice(Act.AWARD, f"it has closed, and {info.rate} has won it", info.id)
    until = closing + timedelta(seconds=rules.awardWindow)
    if now >= until:
        return Choice(
            Act.CANCEL, "the consumer has not awarded it in time: the bond comes free", info.id
        )
    return Choice(
        Act.WAIT,
        f"leads with {info.rate}; the consumer may award it until {until:%H:%M:%S} UTC",
        info.id,
    )


def _idle(
    settings: CarSettings, offers: ProviderSettings, standing: SellerStanding
) -> Choice | None:
    """Why not to bid; None when nothing keeps it from that."""
    if (withdrawal := too_much(settings, standing.free)) is not None:
        return withdrawal
    if standing.spare < offers.at_least:
        said = (
            f"the battery is at {standing.percent:.1f} %, and {offers.reserve:g} % stays in it: "
            f"{standing.spare} can be spared, and {offers.at_least} is the least that is sold"
        )
        ends = standing.is_counted and not standing.engaged
        return Choice(Act.END if ends else Act.WAIT, said)
    if not offers.is_open(standing.now):
        return Choice(Act.WAIT, f"it bids from {offers.hours}, {offers.zone}")
    if not standing.registered:
        return Choice(Act.WAIT, "the account is no registered EV: have the organization add it")
    return None
