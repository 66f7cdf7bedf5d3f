"""Ether for the wallets of EVs: asked, given on a budget, shown."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ape_v2v._cli.shared.context import prompts_on_stderr
from ape_v2v._cli.shared.parameters import MONEY
from ape_v2v._cli.shared.sponsored import default_ledger, ledger_option
from ape_v2v._cli.shared.tables import Rows, utc
from ape_v2v.errors import SentAs
from ape_v2v.sponsor.grants import Purse
from ape_v2v.sponsor.ledger import Ledger, SpendingLimits
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.sponsor.grants import Grant

KIND = "grants"
_LIMITS = SpendingLimits()


def limiting(function: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that gives ether: what is given at most, and where that is kept."""
    options: list[Callable[[Any], Any]] = [
        click.option(
            "--budget",
            metavar="ETHER",
            type=MONEY,
            default=str(_LIMITS.budget),
            show_default=True,
            help="The most to give in a day, to all of them, gas included.",
        ),
        click.option(
            "--daily",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="How often one EV is given ether in a day.",
        ),
        ledger_option("Where what was given is kept."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def give(
    context: Context,
    accounts: Sequence[str],
    below: Money,
    level: Money,
    *,
    budget: Money,
    daily: int,
    ledger: Path | None,
) -> list[Grant]:
    """Bring the wallets with less than `below` up to a level, as far as the limits allow.

    Raises:
        SentAs: One was sent, and its outcome is not known: those before it are given.
    """
    limits = SpendingLimits(budget=budget, daily=daily, minutely=daily)
    with closing(Ledger(ledger or default_ledger(context, KIND), limits)) as kept:
        purse = Purse(context.node, context.sender, kept)
        due = purse.due(accounts, below, level)
        if due:
            _ask(context, due, kept.left)
        with prompts_on_stderr():
            return [_given(context, purse, one) for one in due]


def shown(context: Context, grants: Sequence[Grant], accounts: int, below: Money) -> None:
    """What has become of each."""
    rows = [
        (context.who(one.account), context.money(one.wallet), one.refusal or _gift(context, one))
        for one in grants
    ]
    enough = f"{accounts - len(grants)} of {accounts} EVs have {below} or more"
    table = Rows(("address", "had", "result"), rows, prose=True) if rows else enough
    context.show([one.as_json() for one in grants], table)
    if rows and not context.as_json:
        click.echo(enough)


def log(context: Context, ledger: Path | None) -> None:
    """All that was given, the latest first."""
    with closing(Ledger(ledger or default_ledger(context, KIND), _LIMITS)) as kept:
        entries = kept.entries()
    rows = [
        (
            utc(datetime.fromtimestamp(one.taken, UTC)),
            context.who(one.account),
            context.money(one.spent),
            one.transaction or "",
        )
        for one in entries
    ]
    columns = ("when", "address", "spent", "transaction")
    context.show([one.as_json() for one in entries], Rows(columns, rows))


def _ask(context: Context, due: Sequence[Grant], left: Money) -> None:
    if context.yes:
        return
    total = sum((one.amount for one in due), Money(0))
    click.echo(
        f"gives {context.money(total)} to {len(due)} EVs, and pays the gas\n"
        f"  from {context.who(context.sender.address)}\n"
        f"  {context.money(left)} is left of the day's budget",
        err=True,
    )
    click.confirm("send it?", abort=True, err=True)


def _given(context: Context, purse: Purse, due: Grant) -> Grant:
    try:
        grant = purse.give(due, context.on_its_way)
    except SentAs as error:
        raise SentAs(error.transaction, f"ether for {due.account}: {error}") from error
    context.underway = None
    return grant


def _gift(context: Context, grant: Grant) -> str:
    return f"got {context.money(grant.amount)} by {grant.transaction}"
