"""The meter and the source of energy that a charger is to a session."""

from __future__ import annotations

import atexit
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ape_v2v.metering.meter import MeterError, MeterReading, plain_record, wire_id
from ape_v2v.metering.ocpp.contactor import Contactor
from ape_v2v.metering.ocpp.samples import IMPORTED
from ape_v2v.metering.ocpp.station import PATIENCE_SECONDS, FirstWord

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.ocpp.central import CentralSystem
    from ape_v2v.metering.ocpp.contactor import Flowing
    from ape_v2v.metering.ocpp.station import ChargingStation

_END_SECONDS = 3.0


class OcppMeter:
    """A charger's own register, as it says; nothing of it is signed."""

    def __init__(
        self,
        station: ChargingStation,
        *,
        id: str,  # noqa: A002 - as the interface has it
        measurand: str = IMPORTED,
        max_age: timedelta | None = timedelta(minutes=1),
        patience: float = PATIENCE_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Read a charger.

        Args:
            station: The charger.
            id: What the meter is called, at most 32 bytes.
            measurand: Which register, as OCPP calls it.
            max_age: How far from now a reading may be; None for any age.
            patience: How long to wait for the first reading, s.
            now: The time, UTC.

        Raises:
            MeterError: The id does not fit into a message.
        """
        wire_id(id)
        self.id = id
        self._station = station
        self._measurand = measurand
        self._max_age = max_age
        self._first = FirstWord(patience)
        self._now = now

    def read(self) -> MeterReading:
        """What the charger has said last.

        Raises:
            MeterError: It has said nothing, nothing that can be, or that too long ago.
        """
        wh, step, at, power_w = self._first.of(lambda: self._station.register(self._measurand))
        apart = self._now() - at
        if self._max_age is not None and abs(apart) > self._max_age:
            seconds = round(apart.total_seconds())
            when = f"{seconds} s ago" if seconds > 0 else f"{-seconds} s ahead"
            raise MeterError(
                f"the charger {self._station.name} has measured last at {at.isoformat()}, {when}: "
                f"expected at most {self._max_age.total_seconds():g} s; look whether it is "
                "connected, and at its clock"
            )
        record = plain_record(self.id, int(wh), power_w, at)
        return MeterReading(int(wh), power_w, at, record, self._measurand, step)


class OcppSource:
    """Energy by a charger, which is told how much of it may flow."""

    def __init__(self, station: ChargingStation, flowing: Flowing, central: CentralSystem) -> None:
        """Take a charger, at which nothing flows until it is allowed to."""
        station.tag = flowing.tag
        self._station = station
        self._flowing = flowing
        self._central = central
        self._delivered_wh = 0
        self._contactor = Contactor(station, flowing)
        station.on_news(self._contactor.wake)
        central.run(self._contactor.run)
        atexit.register(self.end)

    @property
    def delivered_wh(self) -> int:
        """The charger's register, Wh, as it was last known; 0 before that."""
        with suppress(MeterError):
            wh, *_ = self._station.register(self._flowing.measurand)
            self._delivered_wh = int(wh)
        return self._delivered_wh

    @property
    def max_power_w(self) -> int:
        """What it is told to deliver at most, W."""
        return self._flowing.power_w

    @property
    def problem(self) -> str | None:
        """Why nothing can flow at the moment."""
        return self._contactor.problem

    def allow(self, up_to_wh: int) -> None:
        """Deliver until the register has risen so far, and not beyond.

        Raises:
            MeterError: The charger cannot be told, or does not do it.
        """
        self._central.call(self._contactor.set_limit, up_to_wh)
        if (problem := self._contactor.problem) is not None:
            raise MeterError(problem)

    def stop(self) -> None:
        """Deliver nothing more until it is allowed to again."""
        self._central.call(self._contactor.set_limit, None)

    def end(self) -> None:
        """End the transaction; the charger is not told anything any more."""
        with suppress(Exception):  # the program ends, whatever the charger says
            self._central.run(self._contactor.end).result(_END_SECONDS)
