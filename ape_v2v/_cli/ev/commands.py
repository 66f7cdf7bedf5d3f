"""`ape v2v ev`: register EVs, and look them up."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ape_v2v._cli.ev import grants
from ape_v2v._cli.shared.catchup import open_history
from ape_v2v._cli.shared.commands import reading, writing
from ape_v2v._cli.shared.failures import EXPECTED_ERRORS
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.parameters import ADDRESS, MONEY
from ape_v2v._cli.shared.sponsored import ledger_option
from ape_v2v._cli.shared.tables import Facts, Rows, utc
from ape_v2v.errors import SentAs, V2VError
from ape_v2v.market.details import printable
from ape_v2v.market.interface.parameters import MAX_TEXT_BYTES
from ape_v2v.market.market import BURNT
from ape_v2v.market.shapes import Registrations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.market.shapes import EVRecord
    from ape_v2v.sponsor.grants import Grant
    from ape_v2v.units import Money

_FILE_COLUMNS = ("address", "infos")


@click.group(cls=Group, short_help="Register EVs, and look them up")
def cli() -> None:
    """Who may take part: the organization registers EVs, anyone may look them up."""


@cli.add_command
@writing(name="add")
@click.argument("ev", metavar="ADDRESS", type=ADDRESS)
@click.option("--infos", default="", help="Notes on the EV, public for ever: nothing personal.")
@click.option(
    "--gas-grant",
    metavar="ETHER",
    type=MONEY,
    help="Fill its wallet up to so much ether, so that it can pay its gas.",
)
@grants.limiting
def add(
    context: Context, ev: str, infos: str, *, gas_grant: Money | None = None, **limits: Any
) -> None:
    """Register an EV. The organization, while the market is open."""
    context.market.add_ev(ev, infos, sender=context.sender)
    given = [] if gas_grant is None else grants.give(context, [ev], gas_grant, gas_grant, **limits)
    _show(context, context.market.ev(ev).record(infos), given)


@cli.add_command
@writing(name="top-up", sponsored=False)
@click.argument("evs", metavar="[ADDRESS]...", nargs=-1, type=ADDRESS)
@click.option(
    "--below", metavar="ETHER", type=MONEY, required=True, help="Whose wallet has less is given."
)
@click.option("--to", "level", metavar="ETHER", type=MONEY, required=True, help="Up to this.")
@grants.limiting
def top_up(
    context: Context, evs: tuple[str, ...], *, below: Money, level: Money, **limits: Any
) -> None:
    """Keep the wallets of EVs above a threshold, so that they can pay their gas; all, or these.

    Run it now and then: it gives to who has less, and remembers what it has given.
    """
    market = context.market
    wanted = list(dict.fromkeys(evs)) or list(_infos(context))
    known = market.are_evs(wanted)
    for ev, is_ev in zip(wanted, known, strict=True):
        if not is_ev:
            raise V2VError(f"{ev} is no EV of the market {market.address}: add it first")
    grants.shown(context, grants.give(context, wanted, below, level, **limits), len(wanted), below)


@cli.add_command
@reading(name="grants")
@ledger_option("Where what was given is kept.")
def list_grants(context: Context, ledger: Path | None) -> None:
    """List the ether that was given to EVs from here, the latest first."""
    grants.log(context, ledger)


@cli.add_command
@writing(name="add-many")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--batch-size",
    type=click.IntRange(1, 200),
    default=100,
    show_default=True,
    help="How many EVs a transaction registers.",
)
def add_many(context: Context, file: Path, batch_size: int) -> None:
    """Register the EVs of a CSV file with the columns address and infos. The organization.

    Every row is checked before anything is sent. EVs that are registered already are left out:
    after a failure, run the command again.
    """
    rows = list(_rows(file))
    market = context.market
    known_already = market.are_evs([ev for ev, _ in rows])
    new = {ev: infos for (ev, infos), known in zip(rows, known_already, strict=True) if not known}
    known = [ev for ev, _ in rows if ev not in new]
    pairs = list(new.items())
    batches = [pairs[at : at + batch_size] for at in range(0, len(pairs), batch_size)]
    if known:
        click.echo(f"{len(known)} of {len(rows)} EVs are registered already: left out", err=True)
    if len(batches) > 1:
        click.echo(
            f"{len(new)} EVs to register, in {len(batches)} transactions: the first is shown, and "
            "the others follow it",
            err=True,
        )
    registered: list[str] = []
    for batch in batches:
        try:
            market.add_evs(batch, sender=context.sender)
        except EXPECTED_ERRORS as error:
            raise _interrupted(context, list(new), error) from error
        context.yes = True  # that was asked once, for all
        registered += [ev for ev, _ in batch]
        click.echo(f"registered {len(registered)} of {len(new)}", err=True)
    context.show(
        Registrations(registered, known).as_json(),
        f"{len(registered)} EVs registered, {len(known)} were already",
    )


def _interrupted(context: Context, new: list[str], error: Exception) -> V2VError:
    """What to tell when not all are registered: how many are, by the chain."""
    context.transaction = None  # of a batch before; what this one has done, the chain tells
    try:
        count = sum(context.market.are_evs(new))
    except V2VError as unreadable:
        said = f"how many of {len(new)} EVs are registered now cannot be told ({unreadable})"
    else:
        said = f"{count} of {len(new)} EVs are registered now"
    message = f"{said}, then: {error}; when that is mended, run the command again"
    return SentAs(error.transaction, message) if isinstance(error, SentAs) else V2VError(message)


@cli.add_command
@writing(name="remove")
@click.argument("ev", metavar="ADDRESS", type=ADDRESS)
def remove(context: Context, ev: str) -> None:
    """End an EV's right to start auctions and to bid. The organization.

    Its money, its running auction, its bids and its connections are untouched.
    """
    context.market.remove_ev(ev, sender=context.sender)
    context.show(
        {"address": ev, "registered": False, "transaction": context.transaction},
        f"{ev} is no EV any more; what it has in the market is untouched",
    )


@cli.add_command
@reading(name="show")
@click.argument("ev", metavar="ADDRESS", type=ADDRESS)
def show(context: Context, ev: str) -> None:
    """Show what the market knows of an account, registered or not."""
    _show(context, context.market.ev(ev).record(_infos(context, removed=True).get(ev)))


@cli.add_command
@reading(name="list")
def list_(context: Context) -> None:
    """List the registered EVs, in the order in which they were registered."""
    records = [context.market.ev(ev).record(infos) for ev, infos in _infos(context).items()]
    columns = ("address", "since", "balance", "completed", "no-shows", "notes")
    shown = (_readable(context, record) for record in records)
    rows = [tuple(one[name] for name in columns) for one in shown]
    context.show([record.as_json() for record in records], Rows(columns, rows, prose=True))


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    """Read and check a file of EVs: each with its notes.

    Raises:
        V2VError: Something in it is wrong; it says where.
    """
    seen: dict[str, int] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            if sorted(reader.fieldnames or ()) != sorted(_FILE_COLUMNS):
                raise V2VError(
                    f"{file}, line 1: the columns are {', '.join(reader.fieldnames or ['none'])}; "
                    f"expected {' and '.join(_FILE_COLUMNS)}"
                )
            for row in reader:
                where = f"{file}, line {reader.line_num}"
                ev, infos = _checked(where, row)
                if ev in seen:
                    raise V2VError(f"{where}: {ev} stands in line {seen[ev]} already")
                seen[ev] = reader.line_num
                yield ev, infos
    except (UnicodeDecodeError, csv.Error) as error:
        raise V2VError(f"{file} is not a CSV file in UTF-8: {error}") from error
    if not seen:
        raise V2VError(f"{file} names no EV")


def _checked(where: str, row: dict[str, Any]) -> tuple[str, str]:
    if None in row or None in row.values():
        raise V2VError(f"{where}: expected two values, address and infos; quote a text with commas")
    try:
        ev = ADDRESS.convert(row["address"], None, None)
    except click.BadParameter as error:
        raise V2VError(f"{where}: {error.message}") from error
    if ev == BURNT:
        raise V2VError(f"{where}: {ev} can never be an EV: nobody holds its key")
    if (length := len(row["infos"].encode())) > MAX_TEXT_BYTES:
        raise V2VError(
            f"{where}: the infos have {length} bytes, at most {MAX_TEXT_BYTES} are allowed: "
            "shorten them"
        )
    return ev, row["infos"]


def _infos(context: Context, *, removed: bool = False) -> dict[str, str]:
    """The organization's notes on each registered EV, or on each that ever was."""
    # Up to the head: who has just been added is to be seen.
    with open_history(context, confirmations=0) as history:
        return {item.address: item.infos for item in history.evs(removed=removed)}


def _show(context: Context, record: EVRecord, given: Sequence[Grant] = ()) -> None:
    data, shown = record.as_json(), _readable(context, record)
    for grant in given:
        data["gasGrant"] = grant.as_json()
        shown["gas grant"] = grant.refusal or context.money(grant.amount)
    if context.transaction is not None:
        data["transaction"] = shown["transaction"] = context.transaction
    context.show(data, Facts(shown))


def _readable(context: Context, record: EVRecord) -> dict[str, str]:
    return {
        "address": context.who(record.address),
        "registered": "yes" if record.registered else "no",
        "since": "" if record.added_at is None else utc(record.added_at),
        "balance": context.money(record.balance),
        "completed": str(record.completed),
        "no-shows": str(record.no_shows),
        "notes": printable(record.infos or ""),
    }
