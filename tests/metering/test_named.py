"""Meters by name: OCMF, CSV and anyone's own; and OCMF in the envelopes that it comes in."""

from __future__ import annotations

import base64
import json
import os
import termios
import tty
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ape_v2v import ConfigurationError
from ape_v2v.errors import V2VError
from ape_v2v.metering.csvmeter import CsvMeter
from ape_v2v.metering.meter import MeterError, MeterReading
from ape_v2v.metering.named import meter_named, source_named
from ape_v2v.metering.records import RecordError
from ape_v2v.metering.signed import envelopes
from ape_v2v.metering.signed.envelopes import Enclosed
from tests.helpers.documentation import examples
from tests.metering.test_ocmf import GENUINE, SERIAL, der, pem

OWN = "tests.metering.test_named"


class OwnMeter:
    """The smallest meter of one's own."""

    def __init__(self, id: str = "own", wh: str = "7") -> None:  # noqa: A002 - as it is called
        self.id = id
        self._wh = int(wh)

    def read(self) -> MeterReading:
        return MeterReading(self._wh, 0, datetime.now(UTC), b"own")


class OwnSource:
    """The smallest source of one's own."""

    delivered_wh = 0
    max_power_w = 3_700

    def allow(self, up_to_wh: int) -> None: ...
    def stop(self) -> None: ...


def test_an_ocmf_meter_is_named_by_its_file_and_key(tmp_path):
    (tmp_path / "records").write_bytes(GENUINE + b"\n")
    (tmp_path / "key.pem").write_text(pem())
    for key in (der(), tmp_path / "key.pem"):
        name = f"ocmf:{tmp_path}/records?serial={SERIAL}&key={key}&age=any"
        assert meter_named(name).read().energy_wh == 12_345


@pytest.fixture
def line():
    """A serial line: the meter's end of it, and the device's name."""
    meter, device = os.openpty()
    yield meter, os.ttyname(device)
    os.close(meter)
    os.close(device)


def test_a_meter_at_a_serial_line_is_named_by_the_device_and_its_speed(line):
    meter, device = line
    reader = meter_named(f"ocmf+serial:{device}?baud=19200&serial={SERIAL}&key={der()}&age=any")
    os.write(meter, GENUINE + b"\r\n")
    assert reader.read().energy_wh == 12_345
    assert termios.tcgetattr(meter)[tty.ISPEED] == termios.B19200


def test_what_is_no_serial_line_is_refused(line, tmp_path):
    (tmp_path / "file").write_bytes(GENUINE + b"\n")
    rest = f"serial={SERIAL}&key={der()}"
    with pytest.raises(MeterError, match="is no serial line"):
        meter_named(f"ocmf+serial:{tmp_path}/file?{rest}")
    with pytest.raises(MeterError, match="no serial line has 7 baud"):
        meter_named(f"ocmf+serial:{line[1]}?baud=7&{rest}")


def test_a_csv_file_is_named_with_its_columns(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("when;kwh\n2026-05-01T14:00:00;1,5\n")
    meter = meter_named(f"csv:{path}?id=house&time=when&energy=kwh&zone=Europe/Berlin")
    reading = meter.read()
    assert (meter.id, reading.energy_wh) == ("house", 1_500)
    assert reading.at == datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_anyones_own_meter_and_source_are_named_by_module_and_class():
    meter = meter_named(f"python:{OWN}:OwnMeter?id=mine&wh=9")
    assert (meter.id, meter.read().energy_wh) == ("mine", 9)
    assert source_named(f"python:{OWN}:OwnSource").max_power_w == 3_700


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "",
            "no meter is called '': expected ocmf:…, ocmf.serial:…, csv:…, modbus:…, ocpp:…",
        ),
        ("telepathy:x", "no meter is called"),
        ("ocmf:x?key=00", "says no 'serial'"),
        ("ocmf:x?serial=1&key=00&speed=1", "an unknown option 'speed'"),
        ("csv:x", "says no 'id'"),
        ("csv:x?id=a&unit=J", "the unit 'J' is unknown: expected Wh or kWh"),
        ("csv:x?id=a&zone=Nowhere/Land", "time zone 'Nowhere/Land' is unknown"),
        ("csv:x?id=a&resolution_wh=much", "expected a number above 0"),
        ("modbus:x?id=a", "says no 'map'"),
        ("modbus:x?id=a&map=nowhere", "the map 'nowhere' cannot be read"),
        ("modbus:x?id=a&map=eastron-sdm&unit=248", "expected a number above 0 to 247"),
        ("python:nowhere:X", "cannot be found"),
        (f"python:{OWN}:Nobody", "cannot be found"),
        (f"python:{OWN}:OwnMeter?volume=1", "cannot be made"),
        (f"python:{OWN}:OwnSource", "has no 'id'"),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_was_expected(name, message):
    with pytest.raises(ConfigurationError, match=message):
        meter_named(name)


def test_the_documented_meter_of_ones_own_reads_a_plug():
    class Plug(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"energyWh": 4711, "powerW": 230}')

        def log_message(self, *_):
            pass

    names: dict[str, Any] = {}
    (example,) = (code for code in examples("docs/meters.md", "py") if "class " in code)
    exec(compile(example, "docs/meters.md", "exec"), names)
    with ThreadingHTTPServer(("127.0.0.1", 0), Plug) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        meter = names["PlugMeter"](f"http://127.0.0.1:{server.server_address[1]}/status", "plug")
        reading = meter.read()
        server.shutdown()
    assert (meter.id, reading.energy_wh, reading.power_w) == ("plug", 4_711, 230)
    with pytest.raises(MeterError, match="gives no reading"):
        meter.read()


def test_a_meter_is_no_source():
    with pytest.raises(ConfigurationError, match="has no 'delivered_wh'"):
        source_named(f"python:{OWN}:OwnMeter")
    with pytest.raises(ConfigurationError, match="expected ocpp:… or python:module:Class"):
        source_named("ocmf:x")


# CSV as spreadsheets and loggers write it


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time,energy\n2026-05-01T12:00:00Z,1.5\n", 1_500),
        ("\ufefftime;energy\r\n01.05.2026 14:00:00;1.234,567\r\n", 1_234_567),
        ("time;energy\n2026-05-01 14:00:00;1 234,5\n;\n\n", 1_234_500),
        ("energy\ttime\n1,234.5\t2026-05-01T14:00:00+02:00\n", 1_234_500),
        ("time;energy\n01.05.2026 14:00:00;1\n01.05.2026 14:00:00;1\n", 1_000),
        ('time,energy\n2026-05-01T12:00:00Z,"1,5"\n', 1_500),
        ("time,energy\n2026-05-01T12:00:00Z,1\n2026-05-01T12:01:00Z,9", 1_000),
    ],
    ids=["plain", "Europe", "spaces", "columns", "repeated", "quoted", "not finished"],
)
def test_the_last_whole_row_counts(tmp_path, text, expected):
    path = tmp_path / "log.csv"
    path.write_text(text, newline="")
    assert CsvMeter(path, id="m", zone="Europe/Berlin").read().energy_wh == expected


def test_the_power_is_the_mean_between_rows(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("time,energy\n2026-05-01T12:00:00Z,1\n")
    meter = CsvMeter(path, id="m")
    assert meter.read().power_w == 0
    with path.open("a") as file:
        file.write("2026-05-01T12:06:00Z,2\n")
    assert meter.read().power_w == 10_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,energy\n", "holds no whole row yet"),
        ("", "holds no whole row yet"),
        ("a,b\n1,2\n", "has no column 'time', but a, b"),
        ("time,energy\nsoon,1\n", "the time 'soon'"),
        ("time,energy\n2026-05-01T12:00:00Z,\n", "the energy ''"),
        ("time,energy\n2026-05-01T12:00:00Z,-1\n", "the energy '-1'"),
        ("time,energy\n2026-05-01T12:00:00Z,1e99\n", "the energy '1e99'"),
        ("time,energy\n2026-05-01T12:00:00Z\n", "has 1 columns"),
    ],
)
def test_a_row_that_is_no_reading_is_refused(tmp_path, text, message):
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(MeterError, match=message):
        CsvMeter(path, id="m").read()


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MeterError, match="cannot be read"):
        CsvMeter(tmp_path / "none.csv", id="m").read()


# Envelopes


def xml(record, *, encoding="plain", key=None):
    shown = "" if key is None else f"<publicKey>{key}</publicKey>"
    signed = f'<signedData format="OCMF" encoding="{encoding}">{record}</signedData>'
    return f'<?xml version="1.0"?><values><value>{signed}{shown}</value></values>'.encode()


SIGNED = GENUINE.decode()
HEX, BASE64 = GENUINE.hex(), base64.b64encode(GENUINE).decode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (GENUINE, None),
        (GENUINE + b"\r\n", None),
        (HEX.encode(), None),
        (BASE64.encode(), None),
        (xml(SIGNED), None),
        (b"\xef\xbb\xbf" + xml(SIGNED, key=der()), der()),
        (xml(HEX, encoding="hex"), None),
        (xml(BASE64, encoding="base64"), None),
        (json.dumps({"sampledValue": [{"value": HEX, "format": "SignedData"}]}).encode(), None),
        (json.dumps([2, "1", "x", {"value": SIGNED, "format": "SignedData"}]).encode(), None),
        (
            json.dumps(
                {
                    "signedMeterValue": {
                        "signedMeterData": BASE64,
                        "signingMethod": "ECDSA-secp256r1-SHA256",
                        "encodingMethod": "OCMF",
                        "publicKey": der(),
                    }
                }
            ).encode(),
            der(),
        ),
        (
            json.dumps(
                {
                    "format": "SignedData",
                    "value": json.dumps({"signedMeterData": BASE64, "publicKey": ""}),
                }
            ).encode(),
            None,
        ),
    ],
    ids=[
        "bare", "with a line end", "hex", "base64", "XML", "XML with a mark and a key", "XML, hex",
        "XML, base64", "OCPP 1.6", "OCPP 1.6, plain", "OCPP 2.0.1", "OCPP 2.0.1 in 1.6",
    ],
)  # fmt: skip
def test_a_record_comes_out_of_every_envelope(data, expected):
    assert envelopes.opened(data) == [Enclosed(GENUINE, expected)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no OCMF record"),
        (b"{}", "holds no OCMF record"),
        (b"<values/>", "holds no OCMF record"),
        (b"<values>", "the XML cannot be read"),
        (b'<!DOCTYPE v [<!ENTITY a "b">]><values>&a;</values>', "declares types or entities"),
        (xml("3082", encoding="hex"), "expected 'OCMF|'"),
        (xml(SIGNED, encoding="hex"), "is not in hex, as it says"),
        (xml(SIGNED, encoding="secret"), "encoding 'secret' is unknown"),
        (b'{"a": ', "the JSON cannot be read"),
        (b"[" * 100_000, "the JSON cannot be read"),
        (b'{"format": "SignedData", "value": "nothing"}', "is not an OCMF record"),
        (xml(SIGNED.replace("{", "{" + " " * 20_000, 1)), "longer than 16384 bytes"),
    ],
    ids=[
        "nothing", "JSON of nothing", "XML of nothing", "broken XML", "a document type",
        "no OCMF in hex", "text for hex", "unknown encoding", "broken JSON", "nested JSON",
        "OCPP of nothing", "too long",
    ],
)  # fmt: skip
def test_what_holds_no_record_is_refused(data, message):
    with pytest.raises(RecordError, match=message):
        envelopes.opened(data)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(xml)))
def test_no_envelope_crashes_the_reader(data):
    with suppress(V2VError):
        assert all(enclosed.record.startswith(b"OCMF|") for enclosed in envelopes.opened(data))
