"""Signed bids and receipts as JSON: read strictly, and signed only for what will not go away."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ape_v2v.market.documents.bids import BidDocument
from ape_v2v.market.documents.document import DocumentError
from ape_v2v.market.documents.readings import ReceiptDocument
from ape_v2v.units import Energy, Rate


@pytest.fixture
def deadline(clock):
    return datetime.fromtimestamp(clock.now, UTC) + timedelta(minutes=10)


def test_a_bid_is_read_as_it_was_written(auction, provider, deadline):
    document = BidDocument.sign(auction, Rate(200), deadline, provider)

    assert BidDocument.load(document.text()) == document
    assert BidDocument.load(document.text().encode()) == document


def test_a_receipt_is_read_as_it_was_written(connection, consumer):
    document = ReceiptDocument.sign_receipt(connection, Energy(1), bytes(32), consumer, last=True)

    assert ReceiptDocument.load(document.text()) == document


def test_a_document_gives_what_was_signed(auction, provider, deadline):
    document = BidDocument.sign(auction, Rate(200), deadline, provider)

    assert document.bid_for(auction) == auction.sign_bid(Rate(200), deadline, signer=provider)


@pytest.mark.parametrize(
    "key", ["chainId", "market", "maxRate", "rate", "nonce", "deadline", "signature"]
)
def test_a_document_without_a_value_is_refused(auction, provider, deadline, key):
    data = json.loads(BidDocument.sign(auction, Rate(200), deadline, provider).text())
    del data[key]

    with pytest.raises(DocumentError, match=f"not a signed bid: {key}: Field required"):
        BidDocument.load(json.dumps(data))


def test_a_bid_is_signed_once_the_auction_lies_deep_enough(auction, provider, deadline, chain):
    chain.mine(1)
    with pytest.raises(DocumentError, match="started less than 2 blocks ago: wait"):
        BidDocument.sign(auction, Rate(200), deadline, provider, confirmations=2)

    chain.mine(1)
    document = BidDocument.sign(auction, Rate(200), deadline, provider, confirmations=2)

    assert document.rate == 200


def test_on_a_young_chain_no_auction_lies_deep_enough(auction, provider, deadline, chain):
    with pytest.raises(DocumentError, match="started less than 100000 blocks ago"):
        BidDocument.sign(auction, Rate(200), deadline, provider, confirmations=100_000)
