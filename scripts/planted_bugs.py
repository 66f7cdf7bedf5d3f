"""Plant bugs into the market, one after the other, and see after how many steps each is found.

ape run planted_bugs --report docs/assurance/planted-bugs.md

The bugs are those of tests/fuzz/plants.yaml. The sources themselves are not touched.
"""

import time
from pathlib import Path

import ape
import click

from scripts._clone import of_the_tests

SEEDS = range(1, 31)

PAGE = """\
# Planted bugs

Each of these bugs was planted into a copy of the market's sources, compiled, and hunted by the
stateful property tests: random people, with the model and the invariants looking on. A step is one
thing that somebody does. Written by `ape run planted_bugs`; the bugs are in
[plants.yaml](../../tests/fuzz/plants.yaml).

{found} of {all} were found, the slowest after {slowest:,} steps. That is a few seconds; the `ci`
campaign has {ci:,} steps. The unchanged sources went through {control:,} steps without a finding.

| bug | found after steps | in run |
| --- | ---: | ---: |
{rows}
"""


@click.command(short_help="Plant bugs into the market and see them found")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="A page to write")
def cli(report: Path | None) -> None:
    plants, campaign = of_the_tests("fuzz.plants"), of_the_tests("fuzz.campaign")
    compilers = of_the_tests("assurance.compiler")
    build, sources = campaign.Build.of(ape.project), compilers.market_sources()
    rows, missed, slowest = [], [], 0
    with compilers.Compiler() as compiler:
        if found := plants.hunt(plants.unchanged(build, compiler), SEEDS):
            raise click.ClickException(f"found in the unchanged sources: {found.symptom}")
        for plant in plants.plants():
            bugged = plants.with_code_of(plant.planted(sources), build, compiler)
            began = time.monotonic()
            found = plants.hunt(bugged, SEEDS)
            if found is None:
                missed.append(plant.name)
                click.echo(f"NOT FOUND: {plant.name}")
                continue
            slowest = max(slowest, found.steps)
            rows.append(f"| {plant.name} | {found.steps:,} | {found.runs} |")
            seconds = time.monotonic() - began
            click.echo(f"{found.steps:>6} steps {seconds:>5.1f} s  {plant.name}")
    click.echo(f"{len(rows)} of {len(rows) + len(missed)} found")
    if missed:
        raise click.ClickException(f"not found: {', '.join(missed)}")
    if report:
        ci = campaign.PROFILES["ci"]
        report.write_text(
            PAGE.format(
                found=len(rows),
                all=len(rows),
                slowest=slowest,
                ci=ci.runs * ci.steps,
                control=len(SEEDS) * campaign.RUNS * plants.STEPS,
                rows="\n".join(rows),
            ),
            encoding="utf-8",
        )
