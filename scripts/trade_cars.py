"""Have two cars trade by themselves for many rounds while they are killed, and write down how.

ape run trade_cars

Takes half an hour. tests/car/test_campaign.py does the work; this is its long size.
"""

import os
import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
CAMPAIGN = "tests/car/test_campaign.py"
REPORT = "docs/assurance/trading-cars.md"


@click.command(short_help="Have two cars trade by themselves while they are killed")
@click.option("--rounds", default=200, show_default=True, help="How many trades.")
@click.option("--seed", default=1, show_default=True, help="Chooses kills and faults.")
@click.option(
    "--report", default=REPORT, show_default=True, type=click.Path(dir_okay=False),
    help="The file to write.",
)  # fmt: skip
def cli(rounds: int, seed: int, report: str) -> None:
    """Run the campaign; fails when the books are not exact, or a round hangs."""
    click.echo(f"{rounds} rounds, seed {seed}")
    campaign = subprocess.run(
        [Path(sys.executable).with_name("ape"), "test", CAMPAIGN, "-q", "-s"],
        cwd=ROOT,
        env=os.environ
        | {
            "V2V_CAR_ROUNDS": str(rounds),
            "V2V_CAR_SEED": str(seed),
            "V2V_CAR_REPORT": report,
        },
        check=False,
    )
    sys.exit(campaign.returncode)
