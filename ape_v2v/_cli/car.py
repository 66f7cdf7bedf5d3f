"""`ape v2v car`: a car that trades by itself, as its file says."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape
import click

from ape_v2v._cli.session.commands import unlocked
from ape_v2v._cli.session.options import FILE, STORE, default_store
from ape_v2v._cli.shared.commands import account_named, reading
from ape_v2v._cli.shared.context import prompts_on_stderr
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.live import stop_signals
from ape_v2v._cli.shared.tables import Facts, Rows, utc
from ape_v2v.market.market import Market

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.car import Car, CarStatus, Choice, Journal
    from ape_v2v.currency import Currency
    from ape_v2v.session.progress import SessionProgress
    from ape_v2v.session.store import Store

_FOLDER = Path("v2v") / "cars"
_ROLES = ("consumer", "provider")


@click.group(cls=Group, short_help="A car that trades by itself")
def cli() -> None:
    """One process that trades as its file says: asks or bids, meets, charges, settles, withdraws.

    Write a file with `init`, see with `run --dry-run` what the car would do, and let it run. It may
    be killed at any moment: started again, it takes up what is under way.
    """


@cli.command("init", short_help="Write a car's file, with comments")
@click.argument("file", metavar="FILE", type=FILE)
@click.option(
    "--role",
    type=click.Choice(_ROLES),
    default="consumer",
    show_default=True,
    help="Whether it buys or sells.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Output for programs.")
def init(file: Path, role: str, force: bool, as_json: bool) -> None:
    """Write FILE, a car's file with all that it may say, to be changed by hand."""
    from ape_v2v.car import car_template  # noqa: PLC0415 - not light

    if file.exists() and not force:
        raise click.ClickException(f"{file} is there already: name another file, or give --force")
    try:
        file.write_text(car_template(role), "utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    if as_json:
        click.echo(json.dumps({"file": str(file), "role": role}))
    else:
        click.echo(f"wrote {file}: change it, then see `ape v2v car run {file} --dry-run`")


def _journal(function: Any) -> Any:
    """Give a command what both have that look at a car: its file, and where it keeps things."""
    function = click.option(
        "--journal",
        "journal_path",
        metavar="FILE",
        type=FILE,
        help="Where decisions are kept.  [default: one for each account, in Ape's data folder]",
    )(function)
    return click.argument("file", metavar="FILE", type=FILE)(STORE(function))


@cli.add_command
@reading(name="run")
@_journal
@click.option("--dry-run", is_flag=True, help="Tell what it would do now, and why; do nothing.")
def run(
    context: Context,
    file: Path,
    dry_run: bool,
    store_path: Path | None,
    journal_path: Path | None,
) -> None:
    """Trade as FILE says, until there is nothing left to do, or until Ctrl-C.

    The account in FILE signs without asking. Every decision is told with its reason, and kept. With
    --json, one JSON object a line. Ctrl-C ends a session under way in order.
    """
    with _opened(context, file, store_path, journal_path, dry_run=dry_run) as (car, _, _):
        if dry_run:
            choice = car.look()
            proposals = car.proposals()
            data = {"next": choice.as_json(), "bids": [one.as_json() for one in proposals]}
            lines = [_line(context, one) for one in (choice, *proposals)]
            context.show(data, "\n".join(lines))
            return
        with stop_signals() as stop, prompts_on_stderr():
            car.run(stop)


@cli.add_command
@reading(name="status")
@_journal
@click.option(
    "--last",
    "count",
    metavar="N",
    type=click.IntRange(1, 1_000),
    default=10,
    show_default=True,
    help="How many decisions and sessions to show.",
)
def status(
    context: Context,
    file: Path,
    count: int,
    store_path: Path | None,
    journal_path: Path | None,
) -> None:
    """Show how the car of FILE stands, what it would do now, and what it has decided."""
    from ape_v2v.car import car_status  # noqa: PLC0415 - not light

    with _opened(context, file, store_path, journal_path, dry_run=True) as (car, store, journal):
        found = car_status(car, store, journal, count=count)
    context.show(found.as_json(), _shown(context, found))
    if not context.as_json and found.decisions:
        rows = [
            (
                utc(entry.at),
                entry.act,
                "" if entry.auction_id is None else context.auction_name(entry.auction_id),
                entry.reason,
            )
            for entry in found.decisions
        ]
        context.console.print(Rows(("when", "decision", "auction", "why"), rows, prose=True))


@contextmanager
def _opened(
    context: Context,
    file: Path,
    store_path: Path | None,
    journal_path: Path | None,
    *,
    dry_run: bool,
) -> Iterator[tuple[Car, Store, Journal]]:
    """A car put together from its file, with what it keeps."""
    from ape_v2v.car import Car, CarWatch, Journal, read_car  # noqa: PLC0415 - not light
    from ape_v2v.session.store import Store  # noqa: PLC0415 - ditto

    def currency(market: str | None) -> Currency:
        context.market_address = context.market_address or market
        return context.market.currency

    settings = read_car(file, currency)
    context.market_address = context.market_address or settings.market
    account = context.account = account_named(settings.account)
    if not dry_run:
        account = unlocked(account)
    path = journal_path or Path(ape.config.DATA_FOLDER) / _FOLDER / f"{account.address}.sqlite"
    journal = Journal(None if dry_run and not path.exists() else path)
    store = Store(store_path or default_store(account.address))
    out = click.get_text_stream("stdout")

    def decided(choice: Choice) -> None:
        text = json.dumps(choice.as_json()) if context.as_json else _line(context, choice)
        click.echo(text, out)  # and flushes

    def progress(told: SessionProgress) -> None:
        if context.as_json:
            click.echo(json.dumps(told.as_json()), out)

    said: list[str] = []

    def tell(text: str) -> None:
        if said[-1:] != [text]:
            said[:] = [text]
            click.echo(text, err=True)

    market = Market(context.market.contract)  # with transactions sent unasked
    watch = CarWatch(decided, progress, tell)
    try:
        with Car(settings, market, account, store=store, journal=journal, watch=watch) as car:
            yield car, store, journal
    finally:
        journal.close()
        store.close()


def _line(context: Context, choice: Choice) -> str:
    auction = "" if choice.auction_id is None else f" {context.auction_name(choice.auction_id)}"
    return f"{choice.act.value}{auction}: {choice.reason}"


def _shown(context: Context, found: CarStatus) -> Facts:
    running = next((one for one in found.sessions if one.state != "Settled"), None)
    facts = {
        "role": found.role,
        "account": context.who(found.account),
        "market": found.market,
        "battery": ("unknown" if found.percent is None else f"{found.percent:.1f} %")
        + f" of {context.energy(found.capacity)}",
        "balance": "unknown" if found.free is None else context.money(found.free),
        "next": "unknown" if found.choice is None else _line(context, found.choice),
    }
    if running is not None:
        facts["session"] = (
            f"{running.state}, {context.energy(running.acknowledged)} of "
            f"{context.energy(running.contracted)}"
        )
        facts["power"] = "" if found.power_w is None else f"{found.power_w / 1000:.1f} kW"
    if found.trouble is not None:
        facts["trouble"] = found.trouble
    return Facts(facts, fold=True)
