"""Run an autobidder, a follower and charging sessions on a node that fails one request in five.

ape run endure --minutes 60 --report docs/assurance/endurance.md
"""

import json
from pathlib import Path

import click

from scripts._clone import of_the_tests


@click.command(short_help="Let processes that last meet a node that fails one request in five")
@click.option("--minutes", default=60.0, show_default=True, type=click.FloatRange(0))
@click.option("--seed", default=1, show_default=True, help="Chooses the faults.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="A page to write.")
def cli(minutes: float, seed: int, report: Path | None) -> None:
    """Fails when a process gives up, or anything is lost or done twice."""
    endurance = of_the_tests("assurance.endurance")
    try:
        tally = endurance.endure(minutes, seed, lambda told: click.echo(json.dumps(told)))
    except endurance.Broken as error:
        raise click.ClickException(str(error)) from None
    if report:
        report.write_text(endurance.report(tally, seed), encoding="utf-8")
    click.echo(f"{tally.trades} trades, {sum(tally.faults.values())} faults: nothing lost")
