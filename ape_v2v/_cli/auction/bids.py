"""The commands of `ape v2v auction` by which providers bid."""

from __future__ import annotations

from functools import partial
from typing import IO, TYPE_CHECKING

import click

from ape_v2v._cli.shared.batches import FILES, Gathering, name_of
from ape_v2v._cli.shared.commands import account_option, reading, writing
from ape_v2v._cli.shared.context import Context, prompts_on_stderr
from ape_v2v._cli.shared.parameters import AUCTION, DURATION, MONEY, RATE, DocumentType
from ape_v2v._cli.shared.standing import show_record
from ape_v2v.market.batch import signed_bid
from ape_v2v.market.documents.bids import BidDocument
from ape_v2v.market.interface.records import NO_MONEY
from ape_v2v.market.shapes import Revocations

if TYPE_CHECKING:
    from datetime import timedelta

    from ape_v2v._cli.shared.parameters import AuctionReference
    from ape_v2v.market.batch import SignedCall
    from ape_v2v.units import Money, Rate


@writing(name="bid")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@click.argument("rate", type=RATE)
@click.option("--value", type=MONEY, default=NO_MONEY, help="Deposit this with it.")
def bid(context: Context, reference: AuctionReference, rate: Rate, value: Money) -> None:
    """Bid to deliver at RATE, and lock the bond. A registered EV other than the consumer.

    Who leads may lower its own bid; that locks nothing more.
    """
    auction = reference.find(context.market)
    auction.place_bid(rate, sender=context.sender, value=value)
    show_record(context, auction)


@reading(name="sign-bid")
@account_option()
@click.argument("reference", metavar="AUCTION", type=AUCTION)
@click.argument("rate", type=RATE)
@click.option(
    "--valid",
    type=DURATION,
    default="10 min",
    show_default=True,
    help="How long others may place it.",
)
def sign_bid(context: Context, reference: AuctionReference, rate: Rate, valid: timedelta) -> None:
    """Sign a bid for anyone to place with relay-bid, and print it as JSON. Sends nothing.

    When it is placed, the bond is locked out of your balance. It is good until it has run out,
    unless you revoke-bids before it is placed.
    """
    auction = reference.find(context.market)
    deadline = context.market.now + valid
    with prompts_on_stderr():
        document = BidDocument.sign(auction, rate, deadline, context.sender)
    click.echo(document.text())


@writing(name="relay-bid")
@click.argument("document", metavar="FILE", type=DocumentType(BidDocument))
def relay_bid(context: Context, document: BidDocument) -> None:
    """Place the bid in FILE that another has signed; - is standard input. Anyone.

    The gas is yours, the bond is out of the signer's balance.
    """
    auction = context.market.auction(document.auction_id)
    bid = document.bid_for(auction)
    context.notice(f"bids {context.rate(bid.rate)} for {bid.provider}, out of its balance")
    auction.relay_bid(bid, sender=context.sender)
    show_record(context, auction)


@writing(sponsored=False, name="relay-bids")
@FILES
def relay_bids(context: Context, file: tuple[IO[bytes], ...]) -> None:
    """Place the bids in each FILE that others have signed, in one transaction. Anyone.

    In this order. Each is tried first: what the market would refuse is left out, with the reason.
    One that fails all the same, because another was faster, does not stop the others.
    """
    found = Gathering()
    for one in file:
        found.add(name_of(one), partial(_signed_bid, context, one))
    found.bring(context)


def _signed_bid(context: Context, file: IO[bytes]) -> SignedCall:
    document = BidDocument.load(file.read())
    auction = context.market.auction(document.auction_id)
    return signed_bid(name_of(file), context.market, document.bid_for(auction))


@writing(name="revoke-bids")
def revoke_bids(context: Context) -> None:
    """Void every bid that you have signed and nobody has placed, in all auctions.

    A bid that leads goes on leading: taking it back is remove-bid, and costs the penalty.
    """
    context.market.revoke_bids(sender=context.sender)
    revocations = context.market.ev(context.sender.address).revocations
    context.show(
        Revocations(revocations, context.transaction).as_json(),
        "what you have signed and nobody has placed is void",
    )


@writing(name="remove-bid")
@click.argument("reference", metavar="AUCTION", type=AUCTION)
def remove_bid(context: Context, reference: AuctionReference) -> None:
    """Take back your leading bid, for a penalty that goes to the consumer. Before the close.

    Bidding starts again from the consumer's maximum rate.
    """
    auction = reference.find(context.market)
    auction.remove_bid(sender=context.sender)
    show_record(context, auction)


COMMANDS = (bid, sign_bid, relay_bid, relay_bids, revoke_bids, remove_bid)
