"""How an auction stands: for programs under the contract's names, and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ape_v2v._cli.tables import utc
from ape_v2v.market.states import State
from ape_v2v.units import format_duration

if TYPE_CHECKING:
    from ape_v2v._cli.context import Context
    from ape_v2v.market.records import AuctionInfo
    from ape_v2v.market.standing import AuctionRecord
    from ape_v2v.units import Money, Rate


def state_name(state: State) -> str:
    return state.name.lower()


def amount(value: Money | Rate | None) -> str | None:
    """Wei, or wei per Wh, as JSON has it."""
    return None if value is None else str(int(value))


def entry(info: AuctionInfo) -> dict[str, Any]:
    """An auction, for programs."""
    return {
        "auctionId": str(info.id),
        "state": state_name(info.state),
        "consumer": info.consumer,
        "energyWh": int(info.energy),
        "maxRate": amount(info.max_rate),
        "closingTime": info.closing_time.isoformat(),
        "validity": int(info.validity.total_seconds()),
        "provider": info.provider,
        "rate": amount(info.rate),
        "cost": amount(info.cost),
        "connectedAt": None if info.connected_at is None else info.connected_at.isoformat(),
        "removals": info.removals,
    }


def described(context: Context, info: AuctionInfo) -> dict[str, str]:
    """An auction, for people."""
    lines = {
        "auction": context.auction_name(info.id),
        "id": str(info.id),
        "state": state_name(info.state),
        "energy": context.energy(info.energy),
        "at most": context.rate(info.max_rate),
    }
    if info.state is State.OPEN:
        lines["closes"] = closing(context, info)
    if info.rate is not None and info.cost is not None:
        lines["best bid"] = f"{context.rate(info.rate)} by {context.who(info.provider or '')}"
        lines["cost"] = context.money(info.cost)
    else:
        lines["best bid"] = "none"
    lines["validity"] = format_duration(info.validity)
    return lines


def standing(context: Context, record: AuctionRecord) -> tuple[dict[str, Any], dict[str, str]]:
    """An auction and what is at stake in it, for programs and for people.

    Raises:
        Refused: It is over.
    """
    info = record.info
    stakes = {"reserve": record.reserve, "bond": record.bond, "penalty": record.penalty}
    data = entry(info) | {name: amount(value) for name, value in stakes.items()}
    shown = described(context, info)
    shown |= {name: context.money(value) for name, value in stakes.items()}
    if info.state is State.OPEN:
        highest = info.highest_rate(context.market.parameters.minDecrementBps)
        data["highestRate"] = amount(highest)
        shown["next bid"] = f"at most {context.rate(highest)}" if highest else "impossible"
    return data, shown


def closing(context: Context, info: AuctionInfo) -> str:
    """When bidding closes, and how long that is from now."""
    left = info.closing_time - context.market.now
    seconds = left.total_seconds()
    return utc(info.closing_time) + (
        f", in {format_duration(left)}" if seconds > 0 else ": closed, the consumer has to end it"
    )


def line(context: Context, info: AuctionInfo) -> str:
    """How an auction stands, in one line."""
    best = f"{context.rate(info.rate)} by {info.provider}" if info.rate else "no bid"
    return f"{state_name(info.state)}: {best}; closes {utc(info.closing_time)}"
