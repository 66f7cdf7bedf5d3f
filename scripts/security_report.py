"""Set the paper's Table III beside what today's tools find, and write docs/assurance/.

ape run security_report

Reads what `make assure`, `ape run fuzz` and `ape run planted_bugs` have left, and measures the rest
on a local chain of its own. What has not been run is shown as such.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import ape
import click


def of_the_tests(name: str) -> Any:
    """A module of the tests, which are no package of their own."""
    tests = str(Path(ape.project.path, "tests"))
    if tests not in sys.path:
        sys.path.insert(0, tests)
    return import_module(name)


@click.command(short_help="Table III of the paper today: write docs/assurance/security-report.md")
def cli() -> None:
    reports, campaign = of_the_tests("assurance.security.report"), of_the_tests("fuzz.campaign")
    for row in reports.write(campaign.Build.of(ape.project)):
        click.echo(f"{row.parameter:<32} {row.paper:>6}  {row.here}")
