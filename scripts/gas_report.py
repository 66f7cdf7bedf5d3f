"""Measure what the market costs, and write the report into docs/.

ape run gas_report
"""

from pathlib import Path

import ape
import click
from ape.api import ProviderAPI
from ape.cli import ConnectedProviderCommand

from ape_v2v._cli.gas import report


@click.command(
    cls=ConnectedProviderCommand, short_help="Measure the costs, write docs/gas-report.md"
)
@click.pass_context
def cli(ctx: click.Context, provider: ProviderAPI) -> None:
    ctx.invoke(report, provider=provider, folder=Path(ape.project.path, "docs"))
