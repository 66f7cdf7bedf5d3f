"""What is known of one charger: what it has measured, and its transaction.

Its connection writes here, from the thread of the central system; meters and sources read, from
theirs.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ape_v2v.metering.meter import MAX_RECORD_BYTES, MeterError
from ape_v2v.metering.ocpp.samples import REGISTERS, ChargerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from decimal import Decimal

    from ape_v2v.metering.ocpp.samples import ChargerSample

_KEPT_RECORDS = 256
_PAUSE = 0.05
PATIENCE_SECONDS = 30.0
"""How long a charger may take to connect again, when this program was started anew."""
_KEPT_TRANSACTIONS = 64


Word = TypeVar("Word")


class Line(Protocol):
    """A connection that a charger can be asked over."""

    version: str
    """Of OCPP."""

    async def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a request, and wait for the answer.

        Raises:
            ChargerError: There is none, or it says that something is wrong.
        """


class ChargingStation:
    """One charger, and the outlet of it that is meant."""

    def __init__(self, name: str, outlet: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Wait for a charger.

        Args:
            name: Under which it connects.
            outlet: The connector (1.6), or the EVSE (2.x).
            clock: Seconds.
        """
        self.name = name
        self.outlet = outlet
        self.line: Line | None = None
        """Its connection; None while there is none."""
        self.tag: str | None = None
        """What transactions have to be begun with; None for anything."""
        self.transaction: int | str | None = None
        self.soc: Decimal | None = None
        self.largest_discharge_w: int | None = None
        """The most that the vehicle gives, as it says; None when it does not."""
        self.triggers: bool | None = None
        """Whether it measures when it is asked to; None when that has not been tried."""
        self._clock = clock
        self._lock = threading.Lock()
        self._registers: dict[str, tuple[Decimal, datetime]] = {}
        self._steps: dict[str, int] = {}
        self._heard: dict[str, float] = {}
        self._power_w = 0
        self._records: deque[bytes] = deque(maxlen=_KEPT_RECORDS)
        self._arrived = 0
        self._problem: str | None = None
        self._ended: deque[int | str] = deque(maxlen=_KEPT_TRANSACTIONS)
        self._wake: list[Callable[[], None]] = []

    # What the connection writes

    def note(self, sample: ChargerSample) -> None:
        """Take in what was measured. What is older than what is known changes nothing."""
        with self._lock:
            for measurand, (wh, step) in sample.registers.items():
                before = self._registers.get(measurand)
                if before is not None and sample.at <= before[1]:
                    continue  # repeated, or kept while the charger was offline
                self._registers[measurand] = wh, sample.at
                self._steps[measurand] = min(step, self._steps.get(measurand, step))
                self._heard[measurand] = self._clock()
                self._problem = None
            self._power_w = self._power_w if sample.power_w is None else sample.power_w
            self.soc = self.soc if sample.soc is None else sample.soc
            for record in sample.signed:
                if record not in self._records:
                    self._records.append(record)
                    self._arrived += 1
                    self._heard["signed"] = self._clock()
                    self._problem = None
        self.wake()

    def refuse(self, problem: str) -> None:
        """Note that what it has said cannot be: nothing counts until it says something good."""
        with self._lock:
            self._problem = problem

    def begin(self, transaction: int | str) -> None:
        """Note its transaction; one that is over does not begin again."""
        if transaction not in self._ended:
            self.transaction = transaction
        self.wake()

    def end(self, transaction: int | str | None) -> None:
        """Note that a transaction is over; None for whichever there is."""
        over = self.transaction if transaction is None else transaction
        if over is not None:
            self._ended.append(over)
        if over == self.transaction:
            self.transaction = None
            self._power_w = 0
        self.wake()

    # What meters and sources read

    def register(self, measurand: str) -> tuple[Decimal, int, datetime, int]:
        """A register's energy, its smallest step, its time and the power: Wh, Wh, UTC, W.

        Raises:
            MeterError: There is none, or the last one cannot be.
        """
        with self._lock:
            if self._problem is not None:
                raise ChargerError(f"the charger {self.name}: {self._problem}")
            found = self._registers.get(measurand)
            if found is None:
                raise MeterError(self._nothing(measurand))
            wh, at = found
            return wh, self._steps[measurand], at, self._power_w

    @property
    def silent_for(self) -> float:
        """How long ago it has last measured energy, seconds."""
        with self._lock:
            return self._clock() - max(self._heard.values(), default=float("-inf"))

    def since(self, measurand: str) -> float | None:
        """How long ago a register was heard of, seconds; None for never."""
        with self._lock:
            heard = self._heard.get(measurand)
            return None if heard is None else self._clock() - heard

    def records(self, after: int) -> tuple[int, list[bytes]]:
        """How many signed records have come, and those after so many.

        Raises:
            MeterError: None has come, or what came last cannot be one.
        """
        with self._lock:
            if self._problem is not None:
                raise ChargerError(f"the charger {self.name}: {self._problem}")
            if not self._arrived:
                raise MeterError(self._nothing("a signed value"))
            new = min(self._arrived - after, len(self._records))
            kept = list(self._records)
            return self._arrived, kept[len(kept) - new :]

    def on_news(self, wake: Callable[[], None]) -> None:
        """Have something called when there is news, in the connection's thread."""
        self._wake.append(wake)

    def wake(self) -> None:
        """Tell whoever waits that there is news."""
        for wake in self._wake:
            wake()

    def _nothing(self, measurand: str) -> str:
        if self.line is None:
            return (
                f"no charger is connected as {self.name}: enter this central system's address in "
                "its settings, with that name at the end"
            )
        known = ", ".join(name for name in REGISTERS if name in self._registers) or "no register"
        hint = (
            "it measures in a transaction only, and does not take TriggerMessage: have it send "
            "clock-aligned values"
            if self.triggers is False
            else "have it send that with its meter values"
        )
        return f"the charger {self.name} has said {known}, and not {measurand}: {hint}"


class FirstWord:
    """Waits for a charger once, until it has connected and measured for the first time."""

    def __init__(self, patience: float) -> None:
        self._patience = patience

    def of(self, ask: Callable[[], Word]) -> Word:
        """What is asked for, as soon as there is something.

        Raises:
            MeterError: There is nothing; at the first time, nothing in all that time.
        """
        until, self._patience = time.monotonic() + self._patience, 0.0
        while True:
            try:
                return ask()
            except MeterError:
                if time.monotonic() >= until:
                    raise
                time.sleep(_PAUSE)


class StationRecords:
    """The signed records of a charger, as a meter reads them."""

    def __init__(self, station: ChargingStation, patience: float = PATIENCE_SECONDS) -> None:
        self._station = station
        self._first = FirstWord(patience)
        self._read = 0

    def arrived(self) -> list[bytes]:
        """Those that have come since the last call, the oldest first.

        Raises:
            MeterError: None has come yet.
        """
        self._read, new = self._first.of(lambda: self._station.records(self._read))
        return [record for record in new if len(record) <= MAX_RECORD_BYTES]
