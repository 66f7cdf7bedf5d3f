"""`ape v2v history`: what has happened, from the market's events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ape_v2v._cli.export import ExportType, write
from ape_v2v._cli.shared.catchup import open_history
from ape_v2v._cli.shared.commands import reading
from ape_v2v._cli.shared.eventlines import Lines
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.live import interval_option, stop_signals
from ape_v2v._cli.shared.parameters import ADDRESS, AUCTION, TIME
from ape_v2v._cli.shared.tables import Rows
from ape_v2v.index import views
from ape_v2v.index.history import POLL_SECONDS, History
from ape_v2v.market.interface import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ape_v2v._cli.shared.context import Context
    from ape_v2v._cli.shared.parameters import AuctionReference
    from ape_v2v.index.history import Moment
    from ape_v2v.index.views import ChargeRecord
    from ape_v2v.market.interface.events import Event


class MomentType(click.ParamType):
    """A block's number or a time on the command line."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Moment:
        if not isinstance(value, str):
            return value
        if value.isdecimal():
            return int(value)
        return TIME.convert(value, param, ctx)


_OPTIONS = (
    click.option("--ev", metavar="ADDRESS", type=ADDRESS, help="About this account."),
    click.option("--auction", metavar="ID", type=AUCTION, help="About this auction."),
    click.option(
        "--since", metavar="MOMENT", type=MomentType(), help="From this block or ISO time on."
    ),
    click.option(
        "--until", metavar="MOMENT", type=MomentType(), help="Before this block or ISO time."
    ),
    click.option(
        "--confirmations",
        type=click.IntRange(min=0),
        help="Blocks that must lie on top of what is read.  [default: as configured, 0 on a "
        "development chain]",
    ),
    click.option(
        "--no-cache", is_flag=True, help="Read all of it from the node, and keep nothing."
    ),
    click.option(
        "--export",
        metavar="FILE",
        type=ExportType(),
        help="Write it to a .csv or .json file instead.",
    ),
)


def _shared_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.group(cls=Group, short_help="What has happened: events and charge records")
def cli() -> None:
    """What has happened in a market, read from its events.

    On live networks, what was read is kept in Ape's data folder: the next time, only new blocks
    are asked for. Times are UTC.
    """


@cli.add_command
@reading(name="events")
@_shared_options
@click.option(
    "--name",
    "names",
    metavar="EVENT",
    multiple=True,
    type=click.Choice(events.names(), case_sensitive=False),
    help="Only this kind, such as BidPlaced; again for more.",
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@interval_option(POLL_SECONDS)
def show_events(
    context: Context,
    *,
    confirmations: int | None,
    no_cache: bool,
    export: Path | None,
    follow: bool,
    interval: float,
    auction: AuctionReference | None,
    **filters: Any,
) -> None:
    """Show events, the oldest first.

    With --follow and --json, one JSON object a line; one with "removed" says that a
    reorganisation of the chain has taken that event back.
    """
    if follow and export:
        raise click.UsageError("--follow never ends: it does not go with --export")
    with open_history(context, confirmations=confirmations, cache=not no_cache) as history:
        filters["auction"] = auction and auction.find(context.market).id
        if follow:
            _follow(context, history, interval, filters)
        elif export or context.as_json:
            currency = context.market.currency
            columns = [*events.COLUMNS, *events.arguments(), *_currency_column(context)]
            found = history.events(**filters)
            write(export, columns, (event.as_json(currency) for event in found))
        else:
            _print(context, history.events(**filters))


@cli.add_command
@reading(name="records")
@_shared_options
def show_records(
    context: Context,
    *,
    confirmations: int | None,
    no_cache: bool,
    export: Path | None,
    auction: AuctionReference | None,
    **filters: Any,
) -> None:
    """Show a charge detail record of every finished connection, the first to end first.

    --since and --until are about the end.
    """
    with open_history(context, confirmations=confirmations, cache=not no_cache) as history:
        filters["auction"] = auction and auction.find(context.market).id
        records = history.charge_records(**filters)
    if export or context.as_json:
        columns = [*views.RECORD_COLUMNS, *_currency_column(context)]
        write(export, columns, (record.as_json() for record in records))
    elif records:
        context.console.print(_table(context, records), soft_wrap=True)
    else:
        click.echo("no connection has ended", err=True)


def _currency_column(context: Context) -> list[str]:
    return [] if context.market.currency.is_ether else ["currency"]


def _follow(context: Context, history: History, interval: float, filters: dict[str, Any]) -> None:
    lines = Lines(context)
    with stop_signals() as stop:
        for event, removed in history.follow(interval, stop, **filters):
            if context.as_json:
                entry = event.as_json(context.market.currency) | (
                    {"removed": True} if removed else {}
                )
                click.echo(json.dumps(entry))
            else:
                mark = "taken back by a reorganisation: " if removed else ""
                click.echo(lines.of(event, mark))


def _print(context: Context, found: Iterable[Event]) -> None:
    lines = Lines(context)
    empty = True
    for event in found:
        empty = False
        click.echo(lines.of(event))
    if empty:
        click.echo("no events", err=True)


def _table(context: Context, records: list[ChargeRecord]) -> Rows:
    lines = Lines(context)
    columns = ("ended (UTC)", "from, to", "energy, of", "rate, cost", "outcome")
    rows = [
        (
            f"{record.ended_at:%Y-%m-%d %H:%M}",
            f"{lines.address(record.provider)}\n{lines.address(record.consumer)}",
            f"{context.energy(record.energy)}\n{context.energy(record.contracted)}",
            f"{context.rate(record.rate)}\n{context.money(record.cost)}",
            record.outcome.value
            + (f"\npenalty {context.money(record.penalty)}" if record.penalty else ""),
        )
        for record in records
    ]
    return Rows(columns, rows)
