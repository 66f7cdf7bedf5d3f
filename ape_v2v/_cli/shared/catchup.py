"""A market's history, read up to now, with a progress bar where that takes a while."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ape_v2v import deployment
from ape_v2v.index.history import History

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape_v2v._cli.shared.context import Context

_PATIENCE_SECONDS = 1.0


@contextmanager
def open_history(
    context: Context, *, confirmations: int | None = None, cache: bool = True
) -> Iterator[History]:
    """The market's history, read up to now; with a progress bar if that takes a while."""
    market = context.market
    recorded = partial(deployment.recorded_block, market.address, market.node)
    options: dict[str, Any] = {"cache": cache, "confirmations": confirmations, "tell": tell}
    with History(market, recorded=recorded, **options) as history:
        with _progress_bar() as progress:
            history.refresh(progress)
        if history.behind:
            tell(history.behind)
        yield history


def tell(text: str) -> None:
    """Say what is waited for, or missing."""
    click.echo(text, err=True)


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("reading blocks")
    began = time.monotonic()
    with ExitStack() as shown:

        def progress(done: int, total: int) -> None:
            late = time.monotonic() - began > _PATIENCE_SECONDS
            if late and console.is_terminal and not bar.live.is_started:
                shown.enter_context(bar)
            bar.update(task, completed=done, total=total)

        yield progress
