"""Both sides of one session, and what must hold after it, whatever happened on the way."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.metering.cable import Cable
from ape_v2v.session.settings import ServeSettings
from ape_v2v.session.store import Store
from tests.session.runner import KILLED, Side, await_any

if TYPE_CHECKING:
    from ape_v2v.session.protocol.agreement import ConnectionEnd

RATE = 200 * 10**9  # wei per Wh
MAX_RATE = 3_000 * 10**9  # so that few Wh have enough to lose
SESSION_WH = 300
"""Three increments: enough for everything that can happen in a session."""
SPEED = 2_000  # 11 kW deliver 300 Wh in 50 ms


def free_port() -> int:
    """A port that is free now; a provider that is started again needs the same."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Pair:
    """Both sides of one session."""

    market: Any
    auction_id: int
    token: bytes
    provider_address: str
    provider: Side
    consumer: Side
    kills: int = 0

    def run(self, provider_crash: str | None = None, consumer_crash: str | None = None) -> None:
        """Run both sides to the end; each is killed at its boundary and then started again."""
        self.provider.start(provider_crash)
        assert self.provider.await_message() == self.url
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
    def url(self) -> str:
        """Where the provider serves."""
        settings = self.provider.plan.settings
        assert isinstance(settings, ServeSettings)
        return f"http://127.0.0.1:{settings.port}"

    @property
    def stores(self) -> tuple[Store, Store]:
        """What the provider keeps, and what the consumer keeps."""
        return Store(self.provider.plan.store), Store(self.consumer.plan.store)

    @property
    def delivered_wh(self) -> float:
        """What has come through the cable."""
        path = self.provider.plan.settings.equipment.cable
        assert path is not None
        cable = Cable(path)
        flow = cable.flow()
        return flow.energy_at(cable.clock()) if flow else 0.0

    def kill(self) -> None:
        self.provider.kill()
        self.consumer.kill()

    def outcomes(self) -> tuple[ConnectionEnd | None, ConnectionEnd | None]:
        return tuple(store.connections.end(self.token) for store in self.stores)  # type: ignore[return-value]


def settled(pair):
    """Check that both sides and the chain agree; return the energy that was paid, Wh."""
    provider, consumer = pair.stores
    ours, theirs = pair.outcomes()
    assert ours is not None
    assert ours == theirs
    assert pair.market.auctions(pair.auction_id).state == 0
    assert ours.how in {"agreed", "short"}
    assert ours.cost == ours.energy_wh * RATE
    # No receipt is lost: the provider is paid for the highest one that it has.
    highest = provider.statements.highest_receipt(pair.token)
    assert highest is not None
    assert (ours.energy_wh, ours.meter_data_hash) == (highest.energy_wh, highest.meter_data_hash)
    # Whatever the provider has stored, the consumer had stored before.
    kept = consumer.statements.receipts(pair.token)
    assert all(receipt in kept for receipt in provider.statements.receipts(pair.token))
    # At most one increment is lost.
    increment = pair.provider.plan.settings.limits.max_unacknowledged_wh
    assert pair.delivered_wh - ours.energy_wh <= increment
    return ours.energy_wh
