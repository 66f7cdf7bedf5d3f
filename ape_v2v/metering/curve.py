"""How fast a battery charges: constant power, then less and less towards full."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from ape_v2v.errors import ConfigurationError

_TAPER_FROM = 0.8
_END_POWER = 0.1


@dataclass(frozen=True)
class ChargingCurve:
    """Constant power up to `taper_from_wh`, from there in a straight line over the energy.

    Energies count from the plugging in. At `full_wh` the battery takes no more.
    """

    power_w: int
    taper_from_wh: int
    full_wh: int
    end_power_w: int
    """The power just before full, W."""

    def __post_init__(self) -> None:
        if not 0 < self.end_power_w <= self.power_w:
            raise ConfigurationError(
                f"a charging curve falls from {self.power_w} W to {self.end_power_w} W: expected "
                "two powers above 0, the second not above the first"
            )
        if not 0 <= self.taper_from_wh <= self.full_wh:
            raise ConfigurationError(
                f"a charging curve tapers from {self.taper_from_wh} Wh to {self.full_wh} Wh: "
                "expected two energies, the second not below the first"
            )

    @classmethod
    def for_energy(cls, energy_wh: int, power_w: int) -> Self:
        """A usual curve: full after `energy_wh`, the last fifth with less and less power."""
        return cls(
            power_w,
            taper_from_wh=int(energy_wh * _TAPER_FROM),
            full_wh=energy_wh,
            end_power_w=max(1, int(power_w * _END_POWER)),
        )

    def power_at(self, energy_wh: float) -> float:
        """The power, W, once so much energy has been taken in."""
        if energy_wh >= self.full_wh:
            return 0.0
        if energy_wh <= self.taper_from_wh:
            return float(self.power_w)
        return self.power_w - self._fall * (energy_wh - self.taper_from_wh)

    def energy_after(self, start_wh: float, hours: float) -> float:
        """The energy, Wh, when so much time has passed since it was `start_wh`.

        Closed form: asking often or once gives the same.
        """
        if start_wh >= self.full_wh:
            return start_wh
        energy = start_wh
        if energy < self.taper_from_wh:
            to_taper = (self.taper_from_wh - energy) / self.power_w
            if hours <= to_taper:
                return energy + self.power_w * hours
            energy, hours = float(self.taper_from_wh), hours - to_taper
        if self.taper_from_wh == self.full_wh:
            return float(self.full_wh)
        power = self.power_at(energy)
        if self._fall:  # dE/dt = P - fall * E
            energy += power / self._fall * -math.expm1(-self._fall * hours)
        else:
            energy += power * hours
        return min(energy, float(self.full_wh))

    @property
    def _fall(self) -> float:
        """How much power each Wh beyond the taper costs, W/Wh."""
        return (self.power_w - self.end_power_w) / (self.full_wh - self.taper_from_wh)
