"""A meter on Modbus: nothing is signed, the other side has your word and its own meter."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ape_v2v.metering.meter import MeterError, MeterReading, plain_record, wire_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.modbus.device import ModbusDevice
    from ape_v2v.metering.modbus.registermap import RegisterMap, RegisterValue

IMPORT = "import"


class ModbusMeter:
    """Shows what one register of energy holds."""

    def __init__(
        self,
        device: ModbusDevice,
        registers: RegisterMap,
        *,
        id: str,  # noqa: A002 - as the interface has it
        register: str = IMPORT,
        every: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read a device.

        Args:
            device: The meter.
            registers: What it has where.
            id: What the meter is called, at most 32 bytes.
            register: Which register of energy of the map to read.
            every: How often the device is asked, at most, s.
            clock: Seconds.

        Raises:
            ConfigurationError: The map has no such register.
            MeterError: The id does not fit into a message.
        """
        wire_id(id)
        self.id = id
        self._device = device
        self._map = registers
        self._name = register
        self._energy = registers.register(register)
        self._every = every
        self._clock = clock
        self._base: int | None = None
        """Where addresses count from, once it is known."""
        self._last: MeterReading | MeterError | None = None
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def read(self) -> MeterReading:
        """What the meter shows, or has shown not longer than `every` ago.

        Raises:
            MeterError: It cannot be reached, or its registers hold no reading.
        """
        with self._lock:
            if self._last is None or self._clock() - self._asked >= self._every:
                try:
                    self._last = self._ask()
                except MeterError as error:
                    self._last = error
                self._asked = self._clock()
            if isinstance(self._last, MeterError):
                raise self._last.with_traceback(None)
            return self._last

    def _ask(self) -> MeterReading:
        if self._base is None:
            models = self._map.sunspec
            self._base = 0 if models is None else self._device.find(self._map.table, models)
        wh, step = self._energy.watt_hours(self._read(self._energy), f"register {self._name!r}")
        power_w, power = 0, self._map.power
        if power is not None:
            # Its sign says which way, and so does the register.
            power_w = abs(int(power.number(self._read(power), "power")[0]))
        at = datetime.now(UTC)
        record = plain_record(self.id, int(wh), power_w, at)
        return MeterReading(int(wh), power_w, at, record, self._name, step)

    def _read(self, value: RegisterValue) -> list[int]:
        assert self._base is not None, "it was looked for"
        span = value.span
        return self._device.read(
            self._map.table, range(self._base + span.start, self._base + span.stop)
        )
