"""`ape v2v simulate`: the market in an EVM of this process, with many vehicles."""

from __future__ import annotations

import functools
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.tables import Facts, Rows
from ape_v2v.errors import V2VError
from ape_v2v.evm.chains import ChainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from ape_v2v.simulation.laboratory import Row

_RUN = "run"


class _Simulations(Group):
    """`simulate garage20` is `simulate run garage20`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [_RUN, *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_Simulations, short_help="Simulate a market, on its very bytecode")
def cli() -> None:
    """Run the contract in this process, with many vehicles that bid as the real ones do.

    `ape v2v simulate garage20 --out study` runs a scenario: a file, or one that comes with the
    package. It takes the extra `simulation`, and no node.
    """


def _command(**attributes: Any) -> Callable[[Callable[..., None]], click.Command]:
    """Declare a command that needs no node, and whose errors are one line."""

    def declare(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def callback(**arguments: Any) -> None:
            try:
                function(**arguments)
            except ImportError as error:
                raise click.ClickException(
                    f"the simulation is not installed ({error}): install the extra, `pip install "
                    "'ape-v2v[simulation]'`"
                ) from error
            except (V2VError, ChainError, OSError) as error:
                raise click.ClickException(str(error)) from error

        return click.command(**attributes)(callback)

    return declare


def _options(function: Callable[..., None]) -> Callable[..., None]:
    """What every command has that runs scenarios."""
    options = (
        click.option(
            "--seed", default=1, show_default=True, help="The root of all random numbers."
        ),
        click.option(
            "--replicates",
            type=click.IntRange(1, 10_000),
            default=1,
            show_default=True,
            help="How often it is run, with other comers each time.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1, 256),
            default=1,
            show_default=True,
            help="How many processes run it; what comes out is the same.",
        ),
        click.option("--dask", metavar="URL", help="A Dask scheduler that runs it instead."),
        click.option(
            "--out",
            metavar="DIR",
            type=click.Path(file_okay=False, path_type=Path),
            help="The folder that it writes into.  [default: simulations/NAME-HASH]",
        ),
        click.option("--resume", is_flag=True, help="Go on with what is in that folder."),
        click.option("--json", "as_json", is_flag=True, help="Output for programs."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@cli.add_command
@_command(name=_RUN)
@click.argument("scenario")
@_options
def run(scenario: str, seed: int, as_json: bool, **settings: Any) -> None:
    """Run SCENARIO, a file or one that comes with the package: see `simulate new`."""
    from ape_v2v.simulation.scenario import read  # noqa: PLC0415 - an extra
    from ape_v2v.simulation.study.study import Study  # noqa: PLC0415 - likewise

    study = Study([("", read(scenario))], seed)
    _carry_out(study, as_json=as_json, **settings)


@cli.add_command
@_command(name="sweep")
@click.argument("scenario")
@click.option(
    "--set",
    "changes",
    metavar="NAME=VALUE,VALUE",
    multiple=True,
    required=True,
    help="A setting and the values that it is given one after the other; may be given often.",
)
@_options
def sweep(
    scenario: str, changes: tuple[str, ...], seed: int, as_json: bool, **settings: Any
) -> None:
    """Run SCENARIO with other settings: every combination, with the same comers."""
    from ape_v2v.simulation.scenario import read  # noqa: PLC0415 - an extra
    from ape_v2v.simulation.study.study import Study  # noqa: PLC0415 - likewise

    study = Study.sweep(read(scenario), [_change(text) for text in changes], seed)
    _carry_out(study, as_json=as_json, **settings)


@cli.add_command
@_command(name="compare")
@click.argument("first")
@click.argument("second")
@_options
def compare(first: str, second: str, seed: int, as_json: bool, **settings: Any) -> None:
    """Run two scenarios with the same seed, and show by how much the SECOND differs."""
    from ape_v2v.simulation.scenario import read  # noqa: PLC0415 - an extra
    from ape_v2v.simulation.study.study import Study  # noqa: PLC0415 - likewise

    study = Study([("first", read(first)), ("second", read(second))], seed)
    _carry_out(study, as_json=as_json, **settings)


@cli.add_command
@_command(name="new")
@click.argument("template", required=False)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where it is written.  [default: TEMPLATE.yaml]",
)
@click.option("--json", "as_json", is_flag=True, help="Output for programs.")
def new(template: str | None, out: Path | None, as_json: bool) -> None:
    """Write a scenario to begin with; without TEMPLATE, list them."""
    from ape_v2v.simulation.scenario import TEMPLATES, parse  # noqa: PLC0415 - an extra
    from ape_v2v.simulation.scenario import template as text_of  # noqa: PLC0415 - likewise

    if template is None:
        rows = [(name, parse(text_of(name)).description) for name in TEMPLATES]
        if as_json:
            click.echo(json.dumps(dict(rows)))
            return
        Console(highlight=False).print(Rows(["template", "what it is"], rows, prose=True))
        return
    text = text_of(template)
    path = out or Path(f"{template}.yaml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise click.ClickException(f"{path} is there already: name another with --out") from error
    if as_json:
        click.echo(json.dumps({"file": str(path)}))
        return
    click.echo(f"{path}: change it, then `ape v2v simulate {path}`")


@cli.add_command
@_command(name="validate")
@click.option(
    "--auctions",
    type=click.IntRange(10, 1_000_000),
    default=400,
    show_default=True,
    help="How many for each case and number of bidders.",
)
@click.option("--case", "cases", metavar="CASE", multiple=True, help="Only this one.")
@click.option("--seed", default=1, show_default=True, help="The root of all random numbers.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Output for programs.")
def validate(auctions: int, cases: tuple[str, ...], seed: int, jobs: int, as_json: bool) -> None:
    """Compare auctions on the contract with auction theory; it fails where they differ."""
    from ape_v2v.simulation import laboratory  # noqa: PLC0415 - an extra

    if unknown := sorted(set(cases) - set(laboratory.CASES)):
        raise click.ClickException(
            f"there is no case {unknown[0]!r}: choose {', '.join(laboratory.CASES)}"
        )
    with _bar("auctions") as shown:
        table = laboratory.validate(
            auctions, seed, jobs, cases or laboratory.CASES, lambda share: shown(share, 1.0)
        )
    if as_json:
        click.echo(json.dumps([_as_json(row) for row in table]))
    else:
        names = ["case", "n", "quantity", "theory", "in these steps", "measured", "z"]
        Console(highlight=False).print(Rows(names, [_cells(row) for row in table]))
    if failed := [row for row in table if not row.holds]:
        raise click.ClickException(
            f"{len(failed)} of {len(table)} figures are not what theory says: first "
            f"{failed[0].case}, {failed[0].quantity}"
        )


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "case": row.case,
        "bidders": row.n,
        "quantity": row.quantity,
        "theory": row.theory,
        "expected": row.expected,
        "measured": row.measured,
        "z": row.z,
        "auctions": row.auctions,
    }


def _cells(row: Row) -> list[str]:
    return [
        row.case, str(row.n), row.quantity, f"{row.theory:.5f}", f"{row.expected:.5f}",
        f"{row.measured:.5f}", f"{row.z:+.2f}",
    ]  # fmt: skip


def _carry_out(
    study: Any,
    *,
    replicates: int,
    jobs: int,
    dask: str | None,
    out: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    from ape_v2v.simulation.study.study import write  # noqa: PLC0415 - an extra

    folder = out or Path("simulations") / study.name
    if folder.exists() and any(folder.iterdir()) and not resume:
        raise click.ClickException(
            f"{folder} is not empty: name another folder with --out, or go on with --resume"
        )
    try:
        with _bar("runs") as shown:
            outcome = study.run(
                replicates,
                folder=folder,
                resume=resume,
                jobs=jobs,
                cluster=dask,
                progress=lambda done, total: shown(float(done), float(total)),
            )
    except KeyboardInterrupt as error:
        raise click.ClickException(
            f"stopped; what was finished is in {folder}: the same with --resume goes on"
        ) from error
    write(outcome, folder)
    if as_json:
        click.echo(json.dumps(outcome.as_json(str(folder))))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 200)
    columns, rows = outcome.summary()
    if len(columns) > 2:  # noqa: PLR2004 - a name, and a value for each of several
        console.print(Rows(columns, rows), soft_wrap=True)
    else:
        console.print(Facts(dict(rows)), soft_wrap=True)
    click.echo(f"\nwritten to {folder}: begin with {folder / 'report.md'}")


def _change(text: str) -> tuple[str, Sequence[Any]]:
    name, sign, values = text.partition("=")
    if not sign or not values:
        raise click.ClickException(
            f"{text!r} is no change: expected NAME=VALUE,VALUE, such as "
            "market.minDecrementBps=0,100,500"
        )
    return name, [yaml.safe_load(value) for value in values.split(",")]


def _bar(what: str) -> AbstractContextManager[Callable[[float, float], None]]:
    """A progress bar with the time left, on standard error; nothing where that is no terminal."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )

    @contextmanager
    def running() -> Iterator[Callable[[float, float], None]]:
        with bar:
            task = bar.add_task(what, total=1.0)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    return running()
