"""How full the battery is: as its gauge shows it, or counted from what was traded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.metering.named import meter_named
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from ape_v2v.car.journal import Journal
    from ape_v2v.car.settings import CarSettings
    from ape_v2v.metering.meter import Meter
    from ape_v2v.session.store import Store

_WHOLE = 100


class Battery:
    """The battery of one car."""

    def __init__(self, settings: CarSettings, store: Store, journal: Journal) -> None:
        said = settings.battery
        self.capacity = said.capacity
        self._role = settings.role
        self._store = store
        self._gauge: Meter | None = None
        self._base, self._since = 0, 0.0
        if said.gauge is not None:
            self._gauge = meter_named(said.gauge)
        elif said.charged is not None:
            self._base = self.at_percent(said.charged)
            self._since = journal.battery_since(f"{said.charged} % of {int(said.capacity)} Wh")

    @property
    def is_counted(self) -> bool:
        """Whether it only changes by what this car trades."""
        return self._gauge is None

    def energy_wh(self) -> int:
        """The energy in it, Wh.

        Raises:
            MeterError: Its gauge gives no reading.
        """
        if self._gauge is not None:
            found = self._gauge.read().energy_wh
        else:
            traded = self._store.connections.energy_since(self._since, self._role)
            found = self._base + (traded if self._role == "consumer" else -traded)
        return min(max(found, 0), int(self.capacity))

    def percent(self) -> float:
        """How full it is, %."""
        return _WHOLE * self.energy_wh() / int(self.capacity)

    def at_percent(self, percent: float) -> int:
        """The energy in it when it is so full, Wh."""
        return round(int(self.capacity) * percent / _WHOLE)

    def missing(self, target: float) -> Energy:
        """What it takes to be so full."""
        return Energy(max(0, self.at_percent(target) - self.energy_wh()))

    def spare(self, reserve: float) -> Energy:
        """What it holds above a reserve."""
        return Energy(max(0, self.energy_wh() - self.at_percent(reserve)))
