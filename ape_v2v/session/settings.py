"""What a session is started with, in a form that can be stored, so that it can be resumed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.cable import Cable
from ape_v2v.metering.curve import ChargingCurve
from ape_v2v.metering.ocmf import OcmfMeter
from ape_v2v.metering.records import records_at
from ape_v2v.metering.simulated import SimulatedMeter, SimulatedSource

if TYPE_CHECKING:
    from ape_v2v.metering.meter import Meter
    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.provider import EnergySource

_BATTERY_ABOVE_CONTRACT = 4  # a quarter more, so that a session runs at full power


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OcmfSettings(_Settings):
    """A meter that signs its records."""

    records: str
    """A file, a named pipe or a serial device."""
    serial: str
    public_key: str
    register_: str | None = None

    def meter(self) -> Meter:
        return OcmfMeter(
            records_at(self.records),
            serial=self.serial,
            public_key=self.public_key,
            register=self.register_,
        )


class Equipment(_Settings):
    """What one side charges with."""

    cable: Path | None = None
    """The file of the simulated cable."""
    meter_id: str
    loss: float = 0.0
    noise: float = 0.0
    meter_start_wh: int = 0
    ocmf: OcmfSettings | None = None
    """A real meter in the place of the simulated one."""
    # The provider's simulated source
    power_w: int = 11_000
    speed: float = 1.0
    battery_wh: int | None = None

    def meter(self) -> Meter:
        """The side's meter.

        Raises:
            ConfigurationError: None is named.
        """
        if self.ocmf is not None:
            return self.ocmf.meter()
        return SimulatedMeter(
            self._cable(),
            id=self.meter_id,
            loss=self.loss,
            noise=self.noise,
            start_wh=self.meter_start_wh,
        )

    def source(self, agreement: Agreement) -> EnergySource:
        """What the provider delivers with.

        Raises:
            ConfigurationError: None is named.
        """
        battery = self.battery_wh
        if battery is None:
            battery = agreement.energy_wh + agreement.energy_wh // _BATTERY_ABOVE_CONTRACT
        curve = ChargingCurve.for_energy(battery, self.power_w)
        return SimulatedSource(self._cable(), curve, self.speed)

    def _cable(self) -> Cable:
        if self.cable is None:
            raise ConfigurationError("no cable is named: name the file that both sides share")
        return Cable(self.cable)


class ServeSettings(_Settings):
    """The provider's side."""

    role: Literal["provider"] = "provider"
    equipment: Equipment
    host: str = "127.0.0.1"
    port: int = 0
    certificate: tuple[Path, Path] | None = None
    """Files of a certificate and of its key, for TLS."""
    max_unacknowledged_wh: int = 100
    patience: float = 60.0
    """How long the consumer has to end the connection, seconds."""
    link_timeout: float = 120.0
    trusted_block: str | None = None


class ChargeSettings(_Settings):
    """The consumer's side."""

    role: Literal["consumer"] = "consumer"
    equipment: Equipment
    url: str
    authority: Path | None = None
    """The file of a certificate that is believed, for TLS."""
    tolerance: Decimal = Decimal("0.02")
    limit_wh: int | None = None
    link_timeout: float = 120.0
    trusted_block: str | None = None


Settings = ServeSettings | ChargeSettings
_EITHER: TypeAdapter[Settings] = TypeAdapter(Annotated[Settings, Field(discriminator="role")])


def stored(text: str) -> Settings:
    """Settings as they were stored."""
    return _EITHER.validate_json(text)
