"""A market on an Anvil of its own, and the service over it, on this machine."""

import json
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from ape_v2v.chain.node import Node
from ape_v2v.evm.node import AnvilChain
from ape_v2v.index.history import History
from ape_v2v.market.market import Market
from ape_v2v.service.app import MarketService
from ape_v2v.service.watch import WatchedMarket
from tests.helpers.world import World

PATIENCE = 30  # seconds
INTERVAL = 0.1  # seconds between two looks at the node


@pytest.fixture
def node():
    with AnvilChain() as node:
        yield node


@pytest.fixture
def world(node):
    return World(node)


class Client(httpx.Client):
    """A client of one service, which it can stop."""

    def __init__(self, service, **options):
        super().__init__(**options)
        self._service = service

    def stop(self):
        """Tell the service to end, as SIGTERM does."""
        self._service.should_exit = True


def serving(world, url=None, **options):
    """The service over a world's market, and a client of it."""
    return serving_market(Market.at(world.address, Node(url or world.node.url)), **options)


@contextmanager
def serving_market(market, cache=False, confirmations=None, **options):
    """The service over a market, and a client of it."""
    with History(market, cache=cache, confirmations=confirmations, start_block=0) as history:
        there = threading.Event()
        urls = []

        def started(url):
            urls.append(url)
            there.set()

        watch = WatchedMarket(history, interval=INTERVAL)
        service = MarketService(watch, on_start=started, **options)
        thread = threading.Thread(target=service.run)
        thread.start()
        try:
            assert there.wait(PATIENCE), "it does not start"
            with Client(service, base_url=urls[0], timeout=PATIENCE) as client:
                yield client
        finally:
            service.should_exit = True
            thread.join(PATIENCE)
        assert not thread.is_alive(), "it does not end"


@pytest.fixture
def client(world):
    with serving(world, requests=100_000) as client:
        await_block(client, world)
        yield client


@pytest.fixture(scope="module")
def quiet_world():
    """A market in which a trade is over and another runs, and nothing happens any more."""
    with AnvilChain() as node:
        world = World(node)
        world.trade()
        world.connect()
        yield world


@pytest.fixture(scope="module")
def quiet_client(quiet_world):
    with serving(quiet_world, requests=100_000) as client:
        await_block(client, quiet_world)
        yield client


def await_block(client, world):
    """Wait until the service has seen the chain's latest block."""
    await_that(lambda: head(client) >= world.height)


def await_that(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.02)


def head(client):
    answer = client.get("/api/v1/config")
    return int(answer.json()["head"]["number"]) if answer.status_code == 200 else -1


@contextmanager
def listening(client, **headers):
    """What happens, as it is told: a function that waits for the next message of a kind."""
    with client.stream("GET", "/api/v1/events", headers=headers) as stream:
        lines = stream.iter_lines()

        def following(*names):
            message = {}
            for line in lines:
                key, _, value = line.partition(": ")
                if key:
                    message[key] = value
                elif message.get("event") in names:
                    return message["event"], json.loads(message["data"]), message.get("id")
                else:
                    message = {}
            raise AssertionError("the stream has ended")

        yield following
