"""Meters on Modbus, read over TCP from a simulated device, by the maps that are shipped."""

from __future__ import annotations

import json
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ape_v2v import ConfigurationError
from ape_v2v.errors import V2VError
from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.modbus.registermap import map_named, parsed_map, shipped_maps
from ape_v2v.metering.named import meter_named
from tests.helpers.modbus_device import float32, modbus_device, sunspec, uint32
from tests.session.pairs import free_port

EASTRON = {52: float32(3_700.0), 72: float32(1_234.5), 74: float32(2.0)}


def named(place, **options):
    options = {"map": "eastron-sdm", "id": "house", "every": "0.000001", "timeout": "0.5"} | options
    return meter_named(f"modbus:{place}?" + "&".join(f"{k}={v}" for k, v in options.items()))


@pytest.fixture
def port():
    """A port that is free now, and stays the device's when it comes again."""
    return free_port()


def test_a_meter_of_one_make_is_read_by_its_map():
    with modbus_device(lambda: EASTRON) as place:
        reading = named(place).read()
    assert (reading.energy_wh, reading.power_w) == (1_234_500, 3_700)
    assert (reading.register, reading.resolution_wh) == ("import", 10)
    assert json.loads(reading.record) == {
        "at": reading.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "energyWh": 1_234_500,
        "meter": "house",
        "powerW": 3_700,
    }


def test_the_other_register_is_named():
    with modbus_device(lambda: EASTRON) as place:
        assert named(place, register="export").read().energy_wh == 2_000


@pytest.mark.parametrize(("exponent", "expected"), [(0, 51_234), (1, 512_340), (-1, 5_123)])
def test_a_sunspec_meter_is_found_and_read_with_its_exponent(exponent, expected):
    with modbus_device(lambda: sunspec(51_234, exponent=exponent)) as place:
        reading = named(place, map="sunspec-meter").read()
    assert (reading.energy_wh, reading.power_w) == (expected, 3_700)
    assert reading.resolution_wh == max(1, 10**exponent)


def test_a_float_shows_no_finer_steps_than_it_has():
    (registers,) = [map_named("eastron-sdm").register("import")]
    _, step = registers.watt_hours(float32(999_999.0), "import")
    assert step == 63  # a float of 32 bits, near a million kWh


def test_words_in_another_order_and_a_scale_are_read_as_the_map_says():
    value = {"address": 3, "type": "uint32", "unit": "kWh", "words": "little", "scale": "0.1"}
    text = json.dumps({"name": "a", "registers": {"import": value}})
    register = parsed_map(text.encode(), "a").register("import")
    wh, step = register.watt_hours(uint32(70_001)[::-1], "import")
    assert (int(wh), step) == (7_000_100, 100)


def test_a_meter_that_was_away_is_read_again_where_it_is(port):
    with modbus_device(lambda: EASTRON, port) as place:
        meter = named(place)
        meter.read()
    with pytest.raises(MeterError, match=r"cannot be reached|gives no answer"):
        meter.read()
    with modbus_device(lambda: EASTRON, port):
        assert meter.read().energy_wh == 1_234_500


def test_a_device_is_asked_only_so_often():
    shown = {72: float32(1.0), 52: float32(0)}
    with modbus_device(lambda: shown) as place:
        meter = named(place, every="1000")
        meter.read()
        shown[72] = float32(2.0)
        assert meter.read().energy_wh == 1_000


@pytest.mark.parametrize(
    ("registers", "options", "message"),
    [
        ({52: float32(0), 72: float32(float("nan"))}, {}, "is nan"),
        ({52: float32(0), 72: float32(-1.0)}, {}, r"is -1000 Wh: expected one from 0"),
        ({52: float32(0), 72: float32(3e38)}, {}, r"is 3\.0+e\+41 Wh"),
        ({0: [0]}, {}, r"refuses the input registers 72 to 73 \(Modbus exception 2\)"),
        ({0: [0]}, {"map": "sunspec-meter"}, "has no SunSpec model 201, 202, 203, 204, but none"),
        (sunspec(2**32 - 1), {"map": "sunspec-meter"}, "the meter has no register 'import'"),
        (sunspec(1, exponent=-(2**15)), {"map": "sunspec-meter"}, "has no register 'import'"),
        (sunspec(1, exponent=11), {"map": "sunspec-meter"}, "has the exponent 11: expected"),
        (EASTRON, {"unit": "7"}, "gives no answer|refuses"),
    ],
    ids=[
        "not a number", "below zero", "too much", "registers that are not there", "no SunSpec",
        "no value", "no exponent", "an exponent that cannot be", "another unit",
    ],
)  # fmt: skip
def test_registers_that_hold_no_reading_are_refused_with_what_is_wrong(registers, options, message):
    with modbus_device(lambda: registers) as place, pytest.raises(MeterError, match=message):
        named(place, **options).read()


def test_nobody_at_the_address_is_said_in_a_sentence(port):
    with pytest.raises(MeterError, match="cannot be reached: look whether it is on"):
        named(f"127.0.0.1:{port}").read()
    with pytest.raises(MeterError, match="cannot be reached"):
        named("/dev/none").read()


REGISTER = {"address": 1, "type": "uint16", "unit": "Wh"}
MAP = {"name": "a", "registers": {"import": REGISTER}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the map 'a': "),
        (b"[", "is not YAML"),
        (b"\xff", "is not YAML"),
        (b"{a: &b [*b]}", "the map 'a': "),
        (json.dumps(MAP | {"registers": {}}).encode(), "at least 1 item"),
        (json.dumps(MAP | {"colour": 1}).encode(), "colour"),
        (json.dumps(MAP).replace('"Wh"', '"W"').encode(), "is in W: expected Wh or kWh"),
        (json.dumps(MAP | {"power": REGISTER}).encode(), "expected W or kW"),
        (json.dumps(MAP).replace("1,", "65536,").encode(), "less than or equal to 65535"),
        (json.dumps(MAP).replace('"Wh"', '"Wh", "exponent_at": 900').encode(), "within 125"),
        (b" " * 70_000, "longer than 65536 bytes"),
    ],
)
def test_a_map_that_is_none_is_refused_with_the_first_wrong_value(text, message):
    with pytest.raises(ConfigurationError, match=message):
        parsed_map(text, "a")


def test_a_map_is_one_that_is_shipped_or_a_file(tmp_path):
    (tmp_path / "own.yaml").write_text(json.dumps(MAP))
    assert map_named(str(tmp_path / "own.yaml")).name == "a"
    assert [map_named(name).register("import").unit for name in shipped_maps()] == ["kWh", "Wh"]
    with pytest.raises(ConfigurationError, match="expected a file, or one of eastron-sdm"):
        map_named("nowhere")
    with pytest.raises(ConfigurationError, match="has no register 'both': expected import or"):
        named("127.0.0.1:1", register="both")


NUMBERS = st.sampled_from(["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"])


@settings(max_examples=40)
@given(NUMBERS, st.booleans(), st.lists(st.integers(0, 2**16 - 1), min_size=5, max_size=5))
def test_no_registers_crash_the_reader(kind, scaled, words):
    value = {"address": 0, "type": kind, "unit": "kWh"} | ({"exponent_at": 4} if scaled else {})
    text = json.dumps(MAP | {"registers": {"import": value}})
    register = parsed_map(text.encode(), "a").register("import")
    with suppress(V2VError):
        wh, step = register.watt_hours(words[: len(register.span)], "register")
        assert wh >= 0
        assert step >= 1


def test_a_float_is_exact_to_its_last_bit():
    (value,) = struct.unpack(">f", struct.pack(">f", 1_234.567))
    register = map_named("eastron-sdm").register("import")
    assert register.watt_hours(float32(1_234.567), "import")[0] == pytest.approx(value * 1000)
