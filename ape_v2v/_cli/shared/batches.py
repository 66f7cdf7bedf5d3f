"""What others have signed, brought to the market in one transaction: asked, sent, shown."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from ape_v2v._cli.shared.context import prompts_on_stderr
from ape_v2v._cli.shared.tables import Rows
from ape_v2v.errors import V2VError
from ape_v2v.market.batch import Batch, Relayed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.chain.writing.forecast import Forecast
    from ape_v2v.market.batch import BatchTrial, SignedCall

FILES = click.argument(
    "file", metavar="FILE...", nargs=-1, required=True, type=click.File("rb", lazy=False)
)
"""Signed documents, in the order in which they are brought."""


class Gathering:
    """Documents as they are read: those that are good so far, and why the others are not."""

    def __init__(self) -> None:
        self._found: list[SignedCall | Relayed] = []

    def add(self, what: str, read: Callable[[], SignedCall]) -> None:
        """Take what is read, or note why it cannot be taken."""
        try:
            self._found.append(read())
        except V2VError as error:
            self._found.append(Relayed(what, str(error), None))

    def bring(self, context: Context) -> None:
        """Bring what the market takes, and show what has become of each, in order.

        Raises:
            V2VError: None was brought.
        """
        calls = [one for one in self._found if not isinstance(one, Relayed)]
        results = iter(_sent(context, calls))
        show_results(
            context,
            [one if isinstance(one, Relayed) else next(results) for one in self._found],
        )


def _sent(context: Context, calls: Sequence[SignedCall]) -> list[Relayed]:
    def ask(trial: BatchTrial, expected: Forecast) -> None:
        if context.yes:
            return
        lines = [
            f"{len(trial.calls)} of {len(calls)} signed documents on market "
            f"{context.market.address}, in one transaction",
            f"  by {context.who(context.sender.address)}",
            f"  costs about {context.cost(expected)}",
            *(f"  without {calls[at].what}: {why}" for at, why in trial.refusals.items()),
        ]
        click.echo("\n".join(lines), err=True)
        click.confirm("send it?", abort=True, err=True)

    with prompts_on_stderr():
        results = Batch(context.market, calls).send(
            sender=context.sender, before_asking=ask, before_sending=context.on_its_way
        )
    sent = next((one.transaction for one in results if one.transaction), None)
    context.transaction, context.underway = sent, None
    return results


def show_results(context: Context, results: Sequence[Relayed]) -> None:
    """Show what has become of each.

    Raises:
        V2VError: None was brought.
    """
    rows = [(one.what, one.refusal or "done") for one in results]
    context.show([one.as_json() for one in results], Rows(("document", "result"), rows, prose=True))
    if context.transaction is None:
        raise V2VError("the market would take none of the documents: nothing was sent")
    if not context.as_json:
        click.echo(f"transaction {context.transaction}")


def name_of(file: IO[bytes]) -> str:
    """What a file is called in results."""
    return str(getattr(file, "name", "-"))
