"""Meters that sign: what is good is read to the Wh, and what is not is refused with the reason.

The records are made here and signed with keys that are made here.
"""

import base64
import io
import itertools
import json
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from pyocmf import OCMF

from ape_v2v import ConfigurationError
from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.records import (
    RecordError,
    RecordFile,
    RecordStream,
    records_at,
)
from ape_v2v.metering.signed.ocmf import OcmfMeter

# What real meters leave out is noted by pyocmf, and is no matter here.
pytestmark = pytest.mark.filterwarnings("ignore::pyocmf.exceptions.SpecWarning")

NOW = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
SERIAL = "BQ27400330016"
CURVES = {
    "secp192r1": ec.SECP192R1(),
    "secp256k1": ec.SECP256K1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "brainpool256r1": ec.BrainpoolP256R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpool384r1": ec.BrainpoolP384R1(),
}
KEYS = {name: ec.generate_private_key(curve) for name, curve in CURVES.items()}
KEY = KEYS["secp256r1"]


def der(key=KEY):
    public = key.public_key()
    return public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    ).hex()


def pem(key=KEY):
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def reading(value="12.345", **fields):
    """One entry of RD; the value is written as it stands."""
    entry = {
        "TM": "2026-05-01T14:00:00,000+0200 S",
        "TX": "C",
        "RV": "VALUE",
        "RI": "1-b:1.8.0",
        "RU": "kWh",
        "RT": "DC",
        "EF": "",
        "ST": "G",
    }
    text = json.dumps({key: value for key, value in (entry | fields).items() if value is not None})
    return text.replace('"VALUE"', value)


def payload(*readings, **fields):
    head = {"FV": "1.2", "GI": "ACME", "PG": "T17", "MS": SERIAL, "IS": False} | fields
    head_text = json.dumps({key: value for key, value in head.items() if value is not None})
    return f'{head_text[:-1]}, "RD": [{", ".join(readings or (reading(),))}]}}'


def signed(text, key=KEY, algorithm="ECDSA-secp256r1-SHA256", encoding=None, digest=None, **fields):
    signature = key.sign(text.encode(), ec.ECDSA(digest or hashes.SHA256()))
    data = base64.b64encode(signature).decode() if encoding == "base64" else signature.hex()
    section = {"SA": algorithm, "SE": encoding, "SD": data} | fields
    kept = {name: value for name, value in section.items() if value is not None}
    return f"OCMF|{text}|{json.dumps(kept)}".encode()


class Given:
    """Records that a test hands over one by one."""

    def __init__(self, *records):
        self.records = list(records)

    def arrived(self):
        return [self.records.pop(0)] if self.records else []


def meter_of(*records, **settings):
    defaults = {"serial": SERIAL, "public_key": der(), "now": lambda: NOW}
    return OcmfMeter(Given(*records), **(defaults | settings))


def test_a_signed_record_is_read_to_the_wh_and_anchored_as_it_came():
    record = signed(payload())
    result = meter_of(record).read()
    assert result.energy_wh == 12_345
    assert result.at == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert result.record == record
    assert result.meter_data_hash == keccak(record)


@pytest.mark.parametrize("encoding", [None, "hex", "base64"])
@pytest.mark.parametrize("curve", CURVES)
def test_a_signature_by_each_curve_and_encoding_of_ocmf_is_verified(curve, encoding):
    key = KEYS[curve]
    record = signed(payload(), key, f"ECDSA-{curve}-SHA256", encoding)
    assert meter_of(record, public_key=der(key)).read().energy_wh == 12_345


def test_a_signature_over_sha512_is_verified():
    record = signed(payload(), algorithm="ECDSA-secp256r1-SHA512", digest=hashes.SHA512())
    assert meter_of(record).read().energy_wh == 12_345


def test_another_reader_of_ocmf_verifies_what_is_verified_here():
    record = signed(payload())
    assert meter_of(record).read()
    assert OCMF.from_string(record.decode(), strict=True).verify_signature(der())


def test_what_a_record_leaves_out_is_as_ocmf_says():
    record = signed(payload(), algorithm=None)
    assert meter_of(record).read().energy_wh == 12_345


def test_the_key_may_be_pem():
    assert meter_of(signed(payload()), public_key=pem()).read().energy_wh == 12_345


def test_spaces_in_the_payload_are_signed_as_they_are():
    spaced = payload().replace(", ", " ,  ")
    assert meter_of(signed(spaced)).read().energy_wh == 12_345
    with pytest.raises(RecordError, match="the record was changed"):
        meter_of(signed(spaced).replace(b" ,  ", b", ")).read()


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("0", "kWh", 0),
        ("0.001", "kWh", 1),
        ("2935.600", "kWh", 2_935_600),
        ("0.2597", "kWh", 259),  # down, never up
        ("0.9999", "Wh", 0),
        ("1e3", "Wh", 1_000),
        ("4503599627370.497", "kWh", 4_503_599_627_370_497),  # a float would lose the last digit
    ],
)
def test_a_value_is_taken_to_the_whole_wh_below_it(value, unit, expected):
    record = signed(payload(reading(value, RU=unit)))
    assert meter_of(record).read().energy_wh == expected


def test_the_power_is_the_mean_since_the_last_reading():
    later = reading("12.645", TM="2026-05-01T14:01:00,000+0200 S")
    meter = meter_of(signed(payload()), signed(payload(later, PG="T18")))
    assert meter.read().power_w == 0
    assert meter.read().power_w == 18_000
    assert meter.read().power_w == 18_000  # the same record once more


def test_the_last_reading_of_a_record_counts_and_takes_over_what_it_leaves_out():
    first = reading("1.0", TX="B", TM="2026-05-01T13:59:30,000+0200 S")
    last = '{"TM": "2026-05-01T14:00:00,000+0200 S", "TX": "E", "RV": 2.5}'
    assert meter_of(signed(payload(first, last))).read().energy_wh == 2_500


def test_one_of_several_registers_is_read_when_it_is_named():
    bought, sold = reading("1.0", RI="01-00:B0.08.00*FF"), reading("2.0", RI="01-00:C0.08.00*FF")
    record = signed(payload(bought, sold))
    assert meter_of(record, register="01-00:C0.08.00*FF").read().energy_wh == 2_000
    with pytest.raises(RecordError, match=r"readings of 2 registers \(RI\).*name the one"):
        meter_of(record).read()
    with pytest.raises(RecordError, match=r"no reading of the register \(RI\) 1-b:1.8.0, but of"):
        meter_of(record, register="1-b:1.8.0").read()


def test_a_gateways_serial_number_counts_where_the_meter_has_none():
    record = signed(payload(MS=None, GS="808829900001"))
    assert meter_of(record, serial="808829900001").read().energy_wh == 12_345


def test_a_clock_that_was_never_set_is_refused_unless_allowed():
    record = signed(payload(reading(TM="2026-05-01T14:00:00,000+0200 U")))
    with pytest.raises(RecordError, match=r"clock \(TM\) is unsynchronized, U: set it"):
        meter_of(record).read()
    assert meter_of(record, unsynchronized=True).read().energy_wh == 12_345


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_reading_of_another_time_is_refused_unless_any_age_is_allowed(minutes):
    moment = NOW + timedelta(minutes=minutes)
    with pytest.raises(RecordError, match=r"at most 60 s apart"):
        meter_of(signed(payload()), now=lambda: moment).read()
    assert meter_of(signed(payload()), now=lambda: moment, max_age=None).read()


def test_a_register_that_falls_is_refused():
    meter = meter_of(signed(payload()), signed(payload(reading("12.344"))))
    meter.read()
    with pytest.raises(RecordError, match=r"\(RV\) fell from 12345.000 Wh to 12344.000 Wh"):
        meter.read()


def test_a_register_that_falls_within_a_record_is_refused():
    with pytest.raises(RecordError, match=r"\(RV\) fell from 9000.0 Wh to 8000.0 Wh"):
        meter_of(signed(payload(reading("9.0", TX="B"), reading("8.0", TX="E")))).read()


@pytest.mark.parametrize("page", ["T17", "T16", "T0"])
def test_a_pagination_that_does_not_rise_is_refused(page):
    meter = meter_of(signed(payload()), signed(payload(reading("12.5"), PG=page)))
    meter.read()
    with pytest.raises(RecordError, match=rf"\(PG\) went from T17 to {page}"):
        meter.read()


def test_the_pages_of_transactions_and_of_others_are_counted_apart():
    meter = meter_of(signed(payload()), signed(payload(reading("12.5"), PG="F3")))
    meter.read()
    assert meter.read().energy_wh == 12_500


def test_the_same_record_written_twice_is_one():
    record = signed(payload())
    meter = meter_of(record, record)
    assert meter.read() == meter.read()


@pytest.mark.parametrize(
    "entries",
    [
        [{"TX": "B"}, {"TX": "X"}, {"TX": "E"}],
        [{"TX": "B", "EF": "E"}, {"TX": "E"}],
        [{"TX": "X"}, {"TX": "C"}],
    ],
    ids=["exception, then end", "error at the begin, then clear", "exception, then on"],
)
def test_after_an_exception_nothing_counts_until_the_next_begin(entries):
    broken = signed(payload(*(reading(**fields) for fields in entries)))
    later = signed(payload(reading("13.0", TX="C"), PG="T18"))
    anew = signed(payload(reading("13.5", TX="B"), PG="T19"))
    meter = meter_of(broken, later, anew)
    for _ in range(2):
        with pytest.raises(RecordError, match=r"exception .* nothing counts until its next begin"):
            meter.read()
    assert meter.read().energy_wh == 13_500


def test_an_exception_from_before_the_program_began_counts_too(tmp_path):
    path = tmp_path / "records"
    entries = reading(TX="B"), reading(TX="X")
    later = signed(payload(reading("13.0", TX="C"), PG="T18"))
    path.write_bytes(signed(payload(*entries)) + b"\n" + later + b"\n")
    meter = OcmfMeter(records_at(path), serial=SERIAL, public_key=der(), now=lambda: NOW)
    with pytest.raises(RecordError, match="nothing counts until its next begin"):
        meter.read()


def test_the_register_is_fixed_by_the_first_record():
    other = signed(payload(reading("53.0", RI="1-0:2.8.0"), PG="T18"))
    meter = meter_of(signed(payload()), other)
    assert meter.read().register == "1-b:1.8.0"
    with pytest.raises(RecordError, match=r"no reading of the register \(RI\) 1-b:1.8.0, but of 1"):
        meter.read()


def test_energy_beside_a_duration_is_energy():
    duration = reading("125", RI="1-0:0.9.8", RU="s")
    assert meter_of(signed(payload(duration, reading()))).read().energy_wh == 12_345


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [("12.34", "kWh", 10), ("12.345", "kWh", 1), ("12.3456", "kWh", 1), ("12340", "Wh", 1)],
)
def test_the_resolution_is_the_smallest_step_that_is_shown(value, unit, expected):
    assert meter_of(signed(payload(reading(value, RU=unit)))).read().resolution_wh == expected


def test_the_resolution_is_the_finest_that_was_seen():
    coarse = signed(payload(reading("12.4"), PG="T18"))
    meter = meter_of(signed(payload(reading("12.34"))), coarse)
    assert [meter.read().resolution_wh, meter.read().resolution_wh] == [10, 10]


def test_a_garbled_line_is_refused_until_the_next_good_one(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(GENUINE + b'\nOCMF|{"FV\n')
    meter = OcmfMeter(records_at(path), serial=SERIAL, public_key=der(), now=lambda: NOW)
    for _ in range(2):
        with pytest.raises(RecordError, match="not an OCMF record"):
            meter.read()
    with path.open("ab") as file:
        file.write(signed(payload(reading("12.5"), PG="T18")) + b"\n")
    assert meter.read().energy_wh == 12_500


def test_a_time_that_falls_is_refused():
    earlier = reading(TM="2026-05-01T13:59:59,999+0200 S")
    meter = meter_of(signed(payload()), signed(payload(earlier)))
    meter.read()
    with pytest.raises(RecordError, match=r"the time \(TM\) fell"):
        meter.read()


def test_a_refused_record_does_not_count_as_the_last_one():
    good = signed(payload(reading("12.5"), PG="T18"))
    meter = meter_of(signed(payload()), signed(payload(reading("12.6", ST="M"))), good)
    meter.read()
    with pytest.raises(RecordError, match="manipulated"):
        meter.read()
    assert meter.read().energy_wh == 12_500


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ST": "M"}, r"status \(ST\) is M, manipulated: expected G"),
        ({"ST": "T"}, r"status \(ST\) is T, timed out"),
        ({"ST": "?"}, r"status \(ST\) is \?, unknown"),
        ({"ST": None}, r"status \(ST\) is None"),
        ({"EF": "E"}, "has reported an exception"),
        ({"EF": "Et"}, "has reported an exception"),
        ({"EF": "t"}, "its time is not usable"),
        ({"TX": "X"}, "has reported an exception"),
        ({"RU": "mOhm"}, r"no reading of energy \(RD\)"),
        ({"RU": "MWh"}, r"no reading of energy \(RD\)"),
        ({"RU": None}, r"no reading of energy \(RD\)"),
        ({"value": "-0.001"}, r"the reading \(RV\) -0.001 kWh is out of range"),
        ({"value": "1e999999"}, r"the reading \(RV\) 1E\+999999 kWh is out of range"),
        ({"value": "NaN"}, r"not OCMF: RD.0.RV"),
        ({"value": '"much"'}, r"not OCMF: RD.0.RV"),
        ({"RV": None}, r"no reading of energy \(RD\)"),
        ({"TM": "yesterday"}, "not OCMF: RD.0.TM"),
        ({"TM": "2026-05-01T14:00:00,000 S"}, r"the time \(TM\) .* has no time zone"),
        ({"TM": "2026-05-01T14:00:00,000+0200 U"}, "is unsynchronized, U"),
        ({"TM": "2026-05-01T14:00:00,000+0200"}, "has no time status: expected U, I, S or R"),
    ],
)
def test_a_reading_that_cannot_be_used_is_refused_although_it_is_signed(fields, message):
    fields = dict(fields)
    record = signed(payload(reading(fields.pop("value", "12.345"), **fields)))
    with pytest.raises(RecordError, match=message):
        meter_of(record).read()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"", r"expected OCMF\|payload\|signature"),
        (b"\xff\xfe|a|b", r"expected OCMF\|payload\|signature"),
        (b"OCMF|{}", r"expected OCMF\|payload\|signature"),
        (b"OMCF|{}|{}", "begins with 'OMCF': expected 'OCMF'"),
        (b"OCMF|{}|{}", "signature section is not OCMF: SD"),
        (b"OCMF|{}|[]", "signature section is not OCMF"),
        (signed("{}"), "not OCMF: RD"),
        (signed("[]"), "not OCMF"),
        (signed("[" * 9_999), "not OCMF"),
        (signed('{"RD": [1]}'), "not OCMF"),
        (signed(payload(MS="another")), "of the meter 'another', and this one is 'BQ274"),
        (signed(payload(MS=None)), "of the meter None"),
        (signed(payload(), algorithm="ECDSA-secp192k1-SHA256"), "signed with secp192k1, and"),
        (signed(payload(), algorithm="ECDSA-secp224r1-SHA256"), "'ECDSA-secp224r1-SHA256' is unkn"),
        (signed(payload(), algorithm="RSA-2048-SHA256"), "'RSA-2048-SHA256' is unknown"),
        (signed(payload(), algorithm="ECDSA-secp256r1-MD5"), "'ECDSA-secp256r1-MD5' is unknown"),
        (signed(payload(), algorithm="none"), "'none' is unknown"),
        (signed(payload(), algorithm="ECDSA-secp384r1-SHA256"), "signed with secp384r1, and"),
        (signed(payload(), encoding="base58"), r"\(SE\) is 'base58': expected hex or base64"),
        (signed(payload(), SD="zz"), r"signature \(SD\) is not hex"),
        (signed(payload(), encoding="base64", SD="?"), r"signature \(SD\) is not base64"),
        (signed(payload(), SD=""), r"signature \(SD\) is neither DER nor"),
        (signed(payload(), SD="00" * 64), "not by the public key"),
        (signed(payload(), digest=hashes.SHA512()), "not by the public key"),
    ],
    ids=itertools.count(),  # a signature is another one each time
)  # fmt: skip
def test_what_is_no_record_of_this_meter_is_refused(record, message):
    with pytest.raises(RecordError, match=message):
        meter_of(record).read()


def test_a_record_signed_with_another_key_of_the_same_curve_is_refused():
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(RecordError, match=f"not by the public key of {SERIAL}"):
        meter_of(signed(payload(), other)).read()


GENUINE = signed(payload())


@settings(max_examples=300)
@given(st.data())
def test_a_payload_with_any_byte_changed_is_refused(data):
    begin, end = GENUINE.index(b"{"), GENUINE.rindex(b"|")
    position = data.draw(st.integers(begin, end - 1))
    value = data.draw(st.integers(0, 255).filter(lambda byte: byte != GENUINE[position]))
    changed = GENUINE[:position] + bytes([value]) + GENUINE[position + 1 :]
    with pytest.raises(RecordError):
        meter_of(changed).read()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "cannot be read"),
        ("zz", "cannot be read"),
        ("-----BEGIN PUBLIC KEY-----", "cannot be read"),
        (pem(rsa.generate_private_key(65537, 2048)), "of an ECDSA key on secp192k1, secp192r1"),
    ],
    ids=["empty", "no digits", "half", "RSA"],
)
def test_a_key_that_is_none_for_ecdsa_is_refused(key, message):
    with pytest.raises(ConfigurationError, match=message):
        meter_of(GENUINE, public_key=key)


def test_a_serial_number_that_no_message_can_hold_is_refused():
    with pytest.raises(MeterError, match="33 bytes"):
        meter_of(GENUINE, serial="x" * 33)


# Where records come from


def test_the_whole_lines_of_a_file_are_its_records_each_once(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(b"one\ntwo\r\n\n")
    records = records_at(path)
    assert isinstance(records, RecordFile)
    assert records.arrived() == [b"one", b"two"]
    with path.open("ab") as file:
        file.write(b"thr")
    assert records.arrived() == []
    with path.open("ab") as file:
        file.write(b"ee\nfour\n")
    assert records.arrived() == [b"three", b"four"]
    path.write_bytes(b"anew\n")
    assert records.arrived() == [b"anew"]


def test_a_long_file_is_read_from_its_end(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(b"x" * 10_000_000 + b"\nlast\n")
    assert RecordFile(path).arrived() == [b"last"]


@pytest.mark.parametrize("content", [b"", b"half a record", b"\n\n"])
def test_a_file_without_a_whole_record_is_refused(tmp_path, content):
    path = tmp_path / "records"
    path.write_bytes(content)
    with pytest.raises(MeterError, match="holds no whole record yet"):
        RecordFile(path).arrived()


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MeterError, match="cannot be read"):
        RecordFile(tmp_path / "records").arrived()
    with pytest.raises(MeterError, match="cannot be opened"):
        records_at(tmp_path / "records")


def test_a_record_that_no_message_can_carry_is_refused(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(signed(payload(GI="x" * 16_000)) + b"\n")
    for records in (RecordFile(path), RecordStream(io.BytesIO(path.read_bytes()))):
        meter = OcmfMeter(records, serial=SERIAL, public_key=der(), now=lambda: NOW)
        with pytest.raises(RecordError, match="messages carry at most 16384"):
            meter.read()


def test_a_stream_gives_the_records_that_have_arrived():
    reader, writer = os.pipe()
    with (
        os.fdopen(reader, "rb", buffering=0) as stream,
        os.fdopen(writer, "wb", buffering=0) as line,
    ):
        records = RecordStream(stream)
        line.write(b"one\ntwo\nthr")
        assert records.arrived() == [b"one", b"two"]
        assert records.arrived() == []
        line.write(b"ee\n")
        assert records.arrived() == [b"three"]


def test_a_named_pipe_is_read_as_a_stream_and_the_first_record_waited_for(tmp_path):
    path = tmp_path / "line"
    os.mkfifo(path)
    records = records_at(path)
    with path.open("wb", buffering=0) as line:
        late = threading.Timer(0.2, line.write, [b"one\n"])
        late.start()
        assert records.arrived() == [b"one"]
        late.join()


def test_a_silent_stream_is_refused_after_a_while():
    reader, writer = os.pipe()
    with (
        os.fdopen(reader, "rb", buffering=0) as stream,
        os.fdopen(writer, "wb", buffering=0),
        pytest.raises(MeterError, match=r"no record within 0.1 s"),
    ):
        RecordStream(stream, patience=0.1).arrived()


def test_a_named_pipe_that_nobody_writes_to_is_refused_after_a_while(tmp_path):
    path = tmp_path / "line"
    os.mkfifo(path)
    with pytest.raises(MeterError, match=r"line has given no record within 0.1 s"):
        records_at(path, patience=0.1).arrived()


def test_a_meter_reads_from_a_file_that_grows(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(GENUINE + b"\n")
    meter = OcmfMeter(records_at(path), serial=SERIAL, public_key=der(), now=lambda: NOW)
    assert meter.read().energy_wh == 12_345
    with path.open("ab") as file:
        file.write(signed(payload(reading("12.5"), PG="T18")) + b"\n")
    assert meter.read().energy_wh == 12_500
