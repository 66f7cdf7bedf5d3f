"""Feed the readers of meters' keys, records, files and envelopes with what no meter writes.

ape run fuzz_meters --inputs 1000000

Inputs are genuine ones with bytes changed, taken out, put in, repeated or cut off, and JSON with
other values in some places. A reader may read one or refuse it in a sentence; a crash, or a signed
byte that was changed unnoticed, fails. What it takes and how often is counted at the end.
"""

import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ape_v2v.errors import V2VError
from ape_v2v.metering.csvmeter import CsvMeter
from ape_v2v.metering.modbus.registermap import map_named, parsed_map
from ape_v2v.metering.ocpp.dialect import SUBPROTOCOLS, spoken
from ape_v2v.metering.ocpp.samples import REGISTERS
from ape_v2v.metering.ocpp.station import ChargingStation
from ape_v2v.metering.signed import envelopes, payloads
from ape_v2v.metering.signed.keys import read_public_key

if TYPE_CHECKING:
    from collections.abc import Callable

BY_VALUE = 0.7
"""How much of JSON is changed by its values: other bytes seldom leave it JSON."""
SERIAL = "BQ27400330016"
KEY = ec.generate_private_key(ec.SECP256R1())
DER = KEY.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
ENTRY = {
    "TM": "2026-05-01T14:00:00,000+0200 S", "TX": "C", "RV": 12.345, "RI": "1-b:1.8.0",
    "RU": "kWh", "RT": "DC", "EF": "", "ST": "G",
}  # fmt: skip
PAYLOAD = json.dumps(
    {"FV": "1.2", "PG": "T17", "MS": SERIAL, "IS": False, "RD": [ENTRY | {"TX": "B"}, ENTRY]}
)
SIGNATURE = KEY.sign(PAYLOAD.encode(), ec.ECDSA(hashes.SHA256())).hex()
SECTION = json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": SIGNATURE})
RECORD = f"OCMF|{PAYLOAD}|{SECTION}".encode()
XML = (
    b'<?xml version="1.0"?><values><value><signedData format="OCMF" encoding="plain">'
    + RECORD
    + b"</signedData><publicKey>"
    + DER.hex().encode()
    + b"</publicKey></value></values>"
)
OCPP = json.dumps(
    [2, "1", "MeterValues", {"sampledValue": [{"value": RECORD.hex(), "format": "SignedData"}]}]
).encode()
AT = "2026-05-01T12:00:00Z"
VALUE = {"value": "12.345", "measurand": REGISTERS[0], "context": "Sample.Periodic"}
SIGNED = {"signedMeterData": RECORD.hex(), "encodingMethod": "OCMF", "signingMethod": ""}
UNIT = {"unit": "Wh", "multiplier": 3}
NEEDS = {"v2xChargingParameters": {"maxDischargePower": 9_000.0}}
SAID: dict[str, dict[str, Any]] = {
    "BootNotification": {"chargePointModel": "a", "chargePointVendor": "b"},
    "StartTransaction": {"connectorId": 1, "idTag": "t", "meterStart": 5, "timestamp": AT},
    "StopTransaction": {"transactionId": 7, "meterStop": 9, "timestamp": AT},
    "MeterValues": {
        "connectorId": 1,
        "evseId": 1,
        "transactionId": 7,
        "meterValue": [
            {
                "timestamp": AT,
                "sampledValue": [
                    VALUE | {"unit": "kWh"},
                    {"value": RECORD.hex(), "format": "SignedData"},
                    {"value": 55, "measurand": "SoC", "location": "EV"},
                    {"value": 12.5, "unitOfMeasure": UNIT, "signedMeterValue": SIGNED},
                ],
            }
        ],
    },
    "TransactionEvent": {
        "eventType": "Updated",
        "timestamp": AT,
        "transactionInfo": {"transactionId": "a"},
        "evse": {"id": 1},
        "idToken": {"idToken": "t", "type": "Central"},
        "meterValue": [{"timestamp": AT, "sampledValue": [VALUE | {"unitOfMeasure": UNIT}]}],
    },
    "NotifyEVChargingNeeds": {
        "evseId": 1,
        "chargingNeeds": NEEDS | {"dcChargingParameters": {"stateOfCharge": 50}},
    },
    "StatusNotification": {"connectorId": 1, "evseId": 1, "connectorStatus": "Available"},
}
MESSAGES = json.dumps([[action, payload] for action, payload in SAID.items()]).encode()
MAP = b"""name: a
table: holding
sunspec: {models: [203], bases: [40000]}
registers:
  import: {address: 46, type: uint32, unit: kWh, exponent_at: 54, words: little, scale: 0.1}
power: {address: 18, type: int16, unit: W}
"""
REGISTERS_READ = bytes(40)
NASTY: list[Any] = [
    *(None, True, -1, 0, 2**64, 1e308, float("nan"), "", "nan", "1e99999", "-0", "1,5", "\x00"),
    *([], {}, [[]], "9" * 400, "OCMF|{}|{}", "0001-01-01T00:00:00+23:59", AT, "Wh", 10**400),
]
CSV = b"\xef\xbb\xbftime;energy\r\n01.05.2026 14:00:00;1.234,5\r\n2026-05-01T14:00:10;1234.6\r\n"
POOL = [RECORD, XML, OCPP, CSV, DER, DER.hex().encode(), b"1e999999", b"\x00\xff", b"[" * 500]


def mutated(seed: bytes, draw: random.Random) -> bytes:
    """Bytes that were changed in a few places."""
    data = bytearray(seed)
    for _ in range(draw.choice((1, 1, 1, 2, 5, 20))):
        at = draw.randrange(len(data) + 1)
        kind = draw.choice(("set", "remove", "insert", "splice", "cut", "flip"))
        if kind == "set" and at < len(data):
            data[at] = draw.randrange(256)
        elif kind == "remove":
            del data[at : at + draw.randrange(1, 9)]
        elif kind == "insert":
            data[at:at] = draw.randbytes(draw.randrange(1, 9))
        elif kind == "splice":
            other = draw.choice(POOL)
            begin = draw.randrange(len(other))
            data[at:at] = other[begin : begin + draw.randrange(1, 60)]
        elif kind == "cut":
            del data[at:]
        elif at < len(data):
            data[at] ^= 1 << draw.randrange(8)
    return bytes(data)


def replaced(seed: bytes, draw: random.Random) -> bytes:
    """JSON with other values in some places."""

    def walked(value: Any, odds: float) -> Any:
        if draw.random() < odds:
            return draw.choice(NASTY)
        if isinstance(value, dict):
            return {key: walked(each, odds) for key, each in value.items()}
        return [walked(each, odds) for each in value] if isinstance(value, list) else value

    return json.dumps(walked(json.loads(seed), draw.choice((0.02, 0.1)))).encode()


class Readers:
    """Each reader with a genuine input."""

    def __init__(self, folder: Path) -> None:
        self._key = read_public_key(DER)
        self._path = folder / "meter.csv"
        self._csv_meter = CsvMeter(self._path, id="meter", zone="Europe/Berlin")
        self._maps = map_named("eastron-sdm"), map_named("sunspec-meter"), parsed_map(MAP, "a")
        self.all: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
            "a signed record": (RECORD, self.record),
            "a record without a key": (RECORD, self.unsigned),
            "SAFE XML": (XML, self.enclosed),
            "signed values of OCPP": (OCPP, self.enclosed),
            "messages of chargers": (MESSAGES, self.messages),
            "a map of Modbus": (MAP, lambda data: parsed_map(data, "a")),
            "registers of Modbus": (REGISTERS_READ, self.registers),
            "CSV": (CSV, self.csv),
            "a key": (DER, read_public_key),
            "a key in digits": (DER.hex().encode(), read_public_key),
        }

    def record(self, data: bytes) -> object:
        found = payloads.read(data, self._key, SERIAL)
        if data.split(b"|")[1] != PAYLOAD.encode():
            raise AssertionError("a changed byte was not noticed")
        return [payloads.watt_hours(entry) for entry in found.entries if payloads.is_energy(entry)]

    def unsigned(self, data: bytes) -> object:
        found = payloads.unverified(data)
        entries = [entry for entry in found.entries if payloads.is_energy(entry)]
        return found.page, [(payloads.watt_hours(e), payloads.moment(e)) for e in entries]

    def enclosed(self, data: bytes) -> object:
        return [self.record(each.record) for each in envelopes.opened(data)]

    def messages(self, data: bytes) -> object:
        """Let a charger say all of it, by each version; then read it as a session would."""
        try:
            said = json.loads(data)
        except (ValueError, RecursionError) as error:  # which the conversation refuses
            raise V2VError("no JSON") from error
        station, refused = ChargingStation("CP1", 1), []
        for subprotocol in SUBPROTOCOLS:
            for action, payload in filter(_is_request, said if isinstance(said, list) else []):
                try:
                    spoken(subprotocol).hear(station, action, payload)
                except V2VError as error:
                    refused.append(error)
        for measurand in REGISTERS:
            with suppress(V2VError):
                wh, *_ = station.register(measurand)
                if not 0 <= wh <= payloads.MAXIMUM_WH:
                    raise AssertionError("no register has shown that")
        with suppress(V2VError):
            for record in station.records(0)[1]:
                self.record(record)
        if refused:
            raise refused[0]
        return station

    def registers(self, data: bytes) -> object:
        words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, 40, 2)] * 5
        return [
            value.watt_hours(words[: len(value.span)], name)
            for each in self._maps
            for name, value in each.registers.items()
        ]

    def csv(self, data: bytes) -> object:
        self._path.write_bytes(data)
        return self._csv_meter.read()


def _is_request(message: Any) -> bool:
    return (
        isinstance(message, list)
        and len(message) == len(("action", "payload"))
        and isinstance(message[0], str)
        and isinstance(message[1], dict)
    )


def fuzzed(inputs: int, seed: int, minutes: float) -> tuple[Counter[tuple[str, str]], list[str]]:
    """How often each reader has read and refused, and what has gone wrong."""
    draw = random.Random(seed)
    until = time.monotonic() + 60 * minutes
    results: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        each = Readers(Path(name)).all
        for number in range(inputs):
            if time.monotonic() > until:
                break
            what = list(each)[number % len(each)]
            genuine, read = each[what]
            by_value = genuine.startswith(b"[") and draw.random() < BY_VALUE
            data = (replaced if by_value else mutated)(genuine, draw)
            try:
                read(data)
                results[what, "read"] += 1
            except V2VError:
                results[what, "refused"] += 1
            except Exception as error:
                wrong.append(f"{what}: {error!r} at {data!r}")
    return results, wrong


@click.command(short_help="Feed the readers of meters with what no meter writes")
@click.option("--inputs", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--minutes", default=30.0, show_default=True, help="When to end at the latest.")
def cli(inputs: int, seed: int, minutes: float) -> None:
    results, wrong = fuzzed(inputs, seed, minutes)
    for words in wrong:
        click.echo(words)
    for what in dict.fromkeys(what for what, _ in results):
        click.echo(f"{what:24} {results[what, 'read']:8} read {results[what, 'refused']:8} refused")
    click.echo(f"{sum(results.values()) + len(wrong)} inputs, {len(wrong)} crashes")
    sys.exit(bool(wrong))
