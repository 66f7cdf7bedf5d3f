"""How an auction stands, for people."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ape_v2v._cli.shared.tables import Facts, utc
from ape_v2v.market.details import Details
from ape_v2v.market.interface.states import State
from ape_v2v.units import format_duration

if TYPE_CHECKING:
    from ape_v2v._cli.shared.context import Context
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.market.shapes import Standing
    from ape_v2v.market.standing import AuctionRecord


def described(context: Context, info: AuctionInfo) -> dict[str, str]:
    """An auction, for people."""
    lines = {
        "auction": context.auction_name(info.id),
        "id": str(info.id),
        "state": info.state.shown,
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
    if info.open_award:
        lines["award"] = "by anybody"
    return lines


def at_stake(context: Context, standing: Standing) -> dict[str, str]:
    """An auction and what is at stake in it, for people."""
    shown = described(context, standing.info) | {
        name: context.money(getattr(standing, name)) for name in ("reserve", "bond", "penalty")
    }
    if standing.info.state is State.OPEN and context.market.now < standing.info.closing_time:
        highest = standing.highest_rate
        shown["next bid"] = f"at most {context.rate(highest)}" if highest else "impossible"
    return shown


def closing(context: Context, info: AuctionInfo) -> str:
    """When bidding closes, and how long that is from now; what is left when it has closed."""
    now = context.market.now
    if now < info.closing_time:
        return f"{utc(info.closing_time)}, in {format_duration(info.closing_time - now)}"
    award_window = timedelta(seconds=context.market.parameters.awardWindow)
    if info.rate is not None and now >= info.closing_time + award_window:
        return f"{utc(info.closing_time)}: closed too long ago, it can only be cancelled"
    return f"{utc(info.closing_time)}: closed, the consumer has to end it"


def line(context: Context, info: AuctionInfo) -> str:
    """How an auction stands, in one line."""
    best = f"{context.rate(info.rate)} by {info.provider}" if info.rate else "no bid"
    return f"{info.state.shown}: {best}; closes {utc(info.closing_time)}"


def show_record(context: Context, record: AuctionRecord, details: str | None = None) -> None:
    """Show how an auction stands, and the transaction after which it stands so."""
    standing = record.standing()
    data, shown = standing.as_json(), at_stake(context, standing)
    if details is not None:
        data["details"], shown["details"] = details, Details.read(details).describe()
    if context.transaction is not None:
        data["transaction"] = shown["transaction"] = context.transaction
    context.show(data, Facts(shown))
