"""`ape v2v auction`: ask for energy, bid, award."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from ape.cli import account_option
from ape_accounts import KeyfileAccount
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ape_v2v._cli.history import open_history
from ape_v2v._cli.live import interval_option, stop_signals
from ape_v2v._cli.options import (
    DURATION,
    ENERGY,
    MONEY,
    RATE,
    Context,
    grid,
    prompts_on_stderr,
    reading,
    writing,
)
from ape_v2v._cli.references import (
    AUCTION,
    PLACE,
    TIME,
    DocumentType,
    own_auction,
)
from ape_v2v._cli.standing import (
    amount,
    auction_name,
    described,
    emit,
    entry,
    line,
    notice,
    standing,
    state_name,
)
from ape_v2v.bidding.autobidder import POLL_SECONDS, Autobidder, Policy
from ape_v2v.chain import blocks
from ape_v2v.index.board import (
    DEFAULT_WITHIN_KM,
    Board,
    Filters,
    Listing,
)
from ape_v2v.index.history import History
from ape_v2v.market.details import Details
from ape_v2v.market.documents import BidDocument
from ape_v2v.market.market import DEFAULT_BIDDING_TIME, DEFAULT_VALIDITY
from ape_v2v.market.records import NO_MONEY
from ape_v2v.market.refusals import Refused
from ape_v2v.market.states import State
from ape_v2v.units import format_duration

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, timedelta

    from ape_v2v._cli.references import AuctionReference
    from ape_v2v.bidding.autobidder import Decision, Summary
    from ape_v2v.market.auction import Auction
    from ape_v2v.market.details import Place
    from ape_v2v.market.records import AuctionInfo
    from ape_v2v.market.standing import AuctionRecord
    from ape_v2v.units import Energy, Money, Rate

RUNNING = {state_name(state): state for state in (State.OPEN, State.CONNECTED)}


@click.group(short_help="Ask for energy, bid, award")
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
def start(
    context: Context,
    *,
    energy: Energy,
    max_rate: Rate,
    bidding_time: timedelta,
    validity: timedelta,
    details: str | None,
    value: Money,
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
        energy, max_rate, bidding_time, validity, text, sender=context.sender, value=value
    )
    _show(context, auction, text)


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


_FILTERS = (
    click.option("--min-energy", type=ENERGY, help="Asked for at least."),
    click.option("--max-energy", type=ENERGY, help="Asked for at most."),
    click.option("--min-rate", type=RATE, help="The consumer's maximum rate is at least this."),
    click.option("--min-validity", type=DURATION, help="Time to meet, at least."),
    click.option("--near", type=PLACE, help="No farther than --within from here."),
    click.option(
        "--within",
        "within_km",
        metavar="KM",
        type=click.FloatRange(min=0),
        default=DEFAULT_WITHIN_KM,
        show_default=True,
        help="As the crow flies.",
    ),
    click.option("--connector", metavar="NAME", help="With this connector."),
)
_FILTER_NAMES = (
    "min_energy", "max_energy", "min_rate", "min_validity", "near", "within_km", "connector",
)  # fmt: skip


def _filtering(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that filter auctions, and hand it the `Filters`."""

    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> None:
        filters = Filters(**{name: options.pop(name) for name in _FILTER_NAMES})
        function(*arguments, filters=filters, **options)

    for option in reversed(_FILTERS):
        command = option(command)
    return command


@cli.add_command
@reading(name="list")
@_filtering
@click.option("--state", type=click.Choice(list(RUNNING)), help="Only those in this state.")
def list_(context: Context, filters: Filters, state: str | None) -> None:
    """List the running auctions, the first to close first."""
    if state is not None:
        filters = replace(filters, state=RUNNING[state])
    with open_history(context) as history:
        board = Board(history)
        board.refresh()
        listings = board.running(filters)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("auction", "state", "energy", "at most", "best bid", "closes (UTC)", "details"):
        table.add_column(name, overflow="fold")
    for listing in listings:
        info = listing.info
        table.add_row(
            auction_name(info.id),
            state_name(info.state),
            context.energy(info.energy),
            context.rate(info.max_rate),
            "" if info.rate is None else context.rate(info.rate),
            f"{info.closing_time:%Y-%m-%d %H:%M:%S}",
            Text(listing.details.describe()),
        )
    if listings or context.as_json:
        context.show([entry(item.info) | {"details": item.text} for item in listings], table)
    else:
        click.echo("no running auction passes the filters", err=True)


@cli.add_command
@reading(name="show")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
def show(context: Context, reference: AuctionReference) -> None:
    """Show an auction that is open or connected: its terms, its best bid, what is at stake."""
    auction = reference.find(context.market)
    _ = auction.info  # whether it is over is known without the history
    with open_history(context, confirmations=0) as history:
        started = next(history.events(["AuctionStarted"], auction=auction.id), None)
    _show(context, auction, started.args["details"] if started else "")


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
                    screen.update(grid(described(context, info)), refresh=True)
        else:
            for info in _standings(auction, stop, interval):
                emit(context, entry(info), line(context, info))
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
        emit(context, entry(info), line(context, info))
    except Refused:
        with History(
            context.market, cache=False, confirmations=0, start_block=first_block
        ) as history:
            history.refresh()
            *_, last = history.events(auction=auction.id)
        data = {"auctionId": str(auction.id), "state": "none", "event": last.name}
        emit(context, data, f"over: {last.name}")


@cli.add_command
@writing(name="bid")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@click.argument("rate", type=RATE)
@click.option("--value", type=MONEY, default=NO_MONEY, help="Deposit this with it.")
def bid(context: Context, reference: AuctionReference, rate: Rate, value: Money) -> None:
    """Bid to deliver at RATE, and lock the bond. A registered EV other than the consumer.

    Who leads may lower its own bid; that locks nothing more.
    """
    auction = reference.find(context.market)
    auction.place_bid(rate, sender=context.sender, value=value)
    _show(context, auction)


@cli.add_command
@reading(name="sign-bid")
@account_option()
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@click.argument("rate", type=RATE)
@click.option(
    "--valid",
    type=DURATION,
    default="10 min",
    show_default=True,
    help="How long others may place it.",
)
def sign_bid(context: Context, reference: AuctionReference, rate: Rate, valid: timedelta) -> None:
    """Sign a bid for anyone to place with relay-bid, and print it as JSON. Sends nothing.

    When it is placed, the bond is locked out of your balance. It cannot be called back before it
    has run out: choose a short time.
    """
    auction = reference.find(context.market)
    deadline = context.market.now + valid
    with prompts_on_stderr():
        document = BidDocument.sign(auction, rate, deadline, context.sender)
    click.echo(document.text())


@cli.add_command
@writing(name="relay-bid")
@click.argument("document", metavar="FILE", type=DocumentType(BidDocument))
def relay_bid(context: Context, document: BidDocument) -> None:
    """Place the bid in FILE that another has signed; - is standard input. Anyone.

    The gas is yours, the bond is out of the signer's balance.
    """
    auction = context.market.auction(document.auction_id)
    bid = document.bid_for(auction)
    notice(context, f"bids {context.rate(bid.rate)} for {bid.provider}, out of its balance")
    auction.relay_bid(bid, sender=context.sender)
    _show(context, auction)


@cli.add_command
@writing(name="remove-bid")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
def remove_bid(context: Context, reference: AuctionReference) -> None:
    """Take back your leading bid, for a penalty that goes to the consumer. Before the close.

    Bidding starts again from the consumer's maximum rate.
    """
    auction = reference.find(context.market)
    auction.remove_bid(sender=context.sender)
    _show(context, auction)


@cli.add_command
@writing(name="end")
def end(context: Context) -> None:
    """End your auction after the close: accept the best bid, or without one get the reserve back.

    The access token is valid from then on. The consumer.
    """
    auction = own_auction(context)
    info = auction.info
    if info.cost is not None:
        cost, energy = context.money(info.cost), context.energy(info.energy)
        notice(context, f"accepts the bid of {info.provider}: {cost} for {energy}")
    connection = auction.end(sender=context.sender)
    if connection is None:
        data = {"auctionId": str(auction.id), "state": "none", "transaction": context.transaction}
        context.show(data, "nobody has bid: the reserve is in your balance again")
    else:
        _show(context, connection)


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
        {
            "auctionId": str(auction.id),
            "state": "none",
            "penalty": amount(penalty),
            "transaction": context.transaction,
        },
        f"cancelled; the consumer has paid {context.money(penalty)}"
        if penalty
        else "cancelled free of charge",
    )


@cli.add_command
@writing(name="autobid")
@click.argument("reference", metavar="[AUCTION]", type=AUCTION, required=False)
@click.option("--floor", metavar="RATE", type=RATE, required=True, help="The lowest to bid.")
@click.option(
    "--start-rate",
    metavar="RATE",
    type=RATE,
    help="The highest to open with.  [default: the consumer's maximum rate]",
)
@click.option(
    "--max-auctions",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="In how many to lead or deliver at a time.",
)
@_filtering
@click.option("--once", is_flag=True, help="Bid where that is possible now, and stop.")
@interval_option(POLL_SECONDS)
def autobid(
    context: Context,
    *,
    reference: AuctionReference | None,
    floor: Rate,
    start_rate: Rate | None,
    max_auctions: int,
    filters: Filters,
    once: bool,
    interval: float,
) -> None:
    """Underbid others by just what is required, down to a floor. A registered EV.

    In AUCTION, until bidding closes there; without it in every open auction that passes the
    filters, until Ctrl-C. Of several, the one that pays the highest rate comes first. It does not
    bid while it leads, nor without the balance for the bond. With --json, one JSON object a line
    for each decision, and a last one.
    """
    market, account = context.market, context.sender
    policy = Policy(floor, start_rate, max_auctions, filters)
    if not market.ev(account.address).registered:
        raise Refused("NotEV", {"account": account.address})
    auction = reference.find(market) if reference else None
    if auction is not None and auction.info.consumer == account.address:
        raise Refused("OwnAuction", {"auctionId": auction.id})
    _confirm_autobid(context, auction, policy)
    bidder = Autobidder(market, account, policy, functools.partial(_tell_decision, context))
    with stop_signals() as stop, _reading(context, auction) as running:
        try:
            if once:
                bidder.catch_up(running, stop)
            else:
                bidder.run(running, stop, interval=interval, lasting=auction is None)
        finally:
            _tell_summary(context, bidder.summary)


def _confirm_autobid(context: Context, auction: Auction | None, policy: Policy) -> None:
    """Ask once for all bids, and unlock the account for them."""
    account = context.sender
    if not context.yes:
        where = "every open auction that passes the filters"
        balance = context.market.balance(account.address)
        click.echo(
            f"bids in {where if auction is None else auction_name(auction.id)}, without asking\n"
            f"  by {account.address}\n"
            f"  down to {context.rate(policy.floor)}, in {policy.max_auctions} at a time\n"
            f"  locks a bond for each, out of {context.money(balance)}; each bid costs gas",
            err=True,
        )
        with prompts_on_stderr():
            click.confirm("start?", abort=True, err=True)
        context.yes = True
    if isinstance(account, KeyfileAccount):
        with prompts_on_stderr():
            account.set_autosign(True)


@contextmanager
def _reading(
    context: Context, auction: Auction | None
) -> Iterator[Callable[[], Sequence[Listing]]]:
    """How an autobidder looks at the auctions: at the one, or at all of them."""

    def one(auction: Auction) -> Sequence[Listing]:
        try:
            return [Listing(auction.info)]
        except Refused:  # it is over
            return []

    def every(board: Board) -> Sequence[Listing]:
        board.refresh()
        return board.running()

    if auction is not None:
        yield functools.partial(one, auction)
    else:
        with open_history(context) as history:
            yield functools.partial(every, Board(history))


def _tell_decision(context: Context, decision: Decision) -> None:
    rate = "" if decision.rate is None else f" {context.rate(decision.rate)}"
    reason = f": {decision.reason}" if decision.reason else ""
    emit(
        context,
        {
            "timestamp": context.market.now.isoformat(),
            "auctionId": str(decision.auction_id),
            "decision": decision.action.value,
            "rate": amount(decision.rate),
            "reason": decision.reason,
            "transaction": decision.transaction,
        },
        f"{auction_name(decision.auction_id)}  {decision.action.value}{rate}{reason}",
    )


def _tell_summary(context: Context, summary: Summary) -> None:
    data = {
        "timestamp": context.market.now.isoformat(),
        "decision": "stopped",
        "reason": summary.reason,
        "bids": summary.bids,
        "refused": summary.refused,
        "leading": [str(auction_id) for auction_id in summary.leading],
        "won": [str(auction_id) for auction_id in summary.won],
        "lost": [str(auction_id) for auction_id in summary.lost],
    }
    text = (
        f"stopped{': ' if summary.reason else ''}{summary.reason}; {summary.bids} bids, "
        f"{summary.refused} refused; leading in {len(summary.leading)}, won {len(summary.won)}, "
        f"lost {len(summary.lost)}"
    )
    emit(context, data, text)


def _show(context: Context, record: AuctionRecord, details: str | None = None) -> None:
    """Show how an auction stands, and the transaction after which it stands so."""
    data, shown = standing(context, record)
    if details is not None:
        data["details"], shown["details"] = details, Details.read(details).describe()
    if context.transaction is not None:
        data["transaction"] = shown["transaction"] = context.transaction
    context.show(data, grid(shown))
