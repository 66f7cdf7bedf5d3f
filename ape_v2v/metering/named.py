"""Meters and sources of energy by a name, as commands and settings have them.

| name | what it is |
| --- | --- |
| `ocmf:FILE?serial=…&key=…` | a meter that signs: a file, a named pipe or a serial device |
| `ocmf+serial:DEVICE?baud=…&serial=…&key=…` | the same at a serial line, which is set up |
| `csv:FILE?id=…&energy=…` | what a logger or a spreadsheet writes |
| `modbus:HOST:PORT?map=…&id=…` | a meter on Modbus, also at a serial device; the extra `modbus` |
| `ocpp:HOST:PORT/CHARGER?…` | a charger that connects here; the extra `ocpp` |
| `python:package.module:Class?name=value` | anyone's own `Meter` or `EnergySource` |
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.csvmeter import CsvMeter
from ape_v2v.metering.records import records_at
from ape_v2v.metering.signed.ocmf import OcmfMeter

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.meter import EnergySource, Meter
    from ape_v2v.metering.ocpp.central import CentralSystem
    from ape_v2v.metering.records import RecordSource

_MOST = 1e9
_MOST_UNITS = 247
_FULL = 100
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_FLOWS = {
    "import": "Energy.Active.Import.Register",
    "export": "Energy.Active.Export.Register",
}
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
    """The source of energy of this name: `ocpp:…` or `python:package.module:Class`.

    Raises:
        ConfigurationError: The name is none, or an option of it is unknown or missing.
    """
    kind, place, options = _parts(name)
    if kind == "ocpp":
        return _charger_source(name, place, options)
    if kind != "python":
        raise ConfigurationError(
            f"no source is called {name!r}: expected ocpp:… or python:module:Class"
        )
    source: EnergySource = _own(name, place, options)
    return _having(source, name, "delivered_wh", "max_power_w", "allow", "stop")


def _parts(name: str) -> tuple[str, str, dict[str, str]]:
    kind, _, rest = name.partition(":")
    place, _, query = rest.partition("?")
    # A plus is one: paths and keys have them.
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    return kind, place, dict(pairs)


def _ocmf(name: str, place: str, options: dict[str, str]) -> Meter:
    _require(name, options, needed=_SIGNING, known=_OCMF)
    return _signing(name, records_at(place), options)


def _ocmf_line(name: str, place: str, options: dict[str, str]) -> Meter:
    _require(name, options, needed=_SIGNING, known=("baud", *_OCMF))
    baud = int(_number(name, "baud", options.get("baud", "9600")))
    return _signing(name, records_at(place, baud=baud), options)


_SIGNING = ("serial", "key")
_OCMF = ("register", "age", "unsynchronized")
"""What is said of every meter that signs, and what may be."""


def _signing(name: str, records: RecordSource, options: dict[str, str]) -> OcmfMeter:
    return OcmfMeter(
        records,
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


_CHARGER = ("connector", "interval", "password", "tls_certificate", "tls_key")
"""What the meter and the source of one charger have to say alike."""


def _charger(name: str, place: str, options: dict[str, str]) -> tuple[CentralSystem, Any]:
    """The central system that a charger connects to, and the charger."""
    _need_extra(name, "ocpp", "ocpp")
    from ape_v2v.metering.ocpp.central import central_at  # noqa: PLC0415 - extra

    address, _, charger = place.partition("/")
    host, _, port = address.rpartition(":")
    if not (host and charger and port.isascii() and port.isdecimal()):
        raise ConfigurationError(
            f"{name!r} says no address and charger: expected ocpp:HOST:PORT/CHARGER, as "
            "ocpp:127.0.0.1:9000/CP1"
        )
    certificate = options.get("tls_certificate"), options.get("tls_key")
    if (certificate[0] is None) != (certificate[1] is None):
        raise ConfigurationError(f"{name!r}: give tls_certificate and tls_key, or neither")
    password = options.get("password")
    if password is None and host not in _LOOPBACK:
        raise ConfigurationError(
            f"{name!r} lets in whoever says that it is {charger}: name a file that holds the "
            "charger's password with password=…, and a certificate with tls_certificate=…"
        )
    outlet = int(_number(name, "connector", options.get("connector", "1")))
    interval = int(_number(name, "interval", options.get("interval", "5"), least=1))
    secret = None if password is None else _secret(password)
    central = central_at(
        host.strip("[]"),
        int(port),
        None if certificate[0] is None else (Path(certificate[0]), Path(str(certificate[1]))),
    )
    station = central.admit(charger, outlet=outlet, password=secret, interval=interval)
    return central, station


def _ocpp(name: str, place: str, options: dict[str, str]) -> Meter:
    signed = "key" in options
    own = ("register", "unsynchronized") if signed else ("flow",)
    needed = ("serial", "key") if signed else ("id",)
    _require(name, options, needed=needed, known=("age", "patience", *own, *_CHARGER))
    flow = options.get("flow", "import")
    if flow not in _FLOWS:
        raise ConfigurationError(f"flow in {name!r} is {flow!r}: expected import or export")
    _, station = _charger(name, place, options)
    from ape_v2v.metering.ocpp.equipment import OcppMeter  # noqa: PLC0415 - extra
    from ape_v2v.metering.ocpp.station import PATIENCE_SECONDS, StationRecords  # noqa: PLC0415

    age = _age(name, options.get("age", "60"))
    patience = _number(name, "patience", options.get("patience", str(PATIENCE_SECONDS)))
    if not signed:
        return OcppMeter(
            station, id=options["id"], measurand=_FLOWS[flow], max_age=age, patience=patience
        )
    return _signing(name, StationRecords(station, patience), options)


def _charger_source(name: str, place: str, options: dict[str, str]) -> EnergySource:
    _require(name, options, needed=("power_w",), known=("tag", "discharge", "reserve", *_CHARGER))
    reserve = options.get("reserve")
    power_w = int(_number(name, "power_w", options["power_w"], least=1))
    percent = None if reserve is None else _number(name, "reserve", reserve, most=_FULL)
    discharging = _is_yes(name, "discharge", options.get("discharge", "no"))
    if discharging and percent is None:
        raise ConfigurationError(
            f"{name!r} says no 'reserve': add reserve=…, the part of the battery that is to stay, "
            "in percent"
        )
    central, station = _charger(name, place, options)
    from ape_v2v.metering.ocpp.contactor import Flowing  # noqa: PLC0415 - extra
    from ape_v2v.metering.ocpp.equipment import OcppSource  # noqa: PLC0415 - ditto

    flowing = Flowing(
        power_w,
        options.get("tag", "ape-v2v"),
        discharging=discharging,
        reserve=None if percent is None else Decimal(str(percent)),
    )
    return OcppSource(station, flowing, central)


def _secret(file: str) -> str:
    """The password in a file."""
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the password's file {file!r} cannot be read: {error}") from error


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
    "ocmf+serial": _ocmf_line,
    "csv": _csv,
    "modbus": _modbus,
    "ocpp": _ocpp,
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


def _number(name: str, option: str, text: str, *, least: float = 0.0, most: float = _MOST) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (0 < value <= most and value >= least):
        raise ConfigurationError(
            f"{option} in {name!r} is {text!r}: expected a number "
            + (f"from {least:g}" if least else "above 0")
            + f" to {most:g}"
        )
    return value


def _is_yes(name: str, option: str, text: str) -> bool:
    if text not in _YES | _NO:
        raise ConfigurationError(f"{option} in {name!r} is {text!r}: expected yes or no")
    return text in _YES
