"""Lets energy flow by a charger, up to a limit and not beyond.

The limit is told the charger as a schedule: so much power for so many seconds, then none. So it
stops by itself at the limit, also when this program is dead or the line is cut. A charger that
keeps to no schedules is told to end its transaction instead, by whoever is there to tell it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.ocpp.dialect import (
    DISCHARGES,
    Dialect2,
    accepted,
    spoken_version,
)
from ape_v2v.metering.ocpp.grants import PowerGrant, periods
from ape_v2v.metering.ocpp.samples import EXPORTED, IMPORTED, ChargerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from ape_v2v.metering.ocpp.dialect import PowerPeriod
    from ape_v2v.metering.ocpp.station import ChargingStation, Line

_LOOK_SECONDS = 0.25
_PAUSE_SECONDS = 2.0
"""Before something that has failed is tried again."""
_START_SECONDS = 30.0
"""How long a transaction may take to begin."""
_IDLE_SECONDS = 30.0
"""A transaction in which nothing may flow for so long is ended."""


@dataclass(frozen=True)
class Flowing:
    """How energy is to flow."""

    power_w: int
    """At most."""
    tag: str
    """What transactions are begun with."""
    discharging: bool = False
    """Whether out of the vehicle at the charger, not into it."""
    reserve: Decimal | None = None
    """The battery's state of charge, percent, below which nothing flows out of it."""

    @property
    def measurand(self) -> str:
        """The register that counts it."""
        return EXPORTED if self.discharging else IMPORTED


class Contactor:
    """The flow of one charger."""

    def __init__(
        self,
        station: ChargingStation,
        flowing: Flowing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a charger, through which nothing flows yet."""
        self.problem: str | None = None
        """Why nothing can flow at the moment."""
        self._station = station
        self._flowing = flowing
        self._clock = clock
        self._limit_wh: int | None = None
        self._schedules: bool | None = None
        """Whether the charger keeps to schedules; None when that has not been tried."""
        self._line: Line | None = None
        self._granted: PowerGrant | None = None
        self._asked_at: float | None = None
        self._idle_since: float | None = None
        self._told: int | str | None = None
        """The transaction that was told that energy may flow both ways."""
        self._news = asyncio.Event()

    def set_limit(self, limit_wh: int | None) -> None:
        """Let the register rise so far, and not beyond; None: let nothing flow."""
        if limit_wh != self._limit_wh:
            self._limit_wh = limit_wh
            self._news.set()

    def wake(self) -> None:
        """There is news of the charger."""
        self._news.set()

    async def run(self) -> None:
        """Look after the flow for ever."""
        while True:
            try:
                await self._step()
                await self._await_news()
            except Exception as error:  # or nobody would look after the flow any more
                said = isinstance(error, MeterError)
                self.problem = str(error) if said else f"the charger: {error!r}"
                await asyncio.sleep(_PAUSE_SECONDS)

    async def end(self) -> None:
        """End the transaction, if there is one."""
        self._limit_wh = None
        line, transaction = self._station.line, self._station.transaction
        if line is not None and transaction is not None:
            await self._stop(line, transaction)

    async def _await_news(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), _LOOK_SECONDS)
        self._news.clear()

    async def _step(self) -> None:
        line = self._station.line
        if line is None:
            return
        if line is not self._line:  # connected anew: what it keeps to is not known
            self._line, self._granted, self._asked_at = line, None, None
        try:
            left_wh = self._left_wh()
        except MeterError as error:  # then nothing may flow, either
            left_wh, self.problem = None, str(error)
        transaction = self._station.transaction
        if transaction is None:
            self._granted = None
            if left_wh is not None:
                await self._start(line, left_wh)
            return
        self._asked_at = None
        if left_wh is None:
            await self._hold(line, transaction)
        else:
            self._idle_since = None
            await self._go_on(line, transaction, left_wh)

    def _left_wh(self) -> float | None:
        """How much may flow since the last reading; None when nothing may."""
        if self._limit_wh is None:
            return None
        self._require_both_ways()
        wh, *_ = self._station.register(self._flowing.measurand)
        left = float(self._limit_wh - wh)
        if left <= 0 or not self._is_above_reserve():
            return None
        self.problem = None
        return left

    def _heard_at(self) -> float:
        since = self._station.since(self._flowing.measurand)
        assert since is not None, "there is a reading"
        return self._clock() - since

    @property
    def _power_w(self) -> int:
        largest = self._station.largest_discharge_w
        if self._flowing.discharging and largest:
            return min(self._flowing.power_w, largest)
        return self._flowing.power_w

    def _require_both_ways(self) -> None:
        assert self._line is not None, "there is a charger to ask"
        if self._flowing.discharging and self._line.version != DISCHARGES:
            raise ChargerError(
                f"the charger {self._station.name} speaks OCPP {self._line.version}: discharging "
                f"takes {DISCHARGES}"
            )

    def _is_above_reserve(self) -> bool:
        reserve = self._flowing.reserve
        if reserve is None:
            return True
        if self._station.soc is None:
            raise ChargerError(
                f"the charger {self._station.name} does not say the battery's state of charge, and "
                f"{reserve} % of it are to stay: have it send SoC with its meter values"
            )
        return self._station.soc > reserve

    def _is_exceeded(self) -> bool:
        """Whether more has flowed than may: then it does not keep to its schedule."""
        if self._limit_wh is None:
            return False
        wh, step, *_ = self._station.register(self._flowing.measurand)
        return wh > self._limit_wh + step

    def _grant(self, left_wh: float) -> PowerGrant | None:
        return PowerGrant.of(left_wh, self._power_w, self._heard_at(), self._clock())

    def _periods(self, grant: PowerGrant | None) -> list[PowerPeriod]:
        return periods(grant, discharging=self._flowing.discharging)

    async def _start(self, line: Line, left_wh: float) -> None:
        now = self._clock()
        if (grant := self._grant(left_wh)) is None:
            return
        if self._asked_at is not None and now - self._asked_at < _START_SECONDS:
            return  # it is on its way
        dialect, station = spoken_version(line.version), self._station
        schedule = None if self._schedules is False else self._periods(grant)
        asked = dialect.start(station.outlet, self._flowing.tag, schedule)
        self._asked_at = now
        if accepted(await line.ask(*asked)):
            # Some take a schedule with that and do not keep to it: it is told once more.
            self._granted = grant if self._schedules else None
            return
        self._asked_at = None
        if schedule is not None and self._schedules is None and not self._flowing.discharging:
            self._schedules = False
            return
        raise ChargerError(
            f"the charger {station.name} does not begin to charge: look whether the vehicle is "
            "plugged in, and whether the charger is ready"
        )

    async def _go_on(self, line: Line, transaction: int | str, left_wh: float) -> None:
        dialect, now = spoken_version(line.version), self._clock()
        if isinstance(dialect, Dialect2) and self._flowing.discharging:
            await self._allow_both_ways(line, dialect, transaction)
        grant, before = self._grant(left_wh), self._granted
        if self._schedules is False:  # it flows as long as the transaction lasts
            if grant is None:
                await self._stop(line, transaction)
            return
        if before is not None and before.until > now:
            if before.stands(left_wh, self._heard_at(), now):
                return
        elif grant is None:
            return
        await self._schedule(line, transaction, grant)

    async def _hold(self, line: Line, transaction: int | str) -> None:
        """Let nothing flow; a transaction in which nothing may is not kept for long."""
        now = self._clock()
        if self._schedules is False or self._is_exceeded():
            await self._stop(line, transaction)
            return
        if self._granted is None or self._granted.until > now:
            await self._schedule(line, transaction, None)
        if self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > _IDLE_SECONDS:
            await self._stop(line, transaction)

    async def _schedule(self, line: Line, transaction: int | str, grant: PowerGrant | None) -> None:
        now, station = self._clock(), self._station
        asked = spoken_version(line.version).schedule(
            station.outlet, transaction, self._periods(grant)
        )
        try:
            keeps = accepted(await line.ask(*asked))
        except ChargerError:
            if station.line is not line:
                raise
            keeps = False
        if keeps:
            self._schedules, self._granted = True, grant or PowerGrant(0.0, now, now)
            return
        if self._flowing.discharging:
            await self._stop(line, transaction)
            raise ChargerError(
                f"the charger {station.name} does not take a schedule with a set point: it cannot "
                "be told to discharge"
            )
        self._schedules = False
        if grant is None:
            await self._stop(line, transaction)

    async def _stop(self, line: Line, transaction: int | str) -> None:
        asked = spoken_version(line.version).stop(transaction)
        if not accepted(await line.ask(*asked)):
            raise ChargerError(
                f"the charger {self._station.name} does not stop: unplug, or open its breaker"
            )
        self._granted, self._idle_since = None, None
        await asyncio.sleep(0)
        self._station.end(transaction)

    async def _allow_both_ways(self, line: Line, dialect: Dialect2, transaction: int | str) -> None:
        if self._told == transaction:
            return
        if not accepted(await line.ask(*dialect.both_ways(transaction))):
            await self._stop(line, transaction)
            raise ChargerError(
                f"the charger {self._station.name} does not allow energy out of the vehicle: look "
                "whether both can discharge"
            )
        self._told = transaction
