"""`ape v2v sponsor`: pay the gas of EVs that hold no ether."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ape_v2v._cli.shared.commands import reading, writing
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.parameters import MONEY
from ape_v2v._cli.shared.sponsored import default_ledger, ledger_option
from ape_v2v._cli.shared.tables import Facts
from ape_v2v.listening import LOOPBACK
from ape_v2v.sponsor import SpendingLimits, Sponsor, SponsoredGateway
from ape_v2v.sponsor.ledger import Ledger
from ape_v2v.sponsor.service import serve

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.units import Money

PORT = 8700
_LIMITS = SpendingLimits()


@click.group(cls=Group, short_help="Pay the gas of EVs that hold no ether")
def cli() -> None:
    """EVs without ether sign what they want done; a sponsor sends it to the market, and pays.

    Their commands take --sponsor URL.
    """


@cli.add_command
@writing(name="serve", sponsored=False)
@click.option(
    "--budget",
    metavar="ETHER",
    type=MONEY,
    default=str(_LIMITS.budget),
    show_default=True,
    help="The most to spend in a day.",
)
@click.option(
    "--daily",
    type=click.IntRange(min=1),
    default=_LIMITS.daily,
    show_default=True,
    help="How many orders of one EV are sent in a day.",
)
@click.option(
    "--minutely",
    type=click.IntRange(min=1),
    default=_LIMITS.minutely,
    show_default=True,
    help="How many in a minute.",
)
@ledger_option("Where what was spent is kept.")
@click.option("--host", default=LOOPBACK, show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=PORT,
    show_default=True,
    help="0 for a free one.",
)
def serve_orders(
    context: Context,
    *,
    budget: Money,
    daily: int,
    minutely: int,
    ledger: Path | None,
    host: str,
    port: int,
) -> None:
    """Send what EVs of the market sign, and pay for it from --account, until Ctrl-C.

    Only calls of this market, each tried before it is sent. Where the contract that EVs delegate to
    is not there yet, it is deployed first.
    """
    market = context.market
    if not context.yes:
        click.echo(
            f"pays the gas of EVs of the market {market.address}\n"
            f"  from {context.who(context.sender.address)}\n"
            f"  at most {context.money(budget)} in a day",
            err=True,
        )
        click.confirm("serve?", abort=True, err=True)
    limits = SpendingLimits(budget=budget, daily=daily, minutely=minutely)
    kept = Ledger(ledger or default_ledger(context, "sponsor"), limits)
    try:
        sponsor = Sponsor(market, context.sender, kept)

        def started(url: str) -> None:
            context.emit({"url": url} | sponsor.as_json(), f"sponsors the market at {url}")

        serve(sponsor, host=host, port=port, on_start=started)
    finally:
        kept.close()


@cli.add_command
@reading(name="show")
@click.argument("url", metavar="URL")
def show(context: Context, url: str) -> None:
    """Ask the sponsor at URL for which market it sends, and what is left of its budget."""
    about = SponsoredGateway(url).about()
    context.show(about, Facts({name: str(value) for name, value in about.items()}))
