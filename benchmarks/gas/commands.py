"""`ape run gas_report` and `ape run gas_snapshot`: what the market costs, measured."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click
from ape.cli import ConnectedProviderCommand
from ape.exceptions import ApeException
from ape.logging import logger
from rich.console import Console

from ape_v2v.errors import V2VError
from ape_v2v.evm.chains import ChainError
from benchmarks.gas import snapshot as snapshots
from benchmarks.gas.prices import CURRENCIES, Currency

if TYPE_CHECKING:
    from ape.api import ProviderAPI


class PositiveDecimal(click.ParamType):
    name = "number"

    def convert(
        self, value: str | Decimal, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            number = Decimal(value)
        except ArithmeticError:
            number = Decimal("NaN")
        if not number.is_finite() or number <= 0:
            self.fail(f"{value!r} is not a number above 0, such as 0.5", param, ctx)
        return number


@click.command(
    cls=ConnectedProviderCommand,
    short_help="What the market costs, measured beside the paper's design",
)
@click.option("--json", "as_json", is_flag=True, help="Output for programs.")
@click.option(
    "--write",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write Markdown, CSV, JSON and charts into this folder, such as docs.",
)
@click.option("--gas-price", type=PositiveDecimal(), help="Gwei, for a table at your own prices.")
@click.option("--ether-price", type=PositiveDecimal(), help="Price of one ether, for that table.")
@click.option("--currency", default="USD", show_default=True, help="Of --ether-price.")
@click.option("--without-2020", is_flag=True, help="Leave out the node with the prices of 2020.")
@click.option(
    "--quick", is_flag=True, help="Leave out that node, growth, tokens and throughput as well."
)
def report(
    provider: ProviderAPI,
    *,
    as_json: bool,
    folder: Path | None,
    gas_price: Decimal | None,
    ether_price: Decimal | None,
    currency: str,
    without_2020: bool,
    quick: bool,
) -> None:
    """Measure what every call costs beside the paper's own design, on the same chain.

    It takes a minute or two.
    """
    from benchmarks.gas import document, measurements, report  # noqa: PLC0415 - half a second
    from benchmarks.gas.sources import Sources  # noqa: PLC0415

    if not provider.network.is_dev:
        raise click.UsageError(
            f"the throughput run moves time and spends test ether: not on "
            f"{provider.network_choice}; use --network ethereum:local:foundry"
        )
    if (gas_price is None) != (ether_price is None):
        raise click.UsageError("--gas-price and --ether-price go together")
    currencies = dict(CURRENCIES)
    if gas_price is not None and ether_price is not None:
        currencies["yours"] = Currency("your", gas_price, ether_price, currency)
    logger.set_level(logging.WARNING)
    try:
        sources = Sources.of()
        measured = measurements.measure(
            sources,
            lambda text: click.echo(f"measuring {text}", err=True),
            with_2020=not (without_2020 or quick),
            with_rest=not quick,
        )
        result = report.build(measured, sources, currencies)
        written = document.write(result, folder) if folder else []
    except (V2VError, ApeException, ChainError) as error:
        raise click.ClickException(str(error)) from error
    for path in written:
        click.echo(f"wrote {path}", err=True)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 220
    for table in result.tables:
        console.print(table.as_rich())
        console.print()


@click.command(short_help="What the functions cost, compared with what is committed")
@click.option("--json", "as_json", is_flag=True, help="Output for programs.")
@click.option("--accept", is_flag=True, help=f"Write the figures to {snapshots.PATH}.")
def snapshot(*, as_json: bool, accept: bool) -> None:
    """Compare what the functions cost with what is committed; exit code 1 when it differs."""
    from benchmarks.gas.measurements import measure  # noqa: PLC0415
    from benchmarks.gas.sources import Sources  # noqa: PLC0415

    logger.set_level(logging.WARNING)
    try:
        sources = Sources.of()
        measured = measure(sources).snapshot()
    except (V2VError, ApeException, ChainError) as error:
        raise click.ClickException(str(error)) from error
    committed = snapshots.load(sources.project)
    changes = snapshots.changes(committed, measured)
    if as_json:
        click.echo(json.dumps({"measured": measured, "changes": changes}))
    else:
        for label in measured | committed:
            click.echo(_line(label, committed.get(label), measured.get(label)))
    if accept:
        snapshots.accept(sources.project, measured)
    elif changes:
        raise click.ClickException(
            f"{len(changes)} figures differ from {snapshots.PATH}: if that is meant, run "
            "`ape run gas_snapshot --accept` and commit the file"
        )


def _line(label: str, committed: int | None, measured: int | None) -> str:
    figure = "gone" if measured is None else f"{measured:,}"
    if committed == measured:
        return f"{label:36} {figure:>10}"
    return f"{label:36} {figure:>10}  " + ("new" if committed is None else f"was {committed:,}")
