"""`ape v2v session`: charge, with the other vehicle's process at the other end of the link."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click
from eth_utils.conversions import to_hex

from ape_v2v._cli.light import prove, require_market
from ape_v2v._cli.session import evidence
from ape_v2v._cli.session.options import (
    FILE,
    PART,
    SPONSOR,
    STORE,
    default_store,
    equipment,
    keys,
    side,
)
from ape_v2v._cli.session.pairing import chosen_key
from ape_v2v._cli.session.view import View, show_end
from ape_v2v._cli.shared.commands import account_option, reading
from ape_v2v._cli.shared.context import Context, prompts_on_stderr
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.live import stop_signals
from ape_v2v._cli.shared.parameters import AUCTION, DURATION, ENERGY, own_auction
from ape_v2v.errors import V2VError
from ape_v2v.listening import is_loopback
from ape_v2v.market.documents.keys import KeyDocument
from ape_v2v.market.market import Market
from ape_v2v.session.protocol.tolerance import Tolerance
from ape_v2v.session.terms import Limits, SessionPatience, SessionTerms
from ape_v2v.sponsor import SponsoredGateway
from ape_v2v.units import Energy, Money, format_duration

if TYPE_CHECKING:
    from pathlib import Path

    from ape.api import AccountAPI

    from ape_v2v._cli.shared.parameters import AuctionReference
    from ape_v2v.currency import Currency
    from ape_v2v.market.auction import Auction
    from ape_v2v.session.settings import SessionSettings
    from ape_v2v.session.store import Store


@click.group(cls=Group, short_help="Charge: two vehicles, meters and receipts")
def cli() -> None:
    """The two EVs authenticate each other, charge against signed receipts, and settle.

    The provider serves, and the consumer charges at the provider's address. Each side is a process
    of its own; started again after a crash, it goes on where it was.

    The account signs receipt after receipt without a question: a test account, or a keyfile, whose
    passphrase is asked for once or is in APE_ACCOUNTS_<alias>_PASSPHRASE. A hardware wallet asks
    for every one, unless --session-key has it sign once, for a key that signs for this auction.
    """


@cli.add_command
@reading(name="serve")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@side
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Where to listen.  [default: a free one]",
)
@click.option("--tls-certificate", metavar="FILE", type=FILE, help="Serve by TLS.")
@click.option("--tls-key", metavar="FILE", type=FILE, help="The certificate's key.")
@click.option(
    "--power",
    metavar="KW",
    type=click.FloatRange(0.001, 1000),
    default=11.0,
    show_default=True,
    help="Of the simulated source.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.001, 1_000_000),
    default=1.0,
    show_default=True,
    help="Simulated seconds per second.",
)
@click.option(
    "--source", metavar="NAME", help="A real source instead: ocpp:…, python:module:Class."
)
@click.option("--battery", type=ENERGY, help="What the simulated battery takes until it is full.")
@click.option(
    "--max-unacknowledged",
    type=ENERGY,
    default=f"{Limits().max_unacknowledged_wh} Wh",
    show_default=True,
    help="How far to deliver without a receipt.",
)
@click.option(
    "--patience",
    type=DURATION,
    default=format_duration(timedelta(seconds=SessionPatience().for_the_consumer)),
    show_default=True,
    help="How long the consumer has to settle before the provider does.",
)
def serve(context: Context, reference: AuctionReference, **options: Any) -> None:
    """Deliver as the provider, until the connection is settled.

    Prints the address to charge at. Ctrl-C ends the charging in order; a second one the process.
    """
    from ape_v2v.session.settings import ServeSettings  # noqa: PLC0415 - not light

    certificate, key = options["tls_certificate"], options["tls_key"]
    if (certificate is None) != (key is None):
        raise click.UsageError("give --tls-certificate and --tls-key, or neither")
    if certificate is None and not is_loopback(options["host"]):
        click.echo(
            f"warning: without TLS, whoever listens in on the way to {options['host']} can end the "
            "session (no money can be moved): give --tls-certificate and --tls-key",
            err=True,
        )
    own = equipment("provider", **options)
    _prove(context, options["light"])
    auction_id = reference.find(context.market).id
    chosen = chosen_key(context, auction_id, provider=True, **options)
    settings = ServeSettings(
        equipment=own,
        host=options["host"],
        port=options["port"],
        certificate=None if certificate is None else (certificate, key),
        limits=Limits(
            max_unacknowledged_wh=int(options["max_unacknowledged"]),
            link_timeout=options["link_timeout"].total_seconds(),
        ),
        patience=SessionPatience(for_the_consumer=options["patience"].total_seconds()),
        trusted_block=_hex(options["trusted_block"]),
        light=options["light"],
        **keys(chosen),
    )
    store = _store(context, options["store_path"])
    _run(context, auction_id, store, settings, options["sponsor_url"])


@cli.add_command
@reading(name="charge")
@click.argument("url", metavar="URL")
@side
@click.option("--tls-authority", metavar="FILE", type=FILE, help="A certificate to believe.")
@click.option(
    "--limit",
    metavar="ENERGY|MONEY",
    help="Sign for no more than this, such as '5 kWh' or '0.001 ether'.  [default: the contract]",
)
@click.option(
    "--tolerance",
    type=PART,
    default=float(Tolerance().share),
    show_default=True,
    help="How far the meters may be apart, part of 1.",
)
@click.option(
    "--tolerance-energy",
    type=ENERGY,
    default="0 Wh",
    show_default=True,
    help="How far they may be apart besides, beyond what the registers can show.",
)
@click.option(
    "--meter-interval",
    type=DURATION,
    default=format_duration(timedelta(seconds=SessionTerms().meter_interval)),
    show_default=True,
    help="How often your meter takes a reading, at most: it is waited for.",
)
@click.option(
    "--auction",
    "reference",
    metavar="AUCTION",
    type=AUCTION,
    help="Which one, by its owner or its id: with --pair, where the account is not its consumer.",
)
@click.option(
    "--peer-meter-key",
    metavar="KEY|FILE",
    help="The public key of the provider's meter: only what it has signed counts.",
)
def charge(
    context: Context, url: str, limit: str | None, peer_meter_key: str | None, **options: Any
) -> None:
    """Charge as the consumer of your current auction, where its provider serves.

    Ctrl-C ends the charging in order.
    """
    from ape_v2v.metering.named import key_of  # noqa: PLC0415 - not light
    from ape_v2v.session.settings import ChargeSettings  # noqa: PLC0415 - not light

    if (options["service"] is None) != (options["reference"] is None):
        raise click.UsageError("give --pair and --auction, or neither")
    own = equipment("consumer", **options)
    _prove(context, options["light"])
    auction = _auction_of(context, options["session_key"], options["reference"])
    chosen = chosen_key(context, auction.id, provider=False, **options)
    settings = ChargeSettings(
        equipment=own,
        url=url,
        authority=options["tls_authority"],
        terms=SessionTerms(
            tolerance=Tolerance(
                Decimal(str(options["tolerance"])), int(options["tolerance_energy"])
            ),
            meter_interval=options["meter_interval"].total_seconds(),
            meter_key=None if peer_meter_key is None else key_of(peer_meter_key),
            limit_wh=None
            if limit is None
            else _limit(auction.info.rate, limit, context.market.currency),
            link_timeout=options["link_timeout"].total_seconds(),
        ),
        trusted_block=_hex(options["trusted_block"]),
        light=options["light"],
        **keys(chosen),
    )
    store = _store(context, options["store_path"])
    _run(context, auction.id, store, settings, options["sponsor_url"])


@cli.add_command
@reading(name="resume")
@click.argument("reference", metavar="[AUCTION]", type=AUCTION, required=False)
@account_option()
@STORE
@SPONSOR
def resume(
    context: Context,
    reference: AuctionReference | None,
    store_path: Path | None,
    sponsor_url: str | None,
) -> None:
    """Go on with a session after a crash, with the settings that it was started with.

    The last one that is not over, unless AUCTION names it.
    """
    from ape_v2v.session.settings import stored  # noqa: PLC0415 - not light

    store = _store(context, store_path)
    wanted = None if reference is None else reference.find(context.market).id
    for auction_id, text, over in store.connections.started():
        if auction_id == wanted or (wanted is None and not over):
            settings = stored(text)
            _prove(context, settings.light)
            _run(context, auction_id, store, settings, sponsor_url)
            return
    raise V2VError(f"the store {store.path} has no session to go on with: start it by its command")


def _auction_of(
    context: Context, chosen: KeyDocument | str | None, named: AuctionReference | None
) -> Auction:
    """The one that is named, or for which a key was chosen; else the consumer's current auction."""
    if named is not None:
        return named.find(context.market)
    if isinstance(chosen, KeyDocument):
        return context.market.auction(chosen.auction_id)
    return own_auction(context)


def _store(context: Context, path: Path | None) -> Store:
    from ape_v2v.session.store import Store  # noqa: PLC0415 - not light

    return Store(path or default_store(context.sender.address))


def _prove(context: Context, light: str | None) -> None:
    """With a light node, believe the connected node nothing as long as the session goes on."""
    prove(context, light, lasting=True)
    if light is not None:
        require_market(context)


def _run(
    context: Context,
    auction_id: int,
    store: Store,
    settings: SessionSettings,
    sponsor_url: str | None,
) -> None:
    """Run a side to its end, and show how it ended."""
    from ape_v2v.session.running import Watch, run_consumer, run_provider  # noqa: PLC0415 - ditto

    account = unlocked(context.sender)
    connection = _market(context, sponsor_url).connection(auction_id)
    with View(context) as view, prompts_on_stderr():
        watch = Watch(view.begins, view.serves, view.progress, view.trouble)
        if settings.role == "provider":
            ended = run_provider(connection, account, store, settings, watch)
        else:
            with stop_signals() as stop:
                watch = Watch(view.begins, view.serves, view.progress, view.trouble, stop.is_set)
                ended = run_consumer(connection, account, store, settings, watch)
    show_end(context, ended)
    if ended.on_chain is None:
        raise V2VError("nothing was settled: no receipt was given")
    if ended.problem:
        raise V2VError(ended.problem)


def _limit(rate: Any, text: str, currency: Currency) -> int:
    """A limit in energy or in money, as Wh."""
    try:
        return int(Energy.parse(text))
    except ValueError:
        money = Money.parse(text, currency)
    if rate is None:
        raise V2VError("the auction has no rate yet: a limit in money needs one")
    return int(money) // int(rate)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else to_hex(value)


def unlocked(account: AccountAPI) -> AccountAPI:
    """Let an account sign receipt after receipt without a question."""
    if hasattr(account, "set_autosign"):  # keyfiles; what a hardware wallet asks, it asks itself
        with prompts_on_stderr():
            account.set_autosign(True)
    return account


def _market(context: Context, sponsor_url: str | None) -> Market:
    """The market, with transactions sent as the session needs them: unasked."""
    if sponsor_url is None:
        return Market(context.market.contract)
    return Market(context.market.contract, SponsoredGateway(sponsor_url))


for command in evidence.COMMANDS:
    cli.add_command(command)
