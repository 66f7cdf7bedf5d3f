"""Two simulated meters on one simulated cable: energy as a function of time, and nothing lost."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ape_v2v import ConfigurationError
from ape_v2v.metering.cable import Cable
from ape_v2v.metering.curve import ChargingCurve
from ape_v2v.metering.meter import MeterError, wire_id
from ape_v2v.metering.simulated import SimulatedMeter, SimulatedSource
from tests.helpers.documentation import examples

HOUR = 3600
CONSTANT = ChargingCurve(power_w=11_000, taper_from_wh=50_000, full_wh=50_000, end_power_w=11_000)
TAPERED = ChargingCurve.for_energy(10_000, power_w=11_000)


class Time:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def cable(tmp_path, time):
    return Cable(tmp_path / "cable.json", clock=time)


@pytest.fixture
def source(cable):
    return SimulatedSource(cable, CONSTANT)


@pytest.fixture
def meter(cable):
    return SimulatedMeter(cable, id="ACME-1")


def test_energy_flows_at_constant_power_while_it_is_allowed(source, meter, time):
    source.allow(50_000)
    time.now += HOUR / 2
    assert (meter.read().energy_wh, meter.read().power_w) == (5_500, 11_000)
    assert source.delivered_wh == 5_500


def test_nothing_flows_before_it_is_allowed(meter, time):
    time.now += HOUR
    assert (meter.read().energy_wh, meter.read().power_w) == (0, 0)


def test_the_flow_ends_exactly_at_the_limit(source, meter, time):
    source.allow(100)
    time.now += HOUR
    assert (meter.read().energy_wh, meter.read().power_w) == (100, 0)


def test_no_time_is_made_up_for_that_passed_at_the_limit(source, meter, time):
    source.allow(100)
    time.now += HOUR
    source.allow(50_000)
    assert meter.read().energy_wh == 100
    time.now += HOUR
    assert meter.read().energy_wh == 11_100


def test_the_flow_ends_when_it_is_stopped(source, meter, time):
    source.allow(50_000)
    time.now += HOUR
    source.stop()
    time.now += HOUR
    assert (meter.read().energy_wh, meter.read().power_w) == (11_000, 0)


def test_a_limit_below_what_was_delivered_takes_nothing_back(source, meter, time):
    source.allow(50_000)
    time.now += HOUR
    source.allow(5_000)
    assert (meter.read().energy_wh, meter.read().power_w) == (11_000, 0)


def test_simulated_time_runs_as_fast_as_it_is_told(cable, meter, time):
    SimulatedSource(cable, CONSTANT, speed=120).allow(50_000)
    time.now += 30
    assert meter.read().energy_wh == 11_000


def test_the_power_falls_towards_full_and_no_more_is_taken_in(cable, meter, time):
    SimulatedSource(cable, TAPERED).allow(50_000)
    powers: list[int] = []
    while powers[-3:] != [0, 0, 0]:
        powers.append(meter.read().power_w)
        time.now += HOUR / 20
    assert powers[:14] == [11_000] * 14
    assert powers == sorted(powers, reverse=True)
    assert 1_100 <= min(power for power in powers if power) < 2_000
    assert meter.read().energy_wh == 10_000


@given(st.lists(st.floats(0, 0.5), max_size=8), st.floats(0, 9_999))
def test_energy_is_the_same_however_often_one_asks(steps, start):
    asked = start
    for hours in steps:
        asked = TAPERED.energy_after(asked, hours)
    assert asked == pytest.approx(TAPERED.energy_after(start, sum(steps)), abs=1e-6)


@given(st.floats(0, 10_000), st.floats(0, 3), st.floats(0, 3))
def test_energy_never_falls_with_time(start, earlier, later):
    earlier, later = sorted((earlier, later))
    assert TAPERED.energy_after(start, earlier) <= TAPERED.energy_after(start, later) + 1e-9
    assert TAPERED.energy_after(start, later) <= TAPERED.full_wh


def test_raising_the_limit_often_delivers_as_much_as_raising_it_once(tmp_path, time):
    cables = [Cable(tmp_path / name, clock=time) for name in ("often", "once")]
    often, once = (SimulatedSource(cable, TAPERED) for cable in cables)
    once.allow(10_000)
    often.allow(200)
    for step in range(1, 600):
        time.now += 5
        often.allow(min(10_000, 200 + 20 * step))
    assert often.delivered_wh == once.delivered_wh > 8_000


def test_a_source_that_is_made_anew_goes_on_where_the_last_one_was(cable, source, meter, time):
    source.allow(50_000)
    time.now += HOUR
    again = SimulatedSource(cable, CONSTANT)
    assert again.delivered_wh == 11_000
    again.allow(50_000)
    time.now += HOUR
    assert meter.read().energy_wh == 22_000


def test_a_killed_source_leaves_a_cable_that_delivers_up_to_the_limit(tmp_path, time):
    path = tmp_path / "cable.json"
    program = textwrap.dedent(
        """
        import itertools, sys
        from ape_v2v.metering.cable import Cable
        from ape_v2v.metering.curve import ChargingCurve
        from ape_v2v.metering.simulated import SimulatedSource

        curve = ChargingCurve(11_000, 50_000, 50_000, 11_000)
        source = SimulatedSource(Cable(sys.argv[1]), curve, speed=1000)
        for limit in itertools.count(100):
            source.allow(limit)
            print(limit, flush=True)
        """
    )
    meter = SimulatedMeter(Cable(path), id="ACME-1")
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) >= 300:
                    break
            os.kill(process.pid, signal.SIGKILL)
            process.wait(timeout=30)
        flow = Cable(path).flow()
        assert flow is not None
        limit = flow.limit_wh
        assert limit >= 300
        assert meter.read().energy_wh <= limit


def test_the_consumers_meter_shows_the_loss_and_both_stay_within_it(cable, source, meter, time):
    far = SimulatedMeter(cable, id="EV-2", loss=0.01)
    source.allow(50_000)
    time.now += HOUR
    assert (meter.read().energy_wh, far.read().energy_wh) == (11_000, 10_890)
    assert far.read().power_w == 10_890


def test_noise_stays_within_its_bounds_and_is_the_same_for_the_same_seed(cable, source, time):
    one, same, other = (
        SimulatedMeter(cable, id="EV-2", noise=0.01, seed=seed) for seed in (1, 1, 2)
    )
    source.allow(50_000)
    readings = []
    for _ in range(100):
        time.now += 60
        exact = source.delivered_wh
        readings.append((one.read().energy_wh, other.read().energy_wh))
        assert abs(one.read().energy_wh - exact) <= exact * 0.01 + 1
        assert same.read() == one.read()
    assert any(a != b for a, b in readings)
    fresh = SimulatedMeter(cable, id="EV-2", noise=0.01, seed=1)
    assert fresh.read() == one.read()


@given(st.lists(st.floats(0, 2_000), min_size=2), st.floats(0, 0.99), st.floats(0, 0.99))
def test_a_register_never_falls_whatever_loss_and_noise(tmp_path_factory, steps, loss, noise):
    time = Time()
    cable = Cable(tmp_path_factory.mktemp("cable") / "cable.json", clock=time)
    SimulatedSource(cable, TAPERED).allow(10_000)
    meter = SimulatedMeter(cable, id="EV-2", loss=loss, noise=noise, start_wh=7)
    readings = []
    for seconds in steps:
        readings.append(meter.read().energy_wh)
        time.now += seconds
    assert readings == sorted(readings)
    assert readings[0] == 7


def test_a_clock_that_is_set_back_does_not_turn_the_register_back(source, meter, time):
    source.allow(50_000)
    time.now += HOUR
    assert meter.read().energy_wh == 11_000
    time.now -= HOUR / 2
    assert meter.read().energy_wh == 11_000


@pytest.mark.parametrize("replacement", [None, "another cable"])
def test_a_cable_that_is_exchanged_is_found_out(cable, source, meter, time, replacement):
    source.allow(50_000)
    time.now += HOUR
    meter.read()
    cable.path.unlink()
    if replacement:
        source.allow(10_000)
    with pytest.raises(MeterError, match=r"shows 11000 Wh.*taken away or replaced"):
        meter.read()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"curve": {}}', "\xff"])
def test_a_file_that_is_no_cable_is_refused(cable, source, meter, content):
    cable.path.write_bytes(content.encode("latin-1"))
    for use in (meter.read, lambda: source.allow(1)):
        with pytest.raises(MeterError, match="is not a simulated cable"):
            use()


def test_a_cable_that_cannot_be_written_is_refused(tmp_path):
    source = SimulatedSource(Cable(tmp_path / "missing" / "cable.json"), CONSTANT)
    with pytest.raises(MeterError, match="cannot be written"):
        source.allow(1)


def test_the_record_says_what_was_read_and_its_hash_is_anchored(source, meter, time):
    source.allow(50_000)
    time.now += HOUR
    reading = meter.read()
    assert json.loads(reading.record) == {
        "at": "2027-01-15T09:00:00.000Z",
        "energyWh": 11_000,
        "meter": "ACME-1",
        "powerW": 11_000,
    }
    assert reading.meter_data_hash == keccak(reading.record)
    assert reading.at.utcoffset().total_seconds() == 0


def test_a_meters_id_is_filled_up_to_32_bytes():
    assert wire_id("ACME-EM24-00042") == b"ACME-EM24-00042" + bytes(17)
    assert wire_id("ä" * 16) == "ä".encode() * 16


@pytest.mark.parametrize("id_", ["", "x" * 33, "ä" * 17, "ends\0"])
def test_a_meters_id_that_does_not_fit_is_refused(cable, id_):
    with pytest.raises(MeterError, match="the meter's id"):
        SimulatedMeter(cable, id=id_)


@pytest.mark.parametrize(
    "settings", [{"loss": 1}, {"loss": -0.1}, {"noise": 1}, {"noise": -0.1}, {"start_wh": -1}]
)
def test_a_meter_that_measures_nonsense_is_refused(cable, settings):
    with pytest.raises(ConfigurationError, match=r"out of range|below 0"):
        SimulatedMeter(cable, id="ACME-1", **settings)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_time_that_does_not_run_forward_is_refused(cable, speed):
    with pytest.raises(ConfigurationError, match="speed"):
        SimulatedSource(cable, CONSTANT, speed)


@pytest.mark.parametrize("curve", [(0, 1, 2, 0), (10, 1, 2, 11), (10, 3, 2, 1), (10, -1, 2, 1)])
def test_a_curve_that_no_battery_has_is_refused(curve):
    with pytest.raises(ConfigurationError, match="a charging curve"):
        ChargingCurve(*curve)


def test_the_example_in_the_documentation_prints_what_it_says(capsys):
    (example,), (output,) = (
        examples("docs/meters.md", language) for language in ("python", "text")
    )
    exec(compile(example, "docs/meters.md", "exec"), {"__name__": "meters"})
    assert capsys.readouterr().out == output
