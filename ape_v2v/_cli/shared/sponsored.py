"""Who pays for others: where that is kept, and a write that a sponsor sends and pays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ape_v2v._cli.shared.context import prompts_on_stderr
from ape_v2v.chain.networks import data_folder
from ape_v2v.sponsor import SponsoredGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.interface.transactions import Write


def ledger_option(text: str) -> Callable[[Any], Any]:
    """`--ledger`: the file that remembers what was paid for others."""
    return click.option(
        "--ledger",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help=f"{text}  [default: in Ape's data folder]",
    )


def default_ledger(context: Context, kind: str) -> Path | None:
    """A file for each market; in memory on a chain that is forgotten itself."""
    node = context.node
    if node.network.is_dev:
        return None
    return data_folder() / f"{kind}-{node.chain_id}-{context.market.address}.sqlite"


def through(url: str, context: Context) -> None:
    """Let the writes of a command go through a sponsor, instead of being paid by the account."""
    sponsored = SponsoredGateway(url)

    def gateway(write: Write) -> Mined:
        if (before := sponsored.take_up(write)) is not None:
            context.transaction = before.transaction
            click.echo(
                f"signed before, and sent as {before.transaction}: that one counts, and nothing "
                "is signed again",
                err=True,
            )
            return before
        sponsored.try_out(write)
        with prompts_on_stderr():
            if not context.yes:
                context.announce(write, None)
                click.echo(f"  the sponsor at {url} pays the gas", err=True)
                click.confirm("sign it?", abort=True, err=True)
            mined = sponsored.order(write)
        context.transaction = mined.transaction
        return mined

    context.gateway = gateway  # type: ignore[method-assign]
