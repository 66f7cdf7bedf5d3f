"""A connection on the chain, and both sides of its session as processes."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from runner import KILLED, PROCESSES, Plan, Side, await_any, consume, provide, warm_up

from ape_v2v.session.equipment import Equipment
from ape_v2v.session.meters.cable import Cable
from ape_v2v.session.provider import Limits
from ape_v2v.session.settling import Patience
from ape_v2v.session.store import Store

if TYPE_CHECKING:
    from ape_v2v.session.agreement import Outcome

RATE = 200 * 10**9  # wei per Wh
SESSION_WH = 300
"""Three increments: enough for everything that can happen in a session."""
SPEED = 2_000  # 11 kW deliver 300 Wh in 50 ms


@pytest.fixture
def connect(market, start_auction, provider, consumer, clock):
    """A factory of connections between the consumer and the provider. Returns the auction's id."""

    def connect(energy: int = SESSION_WH, rate: int = RATE) -> int:
        auction_id = start_auction(energy=energy)
        market.placeBid(auction_id, rate, sender=provider)
        clock.next_block_at(market.auctions(auction_id).closingTime)
        market.endAuction(sender=consumer)
        return auction_id

    return connect


def free_port() -> int:
    """A port that is free now; a provider that is started again needs the same."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Pair:
    """Both sides of one session."""

    folder: Path
    market: Any
    auction_id: int
    token: bytes
    provider: Side
    consumer: Side
    kills: int = 0

    def run(self, provider_crash: str | None = None, consumer_crash: str | None = None) -> None:
        """Run both sides to the end; each is killed at its boundary and then started again."""
        self.provider.start(provider_crash)
        assert self.provider.await_message() == self.provider.plan.url
        self.consumer.start(consumer_crash)
        running = [self.provider, self.consumer]
        while running:
            for side in await_any(running):
                if side.await_exit() == KILLED:
                    self.kills += 1
                    side.start()
                else:
                    assert side.await_exit() == 0
                    running.remove(side)

    @property
    def stores(self) -> tuple[Store, Store]:
        """What the provider keeps, and what the consumer keeps."""
        return Store(self.provider.plan.store), Store(self.consumer.plan.store)

    @property
    def delivered_wh(self) -> float:
        """What has come through the cable."""
        cable = Cable(self.provider.plan.equipment.cable)
        flow = cable.flow()
        return flow.energy_at(cable.clock()) if flow else 0.0

    def kill(self) -> None:
        self.provider.kill()
        self.consumer.kill()

    def outcomes(self) -> tuple[Outcome | None, Outcome | None]:
        return tuple(store.outcome(self.token) for store in self.stores)  # type: ignore[return-value]


@pytest.fixture(scope="session", autouse=True)
def fork_server():
    """Import everything once: what the tests wait for is a session, not Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where the server finds the runner
        process = PROCESSES.Process(target=warm_up, daemon=True)
        process.start()
        process.join()
    assert process.exitcode == 0


@pytest.fixture
def pair(chain, market, connect, tmp_path):
    """A factory of both sides of a new connection, not started yet."""
    pairs = []

    def pair(
        energy: int = SESSION_WH, *, loss: float = 0.0, speed: float = SPEED, **plan: Any
    ) -> Pair:
        auction_id = connect(energy)
        port = free_port()
        shared: dict[str, Any] = {
            "node": chain.provider.uri,
            "market": str(market.address),
            "auction_id": int(auction_id),
            "port": port,
            "url": f"http://127.0.0.1:{port}",
            "limits": Limits(poll=0.5),
            "patience": Patience(between_looks=0.02, between_looks_at_the_chain=0.1),
        } | plan
        cable = tmp_path / "cable"
        providers = Plan(
            account=2,
            store=tmp_path / "provider.sqlite",
            equipment=Equipment(cable=cable, meter_id="provider", speed=speed, meter_start_wh=5),
            **shared,
        )
        consumers = replace(
            providers,
            account=1,
            store=tmp_path / "consumer.sqlite",
            equipment=Equipment(cable=cable, meter_id="consumer", loss=loss, meter_start_wh=77),
        )
        token = bytes(market.accessToken(auction_id))
        made = Pair(
            tmp_path, market, auction_id, token, Side(provide, providers), Side(consume, consumers)
        )
        pairs.append(made)
        return made

    yield pair
    for made in pairs:
        made.kill()
