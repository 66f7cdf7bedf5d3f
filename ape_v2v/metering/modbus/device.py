"""A device on Modbus: its registers, read by TCP or by a serial line."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException

from ape_v2v.metering.meter import MeterError

if TYPE_CHECKING:
    from ape_v2v.metering.modbus.registermap import SunSpecModels

DEFAULT_PORT = 502
DEFAULT_BAUD = 9600
_RETRIES = 1
_SUNSPEC = [0x5375, 0x6E53]  # "SunS"
_END = 0xFFFF
_MOST_MODELS = 100
_LAST_ADDRESS = 0xFFFF

# What fails is said in our own words, and once.
logging.getLogger("pymodbus.logging").addHandler(logging.NullHandler())


class ModbusDevice:
    """One device on a line. It connects when it is first read, and again when it has to."""

    def __init__(self, client: Any, unit: int, place: str) -> None:
        """Take a client of pymodbus.

        Args:
            client: Not connected yet.
            unit: The device's number on the line.
            place: Where it is, for errors.
        """
        self._client = client
        self._unit = unit
        self._place = place

    @classmethod
    def at(cls, place: str, *, unit: int, baud: int, timeout: float) -> ModbusDevice:
        """The device at `host:port`, or at a serial device as `/dev/ttyUSB0`."""
        client: Any
        if "/" in place:
            client = ModbusSerialClient(place, baudrate=baud, timeout=timeout, retries=_RETRIES)
        else:
            host, port = place, DEFAULT_PORT
            before, _, after = place.rpartition(":")
            if before and after.isascii() and after.isdecimal():
                host, port = before.strip("[]"), int(after)
            client = ModbusTcpClient(host, port=port, timeout=timeout, retries=_RETRIES)
        return cls(client, unit, place)

    def read(self, table: Literal["holding", "input"], registers: range) -> list[int]:
        """The registers at these addresses.

        Raises:
            MeterError: The device cannot be reached, or refuses them.
        """
        client = self._client
        ask = client.read_holding_registers if table == "holding" else client.read_input_registers
        try:
            if not client.connected and not client.connect():
                raise MeterError(
                    f"the meter at {self._place} cannot be reached: look whether it is on, and "
                    "whether the address is right"
                )
            answer = ask(registers.start, count=len(registers), device_id=self._unit)
        except (ModbusException, OSError, ValueError) as error:
            client.close()
            words = " ".join(str(error).split())
            raise MeterError(
                f"the meter at {self._place} gives no answer: {words}; look whether its number on "
                f"the line is {self._unit}"
            ) from error
        if answer.isError():
            raise MeterError(
                f"the meter at {self._place} refuses the {table} registers {registers.start} to "
                f"{registers.stop - 1} (Modbus exception "
                f"{getattr(answer, 'exception_code', 'unknown')}): look whether the map is of this "
                "meter"
            )
        found = list(answer.registers)
        if len(found) != len(registers):
            client.close()  # the answer to another question, perhaps
            raise MeterError(
                f"the meter at {self._place} has given {len(found)} registers for {len(registers)}"
            )
        return found

    def find(self, table: Literal["holding", "input"], wanted: SunSpecModels) -> int:
        """Where the first of these SunSpec models begins.

        Raises:
            MeterError: The device cannot be reached, or has none of them.
        """
        seen: list[int] = []
        for base in wanted.bases:
            try:
                if self.read(table, range(base, base + 2)) != _SUNSPEC:
                    continue
            except MeterError:
                if not self._client.connected:
                    raise
                continue  # it refuses these registers
            address = base + 2
            while address < _LAST_ADDRESS and len(seen) < _MOST_MODELS:
                model, length = self.read(table, range(address, address + 2))
                if model in wanted.models:
                    return address
                if model == _END:
                    break
                seen.append(model)
                address += 2 + length
        raise MeterError(
            f"the device at {self._place} has no SunSpec model {', '.join(map(str, wanted.models))}"
            f", but {', '.join(map(str, seen)) or 'none at all'}: take another map"
        )

    def close(self) -> None:
        """Hang up; the next reading connects again."""
        self._client.close()
