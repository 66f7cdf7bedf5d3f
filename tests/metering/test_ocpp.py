"""Chargers that connect by OCPP: what they say is read, and what they are told they do."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from ocpp import v16, v201
from ocpp.exceptions import FormatViolationError
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from ape_v2v import ConfigurationError
from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.named import meter_named, source_named
from ape_v2v.metering.ocpp.central import central_at
from ape_v2v.metering.ocpp.samples import ChargerError, watt_hours
from tests.helpers.certificates import self_signed
from tests.helpers.charge_point import charger, stamp
from tests.metering.test_ocmf import KEY, der
from tests.session.pairs import free_port

VERSIONS = ("1.6", "2.0.1", "2.1")
START_WH = 1_000
POWER_W = 180_000
PATIENCE = 20
SIGNING = "SN-9"
"""The serial number of the meter that signs."""


def eventually(check, patience=PATIENCE):
    """What a check says once it is true, as a charger takes its time."""
    until = time.monotonic() + patience
    while True:
        with suppress(MeterError):
            if found := check():
                return found
        assert time.monotonic() < until, f"not within {patience} s"
        time.sleep(0.02)


@pytest.fixture
def place():
    """A central system's own address, and a charger's name there; it ends with the test."""
    port = free_port()
    yield f"127.0.0.1:{port}/CP1"
    central_at("127.0.0.1", port).close()


@pytest.fixture
def plug(place, tmp_path):
    """A factory of chargers at that address."""

    def plug(version, scheme="ws", **how):
        return charger(f"{scheme}://{place}", version, tmp_path / "cable", **how)

    return plug


def meter_at(place, **options):
    options = {"id": "CP1-meter", "interval": "1", "patience": "0.001"} | options
    return meter_named(f"ocpp:{place}?" + "&".join(f"{k}={v}" for k, v in options.items()))


def source_at(place, **options):
    options = {"power_w": str(POWER_W), "interval": "1"} | options
    return source_named(f"ocpp:{place}?" + "&".join(f"{k}={v}" for k, v in options.items()))


def delivered(source):
    return source.delivered_wh - START_WH


# The meter


@pytest.mark.parametrize("unit", ["Wh", "kWh"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_charger_is_read_before_anything_flows(place, plug, version, unit):
    meter = meter_at(place)
    with pytest.raises(MeterError, match="no charger is connected as CP1: enter this central"):
        meter.read()
    with plug(version, unit=unit):
        reading = eventually(meter.read)
    assert (reading.energy_wh, reading.power_w) == (START_WH, 0)
    assert reading.register == "Energy.Active.Import.Register"
    assert json.loads(reading.record)["energyWh"] == START_WH
    assert abs(datetime.now(UTC) - reading.at) < timedelta(seconds=PATIENCE)


def test_a_charger_that_connects_in_a_while_is_waited_for_once(place, plug):
    meter = meter_at(place, patience="20")
    with plug("1.6"):
        assert meter.read().energy_wh == START_WH


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_charger_connects_by_tls(place, plug, tmp_path, version):
    certificate, key = self_signed(tmp_path)
    meter = meter_at(place, tls_certificate=certificate, tls_key=key)
    with plug(version, scheme="wss", trusts=certificate):
        assert eventually(meter.read).energy_wh == START_WH
    with pytest.raises(InvalidMessage), connect(f"ws://{place}", open_timeout=PATIENCE):
        pass
    with pytest.raises(ConfigurationError, match="another certificate"):
        meter_at(place, tls_certificate=certificate, tls_key=certificate)


def test_what_is_no_certificate_is_refused_before_anybody_connects(place, tmp_path):
    none = tmp_path / "none.pem"
    for text in (None, "no certificate"):
        if text is not None:
            none.write_text(text)
        with pytest.raises(ConfigurationError, match="are no certificate with its key"):
            meter_at(place, tls_certificate=none, tls_key=none)


def test_a_charger_that_measures_in_transactions_only_is_told_from_one_that_is_away(place, plug):
    meter = meter_at(place)
    with plug("1.6", takes_triggers=False) as there:
        eventually(lambda: there.asked("TriggerMessage"))
        time.sleep(0.1)
        with pytest.raises(MeterError, match="in a transaction only, and does not take Trigger"):
            meter.read()


def ocmf(wh):
    entry = {
        "TM": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S,000+0000 S"),
        "TX": "C", "RV": wh / 1000, "RI": "1-b:1.8.0", "RU": "kWh", "ST": "G",
    }  # fmt: skip
    page = f"T{time.time_ns() // 1_000_000}"
    payload = json.dumps({"FV": "1.0", "PG": page, "MS": SIGNING, "RD": [entry]})
    signature = KEY.sign(payload.encode(), ec.ECDSA(hashes.SHA256())).hex()
    section = json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": signature})
    return f"OCMF|{payload}|{section}".encode()


@pytest.mark.parametrize(
    ("version", "encoded"),
    [
        ("1.6", lambda record: record.hex()),
        ("2.0.1", lambda record: b64encode(record).decode()),
        ("1.6", lambda record: json.dumps({"signedMeterData": b64encode(record).decode()})),
    ],
    ids=["1.6 in hex", "2.0.1 in base64", "1.6 in the envelope of 2.0.1"],
)
def test_what_a_charger_has_signed_is_a_signed_meter(place, plug, version, encoded):
    meter = meter_named(f"ocpp:{place}?serial={SIGNING}&key={der()}&interval=1&patience=0.001")
    with plug(version, signs=lambda wh: encoded(ocmf(wh))):
        reading = eventually(meter.read)
    assert (meter.id, reading.energy_wh) == (SIGNING, START_WH)
    assert reading.record.startswith(b"OCMF|")


def test_a_signed_byte_that_was_changed_on_the_way_is_refused(place, plug):
    meter = meter_named(f"ocpp:{place}?serial={SIGNING}&key={der()}&interval=1&patience=0.001")
    with plug("1.6", signs=lambda wh: ocmf(wh).replace(b"1.0", b"9.0", 2).hex()) as there:
        eventually(lambda: there.asked("TriggerMessage"))
        time.sleep(0.2)
        with pytest.raises(MeterError, match="signature"):
            meter.read()


# What goes wrong on the way


def said_16(there, *parts, at=None):
    """Let a charger of OCPP 1.6 say this, whatever it is."""
    listed = [{"timestamp": at or stamp(), "sampled_value": list(parts)}]
    there.send(v16.call.MeterValues(1, listed), skip_schema_validation=True)


def test_a_charger_that_is_cut_off_comes_back_and_is_read_on(place, plug):
    meter, source = meter_at(place), source_at(place)
    with plug("1.6") as there:
        eventually(meter.read)
        source.allow(START_WH + 10_000)
        eventually(lambda: delivered(source) > 10)
        there.cut()
        eventually(lambda: there.connections == 2)  # it boots again, within its transaction
        before = delivered(source)
        eventually(lambda: delivered(source) > before)
        assert len(there.asked("RemoteStartTransaction")) == 1
        source.end()


def test_a_second_connection_replaces_one_that_was_cut_unseen(place, plug):
    meter = meter_at(place)
    with plug("1.6") as first:
        eventually(meter.read)
        with plug("2.0.1") as second:
            eventually(lambda: second.asked("SetVariables"))
            eventually(lambda: first.closed_with == 1000)
            first.end()


def test_values_that_come_twice_or_late_change_nothing(place, plug):
    meter = meter_at(place)
    with plug("1.6", every=60) as there:
        first = eventually(meter.read)
        at = stamp(first.at + timedelta(seconds=1))
        for _ in range(2):
            said_16(there, {"value": "1500"}, at=at)
            assert meter.read().energy_wh == 1_500
        said_16(there, {"value": "1200"}, at=stamp(first.at - timedelta(seconds=9)))
        assert meter.read().energy_wh == 1_500


def test_a_register_that_begins_again_is_shown_as_it_is(place, plug):
    """It is the session's register that compares, and stops the flow."""
    meter = meter_at(place)
    with plug("1.6") as there:
        eventually(meter.read)
        there.offset_wh = -900
        eventually(lambda: meter.read().energy_wh == START_WH - 900)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"value": "1,5"}, "the register is '1,5': expected a number"),
        ({"value": "nan"}, "the register is 'nan': expected a number"),
        ({"value": "-1"}, "the register is '-1' Wh: expected from 0"),
        ({"value": "1", "unit": "J"}, "the unit is 'J': expected Wh or kWh"),
        ({"value": None}, "the register is None: expected a number"),
        ({"value": "0815", "format": "SignedData"}, "is not an OCMF record"),
        ({"value": "101", "measurand": "SoC"}, "state of charge is '101': expected from 0 to 100"),
    ],
)
def test_a_value_that_cannot_be_is_refused_until_a_good_one_comes(place, plug, part, message):
    meter = meter_at(place)
    with plug("1.6", every=60) as there:
        eventually(meter.read)
        with pytest.raises(FormatViolationError):
            said_16(there, part)
        with pytest.raises(MeterError, match=message):
            meter.read()
        said_16(there, {"value": "2.5", "unit": "kWh"})
        assert meter.read().energy_wh == 2_500


def test_values_that_are_too_old_or_of_a_wrong_clock_are_refused(place, plug):
    meter = meter_at(place, age="2")
    with plug("1.6", every=60, takes_triggers=False) as there:
        eventually(lambda: there.asked("TriggerMessage"))
        said_16(there, {"value": "1"}, at=stamp(datetime.now(UTC) - timedelta(seconds=30)))
        with pytest.raises(MeterError, match=r"has measured last at .*, 3\d s ago: expected at mo"):
            meter.read()
        said_16(there, {"value": "1"}, at=stamp(datetime.now(UTC) + timedelta(hours=1)))
        with pytest.raises(MeterError, match="s ahead: expected at most 2 s"):
            meter.read()


@pytest.mark.parametrize(
    "text",
    [b"\xff", "", "{", "[]", "7", "[2]", "[2,3,4,5]", '[2,"1","Boot",{}]', '[3,"x",{}]', "[" * 900],
)
def test_what_is_no_message_does_not_end_the_conversation(place, plug, text):
    meter = meter_at(place)
    with plug("1.6", every=60) as there:
        eventually(meter.read)
        there.send_raw(text)
        said_16(there, {"value": "1234"})
        assert (meter.read().energy_wh, there.connections) == (1_234, 1)


def test_another_connector_is_another_meter(place, plug):
    meter = meter_at(place)
    with plug("2.0.1", every=60) as there:
        eventually(meter.read)
        part = {"value": 9, "measurand": "Energy.Active.Import.Register"}
        listed = [{"timestamp": stamp(), "sampled_value": [part]}]
        there.send(v201.call.MeterValues(2, listed))
        assert meter.read().energy_wh == START_WH


# Who gets in


@pytest.mark.parametrize(
    ("path", "password", "status"),
    [("CP2", None, 404), ("CP1", None, 401), ("CP1", "wrong", 401), ("CP1", "", 401)],
)
def test_only_the_charger_that_is_expected_gets_in(place, tmp_path, path, password, status):
    (tmp_path / "password").write_text("secret\n")
    meter_at(place, password=tmp_path / "password")
    headers = {}
    if password is not None:
        headers = {"Authorization": "Basic " + b64encode(f"{path}:{password}".encode()).decode()}
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(
            f"ws://{place[:-3]}{path}",
            subprotocols=[Subprotocol("ocpp1.6")],
            additional_headers=headers,
        ),
    ):
        pass
    assert refused.value.response.status_code == status


def test_a_charger_with_its_password_gets_in(place, plug, tmp_path):
    (tmp_path / "password").write_text("secret\n")
    meter = meter_at(place, password=tmp_path / "password")
    headers = {"Authorization": "Basic " + b64encode(b"CP1:secret").decode()}
    with plug("1.6", headers=headers):
        assert eventually(meter.read).energy_wh == START_WH


def test_a_charger_of_no_version_that_is_spoken_here_does_not_get_in(place):
    meter_at(place)
    for versions in (None, [Subprotocol("ocpp1.5")]):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(f"ws://{place}", subprotocols=versions),
        ):
            pass
        assert refused.value.response.status_code == 400


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ocpp:127.0.0.1:9000?id=a", "expected ocpp:HOST:PORT/CHARGER"),
        ("ocpp:127.0.0.1/CP1?id=a", "expected ocpp:HOST:PORT/CHARGER"),
        ("ocpp:0.0.0.0:9000/CP1?id=a", "lets in whoever says that it is CP1: name a file"),
        ("ocpp:127.0.0.1:9000/CP1", "says no 'id'"),
        ("ocpp:127.0.0.1:9000/CP1?id=a&flow=up", "expected import or export"),
        ("ocpp:127.0.0.1:9000/CP1?id=a&interval=0.5", "expected a number from 1"),
        ("ocpp:127.0.0.1:9000/CP1?id=a&password=/none", "the password's file '/none' cannot be"),
        ("ocpp:127.0.0.1:9000/CP1?id=a&tls_key=x", "give tls_certificate and tls_key, or neither"),
        ("ocpp:203.0.113.7:9000/CP1?id=a&password=README.md", "chargers cannot be listened for"),
    ],
)
def test_a_name_of_a_charger_that_is_none_is_refused(name, message):
    with pytest.raises(ConfigurationError, match=message):
        meter_named(name)


def test_a_source_says_its_power_and_what_is_to_stay_in_the_battery():
    with pytest.raises(ConfigurationError, match="says no 'power_w'"):
        source_named("ocpp:127.0.0.1:9000/CP1")
    with pytest.raises(ConfigurationError, match="says no 'reserve': add reserve="):
        source_named("ocpp:127.0.0.1:9000/CP1?power_w=11000&discharge=yes")


# The contactor


@pytest.mark.parametrize("version", VERSIONS)
def test_energy_flows_to_the_limit_and_not_beyond(place, plug, version):
    meter, source = meter_at(place), source_at(place)
    with plug(version) as there:
        eventually(meter.read)
        assert there.transaction is None
        source.allow(START_WH + 60)
        eventually(lambda: delivered(source) >= 60)
        time.sleep(0.3)
        assert delivered(source) <= 61
        source.end()
        eventually(lambda: there.transaction is None)


def test_a_charger_stops_at_the_limit_by_itself_when_nobody_is_there_to_tell_it(place, plug):
    meter, source = meter_at(place), source_at(place)
    with plug("2.0.1") as there:
        eventually(meter.read)
        source.allow(START_WH + 100)
        eventually(lambda: delivered(source) > 20)
        port = int(place.split(":")[1].split("/")[0])
        central_at("127.0.0.1", port).close()
        eventually(lambda: there.meter.read().power_w == 0)
        assert there.source.delivered_wh <= 101


def test_a_charger_that_keeps_no_schedules_is_told_to_stop(place, plug):
    meter, source = meter_at(place), source_at(place, power_w="36000")
    with plug("1.6", keeps_schedules=False, power_w=36_000) as there:
        eventually(meter.read)
        source.allow(START_WH + 20)
        eventually(lambda: there.asked("RemoteStopTransaction"))
        eventually(lambda: there.transaction is None)
        assert 10 <= there.source.delivered_wh <= 25
        source.stop()


def test_what_is_not_allowed_any_more_stops_at_once(place, plug):
    meter, source = meter_at(place), source_at(place)
    with plug("1.6") as there:
        eventually(meter.read)
        source.allow(START_WH + 5_000)
        eventually(lambda: delivered(source) > 10)
        source.stop()
        eventually(lambda: there.meter.read().power_w == 0)
        source.allow(START_WH + 5_000)  # and goes on, in the same transaction
        eventually(lambda: there.meter.read().power_w > 0)
        assert len(there.asked("RemoteStartTransaction")) == 1
        source.end()


def test_a_charger_that_refuses_to_begin_says_so(place, plug):
    meter, source = meter_at(place), source_at(place)
    with plug("1.6", refuses=frozenset({"RemoteStartTransaction"})):
        eventually(meter.read)
        source.allow(START_WH + 100)
        assert eventually(lambda: source.problem)
        with pytest.raises(MeterError, match="does not begin to charge: look whether the vehicle"):
            source.allow(START_WH + 100)


def test_nobody_else_begins_a_transaction(place, plug):
    meter = meter_at(place)
    source_at(place)
    with plug("1.6", every=60) as there:
        eventually(meter.read)
        answer = there.send(v16.call.StartTransaction(1, "somebody", 0, stamp()))
        assert answer.id_tag_info["status"] == "Invalid"
        assert there.send(v16.call.Authorize("somebody")).id_tag_info["status"] == "Invalid"


def test_a_start_that_comes_twice_is_one_transaction(place, plug):
    meter_at(place)
    with plug("1.6", every=60) as there:
        eventually(lambda: there.connections)
        eventually(lambda: there.asked("TriggerMessage"))
        start = v16.call.StartTransaction(1, "card", 1_000, stamp())
        assert there.send(start).transaction_id == there.send(start).transaction_id


# Discharging


EXPORTED = "Energy.Active.Export.Register"


def test_a_bidirectional_charger_is_told_a_negative_set_point_down_to_the_reserve(place, plug):
    charge = [80.0]
    meter = meter_at(place, flow="export")
    source = source_at(place, discharge="yes", reserve="30")
    with plug("2.1", measurand=EXPORTED, soc=lambda: charge[0]) as there:
        assert eventually(meter.read).register == EXPORTED
        source.allow(START_WH + 5_000)
        eventually(lambda: delivered(source) > 10)
        (allowed,) = there.asked("NotifyAllowedEnergyTransfer")
        assert set(allowed["allowed_energy_transfer"]) == {"AC_BPT", "DC_BPT"}
        profile = there.asked("SetChargingProfile")[-1]["charging_profile"]
        first, last = profile["charging_schedule"][0]["charging_schedule_period"]
        assert first["setpoint"] == -POWER_W
        assert first["operation_mode"] == "CentralSetpoint"
        assert (profile["charging_profile_purpose"], last["limit"]) == ("TxProfile", 0)
        charge[0] = 30.0
        eventually(lambda: there.meter.read().power_w == 0)
        stands = there.source.delivered_wh
        time.sleep(0.5)
        assert there.source.delivered_wh == stands
        source.end()


@pytest.mark.parametrize(
    ("version", "how", "message"),
    [
        ("2.0.1", {"soc": lambda: 80.0}, "speaks OCPP 2.0.1: discharging takes 2.1"),
        ("2.1", {}, "does not say the battery's state of charge, and 30.0 % of it are to stay"),
        (
            "2.1",
            {"soc": lambda: 80.0, "refuses": frozenset({"NotifyAllowedEnergyTransfer"})},
            "does not allow energy out of the vehicle",
        ),
    ],
    ids=["an old version", "no state of charge", "not both ways"],
)
def test_a_charger_that_cannot_discharge_says_why(place, plug, version, how, message):
    meter = meter_at(place, flow="export")
    source = source_at(place, discharge="yes", reserve="30")
    with plug(version, measurand=EXPORTED, **how) as there:
        eventually(meter.read)
        with suppress(MeterError):  # at once, or as soon as it is found out
            source.allow(START_WH + 1_000)
        assert message in eventually(lambda: source.problem)
        eventually(lambda: there.transaction is None)
        source.end()


# What a register may be


@pytest.mark.parametrize(
    ("value", "unit", "multiplier", "expected"),
    [
        ("1234", None, None, (1_234, 1)),
        (" 12.34 ", "kWh", None, (12_340, 10)),
        (12.345, "KWH", None, (12_345, 1)),
        (3, "Wh", 3, (3_000, 100)),
        ("1e3", "Wh", 0, (1_000, 1)),
    ],
)
def test_a_register_is_read_in_its_unit_with_the_steps_that_it_shows(
    value, unit, multiplier, expected
):
    wh, step = watt_hours(value, unit, multiplier)
    assert (int(wh), step) == expected


@pytest.mark.parametrize(("unit", "multiplier"), [("Wh", 1.5), ("Wh", True), ("Wh", 99), (7, 0)])
def test_a_unit_that_is_none_is_refused(unit, multiplier):
    with pytest.raises(ChargerError, match="expected"):
        watt_hours(1, unit, multiplier)
