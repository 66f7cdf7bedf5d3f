"""A side that is started just as the other side ends the connection."""

import pytest

from ape_v2v.market.market import Market
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.provider import agreed
from ape_v2v.session.store import Store


@pytest.fixture
def auction_id(connect):
    return int(connect())


@pytest.fixture
def connection(market, auction_id):
    return Market.at(market.address).connection(auction_id)


@pytest.fixture
def overtaken(market, connection, provider, consumer):
    """The chain as the provider sees it, where the consumer pays in the very last moment."""

    class Overtaken(MarketChain):
        def agreement(self):
            market.endConnection(market.currentAuctionId(consumer), sender=consumer)
            return super().agreement()

    return Overtaken(connection, provider)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "provider.sqlite")


def test_a_provider_that_was_there_before_finds_how_it_ended(
    connection, auction_id, overtaken, store, provider
):
    agreement = MarketChain(connection, provider).agreement()
    store.connections.open(agreement, "provider", b"m" * 32, 0)

    found, outcome = agreed(overtaken, store, auction_id)

    assert found == agreement
    assert outcome is not None
    assert (outcome.how, outcome.energy_wh) == ("paid", agreement.energy_wh)
    assert store.connections.end(agreement.token) == outcome


def test_a_provider_that_comes_only_now_is_refused(auction_id, overtaken, store):
    with pytest.raises(SessionError) as refusal:
        agreed(overtaken, store, auction_id)

    assert refusal.value.code is ErrorCode.NOT_CONNECTED
