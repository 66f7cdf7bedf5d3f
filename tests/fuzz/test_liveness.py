"""I6: from each kind of state everybody leaves, in every order, patient or not, expelled or not.

The stateful test ends every run in an order and in its reverse; here all orders are tried.
"""

from collections.abc import Callable
from itertools import chain, combinations, permutations
from typing import Any

import pytest

from ape_v2v.evm.inprocess import PyrevmChain
from tests.model.hostile import Answer
from tests.model.market import DAYS, HOUR, Parameters

from .actors import MALLORY
from .campaign import Build
from .in_process import needs_pyrevm
from .liveness import everybody_leaves, expel_everybody
from .strategies import ETHER, GWEI
from .tally import Tally
from .world import Artifacts, World

# A contract that refuses and re-enters leads or buys as well.
PARTIES = ("alice", "bob", MALLORY)
ENERGY, MAX_RATE = 20_000, 300 * GWEI
TERMS = ENERGY | MAX_RATE << 32 | HOUR << 96


def opened(world: World, consumer: str = "alice") -> int:
    assert world.execute("startAuction", consumer, ENERGY, MAX_RATE, HOUR, HOUR, False, "")
    return world.model.current_auction_id(world.address(consumer))


def led(world: World, consumer: str = "alice", leader: str = "bob") -> int:
    auction_id = opened(world, consumer)
    assert world.execute("placeBid", leader, auction_id, MAX_RATE, TERMS)
    return auction_id


def connected(world: World, consumer: str = "alice", leader: str = "bob") -> int:
    auction_id = led(world, consumer, leader)
    world.wait_until(world.model.auctions[auction_id].closing_time)
    assert world.execute("endAuction", consumer, auction_id)
    return auction_id


def overtaken(world: World) -> None:
    assert world.execute("placeBid", MALLORY, led(world), MAX_RATE // 2, TERMS)


def removed(world: World) -> None:
    assert world.execute("removeBid", "bob", led(world))


def award_overdue(world: World) -> None:
    world.wait_until(world.model.award_deadline(world.model.auctions[led(world)]))


def expired(world: World) -> None:
    world.wait_until(world.model.expiry(world.model.auctions[connected(world)]))


def all_at_once(world: World) -> None:
    """Everybody is consumer, leader and connected to somebody."""
    connected(world, "alice", "bob")
    connected(world, "bob", MALLORY)
    led(world, MALLORY, "alice")


def ended_and_begun_again(world: World) -> None:
    auction_id = connected(world)
    assert world.execute("endConnection", "alice", auction_id)
    led(world)


STATES: list[Callable[[World], Any]] = [
    opened,
    led,
    overtaken,
    removed,
    award_overdue,
    connected,
    expired,
    all_at_once,
    ended_and_begun_again,
]


@pytest.fixture(scope="module")
def artifacts(project: Any) -> Artifacts:
    return Build.of(project).artifacts()


def new_world(artifacts: Artifacts) -> World:
    parameters = Parameters(award_window=HOUR, settlement_window=1 * DAYS)
    world = World(PyrevmChain(), artifacts, parameters, Tally())
    addresses = [world.address(who) for who in PARTIES]
    assert world.execute("addEVs", "organization", addresses, [""] * len(PARTIES))
    for who in PARTIES:
        assert world.execute("deposit", who, value=ETHER)
    world.force(7)
    return world


@needs_pyrevm
@pytest.mark.parametrize("expelled", [False, True], ids=["as EVs", "expelled from a closed market"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__.replace("_", " "))
def test_everybody_leaves_in_every_order(
    artifacts: Artifacts, state: Callable[[World], Any], expelled: bool
) -> None:
    sizes = range(len(PARTIES) + 1)
    patients = list(chain.from_iterable(combinations(PARTIES, size) for size in sizes))
    for order in permutations(PARTIES):
        for patient in patients:
            world = new_world(artifacts)
            state(world)
            world.prepare(Answer.REENTER)
            if expelled:
                expel_everybody(world)

            everybody_leaves(world, order, patient)
