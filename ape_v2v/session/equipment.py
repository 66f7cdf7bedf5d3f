"""Meters and energy source of one side, made of settings that can be stored for a resume."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from ape_v2v.session.meters.cable import Cable
from ape_v2v.session.meters.curve import ChargingCurve
from ape_v2v.session.meters.simulated import SimulatedMeter, SimulatedSource

if TYPE_CHECKING:
    from ape_v2v.session.agreement import Agreement
    from ape_v2v.session.meters.meter import Meter
    from ape_v2v.session.provider import EnergySource

_BATTERY_ABOVE_CONTRACT = 4  # a quarter more, so that a session runs at full power


class Equipment(BaseModel):
    """What one side charges with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cable: Path
    """The file of the simulated cable."""
    meter_id: str
    loss: float = 0.0
    noise: float = 0.0
    meter_start_wh: int = 0
    # The provider's simulated source
    power_w: int = 11_000
    speed: float = 1.0
    battery_wh: int | None = None

    def meter(self) -> Meter:
        return SimulatedMeter(
            Cable(self.cable),
            id=self.meter_id,
            loss=self.loss,
            noise=self.noise,
            start_wh=self.meter_start_wh,
        )

    def source(self, agreement: Agreement) -> EnergySource:
        """What the provider delivers with."""
        battery = self.battery_wh
        if battery is None:
            battery = agreement.energy_wh + agreement.energy_wh // _BATTERY_ABOVE_CONTRACT
        curve = ChargingCurve.for_energy(battery, self.power_w)
        return SimulatedSource(Cable(self.cable), curve, self.speed)
