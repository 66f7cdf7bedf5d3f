"""Which registers of a Modbus meter mean what, as a YAML file says it.

    name: Eastron SDM
    table: input
    registers:
      import: {address: 72, type: float32, unit: kWh}
    power: {address: 52, type: float32, unit: W}

With `sunspec`, addresses count from the beginning of the model that is named there.
"""

from __future__ import annotations

import math
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.exceptions import ModbusException

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.signed.payloads import MAXIMUM_WH
from ape_v2v.validation import first_words

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST_ADDRESS = 0xFFFF
_MAX_FILE_BYTES = 64 * 1024
_MAX_REGISTERS = 125
"""So many fit into one answer."""
_UNITS = {"Wh": Decimal(1), "kWh": Decimal(1000), "W": Decimal(1), "kW": Decimal(1000)}
_MISSING = {"int16": -(2**15), "uint16": 2**16 - 1, "int32": -(2**31), "uint32": 2**32 - 1}
"""SunSpec's signs for a value that the meter does not have."""
_NO_EXPONENT = -(2**15)
_EXPONENTS = range(-10, 11)
_SIGNIFICANT_BITS = {"float32": 24, "float64": 53}
_TYPES = {each.name.lower(): each for each in ModbusClientMixin.DATATYPE}


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RegisterValue(_Declared):
    """One value: where it is, and how a number is made of its registers."""

    address: int = Field(ge=0, le=LAST_ADDRESS)
    """As on the wire, from 0."""
    type: Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
    unit: Literal["Wh", "kWh", "W", "kW"]
    words: Literal["big", "little"] = "big"
    """Which register of a value comes first: the one with the highest bits, or the lowest."""
    scale: Decimal = Field(default=Decimal(1), gt=0, le=10**9)
    exponent_at: int | None = Field(default=None, ge=0, le=LAST_ADDRESS)
    """Where the power of ten is that the number is to be multiplied by, as SunSpec has it."""
    resolution_wh: int = Field(default=1, ge=1, le=1_000_000)
    """The smallest step that the register shows, Wh."""

    @property
    def length(self) -> int:
        """How many registers the number has."""
        return int(_TYPES[self.type].value[1])

    @property
    def span(self) -> range:
        """The registers to read at once, so that a number and its exponent belong together."""
        begin, end = self.address, self.address + self.length
        if self.exponent_at is not None:
            begin, end = min(begin, self.exponent_at), max(end, self.exponent_at + 1)
        return range(begin, end)

    @model_validator(mode="after")
    def _fits(self) -> RegisterValue:
        if len(self.span) > _MAX_REGISTERS or self.span.stop > LAST_ADDRESS + 1:
            raise ValueError(f"a value and its exponent lie within {_MAX_REGISTERS} registers")
        return self

    def number(self, registers: Sequence[int], name: str) -> tuple[Decimal, Decimal]:
        """The value of these registers, those of `span`, and the smallest step that it can show.

        Both in Wh or W.

        Raises:
            MeterError: They hold none.
        """
        begin = self.address - self.span.start
        words = list(registers[begin : begin + self.length])
        factor = _UNITS[self.unit] * self.scale
        try:
            read = ModbusClientMixin.convert_from_registers(
                words, _TYPES[self.type], word_order=self.words
            )
        except (ModbusException, ValueError, TypeError) as error:
            raise MeterError(f"the {name} of the meter cannot be read: {error}") from error
        assert isinstance(read, int | float), "the type is one of a single number"
        if not math.isfinite(read):
            raise MeterError(f"the {name} of the meter is {read}: it does not have it now")
        if self.exponent_at is not None:
            exponent = _signed(registers[self.exponent_at - self.span.start])
            if read == _MISSING.get(self.type) or exponent == _NO_EXPONENT:
                raise MeterError(f"the meter has no {name}: name another register of its map")
            if exponent not in _EXPONENTS:
                raise MeterError(
                    f"the {name} of the meter has the exponent {exponent}: expected one from "
                    f"{_EXPONENTS[0]} to {_EXPONENTS[-1]}"
                )
            factor = factor.scaleb(exponent)
        step = factor
        if bits := _SIGNIFICANT_BITS.get(self.type):
            step = factor * Decimal(2) ** (math.frexp(read)[1] - bits)
        return Decimal(read) * factor, step

    def watt_hours(self, registers: Sequence[int], name: str) -> tuple[Decimal, int]:
        """The register's energy, and the smallest step that it shows, Wh.

        Raises:
            MeterError: The registers hold none that can be one.
        """
        wh, step = self.number(registers, name)
        if not 0 <= wh <= MAXIMUM_WH:
            raise MeterError(
                f"the {name} of the meter is {wh:.6g} Wh: expected one from 0 to {MAXIMUM_WH} Wh; "
                "look whether the map is of this meter, and in which order its words are"
            )
        return wh, max(self.resolution_wh, math.ceil(min(step, Decimal(MAXIMUM_WH))))


class SunSpecModels(_Declared):
    """Where SunSpec's models begin, and which of them is meant."""

    models: tuple[int, ...] = Field(min_length=1)
    bases: tuple[int, ...] = Field(default=(40_000, 50_000, 0), min_length=1)


class RegisterMap(_Declared):
    """What a meter has, by name."""

    name: str
    table: Literal["holding", "input"] = "holding"
    sunspec: SunSpecModels | None = None
    registers: dict[str, RegisterValue] = Field(min_length=1)
    """Registers of energy, as `import` and `export`."""
    power: RegisterValue | None = None

    @model_validator(mode="after")
    def _measures(self) -> RegisterMap:
        for name, value in self.registers.items():
            if not value.unit.endswith("h"):
                raise ValueError(f"the register {name} is in {value.unit}: expected Wh or kWh")
        if self.power is not None and self.power.unit.endswith("h"):
            raise ValueError(f"the power is in {self.power.unit}: expected W or kW")
        return self

    def register(self, name: str) -> RegisterValue:
        """A register of energy by its name.

        Raises:
            ConfigurationError: There is none of that name.
        """
        if name not in self.registers:
            raise ConfigurationError(
                f"the map {self.name} has no register {name!r}: expected "
                f"{' or '.join(self.registers)}"
            )
        return self.registers[name]


def shipped_maps() -> list[str]:
    """The names of the maps that come with the package."""
    folder = resources.files(__package__).joinpath("maps")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())


def map_named(name: str) -> RegisterMap:
    """A map that comes with the package, or one in a file.

    Raises:
        ConfigurationError: There is none, or it is not a map.
    """
    if name in shipped_maps():
        text = resources.files(__package__).joinpath("maps", f"{name}.yaml").read_bytes()
    else:
        try:
            with Path(name).open("rb") as file:
                text = file.read(_MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"the map {name!r} cannot be read ({error}): expected a file, or one of "
                f"{', '.join(shipped_maps())}"
            ) from error
    return parsed_map(text, name)


def parsed_map(text: bytes, name: str) -> RegisterMap:
    """The map that a file holds.

    Raises:
        ConfigurationError: It is not a map, and what of it is not.
    """
    if len(text) > _MAX_FILE_BYTES:
        raise ConfigurationError(f"the map {name!r} is longer than {_MAX_FILE_BYTES} bytes")
    try:
        return RegisterMap.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise ConfigurationError(f"the map {name!r}: {first_words(error)}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError) as error:
        words = " ".join(str(error).split())[:200]
        raise ConfigurationError(f"the map {name!r} is not YAML: {words}") from error


def _signed(register: int) -> int:
    return register - 2**16 if register >= 2**15 else register
