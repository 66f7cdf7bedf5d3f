"""`ape v2v history`: what has happened, from the market's events."""

from __future__ import annotations

import csv
import json
import textwrap
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from eth_utils.conversions import to_hex
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ape_v2v._cli.live import interval_option, stop_signals
from ape_v2v._cli.options import ADDRESS, Context, reading
from ape_v2v._cli.references import AUCTION, TIME
from ape_v2v.errors import V2VError
from ape_v2v.index import views
from ape_v2v.index.history import POLL_SECONDS, History
from ape_v2v.market import events
from ape_v2v.market.details import printable
from ape_v2v.market.records import consumer_of, moment
from ape_v2v.units import (
    Energy,
    Money,
    Rate,
    format_duration,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ape_v2v._cli.references import AuctionReference
    from ape_v2v.index.history import Moment
    from ape_v2v.index.views import ChargeRecord
    from ape_v2v.market.events import Event

_TIME = "%Y-%m-%d %H:%M:%S"
_FORMATS = (".csv", ".json")
_PATIENCE_SECONDS = 1.0
_WIDE = 160
"""From so many columns on, addresses are shown in full."""
_NARROWEST = 20
_NO_BREAK = "\N{NO-BREAK SPACE}"
_CSV_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


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


class ExportType(click.Path):
    """A file to write a table to, in the format that its name says."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = super().convert(value, param, ctx)
        assert isinstance(path, Path)
        if path.suffix.lower() not in _FORMATS:
            self.fail(f"{path.name!r} is neither a .csv nor a .json file", param, ctx)
        return path


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


@click.group(short_help="What has happened: events and charge records")
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
            columns = [*events.COLUMNS, *events.arguments()]
            _write(export, columns, (event.as_json() for event in history.events(**filters)))
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
        columns = views.RECORD_COLUMNS
        _write(export, columns, (record.as_json() for record in records))
    elif records:
        context.console.print(_table(context, records))
    else:
        click.echo("no connection has ended", err=True)


@contextmanager
def open_history(
    context: Context, *, confirmations: int | None = None, cache: bool = True
) -> Iterator[History]:
    """The market's history, read up to now; with a progress bar if that takes a while."""
    with History(context.market, cache=cache, confirmations=confirmations) as history:
        with _progress_bar() as progress:
            history.refresh(progress)
        yield history


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("reading blocks")
    began = time.monotonic()
    with ExitStack() as shown:

        def progress(done: int, total: int) -> None:
            late = time.monotonic() - began > _PATIENCE_SECONDS
            if late and console.is_terminal and not bar.live.is_started:
                shown.enter_context(bar)
            bar.update(task, completed=done, total=total)

        yield progress


def _follow(context: Context, history: History, interval: float, filters: dict[str, Any]) -> None:
    lines = Lines(context)
    with stop_signals() as stop:
        for event, removed in history.follow(interval, stop, **filters):
            if context.as_json:
                entry = event.as_json() | ({"removed": True} if removed else {})
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


class Lines:
    """Events as people read them.

    A table of rich's would not be shown before the last event is read, and takes a multiple of the
    time.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.width = context.console.width if context.console.is_terminal else None

    def of(self, event: Event, mark: str = "") -> str:
        """An event: in one line for a program, in the width of a terminal for people."""
        head = f"{event.timestamp:{_TIME}}  {event.name:<20}  "
        parts = [part for name in event.args if (part := self._shown(name, event.args))]
        if self.width is None:
            return head + mark + ", ".join(parts)
        width = max(self.width - len(head), _NARROWEST)
        # A name stays beside its value.
        parts = [part.replace(" ", _NO_BREAK) if len(part) < width else part for part in parts]
        lines = textwrap.wrap(mark + ", ".join(parts), width, break_on_hyphens=False) or [""]
        return head + f"\n{'':{len(head)}}".join(lines).replace(_NO_BREAK, " ")

    def address(self, address: str) -> str:
        """An address, shortened where there is little room."""
        address = events.checksummed(address)
        is_wide = self.width is None or self.width >= _WIDE
        return address if is_wide else f"{address[:6]}…{address[-4:]}"

    def _shown(self, name: str, args: dict[str, Any]) -> str:
        """An argument, or nothing if it says nothing that the others do not."""
        value = args[name]
        if readable := _READABLE.get(name):
            return readable(self, value)
        if isinstance(value, bytes):
            return f"{name} {to_hex(value)}" if any(value) else ""
        in_id = name == "consumer" and events.AUCTION_ID in args
        if in_id or (name == "from" and value == args["account"]):
            return ""
        return f"{name} {self.address(value)}" if int(value, 16) else f"no {name}"


_READABLE: dict[str, Callable[[Lines, Any], str]] = {
    "auctionId": lambda lines, value: (
        f"auction {lines.address(consumer_of(value))}/{value & 0xFFFF_FFFF}"
    ),
    "energyWh": lambda lines, value: f"energy {lines.context.energy(Energy(value))}",
    "maxRate": lambda lines, value: f"maxRate {lines.context.rate(Rate(value))}",
    "rate": lambda lines, value: f"rate {lines.context.rate(Rate(value))}" if value else "",
    "amount": lambda lines, value: f"amount {lines.context.money(Money(value))}",
    "cost": lambda lines, value: f"cost {lines.context.money(Money(value))}" if value else "",
    "penalty": lambda lines, value: f"penalty {lines.context.money(Money(value))}" if value else "",
    "closingTime": lambda _, value: f"closingTime {moment(value):{_TIME}}",
    "validity": lambda _, value: f"validity {format_duration(timedelta(seconds=value))}",
    "active": lambda _, value: "open" if value else "closed",
    "infos": lambda _, value: printable(value),
    "details": lambda _, value: printable(value),
}


def _table(context: Context, records: list[ChargeRecord]) -> Table:
    lines = Lines(context)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("ended (UTC)", "from, to", "energy, of", "rate, cost", "outcome"):
        table.add_column(name, overflow="fold")
    for record in records:
        table.add_row(
            f"{record.ended_at:%Y-%m-%d %H:%M}",
            f"{lines.address(record.provider)}\n{lines.address(record.consumer)}",
            f"{context.energy(record.energy)}\n{context.energy(record.contracted)}",
            f"{context.rate(record.rate)}\n{context.money(record.cost)}",
            record.outcome.value
            + (f"\npenalty {context.money(record.penalty)}" if record.penalty else ""),
        )
    return table


def _write(path: Path | None, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write rows to a file, in the format that its name says; without one as JSON to stdout."""
    if path is None:
        _write_json(click.get_text_stream("stdout"), rows)
        return
    try:
        with click.open_file(path, "w", encoding="utf-8", atomic=True) as file:
            if path.suffix.lower() == ".csv":
                count = _write_csv(file, columns, rows)
            else:
                count = _write_json(file, rows)
    except OSError as error:
        raise V2VError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"{count} rows in {path}", err=True)


def _write_csv(file: IO[str], columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> int:
    writer = csv.DictWriter(file, list(columns))
    writer.writeheader()
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - it is the result
        writer.writerow({name: _csv_value(value) for name, value in row.items()})
    return count


def _csv_value(value: Any) -> Any:
    # A spreadsheet would execute it, and anybody may have written it.
    formula = isinstance(value, str) and value.startswith(_CSV_FORMULAS)
    return f"'{value}" if formula else value


def _write_json(file: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    """Write an array, one row a line, without ever holding all of it."""
    count = 0
    for count, row in enumerate(rows, 1):
        file.write(("[" if count == 1 else ",\n") + json.dumps(row))
    file.write("]\n" if count else "[]\n")
    return count
