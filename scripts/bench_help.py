"""What this plugin adds to the start of Ape: `ape v2v --help` beside `ape --help`.

ape run bench_help

The commands run in turn, each in a process of its own, so that whatever else the machine does
falls on all of them. `ape --help` imports every plugin; what ours has of it is read from Python's
own account of the imports.
"""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

LIMIT = 0.3  # seconds
APE = Path(sys.executable).with_name("ape")

# "import time: own microseconds | with what it imports | name"
OURS = re.compile(r"^import time: +(\d+) \| +\d+ \| +ape_v2v\b", re.MULTILINE)


def seconds_to_run(*arguments: str) -> float:
    """How long `ape …` takes from its start to its end."""
    began = time.perf_counter()
    subprocess.run([APE, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def seconds_to_import() -> float:
    """How long `ape --help` spends in the modules of this plugin."""
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", APE, "--help"],
        check=True,
        capture_output=True,
        text=True,
    )
    return sum(map(int, OURS.findall(answer.stderr))) / 1e6


MEASURED: dict[str, Callable[[], float]] = {
    "ape --help": lambda: seconds_to_run("--help"),
    "  of that, importing this plugin": seconds_to_import,
    "ape v2v --help": lambda: seconds_to_run("v2v", "--help"),
}


@click.command(short_help="What the plugin adds to the start of Ape")
@click.option("--runs", default=9, show_default=True, type=click.IntRange(1))
def cli(runs: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in MEASURED}
    for measure in MEASURED.values():
        measure()  # compiles what Python has not compiled yet
    for _ in range(runs):
        for name, measure in MEASURED.items():
            times[name].append(measure())
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        found = times[name]
        click.echo(f"{name:34} {median:6.3f} s  ({min(found):.3f} to {max(found):.3f})")
    everything, share, ours = medians.values()
    click.echo(
        f"ape v2v --help is {ours / everything:.2f} times ape --help: {ours - everything:+.3f} s"
    )
    if max(share, ours - everything) > LIMIT:
        raise click.ClickException(f"the plugin adds more than {LIMIT} s: see python -X importtime")
