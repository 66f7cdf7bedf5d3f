"""A connection on the chain, and both sides of its session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ape_v2v.market.market import Market
from ape_v2v.metering.cable import Cable
from ape_v2v.metering.equipment import Equipment
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol.signing import AccountSigner
from ape_v2v.session.provider import Provider
from ape_v2v.session.settings import ChargeSettings, ServeSettings
from ape_v2v.session.store import Store
from ape_v2v.session.terms import Limits, SessionPatience, SessionTerms
from tests.helpers.scenario import offered
from tests.session.admissions import Admission
from tests.session.pairs import (
    MAX_RATE,
    RATE,
    SESSION_WH,
    SPEED,
    Pair,
    free_port,
)
from tests.session.runner import (
    Plan,
    Side,
    consume,
    provide,
    start_fork_server,
)


@pytest.fixture
def connect(market, start_auction, provider, consumer, clock):
    """A factory of connections between the consumer and the provider. Returns the auction's id."""

    def connect(energy: int = SESSION_WH, rate: int = RATE) -> int:
        auction_id = start_auction(energy=energy, max_rate=MAX_RATE)
        market.placeBid(auction_id, rate, offered(market, auction_id), sender=provider)
        clock.next_block_at(market.auctions(auction_id).closingTime)
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)
        return auction_id

    return connect


@pytest.fixture(scope="session")
def fork_server():
    start_fork_server()


@pytest.fixture
def pair(fork_server, chain, market, connect, provider, tmp_path):
    """A factory of both sides of a new connection, not started yet."""
    pairs = []

    def pair(
        energy: int = SESSION_WH,
        *,
        loss: float = 0.0,
        speed: float = SPEED,
        limits: Limits | None = None,
        patience: SessionPatience | None = None,
        url: str | None = None,
        **terms: Any,
    ) -> Pair:
        auction_id = connect(energy)
        port, cable = free_port(), tmp_path / "cable"
        provides = Equipment(cable=cable, meter_id="provider", speed=speed, meter_start_wh=5)
        consumes = Equipment(cable=cable, meter_id="consumer", loss=loss, meter_start_wh=77)
        providers = Plan(
            node=chain.provider.uri,
            market=str(market.address),
            auction_id=int(auction_id),
            account=2,
            store=tmp_path / "provider.sqlite",
            settings=ServeSettings(
                equipment=provides,
                port=port,
                limits=limits or Limits(poll=0.5),
                patience=patience
                or SessionPatience(between_looks=0.02, between_looks_at_the_chain=0.1),
            ),
        )
        consumers = replace(
            providers,
            account=1,
            store=tmp_path / "consumer.sqlite",
            settings=ChargeSettings(
                equipment=consumes,
                url=url or f"http://127.0.0.1:{port}",
                terms=SessionTerms(**terms),
            ),
        )
        token = bytes(market.accessToken(auction_id))
        made = Pair(
            market,
            auction_id,
            token,
            provider.address,
            Side(provide, providers),
            Side(consume, consumers),
        )
        pairs.append(made)
        return made

    yield pair
    for made in pairs:
        made.kill()


@pytest.fixture
def admission(market, connect, provider, consumer, rival, tmp_path):
    """A factory of providers of a new connection."""

    def admission(energy: int = SESSION_WH, speed: float = SPEED, **limits: Any) -> Admission:
        connection = Market.at(market.address).connection(int(connect(energy)))
        chain = MarketChain(connection, provider)
        equipment = Equipment(cable=tmp_path / "cable", meter_id="provider", speed=speed)
        agreement = chain.agreement()
        made = Provider(
            chain=chain,
            signer=AccountSigner(provider),
            meter=equipment.meter(),
            source=equipment.source(agreement.energy_wh),
            store=Store(tmp_path / "provider.sqlite"),
            limits=Limits(**{"poll": 0.5} | limits),
        )
        return Admission(
            made,
            agreement,
            AccountSigner(consumer),
            AccountSigner(rival),
            Cable(tmp_path / "cable"),
        )

    return admission
