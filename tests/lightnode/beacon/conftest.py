"""Test chains, and light clients that follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ape_v2v.lightnode.beacon.client import LightClient
from ape_v2v.lightnode.beacon.keeping import Keeper
from ape_v2v.lightnode.beacon.sources import BeaconApi
from tests.lightnode.beacon.chain import Chain, network
from tests.lightnode.beacon.node import Served, beacon_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lightnode.beacon.node import BeaconNode


@pytest.fixture(scope="session")
def forked() -> Served:
    """A chain of six periods and more; with each of the first five a fork begins, a bit later."""
    chain = Chain(network(0, 9, 17, 25, 33, 41))
    return Served.until(chain, slot=6 * 64 + 20)


@pytest.fixture
def beacon(forked: Served) -> Iterator[BeaconNode]:
    """An honest node, until a test makes it lie."""
    with beacon_node(forked) as node:
        yield node


@pytest.fixture
def follow(forked: Served) -> Any:
    """A factory of light clients of that chain, by the slot that their clocks show."""

    def client(*sources: Any, path: Any = None, slot: int | None = None, **settings: Any) -> Any:
        net = forked.chain.network
        at = int(forked.optimistic_update.signature_slot) if slot is None else slot
        asked = [BeaconApi(s.url, net) if hasattr(s, "url") else s for s in sources]
        return LightClient(
            net, Keeper(path, net), asked, clock=lambda: net.time(at) + 1.0, **settings
        )

    return client
