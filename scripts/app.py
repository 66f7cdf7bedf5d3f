"""A market to try with a phone: play money, cars that bid, and a page.

ape run app
"""

import contextlib
import logging
import signal
import sys

import ape
import click
from ape.api import ProviderAPI
from ape.cli import ConnectedProviderCommand
from ape.logging import logger

from ape_v2v.errors import V2VError
from demo import app as demo


@click.command(cls=ConnectedProviderCommand, short_help="A market to try with a phone")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the page is served.")
@click.option("--port", type=int, default=8700, show_default=True, help="And at which port.")
def cli(provider: ProviderAPI, host: str, port: int) -> None:
    if not provider.network.is_dev:
        raise click.UsageError(
            f"it spends play money and moves time: not on {provider.network_choice}; "
            "use --network ethereum:local:foundry"
        )
    logger.set_level(logging.WARNING)
    # Ape's own would stop the chain first, and what reads it would miss it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    accounts = list(ape.accounts.test_accounts)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            demo.run(provider, accounts, ape.project.path, (host, port), click.echo)
    except V2VError as error:
        click.secho(f"app: {error}", fg="red", err=True)
        sys.exit(1)
