"""How an auction or a connection that is over ended: when, and what was paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v._cli.shared.catchup import open_history
from ape_v2v._cli.shared.tables import Facts, utc
from ape_v2v.index.endings import EndedAuction, ending
from ape_v2v.index.views import Outcome
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State

if TYPE_CHECKING:
    from ape_v2v._cli.shared.context import Context
    from ape_v2v.market.standing import AuctionRecord

_OUTCOMES = {
    Outcome.UNSOLD: "it ended without a bid",
    Outcome.CANCELLED: "it was cancelled",
    Outcome.ENDED: "its connection was settled",
    Outcome.SHORT: "its connection was broken off, and settled with what had been delivered",
    Outcome.FORFEITED: "its provider gave the connection up",
    Outcome.EXPIRED: "its connection expired, and nobody had settled it",
}


def find_ending(context: Context, error: Exception) -> EndedAuction | None:
    """How the auction ended for which a call was refused because it is over; None for the rest."""
    if context.head is not None:
        return None  # told from events, and that there are no others is not proven
    if (
        not isinstance(error, Refused)
        or error.name != "UnexpectedState"
        or State(error.inputs["actual"]) is not State.NONE
    ):
        return None
    with open_history(context, confirmations=0) as history:
        return ending(history.events(auction=error.inputs["auctionId"]), context.market.currency)


def show_ending(context: Context, record: AuctionRecord) -> None:
    """Show how an auction ended.

    Raises:
        Refused: It never was.
    """
    with open_history(context, confirmations=0) as history:
        found = ending(history.events(auction=record.id), context.market.currency)
    if found is None:
        _ = record.info  # refuses
        return
    context.show(found.as_json(), Facts(_described(context, found)))


def _described(context: Context, found: EndedAuction) -> dict[str, object]:
    """All of it, for people."""
    return {
        "auction": context.auction_name(found.auction_id),
        "id": found.auction_id,
        "state": f"over: {_OUTCOMES[found.outcome]}",
        "ended": utc(found.ended_at),
        "paid": None if found.cost is None else context.money(found.cost),
        "for": None if found.energy is None else context.energy(found.energy),
        "penalty": _penalty(context, found),
        "transaction": found.transaction,
    }


def in_words(context: Context, found: EndedAuction) -> str:
    """All of it in one sentence."""
    paid = penalty = ""
    if found.cost is not None and found.energy is not None:
        paid = f", {context.money(found.cost)} was paid for {context.energy(found.energy)}"
    if lost := _penalty(context, found):
        penalty = f", with a penalty of {lost}"
    return (
        f"auction {context.auction_name(found.auction_id)} is over: {_OUTCOMES[found.outcome]} at "
        f"{utc(found.ended_at)}{paid}{penalty}, by transaction {found.transaction}"
    )


def _penalty(context: Context, found: EndedAuction) -> str | None:
    if not found.penalty:
        return None
    who = " from each side" if found.outcome in {Outcome.SHORT, Outcome.EXPIRED} else ""
    return context.money(found.penalty) + who
