"""`ape v2v light`: follow the beacon chain, and believe the node nothing that it cannot prove."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape
import click
from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex

from ape_v2v._cli.shared.commands import reading
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.parameters import HASH
from ape_v2v._cli.shared.tables import Facts
from ape_v2v.chain import blocks
from ape_v2v.chain.networks import data_folder
from ape_v2v.chain.writing.receipts import raw_log
from ape_v2v.config import LightSettings
from ape_v2v.errors import ConfigurationError, V2VError
from ape_v2v.market.interface import events
from ape_v2v.market.interface.access import code

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.lightnode.beacon.client import LightClient, Report, SyncStanding
    from ape_v2v.lightnode.beacon.networks import BeaconNetwork
    from ape_v2v.lightnode.beacon.sources import Source
    from ape_v2v.lightnode.header import Header
    from ape_v2v.market.auction import Auction

HEADS = ("finalized", "optimistic")
_FOLDER = "light"
# Of which events can be proven: those whose hashes every state has.
_PROVABLE_BLOCKS = 8_191


@click.group(cls=Group, short_help="Follow the chain as a light node, trusting nobody")
def cli() -> None:
    """Come to trust a recent block by the signatures of the sync committees.

    Where to get them, and the checkpoint to begin with, are in ape-config.yaml or in the options.
    Then `--light` at other commands shows only what is proven by that block, or refuses.
    """


@cli.add_command
@reading(name="sync")
@click.option(
    "--source",
    "sources",
    metavar="URL|FILE",
    multiple=True,
    help="A beacon node's REST API, or a file; may be given often.  [default: the configured ones]",
)
@click.option(
    "--checkpoint",
    metavar="0x…",
    type=HASH,
    help="Begin anew with this finalized beacon block's root.",
)
@click.option("--old", is_flag=True, help="Go on from something however old.")
@click.option("--force", is_flag=True, help="Go on although nothing is finalized for a period.")
def sync(
    context: Context, sources: tuple[str, ...], checkpoint: bytes | None, old: bool, force: bool
) -> None:
    """Follow to the head.

    The first time it begins with the checkpoint. Without one it asks two sources at least, which
    must agree.
    """
    client = _client(context, sources)
    if checkpoint is not None or not client.has_begun:
        configured = _settings(context).checkpoint
        begin = checkpoint or (None if configured is None else decode_hex(configured))
        _tell(client.begin(begin, old=old))
    report = client.follow(old=old, force=force)
    _tell(report)
    _show(context, client.standing(report))


@cli.add_command
@reading(name="status")
def status(context: Context) -> None:
    """Show how far the light node is, and whether that will do. Asks nobody."""
    _show(context, _client(context, ()).standing())


def light_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--light`: what it reads is proven, or it refuses."""

    @functools.wraps(function)
    def proving(context: Context, *arguments: Any, light: str | None, **rest: Any) -> None:
        prove(context, light)
        if light is not None:
            require_market(context)
        function(context, *arguments, **rest)

    return light_option(proving)


def light_option(function: Callable[..., None]) -> Callable[..., None]:
    """The option alone; its value is None, or which head it is to be."""
    options = (
        click.option(
            "--light",
            flag_value=HEADS[0],
            default=None,
            help="Show what a finalized block proves, a quarter of an hour old, or nothing.",
        ),
        click.option(
            "--light-latest",
            "light",
            flag_value=HEADS[1],
            help="The same by a block of the last minute, which may still be replaced.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def prove(context: Context, which: str | None, *, lasting: bool = False) -> None:
    """From now on believe the node nothing that it does not prove by the light node's head.

    Args:
        context: Of the command; its node is replaced.
        which: One of `HEADS`; None leaves everything as it is.
        lasting: Whether it goes on for longer than a moment, and the head has to move on.

    Raises:
        V2VError: There is no head to rely on.
    """
    if which is None:
        return
    client = _client(context, ())
    from ape_v2v.lightnode.beacon.following import Following  # noqa: PLC0415 - not light
    from ape_v2v.lightnode.beacon.head import HeadKind  # noqa: PLC0415 - ditto
    from ape_v2v.lightnode.node import ProvingNode  # noqa: PLC0415 - ditto

    following = Following(client, HeadKind(which))
    _tell(following.report)
    context.head = head = following.head()

    def newest() -> Header:
        return following.head().header if lasting else head.header

    context.node = ProvingNode(context.node, newest, client.network.chain_id)
    vars(context).pop("market", None)  # it has asked the other node


def proven_details(auction: Auction) -> str | None:
    """What the consumer has published of an auction; None if it lies too far back to be proven."""
    node, newest = auction.market.node, blocks.height(auction.market.node)
    wanted = {
        "address": auction.market.address,
        "fromBlock": hex(max(0, newest - _PROVABLE_BLOCKS)),
        "topics": [
            to_hex(events.topics(["AuctionStarted"])[0]),
            to_hex(auction.id.to_bytes(32, "big")),
        ],
    }
    logs = map(raw_log, node.request("eth_getLogs", [wanted]))
    for started in events.facts(logs, auction.market.address):
        return str(started.args["details"])
    return None


def require_market(context: Context) -> None:
    """Of code that nobody knows nothing follows, however well it is proven.

    Raises:
        WrongCode: What is at the market's address is not the market of this version.
    """
    from ape_v2v.lightnode.code import require_market as check  # noqa: PLC0415 - not light

    address = context.market.address
    check(address, code(context.node, address))


def _client(context: Context, sources: tuple[str, ...]) -> LightClient:
    try:
        from ape_v2v.lightnode.beacon.client import LightClient  # noqa: PLC0415 - not light
        from ape_v2v.lightnode.beacon.keeping import Keeper  # noqa: PLC0415 - ditto
    except ImportError as error:
        raise V2VError(
            f"the light node is not installed ({error}): install the extra, `pip install "
            "'ape-v2v[light]'`"
        ) from error
    network = _network(context)
    path = data_folder() / _FOLDER / f"{context.node.network.name}.sqlite"
    named = sources or tuple(_settings(context).sources)
    return LightClient(network, Keeper(path, network), [_source(each, network) for each in named])


def _source(name: str, network: BeaconNetwork) -> Source:
    from ape_v2v.lightnode.beacon.sources import BeaconApi, UpdateFile  # noqa: PLC0415 - not light

    return BeaconApi(name, network) if "://" in name else UpdateFile(Path(name), network)


def _network(context: Context) -> BeaconNetwork:
    """The beacon chain of the connected network."""
    from ape_v2v.lightnode.beacon.networks import NETWORKS, read_network  # noqa: PLC0415 - ditto

    name, chain_id = context.node.network.name, context.node.chain_id
    if (path := _settings(context).chain) is not None:
        network = read_network(ape.project.path / path)
        if network.chain_id != chain_id:
            raise ConfigurationError(
                f"{path} is of the chain {network.chain_id}, and {name} is {chain_id}"
            )
        return network
    if chain_id not in NETWORKS:
        known = ", ".join(network.name for network in NETWORKS.values())
        raise ConfigurationError(
            f"no beacon chain is known for {name}, chain {chain_id}: known are {known}; name the "
            f"settings of yours in ape-config.yaml, v2v: light: {name}: chain"
        )
    return NETWORKS[chain_id]


def _settings(context: Context) -> LightSettings:
    return context.config.light.get(context.node.network.name) or LightSettings()


def _tell(report: Report) -> None:
    for warning in report.warnings:
        click.echo(f"warning: {warning}", err=True)
    for complaint in report.complaints:
        click.echo(f"source: {complaint}", err=True)


def _show(context: Context, standing: SyncStanding) -> None:
    shown = {"network": standing.network, "checkpoint": to_hex(standing.checkpoint)}
    for kind, head in standing.heads.items():
        shown[kind.value] = f"none: {head}" if isinstance(head, Exception) else str(head)
    if (report := standing.report) is not None:
        shown["followed"] = f"{report.periods} committees, {report.received:,} bytes"
    context.show(standing.as_json(), Facts(shown))
