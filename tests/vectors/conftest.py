"""The connection that the vectors are about, on a real chain."""

import pytest

from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    FUNDS,
    MAX_RATE,
    PARAMETERS,
    RATE,
    VALIDITY,
    offered,
)
from tests.vectors.vectors import CONTEXT

CONNECTED_AT = int(CONTEXT["connectedAt"])


@pytest.fixture(scope="module")
def vectors_auction(chain, project, accounts, organization, consumer, provider):
    """An open auction, at the address and with the id that the vectors have."""
    deployer = accounts[9]
    assert deployer.nonce == 0, "the market's address follows from the deployer's nonce"
    market = deployer.deploy(project.V2VMarket, organization, tuple(PARAMETERS.values()))
    market.addEVs([consumer, provider], ["", ""], sender=organization)
    for ev in (consumer, provider):
        market.deposit(sender=ev, value=FUNDS)
    chain.pending_timestamp = CONNECTED_AT - BIDDING_TIME
    market.startAuction(ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=consumer)
    return market


@pytest.fixture(scope="module")
def vectors_market(chain, vectors_auction, consumer, provider):
    """The same auction, connected."""
    market, auction_id = vectors_auction, int(CONTEXT["auctionId"])
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    chain.pending_timestamp = CONNECTED_AT
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    return market
