"""`ape v2v auction autobid`: underbid others by just what is required."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from ape_accounts import KeyfileAccount

from ape_v2v._cli.shared.catchup import open_history, tell
from ape_v2v._cli.shared.commands import writing
from ape_v2v._cli.shared.context import Context, prompts_on_stderr
from ape_v2v._cli.shared.filters import filtering
from ape_v2v._cli.shared.live import interval_option, stop_signals
from ape_v2v._cli.shared.parameters import AUCTION, DURATION, MONEY, PRICE, RATE
from ape_v2v.bidding.autobidder import POLL_SECONDS, Autobidder
from ape_v2v.bidding.openings import SignedOpenings
from ape_v2v.bidding.policy import Policy
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.errors import V2VError
from ape_v2v.index.board import Board, Listing
from ape_v2v.market.interface.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ape_v2v._cli.shared.parameters import AuctionReference
    from ape_v2v.bidding.autobidder import Decision, Summary
    from ape_v2v.index.board import Filters
    from ape_v2v.market.auction import Auction
    from ape_v2v.market.documents.bids import BidDocument
    from ape_v2v.units import Rate


@writing(sponsored=False, name="autobid")
@click.argument("reference", metavar="[AUCTION]", type=AUCTION, required=False)
@click.option("--floor", metavar="RATE", type=RATE, required=True, help="The lowest to bid.")
@click.option(
    "--start-rate",
    metavar="RATE",
    type=RATE,
    help="The highest to open with.  [default: the consumer's maximum rate]",
)
@click.option(
    "--expected-rate",
    "expected",
    metavar="RATE",
    type=RATE,
    help="What you expect to win at: opens there.",
)
@click.option("--max-rate", metavar="RATE", type=RATE, help="The highest to bid at all.")
@click.option("--max-bond", metavar="AMOUNT", type=MONEY, help="The most to lock in one auction.")
@click.option(
    "--max-at-stake", metavar="AMOUNT", type=MONEY, help="The most to lock in all of them."
)
@click.option("--max-validity", type=DURATION, help="The longest to be bound after the award.")
@click.option(
    "--ignore-gas", is_flag=True, help="Bid also where the gas costs more than there is to earn."
)
@click.option(
    "--ether-price",
    metavar="EURC=3100",
    type=PRICE,
    help="In a market in a token: what one ether costs in it, to count the gas.",
)
@click.option(
    "--max-auctions",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="In how many to lead or deliver at a time.",
)
@click.option(
    "--sign-to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write openings there as signed bids, for others to place at their gas; bid itself when "
    "nobody has halfway to the close.",
)
@filtering
@click.option("--once", is_flag=True, help="Bid where that is possible now, and stop.")
@interval_option(POLL_SECONDS)
def autobid(
    context: Context,
    *,
    reference: AuctionReference | None,
    floor: Rate,
    filters: Filters,
    once: bool,
    interval: float,
    ignore_gas: bool,
    folder: Path | None,
    **limits: Any,
) -> None:
    """Underbid others down to a floor. A registered EV.

    By just what is required where gas is free; else by larger steps, because each bid costs gas,
    and not at all where its gas could not be earned back.

    In AUCTION, until bidding closes there; without it in every open auction that passes the
    filters, until Ctrl-C. Of several, the one that pays the highest rate comes first. It does not
    bid while it leads, nor without the balance for the bond, nor while a transaction of the account
    is in no block yet. A node that fails is asked again until it answers. With --json, one JSON
    object a line for each decision, and a last one.
    """
    context.market = context.market.lasting()  # the history reads through it too
    market, account = context.market, context.sender
    policy = Policy(floor, filters=filters, counts_gas=not ignore_gas, **limits)
    policy.require_for(market.currency)
    if not market.ev(account.address).registered:
        raise Refused("NotEV", {"account": account.address})
    auction = reference.find(market) if reference else None
    if auction is not None and auction.info.consumer == account.address:
        raise Refused("OwnAuction", {"auctionId": auction.id})
    _confirm_autobid(context, auction, policy)
    openings = None if folder is None else SignedOpenings(functools.partial(_write, folder))
    report = functools.partial(_tell_decision, context)
    bidder = Autobidder(market, account, policy, report, tell, openings=openings)
    with stop_signals() as stop, _reading(context, auction) as running:
        try:
            if once:
                bidder.catch_up(running, stop)
            else:
                bidder.run(running, stop, interval=interval, lasting=auction is None)
        finally:
            _tell_summary(context, bidder.summary)


def _write(folder: Path, document: BidDocument) -> None:
    """Put a signed bid where others find it: all of it, or nothing."""
    path = folder / f"{document.auction_id}-{document.provider}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with click.open_file(path, "w", encoding="utf-8", atomic=True) as file:
            file.write(f"{document.text()}\n")
    except OSError as error:
        raise V2VError(f"cannot write {path}: {error.strerror}") from error


def _confirm_autobid(context: Context, auction: Auction | None, policy: Policy) -> None:
    """Ask once for all bids, and unlock the account for them."""
    account = context.sender
    if not context.yes:
        where = "every open auction that passes the filters"
        balance = context.market.balance(account.address)
        if auction is not None:
            where = context.auction_name(auction.id)
        click.echo(
            f"bids in {where}, without asking\n"
            f"  by {context.who(account.address)}\n"
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
        # How they stand is asked of the latest block as well: two blocks later is too late.
        with open_history(context, confirmations=0) as history:
            yield functools.partial(every, Board(history))


def _tell_decision(context: Context, decision: Decision) -> None:
    rate = "" if decision.rate is None else f" {context.rate(decision.rate)}"
    reason = f": {decision.reason}" if decision.reason else ""
    name = context.auction_name(decision.auction_id)
    context.emit(decision.as_json(_now(context)), f"{name}  {decision.action.value}{rate}{reason}")


def _tell_summary(context: Context, summary: Summary) -> None:
    text = (
        f"stopped{': ' if summary.reason else ''}{summary.reason}; {summary.bids} bids, "
        f"{summary.refused} refused; leading in {len(summary.leading)}, won {len(summary.won)}, "
        f"lost {len(summary.lost)}"
    )
    context.emit(summary.as_json(_now(context)), text)


def _now(context: Context) -> datetime:
    """The chain's time; where the node does not tell it, this machine's."""
    try:
        return context.market.now
    except NodeError:
        return datetime.now(UTC)
