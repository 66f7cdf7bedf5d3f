"""How fast the property tests go: steps a second, everything compared after each.

ape run bench_steps

A step draws what somebody does, does it on the chain and in the model, looks at everything that
the views say, and checks the invariants. Figures are of the wall clock once all processes have
started, and of the CPU, which does not depend on what else the machine does. The same programs are
then repeated on Anvil, transactions only.
"""

import json
import time
from itertools import islice
from typing import Any

import ape
import click
from hypothesis import Phase

from ape_v2v.evm.inprocess import PyrevmChain
from ape_v2v.evm.node import AnvilChain
from scripts._clone import of_the_tests


def in_process(build: Any, seeds: int, steps: int, workers: int) -> dict[str, float]:
    """The campaign on pyrevm."""
    # The clock runs while all processes are at work: not for the first seeds and not for the last.
    margin = 4 * workers
    numbers = range(1, 1 + margin + seeds + margin)
    tallies = of_the_tests("fuzz.campaign").fuzz_many(build, numbers, steps, workers=workers)
    for _ in range(margin):
        next(tallies)
    total, began = of_the_tests("fuzz.tally").Tally(), time.perf_counter()
    for tally in islice(tallies, seeds):
        total.update(tally)
    seconds = time.perf_counter() - began
    tallies.close()
    return {
        "workers": workers,
        "steps": total.steps,
        "calls": total.calls,
        "seconds": round(seconds, 2),
        "steps_per_second": round(total.steps / seconds),
        "steps_per_cpu_second": round(total.steps / total.cpu_seconds),
    }


def on_a_node(build: Any, steps: int) -> dict[str, float]:
    """The same programs on Anvil."""
    recording, recorders = of_the_tests("fuzz.recording"), []

    def record() -> Any:
        recorders.append(recording.Recorder(PyrevmChain()))
        return recorders[-1]

    of_the_tests("fuzz.campaign").fuzz(
        build.artifacts(), 1, steps, new_chain=record, phases=[Phase.generate]
    )
    programs = [recording.transactions(recorder.program) for recorder in recorders]
    with AnvilChain() as node:
        began = time.perf_counter()
        for program in programs:
            start = node.snapshot()
            if recording.repeated(program, node) != program:
                raise click.ClickException("Anvil and pyrevm disagree")
            node.revert(start)
        seconds = time.perf_counter() - began
    transactions = sum(map(len, programs))
    return {
        "transactions": transactions,
        "seconds": round(seconds, 2),
        "transactions_per_second": round(transactions / seconds),
    }


@click.command(short_help="How fast the property tests go")
@click.option("--seeds", default=24, show_default=True, type=click.IntRange(1))
@click.option("--steps", default=100, show_default=True, type=click.IntRange(1))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True)
def cli(seeds: int, steps: int, workers: int, as_json: bool) -> None:
    build = of_the_tests("fuzz.campaign").Build.of(ape.project)
    compared = in_process(build, seeds, steps, workers)
    repeated = on_a_node(build, steps)
    if as_json:
        click.echo(json.dumps({"pyrevm": compared, "anvil": repeated}, indent=2))
        return
    click.echo(
        f"pyrevm, {workers} processes: {compared['steps']:,} steps in {compared['seconds']} s: "
        f"{compared['steps_per_second']:,} steps/s ({compared['steps_per_cpu_second']:,} for each "
        "second of CPU time)"
    )
    click.echo(
        f"Anvil, transactions only: {repeated['transactions']:,} in {repeated['seconds']} s: "
        f"{repeated['transactions_per_second']:,} transactions/s"
    )
