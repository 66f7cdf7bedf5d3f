"""`--pair`: the code that the owner's phone scans, and waiting for what it signs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ape_v2v._cli.shared.context import Context
    from ape_v2v.market.documents.keys import KeyDocument


def chosen_key(
    context: Context,
    auction_id: int,
    *,
    provider: bool,
    session_key: KeyDocument | str | None,
    service: str | None,
    **_: Any,
) -> KeyDocument | str | None:
    """What --session-key or --pair says of the key that signs; None: the account does.

    Raises:
        V2VError: Nobody has signed on the phone.
    """
    if service is None:
        return session_key
    if session_key is not None:
        raise click.UsageError("give --session-key or --pair, not both")
    import segno  # noqa: PLC0415 - not light

    from ape_v2v.session.pairing import Pairing  # noqa: PLC0415 - ditto

    connection = context.market.connection(auction_id)
    key = context.sender.address
    pairing = Pairing(connection, provider=provider, key=key, service=service)
    if context.as_json:
        said = {"event": "pairing", "url": pairing.link, "words": pairing.words, "key": key}
        click.echo(json.dumps(said))
    else:
        segno.make(pairing.link, error="l", micro=False).terminal(compact=True)
        click.echo(f"open {pairing.link}\non the phone; it has to show: {pairing.words}")
    seen: set[str] = set()

    def trouble(said: str) -> None:
        if said not in seen:
            seen.add(said)
            click.echo(said, err=True)

    return pairing.wait(trouble)
