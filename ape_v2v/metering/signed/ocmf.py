"""A meter that signs its readings: Open Charge Metering Format (OCMF) by S.A.F.E. e.V."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ape_v2v.metering.meter import MeterError, MeterReading, wire_id
from ape_v2v.metering.records import RecordError, require_length
from ape_v2v.metering.signed import payloads
from ape_v2v.metering.signed.keys import read_public_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyocmf.core import Reading as Entry

    from ape_v2v.metering.records import RecordSource
    from ape_v2v.metering.signed.payloads import OcmfRecord

_GOOD = "G"
_BEGIN = "B"
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
    record: bytes


class OcmfMeter:
    """A meter with signed records. Its id is its serial number."""

    def __init__(
        self,
        records: RecordSource,
        *,
        serial: str,
        public_key: str | bytes,
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
            public_key: As the meter shows it, by a way that can be trusted; see
                `keys.read_public_key`.
            register: The OBIS code (RI) to read, as the records have it. Left out, it is that of
                the first record, which may have one register of energy only.
            max_age: How far from now a reading may be; None for any age, where the meter's clock
                is not set.
            unsynchronized: Take readings of a clock that says it was never set (U), or says
                nothing.
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
        self._pages: dict[str, int] = {}
        self._opened = False
        self._exception: str | None = None
        self._problem: MeterError | None = None
        self._last: _Energy | None = None
        self._power_w = 0
        self._resolution_wh: int | None = None

    def read(self) -> MeterReading:
        """The reading in the latest record. Below 1 Wh it is rounded down; the record is not.

        The power is the mean since the last reading, 0 at the first. Every record counts that has
        come since the last call: after an exception of the meter none does until it begins anew.

        Raises:
            RecordError: The latest record is not good, and which value of it is not.
            MeterError: There is no record.
        """
        arrived = self._records.arrived()
        if not self._opened and arrived:
            self._look_back(arrived[:-1])
            arrived = arrived[-1:]
        for record in arrived:
            self._opened = True
            try:
                self._take(record)
                self._problem = None
            except MeterError as problem:
                self._problem = problem
        if self._problem is not None:
            raise self._problem.with_traceback(None)
        last = self._last
        if last is None or self._resolution_wh is None or self._register is None:
            raise MeterError("the meter has given no record yet")
        self._require_recent(last)
        return MeterReading(
            int(last.wh),
            self._power_w,
            last.at,
            last.record,
            register=self._register,
            resolution_wh=self._resolution_wh,
        )

    def _look_back(self, earlier: list[bytes]) -> None:
        """See whether an exception was reported before this program began to read."""
        for record in earlier:
            try:
                entries = payloads.read(record, self._key, self.id).entries
            except RecordError:
                continue  # another meter's, before this one: it is not read
            for entry in entries:
                self._note_exception(entry)

    def _take(self, bytes_: bytes) -> None:
        """Follow the meter by one more record.

        Raises:
            RecordError: It does not count.
        """
        require_length(bytes_)
        record = payloads.read(bytes_, self._key, self.id)
        if record.serial != self.id:
            raise RecordError(
                f"the record is of the meter {record.serial!r}, and this one is {self.id!r}: check "
                "which meter writes here"
            )
        register = self._chosen(record)
        energy, resolution = self._energy(record, register, bytes_)
        self._follow(energy)
        self._turn_page(record, bytes_)
        finest = self._resolution_wh
        self._resolution_wh = resolution if finest is None else min(finest, resolution)
        self._register = register
        self._last = energy

    def _energy(self, record: OcmfRecord, register: str, bytes_: bytes) -> tuple[_Energy, int]:
        """The last reading of a register, and its resolution; those before it rise up to it."""
        last: tuple[_Energy, int] | None = None
        index = 0
        for index, entry in enumerate(record.entries):
            self._note_exception(entry)
            if not (payloads.is_energy(entry) and str(entry.RI) == register):
                continue
            if self._exception is None:
                _require_good(entry)
                wh, resolution = payloads.watt_hours(entry)
                if last is not None and wh < last[0].wh:
                    raise _fell(last[0].wh, wh)
                self._require_time_status(record, index, entry)
                last = _Energy(wh, payloads.moment(entry), bytes_), resolution
        if self._exception is not None:
            raise RecordError(
                f"the meter has reported an exception ({self._exception}): nothing counts until "
                "its next begin (TX B); end the session and have the meter looked at"
            )
        assert last is not None, "a register was chosen because it has a reading"
        return last

    def _note_exception(self, entry: Entry) -> None:
        flags, reason = str(entry.EF or ""), str(entry.TX)
        if reason == _BEGIN:
            self._exception = None
        if _ENERGY_ERROR in flags or reason == _EXCEPTION:
            self._exception = f"EF {flags!r}, TX {entry.TX}"

    def _chosen(self, record: OcmfRecord) -> str:
        """The register in question: the named one, or the only one there is."""
        found = list(dict.fromkeys(str(e.RI) for e in record.entries if payloads.is_energy(e)))
        shown = ", ".join(found) or "none"
        if self._register is None:
            if len(found) == 1:
                return found[0]
            raise RecordError(
                f"the record has readings of {len(found)} registers (RI), {shown}: name the one to "
                "use"
                if found
                else "the record has no reading of energy (RD): the meter reports an event only"
            )
        if self._register not in found:
            self._require_energy_unit(record)
            raise RecordError(
                f"the record has no reading of the register (RI) {self._register}, but of {shown}"
            )
        return self._register

    def _require_energy_unit(self, record: OcmfRecord) -> None:
        for entry in record.entries:
            if str(entry.RI) == self._register and entry.RV is not None:
                payloads.watt_hours(entry)

    def _require_time_status(self, record: OcmfRecord, index: int, entry: Entry) -> None:
        if self._unsynchronized:
            return
        if not record.has_time_status(index):
            raise RecordError(
                f"the time (TM) {record.times[index]!r} has no time status: expected U, I, S or R "
                "after it; or allow unsynchronized clocks for this meter"
            )
        if str(entry.time_status) == _UNSYNCHRONIZED:
            raise RecordError(
                "the meter's clock (TM) is unsynchronized, U: set it, or allow unsynchronized "
                "clocks for this meter"
            )

    def _require_recent(self, last: _Energy) -> None:
        now = self._now()
        if self._max_age is not None and abs(now - last.at) > self._max_age:
            raise RecordError(
                f"the latest reading is of {last.at:%Y-%m-%d %H:%M:%S} UTC, and it is "
                f"{now:%Y-%m-%d %H:%M:%S} UTC: at most {self._max_age.total_seconds():g} s apart "
                "are allowed; check that the meter still writes, and its clock"
            )

    def _turn_page(self, record: OcmfRecord, bytes_: bytes) -> None:
        """Compare with the last record: its number rises."""
        if record.page is None:
            return
        kind, number = record.page
        last = self._pages.get(kind)
        same = self._last is not None and self._last.record == bytes_
        if last is not None and number <= last and not same:
            raise RecordError(
                f"the pagination (PG) went from {kind}{last} to {kind}{number}: this is not the "
                "next record of the same meter"
            )
        self._pages[kind] = number

    def _follow(self, energy: _Energy) -> None:
        """Compare with the last reading: neither energy nor time goes backwards."""
        last = self._last
        if last is None:
            return
        if energy.wh < last.wh:
            raise _fell(last.wh, energy.wh)
        if energy.at < last.at:
            raise RecordError(
                f"the time (TM) fell from {last.at.isoformat()} to {energy.at.isoformat()}: "
                "this is not the next record of the same meter"
            )
        if seconds := Decimal((energy.at - last.at).total_seconds()):
            self._power_w = int((energy.wh - last.wh) * 3600 / seconds)


def _fell(before: Decimal, after: Decimal) -> RecordError:
    return RecordError(
        f"the register (RV) fell from {before} Wh to {after} Wh: this is not the next record of "
        "the same meter"
    )


def _require_good(entry: Entry) -> None:
    if entry.ST != _GOOD:
        state = _STATES.get(str(entry.ST), "unknown")
        raise RecordError(f"the meter's status (ST) is {entry.ST}, {state}: expected G, good")
    if _TIME_ERROR in str(entry.EF or ""):
        raise RecordError(
            f"the meter says that its time is not usable (EF {entry.EF!r}): set its clock"
        )
