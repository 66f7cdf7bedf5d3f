"""OCMF records in the envelopes that they come in.

| envelope | from |
| --- | --- |
| SAFE XML: `<values><value><signedData>…</signedData><publicKey>…</publicKey></value></values>` | operators, for the Transparenzsoftware |
| OCPP 1.6: a `sampledValue` with `"format": "SignedData"` | chargers |
| OCPP 2.0.1: `"signedMeterValue": {"signedMeterData": …, "encodingMethod": "OCMF", …}` | chargers |
| a bare record, in plain text, hexadecimal digits or base64 | anywhere |
"""  # noqa: E501 - a table

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from pydantic_core import from_json  # bounds the nesting, at which json may run out of stack

from ape_v2v.metering.meter import MAX_RECORD_BYTES
from ape_v2v.metering.records import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_BYTES = 16 * 1024 * 1024
_HEADER = b"OCMF|"
_SPACES = b"\xef\xbb\xbf \t\r\n"
_DEPTH = 64


@dataclass(frozen=True)
class Enclosed:
    """A record, and the key that came with it: nobody vouches for that one."""

    record: bytes
    public_key: str | None = None


def opened(data: bytes) -> list[Enclosed]:
    """The records in an envelope, whichever it is.

    Raises:
        RecordError: There is none, or the envelope cannot be read.
    """
    if len(data) > MAX_FILE_BYTES:
        raise RecordError(f"the file is longer than {MAX_FILE_BYTES} bytes: this is no meter's")
    text = data.strip(_SPACES)
    if text.startswith(b"<"):
        found = list(_in_xml(text))
    elif text.startswith((b"{", b"[")):
        found = list(_in_json(text))
    else:
        found = [Enclosed(_bare(line)) for line in text.splitlines() if line.strip()]
    if not found:
        raise RecordError("the file holds no OCMF record")
    return found


def _in_xml(text: bytes) -> Iterator[Enclosed]:
    if b"<!" in text.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise RecordError("the XML declares types or entities: a file of records has none")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise RecordError(f"the XML cannot be read: {error}") from error
    for value in root.iter("value"):
        key = value.findtext("publicKey")
        for name in ("signedData", "encodedData"):
            for signed in value.iter(name):
                encoding = signed.get("encoding", "plain")
                record = _decoded((signed.text or "").encode(), encoding)
                yield Enclosed(record, None if key is None else key.strip())


def _in_json(text: bytes) -> Iterator[Enclosed]:
    try:
        document = from_json(text)
    except ValueError as error:
        raise RecordError(f"the JSON cannot be read: {error}") from error
    yield from _in_values(document, 0)


def _in_values(value: Any, depth: int) -> Iterator[Enclosed]:
    """Look for signed values, wherever in a message they are."""
    if depth > _DEPTH:
        raise RecordError("the JSON is nested too deeply: this is no message of a charger")
    if isinstance(value, list):
        for part in value:
            yield from _in_values(part, depth + 1)
    elif isinstance(value, dict):
        signed = value.get("signedMeterData")
        if signed is None and value.get("format") == "SignedData":
            signed = value.get("value")
        if isinstance(signed, str):
            yield from _signed(signed, value.get("publicKey"), depth)
            return
        for part in value.values():
            yield from _in_values(part, depth + 1)


def _signed(text: str, key: Any, depth: int) -> Iterator[Enclosed]:
    """What a charger has signed: a record in some encoding, or OCPP 2.0.1's JSON in a text."""
    if text.lstrip().startswith("{"):
        try:
            yield from _in_values(from_json(text), depth + 1)
        except ValueError as error:
            raise RecordError(f"the signed value cannot be read: {error}") from error
        return
    public_key = key if isinstance(key, str) and key else None
    yield Enclosed(_bare(text.encode()), public_key)


def _bare(text: bytes) -> bytes:
    """A record in plain text, hexadecimal digits or base64."""
    for encoding in ("plain", "hex", "base64"):
        try:
            return _decoded(text, encoding)
        except RecordError:
            continue
    raise RecordError(
        f"{text[:40]!r} is not an OCMF record: expected OCMF|payload|signature, in plain text, "
        "hexadecimal digits or base64"
    )


def _decoded(text: bytes, encoding: str) -> bytes:
    text = text.strip(_SPACES)
    try:
        if encoding == "hex":
            record = bytes.fromhex(text.decode("ascii"))
        elif encoding == "base64":
            record = base64.b64decode(b"".join(text.split()), validate=True)
        elif encoding == "plain":
            record = text
        else:
            raise RecordError(
                f"the encoding {encoding[:20]!r} is unknown: expected plain, hex or base64"
            )
    except (ValueError, binascii.Error) as error:
        raise RecordError(f"a record is not in {encoding}, as it says") from error
    record = record.strip(_SPACES)
    if not record.startswith(_HEADER):
        raise RecordError(f"a record begins with {record[:10]!r}: expected 'OCMF|'")
    if len(record) > MAX_RECORD_BYTES:
        raise RecordError(f"a record is longer than {MAX_RECORD_BYTES} bytes")
    return record
