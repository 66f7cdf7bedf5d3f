"""What is exported of a session, and checked offline: only what was not changed passes."""

import json

import pytest
from eth_utils.crypto import keccak

from ape_v2v.errors import V2VError
from ape_v2v.session.evidence import Dossier, check_file, written
from ape_v2v.session.power import PowerCurve
from ape_v2v.session.progress import SessionPace
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.agreement import ConnectionEnd
from tests.metering.test_ocmf import SERIAL, der, payload, reading, signed

RATE = 200 * 10**9


@pytest.fixture
def store(admission):
    """A provider's store with three readings, two receipts and a settlement, ended on the chain."""
    there = admission()
    session = there.admitted()
    token = there.agreement.token
    for wh in (50, 100, 150):
        _keep(there, wh)
    for wh in (50, 100):
        there.provider.receipt(there.receipt_for(session, wh, _hash(wh)))
    provider = there.provider
    message = charging.settlement(there.agreement, 100, _hash(100))
    settlement = charging.sign(there.agreement, message, provider.signer)
    provider.store.statements.add_settlement(settlement)
    end = ConnectionEnd("agreed", 100, 100 * RATE, 0, _hash(100), "0x12", provider.signer.address)
    provider.store.connections.add_end(token, end)
    return provider.store


def _record(wh):
    return json.dumps({"energyWh": wh, "meter": "provider"}).encode()


def _hash(wh):
    return keccak(_record(wh))


def _keep(there, wh):
    message = charging.meter_value(there.agreement, wh, _hash(wh))
    statement = charging.sign(there.agreement, message, there.provider.signer)
    there.provider.store.statements.add_reading(
        charging.SignedReading(statement, _record(wh), 100 * wh)
    )


@pytest.fixture
def dossier(store):
    return Dossier.of(store, store.connections.all()[0])


def problems(text, key=None):
    """What is wrong with a file, by what was checked."""
    checks = check_file(text.encode(), key)
    return {check.what: check.problem for check in checks if check.problem}


def test_what_is_exported_is_found_good(dossier):
    checks = check_file(written(dossier, "json").encode())
    assert {check.what: (check.count, check.problem) for check in checks} == {
        "records that are plausible": (3, None),
        "readings signed by the provider": (3, None),
        "receipts signed by the consumer": (2, None),
        "settlements signed by the provider": (1, None),
        "ends on the chain that fit": (1, None),
    }


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [
        (("readings", 0, "energyWh"), "51", "readings signed by the provider"),
        (("readings", 1, "meterRecord"), "0x7b7d", "readings signed by the provider"),
        (("receipts", 1, "energyWh"), "99", "receipts signed by the consumer"),
        (("receipts", 0, "last"), True, "receipts signed by the consumer"),
        (("settlement", "energyWh"), "101", "settlements signed by the provider"),
        (("end", "cost"), "1", "ends on the chain that fit"),
        (("end", "energyWh"), "150", "ends on the chain that fit"),
        (("agreed", "auctionId"), "1", "receipts signed by the consumer"),
        (("agreed", "chainId"), "1", "receipts signed by the consumer"),
    ],
    ids=str,
)
def test_what_was_changed_is_found_out(dossier, place, value, what):
    data = json.loads(written(dossier, "json"))
    at = data
    for name in place[:-1]:
        at = at[name]
    assert at[place[-1]] != value
    at[place[-1]] = value
    assert what in problems(json.dumps(data))


def test_a_record_that_says_something_else_is_found_out(dossier):
    changed = dossier.model_copy(
        update={"meter": dossier.meter.model_copy(update={"start_wh": 10})}
    )
    assert "less the 10 Wh of the start" in str(problems(written(changed, "json")))


def test_a_table_has_every_reading(dossier):
    head, *rows = written(dossier, "csv").splitlines()
    assert head.startswith("at,energyWh,powerW,acknowledged,costWei")
    assert [row.split(",")[1:5] for row in rows] == [
        ["50", "5000", "yes", str(50 * RATE)],
        ["100", "10000", "yes", str(100 * RATE)],
        ["150", "15000", "no", str(150 * RATE)],
    ]


@pytest.fixture
def signing(dossier):
    """The same of a meter that signs OCMF records."""

    def part(wh, register):
        record = signed(payload(reading(register)))
        return dossier.readings[0].model_copy(update={"energy_wh": wh, "meter_record": record})

    parts = (part(50, "12.050"), part(100, "12.100"))
    meter = dossier.meter.model_copy(
        update={
            "meter_id": SERIAL.encode().ljust(32, b"\0"),
            "start_wh": 12_000,
            "public_key": der(),
        }
    )
    return dossier.model_copy(update={"readings": parts, "meter": meter})


def test_safe_xml_has_the_signed_records_and_is_checked(signing):
    text = written(signing, "safe")
    assert text.count("<signedData ") == 2
    assert 'context="Transaction.Begin"' in text
    assert problems(text) == {}
    assert problems(text, der()) == {}
    assert problems(text.replace("12.100", "13.100")) != {}


def test_the_meters_signatures_are_checked_by_its_key(signing):
    what = "records signed by the meter"
    assert what not in problems(written(signing, "json"))
    record = signing.readings[1].meter_record.replace(b"12.100", b"12.101")
    changed = signing.readings[1].model_copy(update={"meter_record": record})
    forged = signing.model_copy(update={"readings": (signing.readings[0], changed)})
    assert what in problems(written(forged, "json"))


def test_a_meter_that_signs_nothing_has_no_safe_xml(dossier):
    with pytest.raises(V2VError, match="signs no OCMF records"):
        written(dossier, "safe")


@pytest.mark.parametrize("text", ["", "at,energyWh\n", "{}", '{"type": "SessionEvidence"}', "<x"])
def test_what_is_no_evidence_is_refused(text):
    with pytest.raises(V2VError):
        check_file(text.encode())


def test_the_chart_shows_the_power_over_the_time(store):
    curve = PowerCurve(((0.0, 1_000), (30.0, 4_000), (60.0, 2_000)))
    assert curve.columns(3) == [1_000, 4_000, 2_000]
    assert PowerCurve(((0.0, 1_000), (60.0, 2_000))).columns(3) == [1_000, 1_000, 2_000]
    lines = curve.chart(width=30, height=4)
    assert lines[0].startswith("   4.0 kW │")
    assert "█" in lines[0]
    assert lines[-1].endswith("00:01:00 UTC")
    kept = PowerCurve.of(store, store.connections.all()[0].agreement.token)
    assert [power for _, power in kept.points] == [5_000, 10_000, 15_000]
    assert PowerCurve(()).chart() == []


def test_a_plot_is_drawn_into_a_file(tmp_path):
    curve = PowerCurve(((0.0, 1_000), (30.0, 4_000)))
    curve.plot(tmp_path / "power.svg", "Power")
    assert "<svg" in (tmp_path / "power.svg").read_text("utf-8")
    with pytest.raises(V2VError, match=r"give a \.png or \.svg"):
        curve.plot(tmp_path / "power.docx", "Power")
    with pytest.raises(V2VError, match="nothing to draw"):
        PowerCurve(()).plot(tmp_path / "none.svg", "Power")


def test_the_time_left_is_as_fast_as_it_has_gone():
    times = iter([0.0, 10.0])
    pace = SessionPace(lambda: next(times))
    assert pace.left(100, 400) is None
    left = pace.left(200, 400)
    assert left is not None
    assert left.total_seconds() == 20
