"""What an OCMF record says, once its signature is known to be good.

    OCMF|{"FV":"1.0","PG":"T7","MS":"BQ274","RD":[{"TM":"2026-01-01T12:00:00,000+0000 S",
    "RV":1.234,"RI":"1-b:1.8.0","RU":"kWh","ST":"G"}]}|{"SA":"ECDSA-secp256r1-SHA256","SD":"…"}

`pyocmf` reads the sections.

https://github.com/SAFE-eV/OCMF-Open-Charge-Metering-Format
"""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import from_json
from pyocmf.core import Payload, Signature
from pyocmf.exceptions import PyOCMFError, SpecWarning

from ape_v2v.metering.records import RecordError
from ape_v2v.metering.signed.signatures import verify
from ape_v2v.validation import first_words

if TYPE_CHECKING:
    from pyocmf.core import Reading as Entry

    from ape_v2v.metering.signed.keys import MeterKey

# Meters in the field leave out this and that; what matters here is checked below.
warnings.filterwarnings("ignore", category=SpecWarning)

UNITS = {"Wh": Decimal(1), "kWh": Decimal(1000)}
MAXIMUM_WH = 2**63 - 1
_TIME_STATUS = re.compile(r" [^ ]+$")
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    PyOCMFError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the readers of JSON and of OCMF raise at what is none."""


@dataclass(frozen=True)
class OcmfRecord:
    """The signed part of a record."""

    payload: Payload
    times: tuple[str, ...]
    """The readings' times as they were written, with what they were left out to take over."""

    @property
    def serial(self) -> str | None:
        """The meter's serial number, or where it names none that of its gateway."""
        return self.payload.MS or self.payload.GS

    @property
    def entries(self) -> list[Entry]:
        """All that was read, in order."""
        return self.payload.RD

    @property
    def page(self) -> tuple[str, int] | None:
        """The record's number in its sequence, `T` of a transaction or `F` of others."""
        page = self.payload.PG or ""
        kind, number = page[:1], page[1:]
        if not (number.isascii() and number.isdecimal() and len(number) < _PAGE_DIGITS):
            return None
        return kind, int(number)

    def has_time_status(self, index: int) -> bool:
        """Whether a reading says how far its time can be trusted."""
        return bool(_TIME_STATUS.search(self.times[index]))


_PAGE_DIGITS = 20


def read(record: bytes, key: MeterKey, name: str) -> OcmfRecord:
    """Read a record and check its signature.

    Args:
        record: As the meter wrote it.
        key: The meter's.
        name: The meter's, for errors.

    Raises:
        RecordError: It is no OCMF record, or not signed by the meter.
    """
    payload, signature = _sections(record)
    try:
        section = Signature.model_validate_json(signature)
    except _UNREADABLE as error:
        raise RecordError(f"the signature section is {_reason(error)}") from error
    verify(payload, section, key, name)
    return _parsed(payload)


def unverified(record: bytes) -> OcmfRecord:
    """Read a record whose meter's key is not known: anyone may have written it.

    Raises:
        RecordError: It is no OCMF record.
    """
    payload, _ = _sections(record)
    return _parsed(payload)


def _sections(record: bytes) -> tuple[str, str]:
    """The payload and the signature section."""
    try:
        header, payload, signature, *_ = record.decode().split("|")
    except ValueError as error:  # UnicodeDecodeError is one
        raise RecordError(
            f"{excerpt(record)} is not an OCMF record: expected OCMF|payload|signature"
        ) from error
    if header != "OCMF":
        raise RecordError(f"a record begins with {header[:20]!r}: expected 'OCMF'")
    return payload, signature


def _parsed(payload: str) -> OcmfRecord:
    try:
        from_json(payload)  # bounds the nesting, at which json may run out of stack
        data = json.loads(payload, parse_float=Decimal)
        return OcmfRecord(Payload.model_validate(data), _times(data))
    except _UNREADABLE as error:
        raise RecordError(f"the signed payload is {_reason(error)}") from error


def is_energy(entry: Entry) -> bool:
    """Whether a reading is one of energy: others are of durations, resistances and events."""
    return entry.RV is not None and str(entry.RU) in UNITS


def watt_hours(entry: Entry) -> tuple[Decimal, int]:
    """A reading's energy, and the smallest step that its register shows, Wh.

    Raises:
        RecordError: It is none.
    """
    unit = str(entry.RU)
    if unit not in UNITS:
        raise RecordError(f"the unit (RU) is {unit!r}: expected {' or '.join(UNITS)}")
    value = entry.RV
    assert value is not None, "an entry was chosen because it has a value"
    # Compared first: 1e999999 would be a very long integer.
    if not (value.is_finite() and 0 <= value <= MAXIMUM_WH / UNITS[unit]):
        raise RecordError(
            f"the reading (RV) {value} {unit} is out of range: from 0 to {MAXIMUM_WH} Wh"
        )
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "the value is finite"
    step = UNITS[unit].scaleb(max(min(exponent, 0), -_DIGITS))
    return value * UNITS[unit], max(1, int(step))


_DIGITS = 18


def moment(entry: Entry) -> datetime:
    """When a reading was taken, UTC.

    Raises:
        RecordError: It has no time zone, or is beyond all times.
    """
    at = entry.timestamp
    if at.tzinfo is None:
        raise RecordError(f"the time (TM) {at.isoformat()} has no time zone")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise RecordError(f"the time (TM) {at.isoformat()} is beyond all times") from error


def excerpt(record: bytes) -> str:
    """The beginning of a record, for people."""
    return repr(record[:40])[1:]


def _times(data: Any) -> tuple[str, ...]:
    times, last = [], ""
    for entry in data["RD"]:
        last = str(entry.get("TM", last))
        times.append(last)
    return tuple(times)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return f"not OCMF: {first_words(error)}"
    return f"not OCMF: {error}"
