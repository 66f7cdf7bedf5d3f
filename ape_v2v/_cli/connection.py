"""`ape v2v connection`: access token, receipts, settlement."""

from __future__ import annotations

from functools import partial
from typing import IO, TYPE_CHECKING, Any

import click
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v._cli.light import light_options
from ape_v2v._cli.shared.batches import FILES, Gathering, name_of
from ape_v2v._cli.shared.commands import account_option, reading, writing
from ape_v2v._cli.shared.context import Context, prompts_on_stderr
from ape_v2v._cli.shared.endings import show_ending
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.parameters import (
    ADDRESS,
    AUCTION,
    ENERGY,
    HASH,
    DocumentType,
    own_auction,
    require_consumer,
)
from ape_v2v._cli.shared.standing import at_stake
from ape_v2v._cli.shared.tables import Facts, utc
from ape_v2v.market.documents.keys import KeyDocument
from ape_v2v.market.documents.pairs import Pairs
from ape_v2v.market.documents.readings import NO_METER_DATA, ReceiptDocument
from ape_v2v.market.interface.states import Ending, State
from ape_v2v.market.shapes import ConnectionOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v._cli.shared.parameters import AuctionReference
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.connection import Connection
    from ape_v2v.units import Energy


@click.group(cls=Group, short_help="Access token, receipts, settlement")
def cli() -> None:
    """The two EVs meet, charge against signed receipts, and settle what was delivered.

    AUCTION is the auction that the connection came out of, by its id, by its consumer (the address
    or the alias of an account; then it is the current one), or by both: CONSUMER/3 is the
    consumer's third.
    """


@cli.add_command
@reading(name="show")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@light_options
def show(context: Context, reference: AuctionReference) -> None:
    """Show a connection: its token, both sides, its deadlines, what is locked, what it costs.

    Of one that is over, its end.
    """
    connection = _find(context, reference)
    if context.head is None and connection.state is State.NONE:
        show_ending(context, connection)
        return
    times = {"validUntil": connection.valid_until, "expiresAt": connection.expires_at}
    standing = connection.standing()
    data, shown = standing.as_json(), at_stake(context, standing)
    token = to_hex(connection.access_token)
    data |= {"token": token} | {name: time.isoformat() for name, time in times.items()}
    shown |= {
        "consumer": context.who(data["consumer"]),
        "provider": context.who(data["provider"]),
        "token": token,
        "valid until": utc(times["validUntil"]),
        "expires": utc(times["expiresAt"]),
    }
    context.show(data, Facts(shown))


@cli.add_command
@reading(name="token")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
def token(context: Context, reference: AuctionReference) -> None:
    """Print the access token. It is an identifier, not a secret."""
    connection = _find(context, reference)
    token = to_hex(connection.access_token)
    context.show({"auctionId": str(connection.id), "token": token}, token)


def _metering(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command what a receipt says: the energy, and the hash of the meter's record."""
    options = (
        click.argument("reference", metavar="AUCTION", type=AUCTION),
        click.argument("energy", type=ENERGY),
        click.option(
            "--meter-data",
            metavar="FILE",
            type=click.File("rb"),
            help="The meter's record; its Keccak-256 hash is signed.",
        ),
        click.option(
            "--meter-data-hash", type=HASH, help="That hash.  [default: zeros, no record]"
        ),
        click.option(
            "--session-key",
            metavar="FILE",
            type=DocumentType(KeyDocument),
            help="What sign-key has written: the account is the key that was chosen.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@cli.add_command
@reading(name="sign-key")
@account_option()
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@click.argument("key", metavar="KEY", type=ADDRESS)
def sign_key(context: Context, reference: AuctionReference, key: str) -> None:
    """Let KEY sign the readings of this auction for you, and print that as JSON. Sends nothing.

    KEY is an account's address or alias, a car's own. You sign once, with your request or your bid,
    and are not asked any more while the car charges. In another auction the key is refused.
    """
    with prompts_on_stderr():
        document = KeyDocument.sign(_find(context, reference), key, context.sender)
    click.echo(document.text())


@cli.add_command
@reading(name="sign-receipt")
@account_option()
@_metering
@click.option(
    "--last", is_flag=True, help="Agree to end here: less than was contracted costs nobody then."
)
def sign_receipt(
    context: Context,
    reference: AuctionReference,
    energy: Energy,
    last: bool,
    session_key: KeyDocument | None,
    **meter: Any,
) -> None:
    """Acknowledge ENERGY as the consumer, and print that as JSON. Sends nothing.

    ENERGY is what was delivered in this connection so far, all together. The provider is paid for
    the receipt that it hands in; unless it is the last one, both sides lose for what is missing.
    """
    connection = _find(context, reference)
    with prompts_on_stderr():
        document = ReceiptDocument.sign_receipt(
            connection,
            energy,
            _meter_data_hash(**meter),
            context.sender,
            last=last,
            by_key=session_key,
        )
    click.echo(document.text())


@cli.add_command
@reading(name="sign-settlement")
@account_option()
@_metering
def sign_settlement(
    context: Context,
    reference: AuctionReference,
    energy: Energy,
    session_key: KeyDocument | None,
    **meter: Any,
) -> None:
    """State as the provider that ENERGY is to be paid, and print that as JSON. Sends nothing.

    Once, at the end: the consumer can close the connection with it, at this energy.
    """
    connection = _find(context, reference)
    with prompts_on_stderr():
        document = ReceiptDocument.sign_settlement(
            connection, energy, _meter_data_hash(**meter), context.sender, by_key=session_key
        )
    click.echo(document.text())


@cli.add_command
@writing(name="end")
@click.argument("reference", metavar="[AUCTION]", type=AUCTION, required=False)
@click.option(
    "--settlement",
    metavar="FILE",
    type=DocumentType(ReceiptDocument),
    help="The provider's settlement; - is standard input.  [default: the whole energy is paid]",
)
def end(
    context: Context, reference: AuctionReference | None, settlement: ReceiptDocument | None
) -> None:
    """Pay for your connection and end it. The consumer.

    With a settlement, what was delivered as the provider states it. WITHOUT ONE, THE WHOLE
    CONTRACTED ENERGY.
    """
    connection = (
        _find(context, reference)
        if reference
        else context.market.connection(own_auction(context).id)
    )
    info = connection.info
    require_consumer(context, info)
    receipt = None if settlement is None else settlement.settlement_for(connection)
    if receipt is None and info.cost is not None:
        context.notice(
            f"WITHOUT A SETTLEMENT this pays for the whole {context.energy(info.energy)}: "
            f"{context.money(info.cost)} to {context.who(info.provider or '')}",
        )
    _show_end(context, connection.end(receipt, sender=context.sender))


@cli.add_command
@writing(name="settle")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@click.argument("document", metavar="FILE", type=DocumentType(ReceiptDocument))
@click.option(
    "--settlement",
    metavar="FILE",
    type=DocumentType(ReceiptDocument),
    help="The provider's settlement of the same reading: then anybody may hand both in.",
)
def settle(
    context: Context,
    reference: AuctionReference,
    document: ReceiptDocument,
    settlement: ReceiptDocument | None,
) -> None:
    """Collect what the consumer has signed for in FILE; - is standard input. The provider.

    One connection is settled once: hand in the receipt with the most energy, and the last one if
    there is one. Without it, both sides lose the penalty for the share that was not delivered.
    """
    connection = _find(context, reference)
    receipt = document.receipt_for(connection)
    if loss := connection.loss(receipt):
        context.notice(
            f"NOT THE LAST RECEIPT: less than was contracted costs each side {context.money(loss)}"
        )
    if settlement is None:
        mined = connection.settle(receipt, sender=context.sender)
    else:
        stated = settlement.settlement_for(connection)
        mined = connection.settle_with(receipt, stated, sender=context.sender)
    _show_end(context, mined)


@cli.add_command
@writing(sponsored=False, name="settle-many")
@FILES
def settle_many(context: Context, file: tuple[IO[bytes], ...]) -> None:
    """Hand in what both sides have signed of several connections, in one transaction. Anyone.

    Of each connection the consumer's receipt and the provider's settlement, each in a FILE. Each is
    tried first: what the market would refuse is left out, with the reason.
    """
    found, pairs = Gathering(), Pairs()
    for one in file:
        pairs.add(name_of(one), one.read())
    for pair in pairs.all():
        found.add(pair.what, partial(pair.call, context.market))
    found.bring(context)


@cli.add_command
@writing(name="forfeit")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
def forfeit(context: Context, reference: AuctionReference) -> None:
    """Admit that you cannot deliver, for two penalties that go to the consumer. The provider."""
    connection = _find(context, reference)
    _show_end(context, connection.forfeit(sender=context.sender))


@cli.add_command
@writing(name="expire")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
def expire(context: Context, reference: AuctionReference) -> None:
    """End a connection that nobody settled in time. Anyone.

    Both sides get back what they have locked, less one penalty each, which is burnt.
    """
    connection = _find(context, reference)
    _show_end(context, connection.expire(sender=context.sender))


def _find(context: Context, reference: AuctionReference) -> Connection:
    return context.market.connection(reference.find(context.market).id)


def _meter_data_hash(meter_data: IO[bytes] | None, meter_data_hash: bytes | None) -> bytes:
    if meter_data is not None and meter_data_hash is not None:
        raise click.UsageError("give --meter-data or --meter-data-hash, not both")
    if meter_data is not None:
        return keccak(meter_data.read())
    return NO_METER_DATA if meter_data_hash is None else meter_data_hash


def _show_end(context: Context, mined: Mined) -> None:
    """Show what has become of a connection."""
    market = context.market
    end = ConnectionOutcome.of(market.facts(mined), mined.transaction, market.currency)
    shown = {"auction": context.auction_name(end.auction_id), "ended": _HOW[end.how]}
    if end.how in {Ending.PAID, Ending.AGREED, Ending.SHORT}:
        shown |= {"paid": context.money(end.cost), "for": context.energy(end.energy)}
    if end.penalty:
        loser = "the provider" if end.how is Ending.FORFEITED else "each side"
        shown["penalty"] = f"{context.money(end.penalty)}, lost by {loser}"
    shown["transaction"] = end.transaction
    context.show(end.as_json(), Facts(shown))


_HOW = {
    Ending.PAID: "paid in full",
    Ending.AGREED: "as both agree",
    Ending.SHORT: "broken off",
    Ending.FORFEITED: "forfeited",
    Ending.EXPIRED: "expired",
}
