"""A market to try with a phone: what `make app` runs, until Ctrl-C.

A local chain on which time goes on, a market in a test stablecoin, the service with its page, three
cars that bid by themselves, and for whoever wins a trade by the phone, two cars that charge with
simulated meters. All money is play money.
"""

from __future__ import annotations

import functools
import io
import socket
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import segno
from ape.contracts import ContractInstance

from ape_v2v import deployment
from ape_v2v.bidding.autobidder import Autobidder
from ape_v2v.bidding.policy import Policy
from ape_v2v.errors import V2VError
from ape_v2v.index.board import Board
from ape_v2v.index.history import History
from ape_v2v.market.interface.states import State
from ape_v2v.service.app import MarketService
from ape_v2v.service.watch import WatchedMarket
from ape_v2v.testing.contracts import deploy_test_token, token_type
from ape_v2v.units import Energy, Money, Rate
from demo import charging
from demo.serving import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ape.api import AccountAPI, ProviderAPI

    from ape_v2v.index.board import Listing
    from ape_v2v.market.market import Market

BLOCK_SECONDS = 2.0
WALLET = "100 EURT"
BONDS = "60 EURT"
CARS = {"Bob's car": "0.31 EURT/kWh", "Carol's car": "0.34 EURT/kWh", "Dave's car": "0.37 EURT/kWh"}
"""Who bids by itself, and how low it goes."""
PEOPLE = ("Alice's phone", "Erin's phone")
EARLIER = Energy.parse("12 kWh"), "0.6 EURT/kWh", "0.42 EURT/kWh"
"""A trade of the day before: what others pay is what the page begins with."""
QUICK = {"extensionWindow": 10, "minDecrementBps": 500}
"""Rules of who does not want to wait: the close moves by little, the price by much."""
SPEED = 400
"""Simulated seconds per second: 20 kWh take less than half a minute."""

_EVERYWHERE = "0.0.0.0"
_ELSEWHERE = "192.0.2.1"
"""An address that nobody has: RFC 5737 keeps it for examples."""
_LOOK_SECONDS = 0.5


def run(
    provider: ProviderAPI,
    accounts: Sequence[AccountAPI],
    base: Path,
    address: tuple[str, int],
    tell: Callable[[str], None],
) -> None:
    """Run it until it is interrupted.

    Args:
        provider: A local chain of one's own.
        accounts: Ape's test accounts: at least six.
        base: The project's folder, for the settings and the record of the deployment.
        address: Where the service listens.
        tell: Told in lines what happens.

    Raises:
        V2VError: It cannot listen there, say.
    """
    organization, *others = accounts
    people, cars = others[: len(PEOPLE)], others[len(PEOPLE) :][: len(CARS)]
    market = _found(base, organization, people, cars)
    _trade_before(provider, market, people[1], cars[0])
    stop = threading.Event()
    with ExitStack() as stack:
        url = stack.enter_context(_served(market, address))
        stack.callback(stop.set)  # the first to go: what charges ends before the service
        _welcome(url, tell)
        history = stack.enter_context(History(market, cache=False, start_block=0))
        fleet = _Fleet(market, people, cars, str(provider.uri), tell)
        board = Board(history)
        while True:
            # A transaction has its block at once, and time goes on without one.
            provider.make_request("evm_mine", [])
            board.refresh()
            fleet.look(board.running(), functools.partial(_running, board), stop)
            stop.wait(BLOCK_SECONDS)


def _running(board: Board) -> Sequence[Listing]:
    board.refresh()
    return board.running()


def _found(
    base: Path, organization: AccountAPI, people: Sequence[AccountAPI], cars: Sequence[AccountAPI]
) -> Market:
    token = deploy_test_token(organization)
    settings = deployment.settings(base, token=token.address)
    quick = replace(settings.parameters, **QUICK)
    settings = replace(settings, parameters=quick)
    market, _ = deployment.deploy(organization, settings, deployment.records(base), again=True)
    labels = [*PEOPLE, *CARS]
    evs = [*people, *cars]
    market.transact("addEVs", [ev.address for ev in evs], labels, sender=organization)
    issuer = ContractInstance(token.address, token_type())
    for ev in evs:
        issuer.mint(ev, int(Money.parse(WALLET, token.currency)), sender=organization)
    for car in cars:
        market.approve(BONDS, sender=car)
        market.deposit(BONDS, sender=car)
    return market


def _trade_before(
    provider: ProviderAPI, market: Market, consumer: AccountAPI, seller: AccountAPI
) -> None:
    energy, most, rate = EARLIER
    reserve = market.rate_of(most) * energy
    market.approve(reserve, sender=consumer)
    market.deposit(reserve, sender=consumer)
    auction = market.start_auction(energy, most, "1 min", "1 h", sender=consumer)
    auction.place_bid(rate, sender=seller)
    provider.make_request("evm_increaseTime", [60])
    connection = auction.end(sender=consumer)
    assert connection is not None, "there is a bid"
    connection.end(sender=consumer)
    market.withdraw_all(sender=consumer)


@contextmanager
def _served(market: Market, address: tuple[str, int]) -> Iterator[str]:
    """The service's URL."""
    with History(market, cache=False, start_block=0) as history:
        watch = WatchedMarket(history, interval=_LOOK_SECONDS)

        def service(started: Callable[[str], None]) -> MarketService:
            return MarketService(watch, requests=1_000, on_start=started)

        with served(service, address) as url:
            yield url


class _Fleet:
    """The cars: they bid, and charge what the phone has bought or sold."""

    def __init__(
        self,
        market: Market,
        people: Sequence[AccountAPI],
        cars: Sequence[AccountAPI],
        node: str,
        tell: Callable[[str], None],
    ) -> None:
        self._market, self._node, self._tell = market, node, tell
        self._accounts = {account.address: account for account in (*people, *cars)}
        self._names = dict(zip(self._accounts, [*PEOPLE, *CARS], strict=True))
        self._bidders = [
            Autobidder(
                market,
                car,
                Policy(Rate.parse(floor, market.currency), counts_gas=False, max_auctions=2),
            )
            for car, floor in zip(cars, CARS.values(), strict=True)
        ]
        self._charging: set[int] = set()

    def look(
        self,
        listings: Sequence[Listing],
        running: Callable[[], Sequence[Listing]],
        stop: threading.Event,
    ) -> None:
        """Bid where one can, and begin to charge where an auction was awarded."""
        for bidder in self._bidders:
            bidder.catch_up(running, stop)
        for info in (listing.info for listing in listings):
            if info.state is State.CONNECTED and info.id not in self._charging:
                self._charging.add(info.id)
                threading.Thread(target=self._charge, args=(info.id,), daemon=True).start()

    def _charge(self, auction_id: int) -> None:
        connection = self._market.connection(auction_id)
        info = connection.info
        consumer, seller = self._accounts[info.consumer], self._accounts[str(info.provider)]
        names = f"{self._names[info.consumer]} and {self._names[str(info.provider)]}"
        self._tell(f"{names} charge: {info.energy} at {info.rate}")

        def tell(said: dict[str, Any]) -> None:
            self._tell(f"  {Energy(said['acknowledgedWh'])} of {info.energy}")

        try:
            charged = charging.charge(
                connection, consumer, seller, info.energy, tell=tell, node=self._node, speed=SPEED
            )
        except V2VError as error:  # the phone may have paid or given up meanwhile
            self._tell(f"{names} stop charging: {error}")
        else:
            self._tell(f"{names} are done: {charged.energy}")


# --- What it says


def _welcome(url: str, tell: Callable[[str], None]) -> None:
    port = url.rpartition(":")[2]
    if _EVERYWHERE in url:
        url = f"http://{_own_address()}:{port}"
        tell(_qr_code(url))
    tell(f"Open {url} in a browser, press Connect and take Alice's account: all is play money.")
    if "127.0.0.1" in url:
        tell("For a phone in the same network: make app HOST=0.0.0.0")
    tell("Ctrl-C ends it.")


def _own_address() -> str:
    """Where others in the network find this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((_ELSEWHERE, 9))  # nothing is sent: it only chooses an address
        return str(probe.getsockname()[0])


def _qr_code(url: str) -> str:
    """A code to scan."""
    drawn = io.StringIO()
    segno.make(url, error="l", micro=False).terminal(drawn, compact=True)
    return drawn.getvalue().rstrip("\n")
