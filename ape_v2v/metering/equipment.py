"""What one side charges with, as it can be stored: its meter, and the provider's source."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.cable import Cable
from ape_v2v.metering.curve import ChargingCurve
from ape_v2v.metering.named import meter_named, source_named
from ape_v2v.metering.records import records_at
from ape_v2v.metering.signed.ocmf import OcmfMeter
from ape_v2v.metering.simulated import SimulatedMeter, SimulatedSource

if TYPE_CHECKING:
    from ape_v2v.metering.meter import EnergySource, Meter

_BATTERY_ABOVE_CONTRACT = 4  # a quarter more, so that a session runs at full power


class _Equipment(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OcmfSettings(_Equipment):
    """A meter that signs its records."""

    records: str
    """A file, a named pipe or a serial device."""
    serial: str
    public_key: str
    register_: str | None = None
    max_age: float | None = 60.0
    """How far from now a reading may be, seconds; None for any age."""
    unsynchronized: bool = False
    """Take readings of a clock that was never set."""

    def meter(self) -> Meter:
        return OcmfMeter(
            records_at(self.records),
            serial=self.serial,
            public_key=self.public_key,
            register=self.register_,
            max_age=None if self.max_age is None else timedelta(seconds=self.max_age),
            unsynchronized=self.unsynchronized,
        )


class Equipment(_Equipment):
    """What one side charges with."""

    cable: Path | None = None
    """The file of the simulated cable."""
    meter_id: str
    loss: float = 0.0
    noise: float = 0.0
    meter_start_wh: int = 0
    ocmf: OcmfSettings | None = None
    """A real meter in the place of the simulated one."""
    meter_name: str | None = None
    """Any meter in its place, as `named.meter_named` knows it."""
    source_name: str | None = None
    """Any source in the place of the simulated one, as `named.source_named` knows it."""
    # The provider's simulated source
    power_w: int = 11_000
    speed: float = 1.0
    battery_wh: int | None = None

    def meter(self) -> Meter:
        """The side's meter.

        Raises:
            ConfigurationError: None is named.
        """
        if self.meter_name is not None:
            return meter_named(self.meter_name)
        if self.ocmf is not None:
            return self.ocmf.meter()
        return SimulatedMeter(
            self._cable(),
            id=self.meter_id,
            loss=self.loss,
            noise=self.noise,
            start_wh=self.meter_start_wh,
        )

    def source(self, energy_wh: int) -> EnergySource:
        """What the provider delivers so much energy with.

        Raises:
            ConfigurationError: None is named.
        """
        if self.source_name is not None:
            return source_named(self.source_name)
        battery = self.battery_wh
        if battery is None:
            battery = energy_wh + energy_wh // _BATTERY_ABOVE_CONTRACT
        curve = ChargingCurve.for_energy(battery, self.power_w)
        return SimulatedSource(self._cable(), curve, self.speed)

    def _cable(self) -> Cable:
        if self.cable is None:
            raise ConfigurationError("no cable is named: name the file that both sides share")
        return Cable(self.cable)
