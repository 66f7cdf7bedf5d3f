"""The vectors of signed bids against the contract, in an auction that is still open."""

import pytest
from eth_utils.hexadecimal import decode_hex

from tests.helpers.scenario import FUNDS, RESERVE
from tests.vectors.test_vectors_contract import AUCTION_ID, outcome
from tests.vectors.vectors import parameters


@pytest.mark.parametrize("vector", **parameters("bid"))
def test_place_bid_for(vector, vectors_auction, rival, provider):
    message = vector.message

    def place():
        vectors_auction.placeBidFor(
            AUCTION_ID,
            message["provider"],
            int(message["rate"]),
            int(message["deadline"]),
            decode_hex(message["signature"]),
            sender=rival,
        )

    assert outcome(place) == vector.contract
    locked = RESERVE if vector.contract == "accepts" else 0  # the bond
    assert vectors_auction.evs(provider).balance == FUNDS - locked
