"""What pytest finds in every project that has this package installed: a market to test against.

Ape isolates tests by snapshots of the chain. The accounts, `v2v_market` and `v2v_token_market` last
for the session and leave the chain as it is until they are called, so a market lasts as long as the
fixture or the test that asked for it. `open_auction` and `connected` last for one test, and take
their rates in the currency of the market that they get.

Each fixture may be overridden: one of the same name in a project's conftest.py takes its place,
in the others too. The accounts are named after the market because "provider" alone means other
things elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import ape
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape.api import AccountAPI

    from ape_v2v.market.auction import Auction
    from ape_v2v.market.connection import Connection
    from ape_v2v.market.desk import Desk
    from ape_v2v.market.market import Market

    Fixture = TypeVar("Fixture", bound=Callable[..., Any])

FUNDS = "1 ether"
"""What each EV has in a new market."""
ENERGY = "20 kWh"
MAX_RATE = "0.0003 ether/kWh"
RATE = "0.0002 ether/kWh"
TOKEN_FUNDS = 1_000
"""What each EV has in a new market in a token, in whole ones, and again in its wallet."""
TOKEN_MAX_RATE = "0.6 {}/kWh"
TOKEN_RATE = "0.4 {}/kWh"


def _leaves_the_chain_alone(function: Fixture) -> Fixture:
    # Told so, Ape does not build a module's fixtures anew when this one is first asked for later.
    return ape.fixture(chain_isolation=False, scope="session")(function)


@_leaves_the_chain_alone
def v2v_organization(accounts: Sequence[AccountAPI]) -> AccountAPI:
    """Who deploys and owns the markets."""
    return accounts[0]


@_leaves_the_chain_alone
def v2v_consumer(accounts: Sequence[AccountAPI]) -> AccountAPI:
    """An EV that asks for energy."""
    return accounts[1]


@_leaves_the_chain_alone
def v2v_provider(accounts: Sequence[AccountAPI]) -> AccountAPI:
    """An EV that delivers it."""
    return accounts[2]


@_leaves_the_chain_alone
def v2v_rival(accounts: Sequence[AccountAPI]) -> AccountAPI:
    """Another EV that would deliver it."""
    return accounts[3]


@_leaves_the_chain_alone
def v2v_market(
    v2v_organization: AccountAPI,
    v2v_consumer: AccountAPI,
    v2v_provider: AccountAPI,
    v2v_rival: AccountAPI,
) -> Callable[..., Market]:
    """A factory: `v2v_market(awardWindow="30 min")` deploys a market with three funded EVs."""
    # Nothing is loaded in a project that does not ask for it.
    from ape_v2v.market.interface.parameters import Parameters  # noqa: PLC0415
    from ape_v2v.market.market import Market  # noqa: PLC0415

    evs = (v2v_consumer, v2v_provider, v2v_rival)

    def deploy(**parameters: int | str) -> Market:
        _require_reasons()
        market = Market.deploy(v2v_organization, Parameters.from_mapping(parameters))
        market.add_evs([(ev.address, "") for ev in evs], sender=v2v_organization)
        for ev in evs:
            market.deposit(FUNDS, sender=ev)
        return market

    return deploy


@_leaves_the_chain_alone
def v2v_token_market(
    v2v_organization: AccountAPI,
    v2v_consumer: AccountAPI,
    v2v_provider: AccountAPI,
    v2v_rival: AccountAPI,
) -> Callable[..., Market]:
    """A factory: `v2v_token_market()` deploys a test stablecoin, and a market that is paid in it.

    Three funded EVs as in `v2v_market`, and the same arguments. The token has 6 decimals, EIP-3009,
    and an issuer who can pause it and block accounts, as those have that are used. Anybody may
    `mint` it: `ape_token(market).mint(account, 10**6, sender=account)` gives one of it.
    """
    from ape_v2v.market.interface.parameters import Parameters  # noqa: PLC0415 - as above
    from ape_v2v.market.market import Market  # noqa: PLC0415
    from ape_v2v.testing.contracts import ape_token, deploy_test_token  # noqa: PLC0415

    evs = (v2v_consumer, v2v_provider, v2v_rival)

    def deploy(**parameters: int | str) -> Market:
        _require_reasons()
        token = deploy_test_token(v2v_organization)
        rules = Parameters.from_mapping(parameters, token.currency)
        market = Market.deploy(v2v_organization, rules, token=token.address)
        market.add_evs([(ev.address, "") for ev in evs], sender=v2v_organization)
        funds = market.money(TOKEN_FUNDS * 10**market.currency.decimals)
        for ev in evs:
            ape_token(market).mint(ev, 2 * int(funds), sender=v2v_organization)
            market.approve(funds, sender=ev)
            market.deposit(funds, sender=ev)
        return market

    return deploy


def _require_reasons() -> None:
    from ape_v2v.errors import ConfigurationError  # noqa: PLC0415 - as above

    if ape.chain.provider.name == "test":
        raise ConfigurationError(
            "Ape's own test chain does not say why a call is refused: set ethereum: local: "
            "default_provider: foundry in ape-config.yaml, or give --network "
            "ethereum:local:foundry"
        )


def _default(market: Desk, in_ether: str, in_token: str) -> str:
    return in_ether if market.currency.is_ether else in_token.format(market.currency)


@pytest.fixture
def open_auction(
    v2v_market: Callable[..., Market], v2v_consumer: AccountAPI
) -> Callable[..., Auction]:
    """A factory: `open_auction(market, energy="7 kWh")` starts the consumer's auction.

    Without a market it deploys one. The other arguments are those of `Market.start_auction`.
    """

    def start(
        market: Market | None = None,
        energy: Any = ENERGY,
        max_rate: Any = None,
        *,
        sender: AccountAPI = v2v_consumer,
        **terms: Any,
    ) -> Auction:
        market = market or v2v_market()
        wanted = _default(market, MAX_RATE, TOKEN_MAX_RATE) if max_rate is None else max_rate
        return market.start_auction(energy, wanted, sender=sender, **terms)

    return start


@pytest.fixture
def connected(
    open_auction: Callable[..., Auction], v2v_consumer: AccountAPI, v2v_provider: AccountAPI
) -> Callable[..., Connection]:
    """A factory: `connected(market, rate="0.0001 ether/kWh")` goes on until the award.

    Opens an auction, lets the provider bid, moves the chain's time to the close and ends it. The
    other arguments are those of `open_auction`.
    """

    def connect(
        market: Market | None = None,
        *,
        rate: Any = None,
        sender: AccountAPI = v2v_consumer,
        **terms: Any,
    ) -> Connection:
        auction = open_auction(market, sender=sender, **terms)
        offered = _default(auction.market, RATE, TOKEN_RATE) if rate is None else rate
        auction.place_bid(offered, sender=v2v_provider)
        ape.chain.pending_timestamp = int(auction.info.closing_time.timestamp())
        connection = auction.end(sender=sender)
        assert connection is not None, "a bid stands, so there is a winner"
        return connection

    return connect
