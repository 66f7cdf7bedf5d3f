"""What a charger's meter values say, in OCPP 1.6 and 2.x alike.

Chargers leave out what has a default, and add what nobody asked for: both are borne with. A value
of the register itself that cannot be one is refused, and which it was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.signed import envelopes
from ape_v2v.metering.signed.payloads import MAXIMUM_WH

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPORTED = "Energy.Active.Import.Register"
EXPORTED = "Energy.Active.Export.Register"
REGISTERS = (IMPORTED, EXPORTED)
_POWERS = ("Power.Active.Import", "Power.Active.Export")
_SOC = "SoC"
_ENERGY_UNITS = {"wh": Decimal(1), "kwh": Decimal(1000)}
_POWER_UNITS = {"w": Decimal(1), "kw": Decimal(1000)}
_DEFAULTS = {"measurand": IMPORTED, "location": "Outlet"}
_MULTIPLIERS = range(-9, 10)
_COARSEST_WH = 100
"""A number without digits after the point may have lost them: 12.0 kWh is written as 12."""
_MOST_W = 10_000_000
_FULL = 100
_MOST_DIGITS = 30


class ChargerError(MeterError):
    """A charger says what cannot be, or does not do what it is asked to."""


@dataclass(frozen=True)
class ChargerSample:
    """What a charger has measured at one moment."""

    at: datetime
    """UTC, by the charger's clock."""
    registers: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    """By measurand: the register, and the smallest step that it shows, Wh."""
    power_w: int | None = None
    soc: Decimal | None = None
    """Of the battery, percent."""
    signed: tuple[bytes, ...] = ()
    """OCMF records."""


def samples(meter_values: Any) -> list[ChargerSample]:
    """The samples in the `meterValue` of a message, in its order.

    Raises:
        ChargerError: It is none, or a value in it cannot be one.
    """
    if not isinstance(meter_values, list):
        raise ChargerError(f"meterValue is {_shown(meter_values)}: expected a list of samples")
    return [_sample(each) for each in meter_values]


def moment(text: Any) -> datetime:
    """A time as OCPP has it, UTC.

    Raises:
        ChargerError: It is none, or names no zone.
    """
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)  # which OCPP 1.6 advises
        return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise ChargerError(
            f"the timestamp is {_shown(text)}: expected one as 2026-05-01T12:00:00Z"
        ) from error


def watt_hours(value: Any, unit: Any = None, multiplier: Any = None) -> tuple[Decimal, int]:
    """A register's energy, and the smallest step that it shows, Wh.

    Raises:
        ChargerError: It cannot be one.
    """
    number = _number(value, "the register")
    factor = _factor(unit, multiplier, _ENERGY_UNITS, "Wh")
    wh = number * factor
    if not 0 <= wh <= MAXIMUM_WH:
        raise ChargerError(
            f"the register is {_shown(value)} {unit or 'Wh'}: expected from 0 to {MAXIMUM_WH} Wh"
        )
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "the number is finite"
    step = factor.scaleb(max(min(exponent, 0), -18))
    return wh, min(max(1, int(step)), _COARSEST_WH)


def _sample(value: Any) -> ChargerSample:
    if not isinstance(value, dict):
        raise ChargerError(f"a sample is {_shown(value)}: expected an object")
    at = moment(value.get("timestamp"))
    registers: dict[str, tuple[Decimal, int]] = {}
    power: int | None = None
    soc: Decimal | None = None
    signed: list[bytes] = []
    parts = value.get("sampledValue")
    for part in parts if isinstance(parts, list) else [parts]:
        if not isinstance(part, dict):
            raise ChargerError(f"sampledValue has {_shown(part)}: expected objects")
        if records := list(_records(part)):
            signed += records
            continue
        if part.get("phase") is not None:  # of one phase alone
            continue
        measurand = part.get("measurand") or _DEFAULTS["measurand"]
        outlet = (part.get("location") or _DEFAULTS["location"]) == _DEFAULTS["location"]
        number, *unit = part.get("value"), *_unit(part)
        if measurand in REGISTERS and outlet:
            registers[measurand] = watt_hours(number, *unit)
        elif measurand in _POWERS and outlet:
            power = _power(number, *unit) or power
        elif measurand == _SOC:
            soc = _percent(number)
    return ChargerSample(at, registers, power, soc, tuple(signed))


def _records(part: dict[str, Any]) -> Iterator[bytes]:
    """The signed records in a value, if it is one."""
    if part.get("format") != "SignedData" and "signedMeterValue" not in part:
        return
    try:
        text = json.dumps(part).encode()
    except (ValueError, RecursionError) as error:
        raise ChargerError("a signed value cannot be read") from error
    for enclosed in envelopes.opened(text):
        yield enclosed.record


def _unit(part: dict[str, Any]) -> tuple[Any, Any]:
    """A value's unit and its power of ten: OCPP 2.x has both in an object."""
    unit = part.get("unitOfMeasure")
    if isinstance(unit, dict):
        return unit.get("unit"), unit.get("multiplier")
    return part.get("unit"), None


def _number(value: Any, name: str) -> Decimal:
    """A number, which OCPP 1.6 has in a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ChargerError(f"{name} is {_shown(value)}: expected a number")
    try:
        number = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise ChargerError(f"{name} is {_shown(value)}: expected a number")
    return number


def _factor(unit: Any, multiplier: Any, units: dict[str, Decimal], default: str) -> Decimal:
    name = default if unit is None or unit == "" else unit
    if not isinstance(name, str) or name.lower() not in units:
        raise ChargerError(f"the unit is {_shown(unit)}: expected {default} or k{default}")
    power = 0 if multiplier is None else multiplier
    if isinstance(power, bool) or not isinstance(power, int) or power not in _MULTIPLIERS:
        raise ChargerError(
            f"the multiplier is {_shown(multiplier)}: expected a whole number from "
            f"{_MULTIPLIERS[0]} to {_MULTIPLIERS[-1]}"
        )
    return units[name.lower()].scaleb(power)


def _power(value: Any, unit: Any, multiplier: Any) -> int:
    """The power, W, for people: one that cannot be read is none."""
    try:
        power = _number(value, "the power") * _factor(unit, multiplier, _POWER_UNITS, "W")
    except ChargerError:
        return 0
    return int(min(abs(power), Decimal(_MOST_W)))


def _percent(value: Any) -> Decimal:
    number = _number(value, "the battery's state of charge")
    if not 0 <= number <= _FULL:
        raise ChargerError(
            f"the battery's state of charge is {_shown(value)}: expected from 0 to 100 percent"
        )
    return number


def _shown(value: Any) -> str:
    return repr(value)[:60]
