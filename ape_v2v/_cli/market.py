"""`ape v2v market`: deploy a market, look at it, open or close it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import ape
import click

from ape_v2v import deployment
from ape_v2v._cli.options import Context, grid, reading, writing

if TYPE_CHECKING:
    from ape_v2v.units import Money


@click.group(short_help="Deploy a market, look at it, open or close it")
def cli() -> None:
    """The organization's view of its market."""


@cli.add_command
@writing(name="deploy")
@click.option("--again", is_flag=True, help="Deploy although a market stands on this network.")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    help="What to deploy.  [default: deployments/<ecosystem>-<network>.yaml if there, or defaults]",
)
def deploy(context: Context, again: bool, settings: Path | None) -> None:
    """Deploy a market, and keep a record of it in deployments/records/."""
    base = ape.project.path

    def confirm(cost: Money) -> None:
        click.echo(
            f"deploys a market on {deployment.network_name()}\n  by {context.sender.address}\n"
            f"  costs about {context.money(cost)}",
            err=True,
        )
        if not context.yes:
            click.confirm("send it?", abort=True, err=True)

    _, record = deployment.deploy(
        context.sender,
        deployment.settings(base, settings),
        deployment.records(base),
        again=again,
        confirm=confirm,
    )
    context.show(asdict(record), grid(asdict(record)))


@cli.add_command
@reading(name="show")
def show(context: Context) -> None:
    """Show the market: who owns it, whether it is open, what it holds."""
    market = context.market
    data = {
        "address": market.address,
        "network": deployment.network_name(),
        "organization": market.organization,
        "pendingOrganization": market.pending_organization,
        "active": market.active,
        "numberOfEVs": market.number_of_evs,
        "holdings": str(int(market.holdings)),
        "burnt": str(int(market.burnt)),
    }
    shown = data | {
        "active": "open" if data["active"] else "closed to new EVs and new auctions",
        "holdings": context.money(market.holdings),
        "burnt": context.money(market.burnt),
    }
    context.show(data, grid(shown))


@cli.add_command
@reading(name="parameters")
def parameters(context: Context) -> None:
    """Show the rules of the market; they never change."""
    rules = context.market.parameters
    context.show(rules.as_dict(), grid(rules.described()))


@cli.add_command
@writing(name="open")
def open_(context: Context) -> None:
    """Admit new EVs and new auctions again. The organization."""
    _set_status(context, active=True)


@cli.add_command
@writing(name="close")
def close(context: Context) -> None:
    """Admit no new EVs and no new auctions; what is running goes on. The organization."""
    _set_status(context, active=False)


def _set_status(context: Context, *, active: bool) -> None:
    # The contract only toggles: sending it twice would undo it.
    if context.market.active != active:
        context.market.change_status(sender=context.sender)
    context.show({"active": active}, f"the market is {'open' if active else 'closed'}")
