"""The provider's meter records, as the consumer sees them: signed, or plausible at least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pydantic_core import from_json

from ape_v2v.metering.records import RecordError
from ape_v2v.metering.signed import payloads
from ape_v2v.session.protocol.codes import ErrorCode, SessionError

if TYPE_CHECKING:
    from ape_v2v.metering.signed.keys import MeterKey

_OCMF = b"OCMF|"
_COARSEST_WH = 10
"""A resolution that is believed without a signature: what OCMF recommends."""


class SignedMeter(Protocol):
    """What the provider has signed of its meter."""

    @property
    def meter_id(self) -> bytes: ...
    @property
    def start_wh(self) -> int: ...


class Evidence:
    """The records of one connection, which belong to one register of one meter."""

    def __init__(self, meter: SignedMeter | None, key: MeterKey | None) -> None:
        """Judge records.

        Args:
            meter: What the provider has signed of its meter; None when that was not kept.
            key: The meter's, if it is known by a way that can be trusted: then nothing counts that
                it has not signed.
        """
        self.resolution_wh = 1
        """The smallest step that the register has shown, Wh."""
        self._meter = meter
        self._key = key
        self._register: str | None = None

    def check(self, record: bytes, energy_wh: int, most_wh: int) -> None:
        """Refuse a record that does not bear out a reading.

        Args:
            record: The meter's, as the provider has sent it.
            energy_wh: What the provider says of it.
            most_wh: More is never said.

        Raises:
            SessionError: It is not signed by the meter, or says something else.
        """
        try:
            register_wh = self._register_wh(record)
        except RecordError as error:
            raise SessionError(
                ErrorCode.INVALID_METER_RECORD, f"the record of the provider's meter: {error}"
            ) from error
        if register_wh is None or self._meter is None:
            return
        start_wh = self._meter.start_wh
        shown = register_wh - start_wh
        if energy_wh not in {shown, min(max(shown, 0), most_wh)}:
            raise SessionError(
                ErrorCode.INVALID_METER_RECORD,
                f"the provider says {energy_wh} Wh, and by the record of its meter it is "
                f"{register_wh} Wh less the {start_wh} Wh of the start: have the provider "
                "look at its meter",
            )

    @property
    def _name(self) -> str:
        if self._meter is None:
            return "the provider's meter"
        return self._meter.meter_id.rstrip(b"\0").decode(errors="replace")

    def _register_wh(self, record: bytes) -> int | None:
        """The register by a record, Wh; None when it is in no form that is known here."""
        if not record:
            raise RecordError("there is none")
        if self._key is not None:
            return self._of(payloads.read(record, self._key, self._name))
        if record.startswith(_OCMF):
            wh = self._of(payloads.unverified(record))
            self.resolution_wh = min(self.resolution_wh, _COARSEST_WH)
            return wh
        return _of_a_simulated_meter(record)

    def _of(self, record: payloads.OcmfRecord) -> int:
        if self._meter is not None and record.serial != self._name:
            raise RecordError(f"it is of the meter {record.serial!r}, not of {self._name!r}")
        found = [entry for entry in record.entries if payloads.is_energy(entry)]
        if self._register is not None:
            found = [entry for entry in found if str(entry.RI) == self._register]
        # Where a record has several registers, which of them counts is for the provider to say: it
        # is the one that the energy follows from.
        if not found:
            raise RecordError(f"it has no reading of the register {self._register or 'of energy'}")
        self._register = str(found[-1].RI)
        wh, self.resolution_wh = payloads.watt_hours(found[-1])
        return int(wh)


def _of_a_simulated_meter(record: bytes) -> int | None:
    try:
        data = from_json(record)
    except ValueError:
        return None
    register = data.get("energyWh") if isinstance(data, dict) else None
    return register if isinstance(register, int) else None
