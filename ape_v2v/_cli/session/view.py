"""A session as it goes on: lines of JSON for programs, a table that moves for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar

from ape_v2v._cli.shared.tables import Facts
from ape_v2v.session.progress import SessionPace
from ape_v2v.units import Energy, Money, format_duration

if TYPE_CHECKING:
    from typing import Self

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.session.progress import SessionProgress
    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.running import SessionEnd

_WIDTH = 60


class View:
    """What a side of a session tells while it runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._agreement: Agreement | None = None
        # While a session runs, what Ape asks goes to standard error, and what it prints too.
        self._out = click.get_text_stream("stdout")
        self._live: Live | None = None
        self._said: str | None = None
        self._pace = SessionPace()

    def __enter__(self) -> Self:
        if not self._context.as_json and self._out.isatty():
            self._live = Live(console=Console(file=self._out))
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def begins(self, agreement: Agreement) -> None:
        self._agreement = agreement

    def serves(self, url: str) -> None:
        assert self._agreement is not None, "a session begins before it serves"
        if self._context.as_json:
            auction_id = str(self._agreement.auction_id)
            self._print({"event": "serving", "url": url, "auctionId": auction_id})
        else:
            click.echo(
                f"serving {self._context.auction_name(self._agreement.auction_id)} at {url}",
                self._out,
            )

    def trouble(self, text: str) -> None:
        """Say on standard error what cannot be done, once."""
        if text != self._said:
            self._said = text
            click.echo(text, err=True)

    def progress(self, progress: SessionProgress) -> None:
        if self._context.as_json:
            self._print(progress.as_json())
        elif self._live is not None:
            self._live.update(self._table(progress))

    def _print(self, data: dict[str, Any]) -> None:
        click.echo(json.dumps(data), self._out)  # and flushes

    def _table(self, progress: SessionProgress) -> Group:
        """A bar of the energy, and the figures below it."""
        assert self._agreement is not None, "a session begins before it gets on"
        context = self._context
        total = self._agreement.energy_wh
        contracted = context.energy(Energy(total))
        left = self._pace.left(progress.energy_wh, total)
        facts = Facts(
            {
                "state": progress.state,
                "power": f"{progress.power_w / 1000:.1f} kW",
                "energy": f"{context.energy(Energy(progress.energy_wh))} of {contracted}",
                "own meter": context.energy(Energy(progress.own_wh)),
                "acknowledged": context.energy(Energy(progress.acknowledged_wh)),
                "cost": context.money(Money(progress.cost, self._agreement.paid_in)),
                "time left": "" if left is None else format_duration(left),
            },
            fold=True,
        )
        return Group(ProgressBar(total=total, completed=progress.energy_wh, width=_WIDTH), facts)


def show_end(context: Context, ended: SessionEnd) -> None:
    """Show what the chain says in the end."""
    outcome, auction_id = ended.on_chain, ended.agreement.auction_id
    data = ended.as_json()
    if outcome is None or data is None:
        return
    shown = {
        "auction": context.auction_name(auction_id),
        "ended": outcome.how,
        "energy": context.energy(Energy(outcome.energy_wh)),
        "paid": context.money(Money(outcome.cost, ended.agreement.paid_in)),
        "reason": ended.reason or "",
        "transaction": outcome.transaction,
        "sent by": outcome.sender,
    }
    context.show(data, Facts(shown))
