"""`ape v2v auction`: ask for energy, bid, award."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from rich.live import Live

from ape_v2v._cli.auction import bids
from ape_v2v._cli.auction.autobid import autobid
from ape_v2v._cli.light import light_options, proven_details
from ape_v2v._cli.shared.catchup import open_history
from ape_v2v._cli.shared.commands import reading, writing
from ape_v2v._cli.shared.endings import show_ending
from ape_v2v._cli.shared.filters import filtering
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.live import interval_option, stop_signals
from ape_v2v._cli.shared.parameters import (
    AUCTION,
    DURATION,
    ENERGY,
    MONEY,
    PLACE,
    RATE,
    TIME,
    own_auction,
    require_consumer,
)
from ape_v2v._cli.shared.standing import described, line, show_record
from ape_v2v._cli.shared.tables import Facts, Rows
from ape_v2v.bidding.autobidder import POLL_SECONDS
from ape_v2v.chain import blocks
from ape_v2v.index.board import Board
from ape_v2v.index.history import History
from ape_v2v.market.details import Details
from ape_v2v.market.interface.records import NO_MONEY
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State
from ape_v2v.market.market import DEFAULT_BIDDING_TIME, DEFAULT_VALIDITY
from ape_v2v.market.shapes import AuctionOver
from ape_v2v.units import format_duration

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from ape_v2v._cli.shared.context import Context
    from ape_v2v._cli.shared.parameters import AuctionReference
    from ape_v2v.index.board import Filters
    from ape_v2v.market.auction import Auction
    from ape_v2v.market.details import Place
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.units import Energy, Money, Rate

RUNNING = {state.shown: state for state in (State.OPEN, State.CONNECTED)}


@click.group(cls=Group, short_help="Ask for energy, bid, award")
def cli() -> None:
    """Consumers ask for energy, and providers underbid each other until the close.

    AUCTION is an auction by its id, by its consumer (the address or the alias of an account; then
    it is the current one), or by both: CONSUMER/3 is the consumer's third.
    """


@cli.add_command
@writing(name="start")
@click.argument("energy", type=ENERGY)
@click.argument("max_rate", type=RATE)
@click.option(
    "--bidding-time",
    type=DURATION,
    default=format_duration(DEFAULT_BIDDING_TIME),
    show_default=True,
    help="How long bids are accepted.",
)
@click.option(
    "--validity",
    type=DURATION,
    default=format_duration(DEFAULT_VALIDITY),
    show_default=True,
    help="How long the two EVs have to meet, from the award on.",
)
@click.option(
    "--details",
    metavar="TEXT",
    help="What providers filter by, as JSON or as a note; instead of the options below.",
)
@click.option("--place", type=PLACE, help="Where; published to about 1 km.")
@click.option("--connector", metavar="NAME", help="Such as IEC_62196_T2 or CHADEMO.")
@click.option(
    "--max-power",
    metavar="KW",
    type=click.FloatRange(min=0, min_open=True),
    help="The most that you can take, kW.",
)
@click.option("--from", "from_", type=TIME, help="From when on; ISO 8601, UTC.")
@click.option("--until", type=TIME, help="Until when; ISO 8601, UTC.")
@click.option("--value", type=MONEY, default=NO_MONEY, help="Deposit this with it.")
@click.option(
    "--open-award",
    is_flag=True,
    help="Anybody may end the auction after the close: you need not come back for it.",
)
def start(
    context: Context,
    *,
    energy: Energy,
    max_rate: Rate,
    bidding_time: timedelta,
    validity: timedelta,
    details: str | None,
    value: Money,
    open_award: bool,
    **said: Any,
) -> None:
    """Ask for ENERGY at no more than MAX_RATE. A registered EV.

    Locks the most that it can cost, MAX_RATE times ENERGY. The details are public for ever: say
    nothing personal, and tell the exact place after the award.
    """
    if details is not None and any(given is not None for given in said.values()):
        raise click.UsageError("--details says all of it: give it alone, or the other options")
    published = Details.parse(details) if details is not None else _said(**said)
    text = published.text()
    auction = context.market.start_auction(
        energy,
        max_rate,
        bidding_time,
        validity,
        text,
        open_award=open_award,
        sender=context.sender,
        value=value,
    )
    show_record(context, auction, text)


def _said(
    place: Place | None,
    connector: str | None,
    max_power: float | None,
    from_: datetime | None,
    until: datetime | None,
) -> Details:
    return Details.compose(
        {
            "place": place and place.coarse,
            "connector": connector,
            "maxPowerKW": max_power,
            "from": from_,
            "until": until,
        }
    )


@cli.add_command
@reading(name="list")
@filtering
@click.option("--state", type=click.Choice(list(RUNNING)), help="Only those in this state.")
def list_(context: Context, filters: Filters, state: str | None) -> None:
    """List the running auctions, the first to close first."""
    if state is not None:
        filters = replace(filters, state=RUNNING[state])
    with open_history(context) as history:
        board = Board(history)
        board.refresh()
        listings = board.running(filters)
    columns = ("auction", "state", "energy", "at most", "best bid", "closes (UTC)", "details")
    rows = [
        (
            context.auction_name(info.id),
            info.state.shown,
            context.energy(info.energy),
            context.rate(info.max_rate),
            "" if info.rate is None else context.rate(info.rate),
            f"{info.closing_time:%Y-%m-%d %H:%M:%S}",
            listing.details.describe(),
        )
        for listing in listings
        for info in [listing.info]
    ]
    if listings or context.as_json:
        data = [item.info.as_json() | {"details": item.text} for item in listings]
        context.show(data, Rows(columns, rows, prose=True))
    else:
        click.echo("no running auction passes the filters", err=True)


@cli.add_command
@reading(name="show")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@light_options
def show(context: Context, reference: AuctionReference) -> None:
    """Show an auction: its terms, its best bid, what is at stake; of one that is over, its end."""
    auction = reference.find(context.market)
    if context.head is not None:
        _ = auction.info  # an end is told by events, and that there are no others is not proven
        show_record(context, auction, proven_details(auction))
        return
    if auction.state is State.NONE:
        show_ending(context, auction)
        return
    with open_history(context, confirmations=0) as history:
        started = next(history.events(["AuctionStarted"], auction=auction.id), None)
    show_record(context, auction, started.args["details"] if started else "")


@cli.add_command
@reading(name="watch")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@interval_option(POLL_SECONDS)
def watch(context: Context, reference: AuctionReference, interval: float) -> None:
    """Watch an auction until it is awarded or over, or until Ctrl-C.

    With --json, one JSON object a line: how it stands, and after each change how it stands then.
    """
    auction = reference.find(context.market)
    first_block = blocks.height(context.node)
    _ = auction.info  # what is over already is an error; what ends from now on is none
    with stop_signals() as stop:
        if context.console.is_terminal and not context.as_json:
            with Live(console=context.console, auto_refresh=False, transient=True) as screen:
                for info in _standings(auction, stop, interval, repeat=True):
                    screen.update(Facts(described(context, info), fold=True), refresh=True)
        else:
            for info in _standings(auction, stop, interval):
                context.emit(info.as_json(), line(context, info))
    if not stop.is_set():
        _tell_outcome(context, auction, first_block)


def _standings(
    auction: Auction, stop: threading.Event, interval: float, *, repeat: bool = False
) -> Iterator[AuctionInfo]:
    """How an auction stands as long as it is open: after each change, or at each look."""
    previous = None
    while not stop.is_set():
        try:
            info = auction.info
        except Refused:  # it is over
            return
        if info.state is not State.OPEN:
            return
        if repeat or info != previous:
            yield info
        previous = info
        stop.wait(interval)


def _tell_outcome(context: Context, auction: Auction, first_block: int) -> None:
    """What has become of an auction that was open when it was watched."""
    try:
        info = auction.info
        context.emit(info.as_json(), line(context, info))
    except Refused:
        with History(
            context.market, cache=False, confirmations=0, start_block=first_block
        ) as history:
            history.refresh()
            *_, last = history.events(auction=auction.id)
        over = AuctionOver(auction.id, event=last.name)
        context.emit(over.as_json(), f"over: {last.name}")


@cli.add_command
@writing(name="end")
@click.argument("reference", metavar="[AUCTION]", type=AUCTION, required=False)
def end(context: Context, reference: AuctionReference | None) -> None:
    """End an auction after the close, by default your own.

    Accepts the best bid, or without one gives the reserve back. The access token is valid from then
    on. The consumer, or anyone if it was started with --open-award.
    """
    auction = reference.find(context.market) if reference else own_auction(context)
    info = auction.info
    if not info.open_award:
        require_consumer(context, info)
    if info.cost is not None and info.provider is not None:
        cost, energy = context.money(info.cost), context.energy(info.energy)
        context.notice(f"accepts the bid of {context.who(info.provider)}: {cost} for {energy}")
    connection = auction.end(sender=context.sender)
    if connection is None:
        over = AuctionOver(auction.id, context.transaction)
        context.show(over.as_json(), "no bid stands: the reserve is in your balance again")
    else:
        show_record(context, connection)


@cli.add_command
@writing(name="cancel")
@click.argument("reference", metavar="[AUCTION]", type=AUCTION, required=False)
@click.option(
    "--max-penalty",
    metavar="AMOUNT",
    type=MONEY,
    default=NO_MONEY,
    help="The most that it may cost the consumer.  [default: free of charge, or refused]",
)
def cancel(context: Context, reference: AuctionReference | None, max_penalty: Money) -> None:
    """Cancel an open auction, by default your own.

    The consumer at any time, anyone once the time for the award has passed. While an EV's bid
    stands, it costs the consumer the penalty.
    """
    auction = reference.find(context.market) if reference else own_auction(context)
    penalty = auction.cancellation_penalty
    auction.cancel(max_penalty, sender=context.sender)
    context.show(
        AuctionOver(auction.id, context.transaction, penalty).as_json(),
        f"cancelled; the consumer has paid {context.money(penalty)}"
        if penalty
        else "cancelled free of charge",
    )


for command in (*bids.COMMANDS, autobid):
    cli.add_command(command)
