"""Meters and sources of energy by a name, as commands and settings have them.

| name | what it is |
| --- | --- |
| `ocmf:FILE?serial=…&key=…` | a meter that signs: a file, a named pipe or a serial device |
| `csv:FILE?id=…&energy=…` | what a logger or a spreadsheet writes |
| `modbus:HOST:PORT?map=…&id=…` | a meter on Modbus, also at a serial device; the extra `modbus` |
| `python:package.module:Class?name=value` | anyone's own `Meter` or `EnergySource` |
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.csvmeter import CsvMeter
from ape_v2v.metering.ocmf import OcmfMeter
from ape_v2v.metering.records import records_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.meter import EnergySource, Meter

_MOST = 1e9
_MOST_UNITS = 247
_YES, _NO = {"yes", "true", "1"}, {"no", "false", "0"}


def meter_named(name: str) -> Meter:
    """The meter of this name.

    Raises:
        ConfigurationError: The name is none, or an option of it is unknown or missing.
        MeterError: The meter cannot be read.
    """
    kind, place, options = _parts(name)
    if kind not in _METERS:
        raise ConfigurationError(
            f"no meter is called {name!r}: expected {', '.join(f'{known}:…' for known in _METERS)}"
        )
    return _METERS[kind](name, place, options)


def source_named(name: str) -> EnergySource:
    """The source of energy of this name: `python:package.module:Class`.

    Raises:
        ConfigurationError: The name is none, or an option of it is unknown or missing.
    """
    kind, place, options = _parts(name)
    if kind != "python":
        raise ConfigurationError(f"no source is called {name!r}: expected python:module:Class")
    source: EnergySource = _own(name, place, options)
    return _having(source, name, "delivered_wh", "max_power_w", "allow", "stop")


def _parts(name: str) -> tuple[str, str, dict[str, str]]:
    kind, _, rest = name.partition(":")
    place, _, query = rest.partition("?")
    # A plus is one: paths and keys have them.
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    return kind, place, dict(pairs)


def _ocmf(name: str, place: str, options: dict[str, str]) -> Meter:
    _require(name, options, needed=("serial", "key"), known=("register", "age", "unsynchronized"))
    return OcmfMeter(
        records_at(place),
        serial=options["serial"],
        public_key=key_of(options["key"]),
        register=options.get("register"),
        max_age=_age(name, options.get("age", "60")),
        unsynchronized=_is_yes(name, "unsynchronized", options.get("unsynchronized", "no")),
    )


def _csv(name: str, place: str, options: dict[str, str]) -> Meter:
    _require(
        name, options, needed=("id",), known=("time", "energy", "unit", "zone", "resolution_wh")
    )
    values: dict[str, Any] = dict(options)
    if "resolution_wh" in options:
        values["resolution_wh"] = int(_number(name, "resolution_wh", options["resolution_wh"]))
    return CsvMeter(place, **values)


def _modbus(name: str, place: str, options: dict[str, str]) -> Meter:
    _require(
        name,
        options,
        needed=("id", "map"),
        known=("register", "unit", "baud", "timeout", "every"),
    )
    _need_extra(name, "pymodbus", "modbus")
    from ape_v2v.metering.modbus.device import DEFAULT_BAUD, ModbusDevice  # noqa: PLC0415 - extra
    from ape_v2v.metering.modbus.meter import IMPORT, ModbusMeter  # noqa: PLC0415 - ditto
    from ape_v2v.metering.modbus.registermap import map_named  # noqa: PLC0415 - ditto

    device = ModbusDevice.at(
        place,
        unit=int(_number(name, "unit", options.get("unit", "1"), most=_MOST_UNITS)),
        baud=int(_number(name, "baud", options.get("baud", str(DEFAULT_BAUD)))),
        timeout=_number(name, "timeout", options.get("timeout", "1")),
    )
    return ModbusMeter(
        device,
        map_named(options["map"]),
        id=options["id"],
        register=options.get("register", IMPORT),
        every=_number(name, "every", options.get("every", "0.2")),
    )


def _python(name: str, place: str, options: dict[str, str]) -> Meter:
    meter: Meter = _own(name, place, options)
    return _having(meter, name, "id", "read")


def _own(name: str, place: str, options: dict[str, str]) -> Any:
    module, _, attribute = place.partition(":")
    try:
        factory = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"{name!r} cannot be found ({error}): expected python:package.module:Class, to be "
            "imported by this Python"
        ) from error
    try:
        inspect.signature(factory).bind(**options)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{name!r} cannot be made: {error}") from error
    return factory(**options)


def _having(made: Any, name: str, *parts: str) -> Any:
    for part in parts:
        if not hasattr(made, part):
            raise ConfigurationError(f"{name!r} has no {part!r}: see ape_v2v.metering.meter")
    return made


_METERS: dict[str, Callable[[str, str, dict[str, str]], Meter]] = {
    "ocmf": _ocmf,
    "csv": _csv,
    "modbus": _modbus,
    "python": _python,
}


def key_of(text: str) -> str:
    """A key, or what the file of this name holds, in hexadecimal digits if it is binary."""
    try:
        data = Path(text).read_bytes() if Path(text).is_file() else text.encode()
    except (OSError, ValueError):  # as a name that is too long for a file
        return text
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.hex()


def _need_extra(name: str, module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise ConfigurationError(
            f"{name!r} takes {module}, which is not installed: install ape-v2v[{extra}]"
        )


def _require(
    name: str, options: dict[str, str], *, needed: tuple[str, ...], known: tuple[str, ...]
) -> None:
    for option in needed:
        if option not in options:
            raise ConfigurationError(f"{name!r} says no {option!r}: add {option}=…")
    for option in options:
        if option not in needed + known:
            raise ConfigurationError(
                f"{name!r} has an unknown option {option!r}: expected {', '.join(needed + known)}"
            )


def _age(name: str, text: str) -> timedelta | None:
    return None if text == "any" else timedelta(seconds=_number(name, "age", text))


def _number(name: str, option: str, text: str, *, most: float = _MOST) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= most:
        raise ConfigurationError(
            f"{option} in {name!r} is {text!r}: expected a number above 0, up to {most:g}"
        )
    return value


def _is_yes(name: str, option: str, text: str) -> bool:
    if text not in _YES | _NO:
        raise ConfigurationError(f"{option} in {name!r} is {text!r}: expected yes or no")
    return text in _YES
