"""The provider's meter records, as the consumer sees them: signed, or plausible at least."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
        self._registers: set[str] | None = None
        """Those that it may be: a record has several sometimes, and the energy tells which."""

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
            shown = self._shown(record)
        except RecordError as error:
            raise SessionError(
                ErrorCode.INVALID_METER_RECORD, f"the record of the provider's meter: {error}"
            ) from error
        if not shown:
            return
        meter = self._meter
        fitting = [
            one
            for one in shown
            if meter is None or _fits(one.energy_wh - meter.start_wh, energy_wh, most_wh)
        ]
        if not fitting:
            assert meter is not None, "without it all of them fit"
            raise SessionError(
                ErrorCode.INVALID_METER_RECORD,
                f"the provider says {energy_wh} Wh, and by the record of its meter it is "
                f"{shown[-1].energy_wh} Wh less the {meter.start_wh} Wh of the start: have the "
                "provider look at its meter",
            )
        self._registers = {one.register for one in fitting}
        self.resolution_wh = max(one.resolution_wh for one in fitting)

    @property
    def _name(self) -> str:
        if self._meter is None:
            return "the provider's meter"
        return self._meter.meter_id.rstrip(b"\0").decode(errors="replace")

    def _shown(self, record: bytes) -> list[_Shown]:
        """What the registers show by a record; nothing when it is in no form that is known here."""
        if not record:
            raise RecordError("there is none")
        if self._key is not None:
            return self._of(payloads.read(record, self._key, self._name))
        if record.startswith(_OCMF):
            return [
                replace(one, resolution_wh=min(one.resolution_wh, _COARSEST_WH))
                for one in self._of(payloads.unverified(record))
            ]
        return _of_a_simulated_meter(record)

    def _of(self, record: payloads.OcmfRecord) -> list[_Shown]:
        """The last reading of each register that it may be."""
        if self._meter is not None and record.serial != self._name:
            raise RecordError(f"it is of the meter {record.serial!r}, not of {self._name!r}")
        last = {str(entry.RI): entry for entry in record.entries if payloads.is_energy(entry)}
        possible = self._registers
        if possible is not None:
            last = {register: entry for register, entry in last.items() if register in possible}
        if not last:
            named = " or ".join(sorted(possible or ())) or "of energy"
            raise RecordError(f"it has no reading of the register {named}")
        found = []
        for register, entry in last.items():
            wh, resolution = payloads.watt_hours(entry)
            found.append(_Shown(register, int(wh), resolution))
        return found


@dataclass(frozen=True)
class _Shown:
    """What a register shows."""

    register: str
    energy_wh: int
    resolution_wh: int = 1


def _fits(shown_wh: int, energy_wh: int, most_wh: int) -> bool:
    return energy_wh in {shown_wh, min(max(shown_wh, 0), most_wh)}


def _of_a_simulated_meter(record: bytes) -> list[_Shown]:
    try:
        data = from_json(record)
    except ValueError:
        return []
    register = data.get("energyWh") if isinstance(data, dict) else None
    return [_Shown("", register)] if isinstance(register, int) else []
