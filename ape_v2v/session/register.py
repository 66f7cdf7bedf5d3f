"""A side's own register: it never falls, becomes another, or runs ahead of what can flow.

A register that begins again at 0 would give away all that was counted before. So it is kept in the
store how far it has been seen, and every reading is compared with that, after a restart too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.metering.meter import MeterError
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.store import StoredRegister

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.meter import Meter, MeterReading
    from ape_v2v.session.store import Store

_SECONDS_PER_HOUR = 3600
_SLACK_SECONDS = 5.0  # between the moment of a reading and what a meter says of it
_SLACK_SHARE = 0.1  # of the source's power


class Suspicion:
    """Something that cannot be: a disturbance at first, a fault when it stays so."""

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        """Wait so many seconds, by a clock, until it is a fault."""
        self._patience = patience
        self._clock = clock
        self._since: float | None = None

    def clear(self) -> None:
        """It is not so, or not so any more."""
        self._since = None

    def is_fault(self) -> bool:
        """Note that it is so; whether it has been for too long."""
        now = self._clock()
        if self._since is None:
            self._since = now
        return now - self._since >= self._patience


class Register:
    """The register of one connection, on either side."""

    def __init__(
        self,
        meter: Meter,
        token: bytes,
        store: Store,
        *,
        patience: float,
        clock: Callable[[], float],
        max_power_w: int | None = None,
    ) -> None:
        """Take a meter.

        Args:
            meter: The side's own.
            token: The connection's.
            store: Where it is kept how far the register has been seen.
            patience: How long readings that cannot be are put down to a disturbance, seconds.
            clock: The time, seconds.
            max_power_w: The most that can flow, W, if that is known.
        """
        self.meter = meter
        self.fault: SessionError | None = None
        """Why nothing that this meter says counts any more."""
        self.problem: SessionError | None = None
        """Why the last reading cannot be: a fault when it stays so."""
        self._token = token
        self._store = store
        self._suspicion = Suspicion(patience, clock)
        self._max_power_w = max_power_w
        self._seen = store.registers.get(token)
        self._begun = self._seen is not None
        """Whether there is a connection: who only asks for a session leaves nothing behind."""

    def read(self) -> MeterReading:
        """The meter's reading, if it can be one.

        Raises:
            MeterError: There is none at the moment, or one that cannot be: the next may be good.
            SessionError: For too long none could be.
        """
        if self.fault is not None:
            raise self.fault.with_traceback(None)
        self.problem = None
        reading = self.meter.read()
        self.problem = problem = self._problem(reading)
        if problem is None:
            self._suspicion.clear()
            self._note(reading)
            return reading
        if self._suspicion.is_fault():
            self.fault = problem
            raise problem
        raise MeterError(str(problem))

    def _problem(self, reading: MeterReading) -> SessionError | None:
        seen = self._seen
        if seen is None:
            connection = self._store.connections.get(self._token)
            start = 0 if connection is None else connection.meter_start_wh
            return self._fell(start, reading.energy_wh) if reading.energy_wh < start else None
        if (self.meter.id, reading.register) != (seen.meter, seen.register):
            return SessionError(
                ErrorCode.METER_REPLACED,
                f"this session began with the register {seen.register or 'without a name'} of the "
                f"meter {seen.meter!r}, and this is {reading.register or 'one without a name'} of "
                f"{self.meter.id!r}: go on with that one",
            )
        if reading.energy_wh < seen.highest_wh:
            return self._fell(seen.highest_wh, reading.energy_wh)
        if self._max_power_w is None:
            return None
        seconds = max(0.0, reading.at.timestamp() - seen.read_at) + _SLACK_SECONDS
        most = int(self._max_power_w * (1 + _SLACK_SHARE) * seconds / _SECONDS_PER_HOUR)
        gained = reading.energy_wh - seen.highest_wh
        if gained > most + 2 * reading.resolution_wh:
            return SessionError(
                ErrorCode.ENERGY_IMPLAUSIBLE,
                f"the register of {self.meter.id} went from {seen.highest_wh} Wh to "
                f"{reading.energy_wh} Wh within {seconds:.0f} s, and the source delivers at most "
                f"{self._max_power_w} W: look which of them is wrong",
            )
        return None

    def _fell(self, highest_wh: int, energy_wh: int) -> SessionError:
        return SessionError(
            ErrorCode.ENERGY_DECREASED,
            f"the register of {self.meter.id} has shown {highest_wh} Wh and shows {energy_wh} Wh "
            "now: it has fallen, and nothing that it says counts any more; have the meter looked "
            "at",
        )

    def _note(self, reading: MeterReading) -> None:
        begun = self._begun or self._store.connections.get(self._token) is not None
        seen = self._seen
        if seen is not None and seen.highest_wh == reading.energy_wh and begun == self._begun:
            return
        self._begun = begun
        self._seen = StoredRegister(
            self.meter.id, reading.register, reading.energy_wh, reading.at.timestamp()
        )
        if begun:
            self._store.registers.note(self._token, self._seen)
