"""What either side tells whoever watches a session."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.session.protocol.wire import ChargingState, StopReason


@dataclass(frozen=True)
class SessionProgress:
    """How a session stands."""

    state: ChargingState
    power_w: int
    energy_wh: int
    """By the provider's meter."""
    own_wh: int
    """By the meter of the side that tells."""
    acknowledged_wh: int
    cost: int
    """Of what is acknowledged, smallest units of the market's currency."""
    reason: StopReason | None = None
    """Why it stops, once it does."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "event": "progress",
            "state": self.state,
            "powerW": self.power_w,
            "energyWh": self.energy_wh,
            "ownEnergyWh": self.own_wh,
            "acknowledgedWh": self.acknowledged_wh,
            "cost": str(self.cost),
            "reason": self.reason,
        }


class SessionPace:
    """How long the rest takes, as fast as it has gone while it was watched."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, int] | None = None

    def left(self, energy_wh: int, total_wh: int) -> timedelta | None:
        """See how far it is; the time that is left, or None as long as that cannot be said."""
        now = self._clock()
        if self._first is None:
            self._first = (now, energy_wh)
        since, before = self._first
        if energy_wh <= before:
            return None
        rest = max(0, total_wh - energy_wh)
        return timedelta(seconds=round(rest * (now - since) / (energy_wh - before)))
