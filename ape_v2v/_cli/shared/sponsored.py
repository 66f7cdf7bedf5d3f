"""A write that a sponsor sends and pays: tried, shown, asked, signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ape_v2v._cli.shared.context import prompts_on_stderr
from ape_v2v.sponsor import SponsoredGateway

if TYPE_CHECKING:
    from ape_v2v._cli.shared.context import Context
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.interface.transactions import Write


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
