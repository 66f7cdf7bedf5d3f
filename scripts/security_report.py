"""Set the paper's Table III beside what today's tools find, and write docs/assurance/.

ape run security_report

Reads what `make assure`, `ape run fuzz` and `ape run planted_bugs` have left, and measures the rest
on a local chain of its own. What has not been run is shown as such.
"""

import ape
import click

from scripts._clone import of_the_tests


@click.command(short_help="Table III of the paper today: write docs/assurance/security-report.md")
def cli() -> None:
    reports, campaign = of_the_tests("assurance.security.report"), of_the_tests("fuzz.campaign")
    for row in reports.write(campaign.Build.of(ape.project)):
        click.echo(f"{row.parameter:<32} {row.paper:>6}  {row.here}")
