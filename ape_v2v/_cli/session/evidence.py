"""What `ape v2v session` tells of past sessions: show, export, verify. Nothing is sent."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import ape
import click
from ape.logging import logger

from ape_v2v._cli.session.options import FILE, STORE, default_store
from ape_v2v._cli.shared.commands import reading
from ape_v2v._cli.shared.failures import EXPECTED_ERRORS, require_node, sentence
from ape_v2v._cli.shared.parameters import ADDRESS, AUCTION
from ape_v2v._cli.shared.tables import Rows
from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v._cli.shared.context import Context
    from ape_v2v._cli.shared.parameters import AuctionReference
    from ape_v2v.session.evidence import Check
    from ape_v2v.session.store import Store, StoredConnection
    from ape_v2v.session.summary import SessionSummary

_FORMATS = ("json", "safe", "csv")
_ONE = click.option(
    "--auction", "reference", metavar="AUCTION", type=AUCTION, help="Only the session of this one."
)


@reading(name="show")
@click.argument("ev", metavar="[EV]", type=ADDRESS, required=False)
@STORE
@_ONE
@click.option("--plot", metavar="FILE", type=FILE, help="Draw its power over time: .png or .svg.")
def show(
    context: Context,
    ev: str | None,
    store_path: Path | None,
    reference: AuctionReference | None,
    plot: Path | None,
) -> None:
    """Show the sessions that an EV has stored, and the power over time of the last one."""
    from ape_v2v.session.power import PowerCurve  # noqa: PLC0415 - not light
    from ape_v2v.session.summary import SessionSummary  # noqa: PLC0415 - ditto

    store = _store(ev, store_path)
    kept = _chosen(context, store, reference)
    sessions = [SessionSummary.of(store, one) for one in kept]
    context.show([one.as_json() for one in sessions], _table(context, sessions))
    if not kept:
        return
    curve = PowerCurve.of(store, kept[0].agreement.token)
    name = context.auction_name(kept[0].agreement.auction_id)
    if not context.as_json and (chart := curve.chart()):
        click.echo("\n".join((f"power of {name}", *chart)))
    if plot is not None:
        curve.plot(plot, f"Power of {name}")
        click.echo(f"drawn into {plot}", err=True)


@reading(name="export")
@click.argument("ev", metavar="[EV]", type=ADDRESS, required=False)
@STORE
@_ONE
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="json",
    show_default=True,
    help="All of it, the meter's records as SAFE XML, or a table.",
)
@click.option("--out", metavar="FILE", type=FILE, help="Where to write.  [default: to the output]")
@click.option("--meter-key", metavar="KEY|FILE", help="The provider's meter's, to go with it.")
def export(
    context: Context,
    *,
    ev: str | None,
    store_path: Path | None,
    reference: AuctionReference | None,
    form: str,
    out: Path | None,
    meter_key: str | None,
) -> None:
    """Write what was measured and signed in a session: the last one, unless --auction names it.

    As json it has everything, for `session verify`. As safe it is SAFE XML with the signed records
    of the meter, as the Transparenzsoftware reads it. As csv it is a table of the readings.
    """
    from ape_v2v.metering.named import key_of  # noqa: PLC0415 - not light
    from ape_v2v.session.evidence import Dossier, written  # noqa: PLC0415 - ditto

    store = _store(ev, store_path)
    kept = _chosen(context, store, reference)
    if not kept:
        raise V2VError(f"the store {store.path} has no session: nothing to export")
    key = _key_used(store, kept[0]) if meter_key is None else key_of(meter_key)
    text = written(Dossier.of(store, kept[0], key), form)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise V2VError(f"{out} cannot be written: {error.strerror}") from error
    auction_id = kept[0].agreement.auction_id
    context.show(
        {"file": str(out), "format": form, "auctionId": str(auction_id)},
        f"wrote {out}: {context.auction_name(auction_id)}",
    )


@click.command("verify", short_help="Check an exported file, offline or with a node")
@click.argument("file", metavar="FILE", type=FILE)
@click.option(
    "--meter-key",
    metavar="KEY|FILE",
    help="The provider's meter's, from where you can trust it.  [default: the one in the file]",
)
@click.option(
    "--network",
    metavar="TEXT",
    help="Ask this node whether the chain has settled it so.  [default: nobody is asked]",
)
@click.option("--json", "as_json", is_flag=True, help="Output for programs.")
def verify(file: Path, meter_key: str | None, network: str | None, as_json: bool) -> None:
    """Check FILE, what `session export` has written as json or safe. Without --network, offline.

    The meter's signatures, those of both vehicles over readings, receipts and settlement, and
    whether what the chain has paid fits. Without a key for the meter its records are only checked
    to be plausible. With --network, the chain is asked for its settlement.
    """
    from ape_v2v.metering.named import key_of  # noqa: PLC0415 - not light
    from ape_v2v.session.evidence import check_file  # noqa: PLC0415 - ditto

    try:
        data = file.read_bytes()
        checks = check_file(data, None if meter_key is None else key_of(meter_key))
        if network is not None:
            checks.append(_settlement(data, network))
    except EXPECTED_ERRORS as error:
        said = sentence(error, None, writes=False)
        raise click.ClickException(f"{file}: {said}") from error
    wrong = [check for check in checks if check.problem is not None]
    if as_json:
        shown = {
            "ok": not wrong,
            "chainAsked": network is not None,
            "checks": [check.as_json() for check in checks],
        }
        click.echo(json.dumps(shown))
    else:
        for check in checks:
            click.echo(f"{check.count:>6} {check.what}: {check.problem or 'good'}")
        if network is None:
            click.echo("the chain was not asked what it has settled: --network names a node")
    if wrong:
        raise click.ClickException(f"{file} is not what it says: {wrong[0].problem}")


def _settlement(data: bytes, network: str) -> Check:
    """What the chain says of a session, by a node of Ape's."""
    from ape_v2v.chain.networks import connected_node  # noqa: PLC0415 - not light
    from ape_v2v.session.evidence import check_settlement  # noqa: PLC0415 - ditto

    logger.set_level(logging.WARNING)  # Ape reports its Anvil's comings and goings
    connection = ape.networks.parse_network_choice(network)
    require_node(connection._provider, writes=False)
    with connection:
        return check_settlement(data, connected_node())


COMMANDS = (show, export, verify)


def _store(ev: str | None, path: Path | None) -> Store:
    from ape_v2v.session.store import Store  # noqa: PLC0415 - not light

    if path is None:
        if ev is None:
            raise click.UsageError("name an EV, or a file with --store")
        path = default_store(ev)
    if not path.exists():
        raise V2VError(f"there is no store {path}: this EV has had no session here")
    return Store(path)


def _chosen(
    context: Context, store: Store, reference: AuctionReference | None
) -> list[StoredConnection]:
    kept = store.connections.all()
    if reference is None:
        return kept
    auction_id = reference.find(context.market).id
    found = [one for one in kept if one.agreement.auction_id == auction_id]
    if not found:
        raise V2VError(f"the store {store.path} has no session of this auction")
    return found


def _key_used(store: Store, connection: StoredConnection) -> str | None:
    """The key of the provider's meter by which the session was run, if it was told one."""
    from ape_v2v.errors import ConfigurationError  # noqa: PLC0415 - only here
    from ape_v2v.session.settings import ChargeSettings, stored  # noqa: PLC0415 - not light

    auction_id = connection.agreement.auction_id
    for started, text, _ in store.connections.started():
        if started != auction_id:
            continue
        try:
            settings = stored(text)
        except ConfigurationError:  # of another version
            return None
        if isinstance(settings, ChargeSettings):
            return settings.terms.meter_key
        return None if settings.equipment.ocmf is None else settings.equipment.ocmf.public_key
    return None


def _table(context: Context, sessions: list[SessionSummary]) -> Rows:
    columns = ("auction", "as", "state", "acknowledged", "of", "cost", "reason")
    rows = [
        (
            context.auction_name(one.auction_id),
            one.role,
            one.state,
            context.energy(one.acknowledged),
            context.energy(one.contracted),
            context.money(one.cost),
            one.reason or "",
        )
        for one in sessions
    ]
    return Rows(columns, rows, prose=True)
