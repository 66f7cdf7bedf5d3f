"""A whole trade on a local chain, told as it happens.

ape run demo
"""

import logging
import sys

import ape
import click
from ape.api import ProviderAPI
from ape.cli import ConnectedProviderCommand
from ape.logging import logger
from rich.console import Console

from ape_v2v.errors import V2VError
from demo import trade as demo


@click.command(cls=ConnectedProviderCommand, short_help="A whole trade, told as it happens")
def cli(provider: ProviderAPI) -> None:
    if not provider.network.is_dev:
        raise click.UsageError(
            f"the demo moves time and spends test ether: not on {provider.network_choice}; "
            "use --network ethereum:local:foundry"
        )
    logger.set_level(logging.WARNING)  # the story says it all
    console = Console(soft_wrap=True)
    console.width = max(console.width, 110)
    try:
        demo.run(ape.accounts.test_accounts, ape.project.path, console)
    except V2VError as error:
        click.secho(f"demo: {error}", fg="red", err=True)
        sys.exit(1)
