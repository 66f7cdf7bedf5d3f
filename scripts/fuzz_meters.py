"""Feed the readers of meters' keys, records, files and envelopes with what no meter writes.

ape run fuzz_meters --inputs 1000000

Inputs are genuine ones with bytes changed, taken out, put in, repeated or cut off. A reader may
read one or refuse it in a sentence; a crash, or a signed byte that was changed unnoticed, fails.
"""

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ape_v2v.errors import V2VError
from ape_v2v.metering import envelopes, payloads
from ape_v2v.metering.csvmeter import CsvMeter
from ape_v2v.metering.keys import read_public_key

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


def readers(folder: Path) -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Each reader with a genuine input."""
    key = read_public_key(DER)
    path = folder / "meter.csv"
    meter = CsvMeter(path, id="meter", zone="Europe/Berlin")

    def record(data: bytes) -> object:
        found = payloads.read(data, key, SERIAL)
        if data.split(b"|")[1] != PAYLOAD.encode():
            raise AssertionError("a changed byte was not noticed")
        return [payloads.watt_hours(entry) for entry in found.entries if payloads.is_energy(entry)]

    def unsigned(data: bytes) -> object:
        found = payloads.unverified(data)
        entries = [entry for entry in found.entries if payloads.is_energy(entry)]
        return found.page, [(payloads.watt_hours(e), payloads.moment(e)) for e in entries]

    def csv(data: bytes) -> object:
        path.write_bytes(data)
        return meter.read()

    return {
        "a signed record": (RECORD, record),
        "a record without a key": (RECORD, unsigned),
        "SAFE XML": (XML, envelopes.opened),
        "OCPP": (OCPP, envelopes.opened),
        "CSV": (CSV, csv),
        "a key": (DER, read_public_key),
        "a key in digits": (DER.hex().encode(), read_public_key),
    }


@click.command(short_help="Feed the readers of meters with what no meter writes")
@click.option("--inputs", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--minutes", default=30.0, show_default=True, help="When to end at the latest.")
def cli(inputs: int, seed: int, minutes: float) -> None:
    draw = random.Random(seed)
    until = time.monotonic() + 60 * minutes
    results: Counter[tuple[str, str]] = Counter()
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        each = readers(Path(name))
        names = list(each)
        for number in range(inputs):
            if time.monotonic() > until:
                click.echo(f"ended after {minutes:g} minutes")
                break
            what = names[number % len(names)]
            genuine, read = each[what]
            data = mutated(genuine, draw)
            try:
                read(data)
                results[what, "read"] += 1
            except V2VError:
                results[what, "refused"] += 1
            except Exception as error:
                failed += 1
                click.echo(f"{what}: {error!r} at {data!r}")
    for what in names:
        click.echo(f"{what:24} {results[what, 'read']:8} read {results[what, 'refused']:8} refused")
    click.echo(f"{sum(results.values()) + failed} inputs, {failed} crashes")
    sys.exit(failed > 0)
