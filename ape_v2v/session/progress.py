"""What either side tells whoever watches a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    """Of what is acknowledged, wei."""
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
