"""How a car stands, for people and programs: from its journal, its store, and the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.chain.line.faults import NodeError
from ape_v2v.errors import V2VError
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.summary import SessionSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.car.choice import Choice
    from ape_v2v.car.driving import Car
    from ape_v2v.car.journal import Entry, Journal
    from ape_v2v.session.store import Store
    from ape_v2v.units import Energy, Money


@dataclass(frozen=True)
class CarStatus:
    """How a car stands."""

    role: str
    account: str
    market: str
    capacity: Energy
    percent: float | None
    """How full the battery is, %; None when its gauge gives no reading."""
    free: Money | None
    """Its free balance; None when the node does not answer."""
    choice: Choice | None
    """What it would do now; None when that cannot be told."""
    trouble: str | None
    """Why it cannot, if so."""
    power_w: int | None
    """By the last reading of the session that runs; None when none does."""
    sessions: Sequence[SessionSummary]
    decisions: Sequence[Entry]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        percent = self.percent
        return {
            "role": self.role,
            "account": self.account,
            "market": self.market,
            "battery": {
                "capacityWh": self.capacity.as_json(),
                "percent": None if percent is None else round(percent, 3),
            },
            "balance": None if self.free is None else self.free.as_json(),
            "next": None if self.choice is None else self.choice.as_json(),
            "trouble": self.trouble,
            "powerW": self.power_w,
            "sessions": [session.as_json() for session in self.sessions],
            "decisions": [entry.as_json() for entry in self.decisions],
        }


def car_status(car: Car, store: Store, journal: Journal, *, count: int) -> CarStatus:
    """Look how a car stands, and do nothing.

    Args:
        car: The car; another process may be running it.
        store: What it keeps of its sessions.
        journal: Where its decisions are written.
        count: Of how many sessions and decisions to tell, at most.
    """
    choice, free, trouble = None, None, None
    try:
        free = car.market.balance(car.account.address)
        choice = car.look()
    except NodeError as error:
        trouble = str(error)
    except SessionError as error:
        if error.code is not ErrorCode.NODE_UNAVAILABLE:
            raise
        trouble = str(error)
    try:
        percent = car.battery.percent()
    except V2VError as error:
        percent, trouble = None, str(error)
    kept = store.connections.all()[:count]
    power = None
    if kept and store.connections.end(kept[0].agreement.token) is None:
        reading = store.statements.last_reading(kept[0].agreement.token)
        power = None if reading is None else reading.power_w
    return CarStatus(
        role=car.settings.role,
        account=car.account.address,
        market=car.market.address,
        capacity=car.battery.capacity,
        percent=percent,
        free=free,
        choice=choice,
        trouble=trouble,
        power_w=power,
        sessions=[SessionSummary.of(store, one) for one in kept],
        decisions=journal.last(count),
    )
