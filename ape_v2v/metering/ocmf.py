"""A meter that signs its readings: Open Charge Metering Format (OCMF) by S.A.F.E. e.V.

    OCMF|{"FV":"1.0","PG":"T7","MS":"BQ274","RD":[{"TM":"2026-01-01T12:00:00,000+0000 S",
    "RV":1.234,"RI":"1-b:1.8.0","RU":"kWh","ST":"G"}]}|{"SA":"ECDSA-secp256r1-SHA256","SD":"…"}

in one line. `pyocmf` reads the sections; the payload is looked at only when its signature is good.

https://github.com/SAFE-eV/OCMF-Open-Charge-Metering-Format
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pyocmf.core import Payload, Signature
from pyocmf.exceptions import PyOCMFError, SpecWarning

from ape_v2v.metering.meter import Reading, wire_id
from ape_v2v.metering.records import RecordError
from ape_v2v.metering.signatures import read_public_key, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyocmf.core import Reading as Entry

    from ape_v2v.metering.records import Records

# Meters in the field leave out this and that; what matters here is checked below.
warnings.filterwarnings("ignore", category=SpecWarning)

_UNITS = {"Wh": Decimal(1), "kWh": Decimal(1000)}
_MAXIMUM_WH = 2**63 - 1
_GOOD = "G"
_EXCEPTION = "X"
_UNSYNCHRONIZED = "U"
_ENERGY_ERROR = "E"
_TIME_ERROR = "t"
_STATES = {
    "N": "not present",
    "T": "timed out",
    "D": "disconnected",
    "R": "removed",
    "M": "manipulated",
    "X": "exchanged",
    "I": "incompatible",
    "O": "out of range",
    "S": "substituted",
    "E": "in error",
    "F": "not read correctly",
}


@dataclass(frozen=True)
class _Energy:
    wh: Decimal
    at: datetime


class OcmfMeter:
    """A meter with signed records. Its id is its serial number."""

    def __init__(
        self,
        records: Records,
        *,
        serial: str,
        public_key: str,
        register: str | None = None,
        max_age: timedelta | None = timedelta(minutes=1),
        unsynchronized: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Read a meter.

        Args:
            records: Where its records come from.
            serial: The meter's serial number (MS), or that of its gateway (GS) if records name no
                meter. At most 32 bytes.
            public_key: As the meter shows it, by a way that can be trusted: DER in hexadecimal
                digits, or PEM.
            register: The OBIS code (RI) to read, as the records have it. It may be left out for
                a meter whose records have one only.
            max_age: How far from now a reading may be; None for any age, where the meter's clock
                is not set.
            unsynchronized: Take readings of a clock that says it was never set (U).
            now: The time, UTC.

        Raises:
            ConfigurationError: The public key is none for ECDSA.
            MeterError: The serial number does not fit into a message.
        """
        wire_id(serial)
        self.id = serial
        self._records = records
        self._key = read_public_key(public_key)
        self._register = register
        self._max_age = max_age
        self._unsynchronized = unsynchronized
        self._now = now
        self._last: _Energy | None = None
        self._power_w = 0

    def read(self) -> Reading:
        """The reading in the latest record. Below 1 Wh it is rounded down; the record is not.

        The power is the mean since the last reading, 0 at the first.

        Raises:
            RecordError: The record is not good, and which value of it is not.
            MeterError: There is no record.
        """
        record = self._records.latest()
        energy = self._energy(self._verified(record))
        self._follow(energy)
        return Reading(int(energy.wh), self._power_w, energy.at, record)

    def _verified(self, record: bytes) -> Payload:
        """The payload, once its signature is known to be good."""
        try:
            header, payload, signature, *_ = record.decode().split("|")
        except ValueError as error:  # UnicodeDecodeError is one
            raise RecordError(
                f"{_excerpt(record)} is not an OCMF record: expected OCMF|payload|signature"
            ) from error
        if header != "OCMF":
            raise RecordError(f"a record begins with {header[:20]!r}: expected 'OCMF'")
        try:
            section = Signature.model_validate_json(signature)
        except (ValidationError, PyOCMFError) as error:
            raise RecordError(f"the signature section is {_reason(error)}") from error
        verify(payload, section, self._key, self.id)
        try:
            return Payload.model_validate(json.loads(payload, parse_float=Decimal))
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise RecordError(f"the signed payload is {_reason(error)}") from error

    def _energy(self, payload: Payload) -> _Energy:
        serial = payload.MS or payload.GS
        if serial != self.id:
            raise RecordError(
                f"the record is of the meter {serial!r}, and this one is {self.id!r}: check which "
                "meter writes here"
            )
        entry = self._entry(payload.RD)
        _require_good(entry)
        return _Energy(_watt_hours(entry), self._moment(entry))

    def _entry(self, entries: list[Entry]) -> Entry:
        """The last reading of the register in question."""
        found = {str(entry.RI): entry for entry in entries if entry.RV is not None}
        if self._register is None:
            if len(found) == 1:
                return next(iter(found.values()))
            raise RecordError(
                f"the record has readings of {len(found)} registers (RI), {', '.join(found)}: name "
                "the one to use"
                if found
                else "the record has no reading (RD): the meter reports an event only"
            )
        if self._register not in found:
            raise RecordError(
                f"the record has no reading of the register (RI) {self._register}, but of "
                f"{', '.join(found) or 'none'}"
            )
        return found[self._register]

    def _moment(self, entry: Entry) -> datetime:
        at, status = entry.timestamp, str(entry.time_status)
        if status == _UNSYNCHRONIZED and not self._unsynchronized:
            raise RecordError(
                "the meter's clock (TM) is unsynchronized, U: set it, or allow unsynchronized "
                "clocks for this meter"
            )
        if at.tzinfo is None:
            raise RecordError(f"the time (TM) {at.isoformat()} has no time zone")
        at, now = at.astimezone(UTC), self._now()
        if self._max_age is not None and abs(now - at) > self._max_age:
            raise RecordError(
                f"the latest reading is of {at:%Y-%m-%d %H:%M:%S} UTC, and it is "
                f"{now:%Y-%m-%d %H:%M:%S} UTC: at most {self._max_age.total_seconds():g} s apart "
                "are allowed; check that the meter still writes, and its clock"
            )
        return at

    def _follow(self, energy: _Energy) -> None:
        """Compare with the last reading: neither energy nor time goes backwards."""
        last = self._last
        if last is not None:
            if energy.wh < last.wh:
                raise RecordError(
                    f"the register (RV) fell from {last.wh} Wh to {energy.wh} Wh: this is not the "
                    "next record of the same meter"
                )
            if energy.at < last.at:
                raise RecordError(
                    f"the time (TM) fell from {last.at.isoformat()} to {energy.at.isoformat()}: "
                    "this is not the next record of the same meter"
                )
            if seconds := Decimal((energy.at - last.at).total_seconds()):
                self._power_w = int((energy.wh - last.wh) * 3600 / seconds)
        self._last = energy


def _require_good(entry: Entry) -> None:
    if entry.ST != _GOOD:
        state = _STATES.get(str(entry.ST), "unknown")
        raise RecordError(f"the meter's status (ST) is {entry.ST}, {state}: expected G, good")
    flags = str(entry.EF or "")
    if _ENERGY_ERROR in flags or str(entry.TX) == _EXCEPTION:
        raise RecordError(
            f"the meter says that its energy is not usable (EF {flags!r}, TX {entry.TX}): "
            "expected neither E nor X; end the session and have the meter looked at"
        )
    if _TIME_ERROR in flags:
        raise RecordError(
            f"the meter says that its time is not usable (EF {flags!r}): set its clock"
        )


def _watt_hours(entry: Entry) -> Decimal:
    unit = str(entry.RU)
    if unit not in _UNITS:
        raise RecordError(f"the unit (RU) is {unit!r}: expected {' or '.join(_UNITS)}")
    value = entry.RV
    assert value is not None, "an entry was chosen because it has a value"
    # Compared first: 1e999999 would be a very long integer.
    if not (value.is_finite() and 0 <= value <= _MAXIMUM_WH / _UNITS[unit]):
        raise RecordError(
            f"the reading (RV) {value} {unit} is out of range: from 0 to {_MAXIMUM_WH} Wh"
        )
    return value * _UNITS[unit]


def _excerpt(record: bytes) -> str:
    return repr(record[:40])[1:]


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"not OCMF: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"not OCMF: {error}"
