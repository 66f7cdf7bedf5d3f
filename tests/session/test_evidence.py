"""What is exported of a session, and checked offline: only what was not changed passes."""

import json

import pytest
from eth_utils.crypto import keccak

from ape_v2v.errors import V2VError
from ape_v2v.market.market import Market
from ape_v2v.metering.signed import payloads
from ape_v2v.metering.signed.envelopes import opened
from ape_v2v.session.evidence import Dossier, check_file, check_settlement, written
from ape_v2v.session.evidence.dossier import EndPart
from ape_v2v.session.onchain import find_end
from ape_v2v.session.power import PowerCurve
from ape_v2v.session.progress import SessionPace
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.agreement import ConnectionEnd
from ape_v2v.session.protocol.codes import SessionError
from ape_v2v.session.protocol.evidence import Evidence
from ape_v2v.session.store import PeerMeter
from tests.metering.test_ocmf import SERIAL, der, payload, reading, signed
from tests.session.restarting import PUBLIC_KEY, RestartingMeter

RATE = 200 * 10**9


@pytest.fixture
def store(admission):
    """A provider's store with three readings after the start, two receipts, settlement and end."""
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
        "records that are plausible": (4, None),
        "readings signed by the provider": (4, None),
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


@pytest.fixture
def settled(dossier, market, provider):
    """The same, after the chain has settled it; the node that knows."""
    agreement, receipt = dossier.agreed.agreement, dossier.receipts[-1]
    reading = (agreement.auction_id, receipt.energy_wh, receipt.meter_data_hash, False)
    market.settle(reading, receipt.signature, b"", sender=provider)
    node = Market.at(market.address).node
    found = find_end(node, agreement)
    assert found is not None
    return dossier.model_copy(update={"end": EndPart(**vars(found[1]))}), node


def on_chain(dossier, node):
    return check_settlement(written(dossier, "json").encode(), node)


def test_what_the_chain_has_settled_is_found_good(settled):
    dossier, node = settled
    assert dossier.end.how == "short"
    assert (on_chain(dossier, node).count, on_chain(dossier, node).problem) == (1, None)
    # Exported before the end: what the chain has settled since is what was signed.
    earlier = dossier.model_copy(update={"end": None})
    assert (on_chain(earlier, node).count, on_chain(earlier, node).problem) == (1, None)


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("end", {"energy_wh": 50}, "energy_wh 100 of this connection, and the file 50"),
        ("end", {"transaction": "0x12"}, "transaction 0x"),
        ("end", {"penalty": 0}, "penalty"),
        ("agreed", {"provider": "0x" + "11" * 20}, "were connected, and the file"),
        ("agreed", {"rate": RATE - 1}, "are said to be paid for 100 Wh: it is"),
        ("agreed", {"auction_id": 1}, "the chain knows no end of this connection"),
    ],
)
def test_what_the_chain_has_not_settled_so_is_found_out(settled, part, change, says):
    dossier, node = settled
    changed = getattr(dossier, part).model_copy(update=change)
    assert says in on_chain(dossier.model_copy(update={part: changed}), node).problem


def test_a_receipt_that_is_missing_is_found_out_by_the_chain(settled):
    dossier, node = settled
    other = dossier.model_copy(update={"receipts": dossier.receipts[:1], "end": None})
    assert "there is no receipt for that" in on_chain(other, node).problem


def test_the_chain_of_another_network_is_not_asked(settled):
    dossier, node = settled
    agreed = dossier.agreed.model_copy(update={"chain_id": 1})
    with pytest.raises(V2VError, match="the session is one of chain 1, and the node of chain"):
        on_chain(dossier.model_copy(update={"agreed": agreed}), node)
    with pytest.raises(V2VError, match="names no market"):
        check_settlement(b"<values/>", node)


def test_a_session_that_has_not_ended_is_not_settled(dossier, market):
    running = dossier.model_copy(update={"end": None})
    check = on_chain(running, Market.at(market.address).node)
    assert (check.count, check.problem) == (0, None)


def test_a_record_that_says_something_else_is_found_out(dossier):
    changed = dossier.model_copy(
        update={"meter": dossier.meter.model_copy(update={"start_wh": 10})}
    )
    assert "less the 10 Wh of the start" in str(problems(written(changed, "json")))


def test_a_table_has_every_reading(dossier):
    head, *rows = written(dossier, "csv").splitlines()
    assert head.startswith("at,energyWh,powerW,acknowledged,costWei")
    assert [row.split(",")[1:5] for row in rows] == [
        ["0", "0", "no", "0"],
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


def test_safe_xml_begins_where_the_session_began(admission, tmp_path):
    there = admission()
    cable, never = str(there.cable.path), str(tmp_path / "never")
    meter = RestartingMeter(cable, "provider", "12000", never)
    there.provider.delivery.register.meter = meter
    session = there.admitted()
    energy, hash_ = there.value(session)
    there.provider.receipt(there.receipt_for(session, energy, hash_))
    store = there.provider.store
    dossier = Dossier.of(store, store.connections.all()[0], PUBLIC_KEY)
    text = written(dossier, "safe")
    assert problems(text) == problems(written(dossier, "json")) == {}
    begin, end = (
        int(payloads.watt_hours(payloads.unverified(each.record).entries[-1])[0])
        for each in opened(text.encode())
    )
    assert energy > 0
    assert (begin, end) == (12_000, 12_000 + energy)


@pytest.mark.parametrize("first", [True, False], ids=["in the first place", "in the second"])
def test_the_register_of_a_record_that_has_two_is_the_one_that_the_energy_follows_from(first):
    """Also where both stand at the same figure in the beginning."""

    def record(ours):
        both = [reading(ours, RI="1-0:2.8.0"), reading("12.000", RI="1-0:1.8.0")]
        return signed(payload(*(both if first else both[::-1])))

    evidence = Evidence(PeerMeter(SERIAL.encode(), 12_000), None)
    evidence.check(record("12.000"), 0, 300)
    evidence.check(record("12.050"), 50, 300)
    with pytest.raises(SessionError, match="it is 12050 Wh less the 12000 Wh of the start"):
        evidence.check(record("12.050"), 0, 300)


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
    assert [power for _, power in kept.points] == [0, 5_000, 10_000, 15_000]
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
