"""Deploy a market on the connected network, as its file in deployments/ says.

ape run deploy --network ethereum:sepolia:node --account operator
"""

from dataclasses import asdict
from pathlib import Path

import ape
import click
from ape.api import AccountAPI
from ape.cli import ConnectedProviderCommand, account_option

from ape_v2v import deployment
from ape_v2v.errors import V2VError
from ape_v2v.units import Money


@click.command(cls=ConnectedProviderCommand, short_help="Deploy a market")
@account_option()
@click.option("--again", is_flag=True, help="Deploy although a market stands on this network.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    help="What to deploy.  [default: deployments/<ecosystem>-<network>.yaml]",
)
def cli(account: AccountAPI, again: bool, yes: bool, settings: Path | None) -> None:
    base = ape.project.path

    def confirm(cost: Money) -> None:
        click.echo(f"deploying on {deployment.network_name()} costs about {cost}")
        if not yes:
            click.confirm("deploy?", abort=True)

    try:
        _, record = deployment.deploy(
            account,
            deployment.settings(base, settings),
            deployment.records(base),
            again=again,
            confirm=confirm,
        )
    except V2VError as error:
        raise click.ClickException(str(error)) from error
    for name, value in asdict(record).items():
        click.echo(f"{name:12} {value}")
