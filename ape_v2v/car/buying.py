"""What a car that buys does next: decided from how things stand, without doing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.car.choice import Act, Choice
from ape_v2v.market.interface.parameters import BPS
from ape_v2v.market.interface.states import State
from ape_v2v.units import Energy, Money

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from ape_v2v.car.settings import CarSettings, ConsumerSettings
    from ape_v2v.market.interface.parameters import Parameters
    from ape_v2v.market.interface.records import AuctionInfo


@dataclass(frozen=True)
class BuyerStanding:
    """How things stand for a car that buys."""

    now: datetime
    """By this machine's clock, which the driver lives by."""
    chain_now: datetime
    """By the chain's, which the auction lives by."""
    auction: AuctionInfo | None
    """Its own, while it runs."""
    expires_at: datetime | None
    """From when on its connection can be expired."""
    cancellation: Money
    """What cancelling costs now."""
    free: Money
    """Its free balance."""
    missing: Energy
    """What the battery lacks to the target."""
    percent: float
    fruitless: int
    """In how many auctions in a row nobody has bid."""
    waits_for: bool
    """Whether a transaction of its own is in no block yet."""
    has_receipts: bool
    """Whether something of its connection is acknowledged already."""
    has_stopped: bool
    """Whether its session has stopped, and not by its own wish."""
    registered: bool = True


def choose_as_consumer(settings: CarSettings, rules: Parameters, standing: BuyerStanding) -> Choice:
    """What to do next, and why."""
    wants = settings.consumer
    assert wants is not None, "it is a consumer's file"
    if standing.waits_for:
        return Choice(Act.WAIT, "a transaction of the account is in no block yet")
    if standing.auction is None:
        return _idle(settings, wants, rules, standing)
    if standing.auction.state is State.CONNECTED:
        return _connected(settings, wants, standing.auction, standing)
    return _open(wants, standing.auction, standing)


def _connected(
    settings: CarSettings, wants: ConsumerSettings, info: AuctionInfo, standing: BuyerStanding
) -> Choice:
    assert info.connected_at is not None, "it is connected"
    assert info.provider is not None, "somebody has won it"
    assert standing.expires_at is not None, "and it expires"
    if standing.chain_now >= standing.expires_at:
        return Choice(
            Act.EXPIRE, "nobody has settled it in time: what is locked comes free again", info.id
        )
    if not standing.has_receipts and (why := _cannot_begin(info, standing)):
        expiry = f"it can be expired from {standing.expires_at:%Y-%m-%d %H:%M:%S} UTC on"
        return Choice(Act.WAIT, f"{why}, and nothing is signed for: {expiry}", info.id)
    if settings.link.url_of(info.provider) is None:
        return Choice(
            Act.WAIT, f"where {info.provider} serves is not said: add it to link.providers", info.id
        )
    if standing.now >= wants.by:
        return Choice(
            Act.CHARGE, f"it is time to drive on: parts from {info.provider} in order", info.id
        )
    return Choice(Act.CHARGE, f"{info.provider} has won it at {info.rate}", info.id)


def _cannot_begin(info: AuctionInfo, standing: BuyerStanding) -> str | None:
    """Why a session in which nothing is acknowledged cannot go on; None when it can."""
    assert info.connected_at is not None, "it is connected"
    if standing.has_stopped:
        return "its session has stopped"
    if standing.chain_now >= info.connected_at + info.validity:
        return "its token is over"
    return None


def _open(wants: ConsumerSettings, info: AuctionInfo, standing: BuyerStanding) -> Choice:
    drives_on = standing.now >= wants.by
    if info.rate is None:
        if standing.chain_now >= info.closing_time:
            return Choice(Act.TAKE_BACK, "it has closed, and nobody has bid", info.id)
        if drives_on:
            return Choice(Act.CANCEL, "nobody has bid yet, and it is time to drive on", info.id)
    elif drives_on:
        return Choice(
            Act.CANCEL,
            "it is time to drive on: cancelling costs "
            f"{standing.cancellation}, and staying away would cost as much and a no-show",
            info.id,
            amount=standing.cancellation,
        )
    elif standing.chain_now >= info.closing_time:
        return Choice(Act.AWARD, f"it has closed, and the best bid is {info.rate}", info.id)
    best = "nobody has bid yet" if info.rate is None else f"the best bid is {info.rate}"
    return Choice(Act.WAIT, f"it closes at {info.closing_time:%H:%M:%S} UTC, and {best}", info.id)


def _idle(
    settings: CarSettings,
    wants: ConsumerSettings,
    rules: Parameters,
    standing: BuyerStanding,
) -> Choice:
    if (withdrawal := too_much(settings, standing.free)) is not None:
        return withdrawal
    left: timedelta = wants.by - standing.now - wants.bidding_time
    energy = min(standing.missing, settings.energy_within(left))
    if wants.at_most is not None:
        energy = min(energy, wants.at_most)
    if why := _is_over(wants, rules, standing, energy):
        return Choice(Act.END, why)
    if not standing.registered:
        return Choice(Act.WAIT, "the account is no registered EV: have the organization add it")
    reserve = wants.max_rate * energy
    short = reserve - standing.free if reserve > standing.free else reserve - reserve
    if short > settings.balance.deposit_at_most:
        return Choice(
            Act.WAIT,
            f"the reserve for {energy} is {reserve}, and {standing.free} are free: deposit "
            f"{short}, or allow as much with balance.deposit_at_most",
        )
    return Choice(
        Act.ASK,
        f"the battery is at {standing.percent:.1f} %, and {wants.target:g} % is wanted by "
        f"{wants.by.isoformat()}: asks for {energy} at no more than {wants.max_rate}",
        energy=energy,
        amount=short,
    )


def _is_over(
    wants: ConsumerSettings, rules: Parameters, standing: BuyerStanding, energy: Energy
) -> str | None:
    """Why not to ask for so much, nor for anything else any more; None when nothing is."""
    full = f"the battery is at {standing.percent:.1f} %, and {wants.target:g} % is wanted"
    if not standing.missing:
        return full
    if standing.missing < wants.at_least:
        return f"{full}: {standing.missing} is not worth an auction"
    if energy < wants.at_least or not energy:
        return (
            f"it drives on at {wants.by.isoformat()}, and before that less than {wants.at_least} "
            f"could be charged; {full}"
        )
    if standing.fruitless >= wants.attempts:
        return f"nobody has bid in {standing.fruitless} auctions in a row; {full}"
    currency = wants.max_rate.currency
    penalty = int(wants.max_rate * energy) * rules.penaltyBps // BPS
    if penalty < rules.minPenalty:
        return (
            f"{energy} at {wants.max_rate} is too little for this market: the penalty would be "
            f"{Money(penalty, currency)}, and {Money(rules.minPenalty, currency)} is the least; "
            f"{full}"
        )
    return None


def too_much(settings: CarSettings, free: Money) -> Choice | None:
    """To withdraw what is free above the threshold, if there is more."""
    most = settings.balance.withdraw_above
    if most is None or free <= most:
        return None
    return Choice(
        Act.WITHDRAW,
        f"{free} are free, more than {most}: pays out all but {settings.balance.keep}",
        amount=free - settings.balance.keep,
    )
