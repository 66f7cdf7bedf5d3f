"""A meter whose register a logger or a spreadsheet writes to a CSV file, a row for each reading.

Delimiters, decimal commas, a byte order mark and rows that are repeated, empty or not finished are
borne with. Nothing is signed: the other side has your word and its own meter.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.meter import MeterError, MeterReading, wire_id
from ape_v2v.metering.signed.payloads import MAXIMUM_WH, UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAIL_BYTES = 64 * 1024
_DELIMITERS = ";\t,|"
_SECONDS_PER_HOUR = 3600


class CsvMeter:
    """The last whole row of a file."""

    def __init__(
        self,
        path: Path | str,
        *,
        id: str,  # noqa: A002 - as the interface has it
        time: str = "time",
        energy: str = "energy",
        unit: str = "kWh",
        zone: str = "UTC",
        resolution_wh: int = 1,
    ) -> None:
        """Read a file.

        Args:
            path: The file, with a row of column names.
            id: What the meter is called, at most 32 bytes.
            time: The column with the moment: ISO 8601, or `01.05.2026 14:00:00`.
            energy: The column with the register.
            unit: The register's, Wh or kWh.
            zone: Of moments that name none, as `Europe/Berlin`.
            resolution_wh: The smallest step that the register shows, Wh.

        Raises:
            ConfigurationError: The unit or the time zone is unknown.
            MeterError: The id does not fit into a message.
        """
        wire_id(id)
        self.id = id
        self._path = Path(path)
        self._columns = time, energy
        if unit not in UNITS:
            raise ConfigurationError(f"the unit {unit!r} is unknown: expected {' or '.join(UNITS)}")
        self._unit = UNITS[unit]
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigurationError(
                f"the time zone {zone!r} is unknown: expected one as 'Europe/Berlin'"
            ) from error
        self._resolution_wh = resolution_wh
        self._last: tuple[Decimal, datetime] | None = None
        self._power_w = 0

    def read(self) -> MeterReading:
        """The reading in the last whole row. The power is the mean since the last one.

        Raises:
            MeterError: There is none, or its time or energy cannot be read.
        """
        header, rows = self._rows()
        delimiter = max(_DELIMITERS, key=header.count)
        names = [name.strip() for name in _cells(header, delimiter)]
        missing = [name for name in self._columns if name not in names]
        if missing:
            raise MeterError(
                f"{self._path} has no column {missing[0]!r}, but {', '.join(names)}: name the "
                "columns of time and energy"
            )
        row = rows[-1]
        cells = _cells(row, delimiter)
        if len(cells) < len(names):
            raise MeterError(f"the last row of {self._path} has {len(cells)} columns: {row[:60]!r}")
        moment, energy = (cells[names.index(name)].strip() for name in self._columns)
        at, wh = self._moment(moment), self._watt_hours(energy)
        self._follow(wh, at)
        return MeterReading(
            int(wh),
            self._power_w,
            at,
            f"{header}\n{row}\n".encode(),
            register=self._columns[1],
            resolution_wh=self._resolution_wh,
        )

    def _rows(self) -> tuple[str, list[str]]:
        """The column names, and the last whole rows."""
        try:
            with self._path.open("rb") as file:
                header = file.readline(_TAIL_BYTES)
                size = file.seek(0, io.SEEK_END)
                begin = max(len(header), size - _TAIL_BYTES)
                file.seek(begin)
                tail = file.read()
            whole = tail[: tail.rfind(b"\n") + 1].decode()
            rows = [line.strip("\r") for line in whole.split("\n") if line.strip(" \r;,\t|")]
            if begin > len(header):
                rows = rows[1:]
            names = header.decode("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            raise MeterError(f"the meter's file cannot be read: {error}") from error
        except UnicodeDecodeError as error:
            raise MeterError(f"{self._path} is not UTF-8: save it as such") from error
        if not rows:
            raise MeterError(f"{self._path} holds no whole row yet")
        return names, rows

    def _moment(self, text: str) -> datetime:
        for read in (datetime.fromisoformat, _as_in_europe):
            try:
                moment = read(text)
            except ValueError:
                continue
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._zone)
            try:
                return moment.astimezone(UTC)
            except OverflowError:
                continue
        raise MeterError(
            f"the time {text[:40]!r} in {self._path} cannot be read: expected one as "
            "2026-05-01T14:00:00+02:00 or 01.05.2026 14:00:00"
        )

    def _watt_hours(self, text: str) -> Decimal:
        digits = text.replace(" ", "").replace("\u00a0", "").replace("'", "")
        if "," in digits:  # 1.234,5 or 1,234.5: the last of them is the decimal one
            decimal = max(digits.rfind(","), digits.rfind("."))
            whole = digits[:decimal].replace(",", "").replace(".", "")
            digits = f"{whole}.{digits[decimal + 1 :]}"
        try:
            value = Decimal(digits)
        except InvalidOperation:
            value = Decimal("NaN")
        if not (value.is_finite() and 0 <= value <= MAXIMUM_WH / self._unit):
            raise MeterError(
                f"the energy {text[:40]!r} in {self._path} cannot be a register: expected a number "
                "of at least 0"
            )
        return value * self._unit

    def _follow(self, wh: Decimal, at: datetime) -> None:
        last = self._last
        if last is not None and (seconds := Decimal((at - last[1]).total_seconds())) > 0:
            self._power_w = max(0, int((wh - last[0]) * _SECONDS_PER_HOUR / seconds))
        if last is None or at > last[1]:
            self._last = wh, at


def _cells(line: str, delimiter: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _as_in_europe(text: str) -> datetime:
    return datetime.strptime(text, "%d.%m.%Y %H:%M:%S")
