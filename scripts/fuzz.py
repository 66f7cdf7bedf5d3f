"""Let random people loose on the market, in several processes, and write down what was reached.

ape run fuzz --profile nightly --report docs/assurance/nightly.json

Contract and model are compared after every call, and the invariants checked; the first
disagreement ends it, with the seed that repeats it. A campaign that was stopped goes on where its
report says, if that is of the same seed, contract and versions.
"""

import time
from pathlib import Path

import ape
import click

from scripts._clone import of_the_tests

SAVE_EVERY = 10  # seeds


@click.command(short_help="Let random people loose on the market")
@click.option("--profile", default="ci", show_default=True, help="dev, ci or nightly")
@click.option("--seed", type=click.IntRange(0), help="The first one; anything by default")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Processes")
@click.option("--minutes", type=float, help="Stop after so long, to be continued")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="A JSON file")
def cli(
    profile: str, seed: int | None, workers: int, minutes: float | None, report: Path | None
) -> None:
    names = ("fuzz.campaign", "fuzz.chosen", "fuzz.report")
    campaign, chosen, reports = map(of_the_tests, names)
    if profile not in campaign.PROFILES:
        raise click.BadParameter(f"{profile}: use one of {', '.join(campaign.PROFILES)}")
    build = campaign.Build.of(ape.project)
    earlier = reports.Campaign.load(report) if report else None
    if seed is None:
        seed = earlier.first_seed if earlier and not earlier.finished else chosen.any_seed()
    run = reports.Campaign.of(profile, campaign.PROFILES[profile], seed, build.market)
    if earlier and run.goes_on_from(earlier):
        run = earlier
        click.echo(f"{run.seeds_done} of {run.profile.seeds} seeds have been done before")

    click.echo(
        f"profile {profile}, seed {seed}: {run.profile.runs} runs, {run.profile.steps} steps"
    )
    before, began = run.seconds, time.monotonic()
    tallies = campaign.fuzz_many(build, run.seeds_left, run.profile.steps, workers=workers)
    for tally in tallies:
        run.add(tally)
        run.seconds = before + time.monotonic() - began
        if report and run.seeds_done % SAVE_EVERY == 0:
            run.save(report)
        if minutes is not None and time.monotonic() - began > 60 * minutes:
            break
    if report:
        run.save(report)

    click.echo(reports.summary(run.tally, run.seconds))
    if not run.finished:
        click.echo(f"stopped after {run.seeds_done} of {run.profile.seeds} seeds")
    elif run.profile.complete and run.tally.missing():
        raise click.ClickException(f"never reached: {', '.join(run.tally.missing())}")
