"""Kill either side of a charging session more than 300 times, and write down what it cost.

ape run crash_session

Takes some minutes. tests/session/test_crash_campaign.py does the work; this is its nightly size.
"""

import os
import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
CAMPAIGN = "tests/session/test_crash_campaign.py"
REPORT = "docs/assurance/crash-session.md"


@click.command(short_help="Kill a charging session's processes more than 300 times")
@click.option("--seed", default=4, show_default=True, help="Chooses the random instants.")
@click.option(
    "--report", default=REPORT, show_default=True, type=click.Path(dir_okay=False),
    help="The file to write.",
)  # fmt: skip
def cli(seed: int, report: str) -> None:
    """Run the campaign; fails when a receipt or more than one increment is lost."""
    click.echo(f"seed {seed}")
    campaign = subprocess.run(
        [Path(sys.executable).with_name("ape"), "test", CAMPAIGN, "-q", "-s"],
        cwd=ROOT,
        env=os.environ
        | {
            "V2V_CRASH_CAMPAIGN": "nightly",
            "V2V_CRASH_SEED": str(seed),
            "V2V_CRASH_REPORT": report,
        },
        check=False,
    )
    sys.exit(campaign.returncode)
