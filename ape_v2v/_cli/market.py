"""`ape v2v market`: deploy a market, look at it, open or close it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import ape
import click
from eth_utils.conversions import to_hex
from rich.console import Group as Together

from ape_v2v import deployment
from ape_v2v._cli.shared.commands import reading, writing
from ape_v2v._cli.shared.context import Context, prompts_on_stderr
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.parameters import ADDRESS
from ape_v2v._cli.shared.tables import Facts
from ape_v2v._cli.verification import verify
from ape_v2v.errors import V2VError
from ape_v2v.market.interface.records import in_currency
from ape_v2v.market.shapes import Ownership


@click.group(cls=Group, short_help="Deploy a market, look at it, open or close it")
def cli() -> None:
    """The organization's view of its market."""


@writing(sponsored=False, name="deploy", short_help="Deploy a market, and keep a record of it")
@click.option("--again", is_flag=True, help="Deploy although a market stands on this network.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be done, and do it on a fork of the network."
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    help="What to deploy.  [default: deployments/<ecosystem>-<network>.yaml if there, or defaults]",
)
@click.option(
    "--token",
    metavar="ADDRESS",
    type=ADDRESS,
    help="The token that it is paid in.  [default: as in the settings, else ether]",
)
def deploy(
    context: Context, again: bool, dry_run: bool, settings: Path | None, token: str | None
) -> None:
    """Deploy a market, and keep a record of it in deployments/records/.

    A deployment that was sent before and is not recorded yet is taken up instead.
    """
    base = ape.project.path
    records = deployment.records(base, context.node)
    if dry_run:
        wanted = deployment.settings(base, settings, context.node, token=token)
        _rehearse(
            context, deployment.plan(context.sender, wanted, records, context.node, again=again)
        )
        return
    with prompts_on_stderr():
        if pending := records.pending():
            context.advice = _AGAIN
            click.echo(f"the deployment by {pending.transactions[-1]} is taken up", err=True)
            record = deployment.take_up(records, context.node)
        else:
            _, record = deployment.deploy(
                context.sender,
                deployment.settings(base, settings, context.node, token=token),
                records,
                context.node,
                again=again,
                confirm=lambda plan: _confirm(context, plan),
            )
    context.show(asdict(record), Facts(record.described()))


cli.add_command(deploy)
cli.add_command(verify)


_AGAIN = "it may have been sent: run the command again, which takes up what was"


def _confirm(context: Context, plan: deployment.Plan) -> None:
    lines = [f"  {name:17} {value}" for name, value in plan.described().items()]
    click.echo("\n".join(["deploys a market", *lines]), err=True)
    if not context.yes:
        click.confirm("send it?", abort=True, err=True)
    context.advice = _AGAIN


def _rehearse(context: Context, plan: deployment.Plan) -> None:
    rehearsal = deployment.rehearse(plan)
    context.show(
        {"plan": plan.as_json(), "rehearsal": rehearsal.as_json()},
        Together(
            "planned:",
            Facts(plan.described()),
            "on a fork, where it was carried out:",
            Facts(rehearsal.described()),
            "nothing was sent, and nothing recorded",
        ),
    )


@cli.add_command
@reading(name="show")
def show(context: Context) -> None:
    """Show the market: who owns it, whether it is open, what it holds."""
    found = context.market.overview()
    offered = found.pending_organization
    shown = {
        "market": found.address,
        "network": found.network,
        "organization": context.who(found.organization),
        "offered to": context.who(offered) if offered else None,
        "state": "open" if found.active else "closed to new EVs and new auctions",
        "EVs": found.number_of_evs,
        "paid in": found.holdings.currency.described,
        "holds": context.money(found.holdings),
        "burnt": context.money(found.burnt),
    }
    context.show(found.as_json(), Facts(shown))


@cli.add_command
@reading(name="parameters")
def parameters(context: Context) -> None:
    """Show the rules of the market; they never change."""
    rules = context.market.parameters
    currency = context.market.currency
    least = in_currency(context.market.money(rules.minPenalty))
    context.show(rules.as_dict() | least, Facts(rules.described(currency)))


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


@cli.add_command
@writing(name="transfer")
@click.argument("organization", metavar="[ADDRESS]", type=ADDRESS, required=False)
@click.option("--withdraw", is_flag=True, help="Take the offer back that stands.")
def transfer(context: Context, organization: str | None, withdraw: bool) -> None:
    """Offer the market to another organization; it is theirs when they accept. The organization.

    Until then everything stays as it is, and the offer can be changed or withdrawn.
    """
    if (organization is None) != withdraw:
        raise click.UsageError("transfer takes either an address, or --withdraw")
    market = context.market
    if organization is None:
        market.withdraw_transfer(sender=context.sender)
    else:
        market.transfer(organization, sender=context.sender)
    _show_ownership(context)


@cli.add_command
@writing(name="accept")
def accept(context: Context) -> None:
    """Accept a market that is offered to you: you are its organization from then on."""
    market = context.market
    if market.pending_organization != context.sender.address:
        raise V2VError(
            f"the market at {market.address} is offered to "
            f"{market.pending_organization or 'nobody'}, not to {context.sender.address}"
        )
    market.accept(sender=context.sender)
    _show_ownership(context)


def _show_ownership(context: Context) -> None:
    market = context.market
    offered = market.pending_organization
    ownership = Ownership(market.organization, offered, context.transaction)
    shown: dict[str, object] = {
        "organization": context.who(ownership.organization),
        "offered to": context.who(offered) if offered else "nobody",
        "transaction": context.transaction,
    }
    if offered:
        accept = to_hex(market.contract.call_data("acceptOwnership"))
        shown["next"] = (
            f"{offered} runs `ape v2v market accept`; a multisig sends {accept} to {market.address}"
        )
    context.show(ownership.as_json(), Facts(shown))


def _set_status(context: Context, *, active: bool) -> None:
    if context.market.active != active:
        context.market.set_active(active, sender=context.sender)
    context.show({"active": active}, f"the market is {'open' if active else 'closed'}")
