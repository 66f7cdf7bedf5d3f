"""`ape v2v session`: charge, with the other vehicle's process at the other end of the link."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape
import click
from ape.cli import account_option
from eth_utils.conversions import to_hex
from rich.console import Console
from rich.live import Live
from rich.table import Table

from ape_v2v._cli.live import stop_signals
from ape_v2v._cli.options import ENERGY, Context, grid, prompts_on_stderr, reading
from ape_v2v._cli.references import AUCTION, own_auction
from ape_v2v._cli.standing import auction_name
from ape_v2v.errors import V2VError
from ape_v2v.market import Market
from ape_v2v.units import Energy, Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI

    from ape_v2v._cli.references import AuctionReference
    from ape_v2v.connection import Connection
    from ape_v2v.session.agreement import Agreement, Outcome
    from ape_v2v.session.progress import Progress

_FOLDER = Path("v2v") / "sessions"


@click.group(short_help="Charge: two vehicles, meters and receipts")
def cli() -> None:
    """The two EVs authenticate each other, charge against signed receipts, and settle.

    The provider serves, and the consumer charges at the provider's address. Each is a process of
    its own, with an account that can sign without being asked: a test account, or one of Ape's
    keyfiles whose passphrase is asked for once, or is in APE_ACCOUNTS_<alias>_PASSPHRASE.
    """


def _side(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command what both sides have: an account, a store, a meter."""
    options = (
        account_option(),
        click.option(
            "--store",
            "store_path",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Where receipts are kept.  [default: one for each account, in Ape's data folder]",
        ),
        click.option(
            "--cable",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            required=True,
            help="The simulated cable: the same file for both sides.",
        ),
        click.option("--meter-id", metavar="ID", help="The meter's name.  [default: the role]"),
        click.option(
            "--loss",
            type=click.FloatRange(0, 1, max_open=True),
            default=0.0,
            show_default=True,
            help="What is lost on the way to the simulated meter, as a part of 1.",
        ),
        click.option(
            "--noise",
            type=click.FloatRange(0, 1, max_open=True),
            default=0.0,
            show_default=True,
            help="How far off the simulated meter is, as a part of 1.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@cli.add_command
@reading(name="serve")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@_side
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Where to listen.  [default: a free one]",
)
@click.option(
    "--power", type=click.FloatRange(min=0.001), default=11.0, show_default=True,
    help="Of the simulated source, kW.",
)  # fmt: skip
@click.option(
    "--speed", type=click.FloatRange(min=0.001), default=1.0, show_default=True,
    help="Simulated seconds per second.",
)  # fmt: skip
@click.option(
    "--max-unacknowledged",
    type=ENERGY,
    default="100 Wh",
    show_default=True,
    help="How far to deliver without a receipt.",
)
def serve(
    context: Context,
    reference: AuctionReference,
    store_path: Path | None,
    cable: Path,
    meter_id: str | None,
    loss: float,
    noise: float,
    host: str,
    port: int,
    power: float,
    speed: float,
    max_unacknowledged: Energy,
) -> None:
    """Deliver as the provider, until the connection is settled.

    Prints the address to charge at. Ctrl-C ends the charging in order; a second one the process.
    """
    from ape_v2v.session.chain import MarketChain  # noqa: PLC0415 - a web server is not light
    from ape_v2v.session.equipment import Equipment  # noqa: PLC0415
    from ape_v2v.session.provider import Limits, Provider  # noqa: PLC0415
    from ape_v2v.session.serving import serve as serve_session  # noqa: PLC0415
    from ape_v2v.session.settling import past_outcome  # noqa: PLC0415
    from ape_v2v.session.signing import AccountSigner  # noqa: PLC0415
    from ape_v2v.session.store import Store  # noqa: PLC0415

    account = _unlocked(context.sender)
    connection = _connection(context, reference)
    chain = MarketChain(connection, account)
    store = Store(store_path or default_store(account.address))
    if past := past_outcome(chain, store, connection.id):
        _show_outcome(context, *past)
        return
    agreement = chain.agreement()
    equipment = Equipment(
        cable=cable,
        meter_id=meter_id or "provider",
        loss=loss,
        noise=noise,
        power_w=round(power * 1000),
        speed=speed,
    )
    view = _View(context, agreement)
    with store.exclusively(agreement.token):
        provider = Provider(
            chain=chain,
            signer=AccountSigner(account),
            meter=equipment.meter(),
            source=equipment.source(agreement),
            store=store,
            limits=Limits(max_unacknowledged_wh=int(max_unacknowledged)),
            on_progress=view.update,
        )

        def started(url: str) -> None:
            view.note("serving", f"serving at {url}", url=url, auctionId=str(connection.id))

        with view, prompts_on_stderr():
            outcome = serve_session(
                provider,
                host=host,
                port=port,
                on_start=started,
                report=lambda text: click.echo(text, err=True),
            )
    if outcome is None:
        raise V2VError("nothing was settled: no consumer has acknowledged anything")
    _show_outcome(context, agreement, outcome)


@cli.add_command
@reading(name="charge")
@click.argument("url", metavar="URL")
@_side
@click.option(
    "--limit", type=ENERGY, help="Sign for no more than this.  [default: what was contracted]"
)
def charge(
    context: Context,
    url: str,
    store_path: Path | None,
    cable: Path,
    meter_id: str | None,
    loss: float,
    noise: float,
    limit: Energy | None,
) -> None:
    """Charge as the consumer of your current auction, where its provider serves.

    Ctrl-C ends the charging in order.
    """
    from ape_v2v.session.chain import MarketChain  # noqa: PLC0415 - only sessions need all this
    from ape_v2v.session.client import Link  # noqa: PLC0415
    from ape_v2v.session.consumer import Consumer, Terms  # noqa: PLC0415
    from ape_v2v.session.equipment import Equipment  # noqa: PLC0415
    from ape_v2v.session.settling import past_outcome  # noqa: PLC0415
    from ape_v2v.session.signing import AccountSigner  # noqa: PLC0415
    from ape_v2v.session.store import Store  # noqa: PLC0415

    account = _unlocked(context.sender)
    connection = _market(context).connection(own_auction(context).id)
    chain = MarketChain(connection, account)
    store = Store(store_path or default_store(account.address))
    if past := past_outcome(chain, store, connection.id):
        _show_outcome(context, *past)
        return
    agreement = chain.agreement()
    equipment = Equipment(cable=cable, meter_id=meter_id or "consumer", loss=loss, noise=noise)
    view = _View(context, agreement)
    with store.exclusively(agreement.token), Link(url) as link, stop_signals() as stop:
        consumer = Consumer(
            chain=chain,
            signer=AccountSigner(account),
            meter=equipment.meter(),
            peer=link,
            store=store,
            terms=Terms(limit_wh=None if limit is None else int(limit)),
            on_progress=view.update,
            stop_requested=stop.is_set,
        )
        with view, prompts_on_stderr():
            result = consumer.run()
    _show_outcome(context, agreement, result.outcome, reason=result.reason)
    if result.problem:
        raise V2VError(result.problem)


def default_store(address: str) -> Path:
    """Where an account's sessions are kept unless told otherwise."""
    return Path(ape.config.DATA_FOLDER) / _FOLDER / f"{address}.sqlite"


def _unlocked(account: AccountAPI) -> AccountAPI:
    """Let an account sign receipt after receipt without a question."""
    if hasattr(account, "set_autosign"):  # keyfiles; what a hardware wallet asks, it asks itself
        with prompts_on_stderr():
            account.set_autosign(True)
    return account


def _market(context: Context) -> Market:
    """The market, with transactions sent as the session needs them: unasked."""
    return Market(context.market.contract)


def _connection(context: Context, reference: AuctionReference) -> Connection:
    market = _market(context)
    return market.connection(reference.find(market).id)


class _View:
    """A session as it goes on: lines for programs, a table that moves for people."""

    def __init__(self, context: Context, agreement: Agreement) -> None:
        self._context = context
        self._agreement = agreement
        # While a session runs, what Ape asks goes to standard error, and what it prints too.
        self._out = click.get_text_stream("stdout")
        self._live: Live | None = None

    def __enter__(self) -> None:
        if not self._context.as_json and self._out.isatty():
            self._live = Live(console=Console(file=self._out))
            self._live.start()

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def note(self, event: str, text: str, **data: Any) -> None:
        """Say something once."""
        if self._context.as_json:
            self._print({"event": event, **data})
        else:
            click.echo(text, file=self._out)

    def update(self, progress: Progress) -> None:
        """Show how it stands."""
        if self._context.as_json:
            self._print(
                {
                    "event": "progress",
                    "state": progress.state,
                    "powerW": progress.power_w,
                    "energyWh": progress.energy_wh,
                    "ownEnergyWh": progress.own_wh,
                    "acknowledgedWh": progress.acknowledged_wh,
                    "cost": str(progress.cost),
                    "reason": progress.reason,
                }
            )
        elif self._live is not None:
            self._live.update(self._table(progress))

    def _print(self, data: dict[str, Any]) -> None:
        click.echo(json.dumps(data), file=self._out)  # and flushes

    def _table(self, progress: Progress) -> Table:
        context = self._context
        contracted = context.energy(Energy(self._agreement.energy_wh))
        return grid(
            {
                "state": progress.state,
                "power": f"{progress.power_w / 1000:.1f} kW",
                "energy": f"{context.energy(Energy(progress.energy_wh))} of {contracted}",
                "own meter": context.energy(Energy(progress.own_wh)),
                "acknowledged": context.energy(Energy(progress.acknowledged_wh)),
                "cost": context.money(Money(progress.cost)),
            }
        )


def _show_outcome(
    context: Context, agreement: Agreement, outcome: Outcome, reason: str | None = None
) -> None:
    data = {
        "event": outcome.event,
        "auctionId": str(agreement.auction_id),
        "energyWh": outcome.energy_wh,
        "cost": str(outcome.cost),
        "meterDataHash": to_hex(outcome.meter_data_hash),
        "transaction": outcome.transaction,
        "sender": outcome.sender,
        "reason": reason,
    }
    shown = {
        "auction": auction_name(agreement.auction_id),
        "ended by": outcome.event,
        "energy": context.energy(Energy(outcome.energy_wh)),
        "paid": context.money(Money(outcome.cost)),
        "transaction": outcome.transaction,
        "sent by": outcome.sender,
    }
    context.show(data, grid(shown if reason is None else shown | {"reason": reason}))
