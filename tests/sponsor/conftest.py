"""A sponsor that serves, and people who hold no ether, in a market paid in a stablecoin."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest

from ape_v2v import Market
from ape_v2v.listening import LOOPBACK
from ape_v2v.sponsor import SpendingLimits, Sponsor, SponsoredGateway
from ape_v2v.sponsor.ledger import Ledger
from ape_v2v.sponsor.service import SponsorServer, create_app
from tests.helpers.scenario import RESERVE
from tests.helpers.tokens import authorize


@pytest.fixture(scope="module")
def coin(project, organization):
    code = organization.deploy(project.Stablecoin)
    return project.Stablecoin.at(organization.deploy(project.StablecoinProxy, code).address)


@pytest.fixture(scope="module")
def paid_market(deploy_token_market, coin, organization, consumer, provider, rival):
    market = deploy_token_market(coin)
    market.addEVs([consumer, provider, rival], ["", "", ""], sender=organization)
    for ev in (consumer, provider, rival):
        coin.mint(ev, 10 * RESERVE, sender=organization)
    return market


@pytest.fixture
def penniless(chain, consumer, provider, rival):
    """The three EVs' accounts hold no ether."""
    for ev in (consumer, provider, rival):
        chain.provider.set_balance(ev.address, 0)
    return consumer, provider, rival


@dataclass(frozen=True)
class Running:
    """A sponsor behind its service."""

    sponsor: Sponsor
    url: str


@pytest.fixture
def sponsored_by(paid_market, stranger):
    """A factory of sponsors that serve, paid by the stranger."""
    servers: list[tuple[SponsorServer, threading.Thread]] = []

    def sponsored_by(allowance: SpendingLimits | None = None, path: Any = None) -> Running:
        ledger = Ledger(path, allowance or SpendingLimits())
        sponsor = Sponsor(Market.at(paid_market.address), stranger, ledger)
        addresses: list[str] = []
        server = SponsorServer(create_app(sponsor), addresses.append)
        server.config.host, server.config.port = LOOPBACK, 0
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        end = time.monotonic() + 20
        while not addresses and time.monotonic() < end:
            time.sleep(0.01)
        return Running(sponsor, addresses[0])

    yield sponsored_by
    for server, thread in servers:
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def running(sponsored_by):
    return sponsored_by()


@pytest.fixture
def api(running, paid_market):
    """The market, its writes through the sponsor."""
    return Market.at(paid_market.address, gateway=SponsoredGateway(running.url))


@pytest.fixture
def funded(api, coin, paid_market, chain, penniless):
    """All have money in the market, by what they have signed."""
    for ev in penniless:
        signed = authorize(coin, chain.chain_id, ev, paid_market, 10 * RESERVE)
        api.transact("depositWithAuthorization", *signed, sender=ev)
    return api
