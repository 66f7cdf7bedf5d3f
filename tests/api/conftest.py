"""The package's objects around the market that the contract tests use too."""

import pytest

from ape_v2v import Market


@pytest.fixture
def api(market):
    """The market as the package gives it, by the artifact that the package carries."""
    return Market.at(market.address)


@pytest.fixture
def auction(api, auction_id):
    """20 kWh for at most 300 gwei/Wh; nobody has bid."""
    return api.auction(auction_id)


@pytest.fixture
def led_auction(api, bid_id):
    """The provider leads with 200 gwei/Wh."""
    return api.auction(bid_id)


@pytest.fixture
def connection(api, connection_id):
    """The consumer and the provider are connected."""
    return api.connection(connection_id)
