"""`ape v2v serve`: one market for phones and other programs, by HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ape_v2v._cli.shared.catchup import open_history
from ape_v2v._cli.shared.commands import reading
from ape_v2v._cli.shared.live import interval_option
from ape_v2v.errors import V2VError
from ape_v2v.listening import LOOPBACK, is_loopback, require_certificate

if TYPE_CHECKING:
    from ape_v2v._cli.shared.context import Context

_PORT = 8700
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_POLL_SECONDS = 1.0
_REQUESTS = 100


@reading(name="serve", short_help="A market for phones and other programs, by HTTP")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=_PORT,
    show_default=True,
    help="And the port; 0: any that is free.",
)
@click.option(
    "--tls",
    metavar="CERT KEY",
    nargs=2,
    type=_FILE,
    help="Serve by TLS, with a certificate and its key.",
)
@click.option(
    "--requests",
    type=click.IntRange(min=1),
    default=_REQUESTS,
    show_default=True,
    help="That one address may make in ten seconds.",
)
@click.option(
    "--confirmations",
    type=click.IntRange(min=0),
    help="Blocks that must lie on top of what is shown.  [default: as configured, 0 on a "
    "development chain]",
)
@interval_option(_POLL_SECONDS)
def cli(
    context: Context,
    *,
    host: str,
    port: int,
    tls: tuple[Path, Path] | None,
    requests: int,
    confirmations: int | None,
    interval: float,
) -> None:
    """Serve a market to phones and other programs, until Ctrl-C.

    Everything can be read by anyone who reaches the address, as on the chain itself; nothing is
    signed or kept here. OpenAPI is at /openapi.json.
    """
    try:
        from ape_v2v.service.app import MarketService  # noqa: PLC0415 - an extra
        from ape_v2v.service.watch import WatchedMarket  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise V2VError(
            f"serving needs the extra `serve` ({error}): pip install 'ape-v2v[serve]'"
        ) from error
    if tls is not None:
        require_certificate(*tls)
    with open_history(context, confirmations=confirmations) as history:

        def started(url: str) -> None:
            said = {"url": url, "market": context.market.address}
            click.echo(
                json.dumps(said)
                if context.as_json
                else f"serving the market {context.market.address} at {url}, until Ctrl-C"
            )
            if tls is None and not is_loopback(host):
                click.echo(
                    "without --tls, phones that open this address have no camera, cannot install "
                    "the page, and anyone between can change what it shows: give --tls CERT KEY",
                    err=True,
                )

        service = MarketService(
            WatchedMarket(history, interval=interval),
            host=host,
            port=port,
            certificate=tls,
            requests=requests,
            on_start=started,
        )
        service.run()
