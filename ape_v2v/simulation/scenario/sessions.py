"""Public data, in files of the user's own: charging sessions as published, and day-ahead prices.

A scenario names a file in place of a distribution, and has its quantiles from then on: what is run
hangs on them, not on the file, and nobody's session is in what comes out.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Row = dict[str, Any]
QUANTILES = 201
"""That are kept of a file: between two of them a value falls once in two hundred times."""
_HOUR = 3_600
_MISSING = {None, "", "NA"}
_MWH = 1_000
"""In kWh."""


@dataclass(frozen=True)
class Session:
    """One charge."""

    arrives: datetime
    """By the clock of the place."""
    stay_hours: float | None
    """None where it is not told."""
    energy_kwh: float | None

    @property
    def arrival_hours(self) -> float:
        """Of the day."""
        at = self.arrives
        return at.hour + at.minute / 60 + at.second / _HOUR


def read_sessions(path: str | Path, published_as: str = "plain") -> list[Session]:
    """Every session in a file.

    Args:
        path: The file, as it was published.
        published_as: By whom, one of `FORMATS`.

    Raises:
        ValueError: It is no such file.
        OSError: It cannot be read.
    """
    if published_as not in FORMATS:
        raise ValueError(
            f"nobody publishes sessions as {published_as!r}: choose {', '.join(FORMATS)}"
        )
    rows, session = FORMATS[published_as]
    found: list[Session] = []
    for number, row in enumerate(rows(Path(path)), 1):
        try:
            found.append(session(row))
        except KeyError as error:
            raise ValueError(
                f"{path}: session {number} has no {error}: is it published as {published_as}?"
            ) from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: session {number}: {error}") from error
    if not found:
        raise ValueError(f"{path} has no sessions")
    return found


def session_quantiles(path: str | Path, column: str, published_as: str = "plain") -> list[float]:
    """What a file's sessions are like in one respect.

    Args:
        path: The file.
        column: `arrival_hours`, `stay_hours` or `energy_kwh`.
        published_as: By whom.

    Raises:
        ValueError: It is no such file, or tells nothing of that.
        OSError: It cannot be read.
    """
    if column not in COLUMNS:
        raise ValueError(f"sessions have no {column!r}: choose {', '.join(COLUMNS)}")
    sessions = read_sessions(path, published_as)
    values = [value for one in sessions if (value := getattr(one, column)) is not None]
    return quantiles((value for value in values if value >= 0), str(path))


def price_quantiles(path: str | Path, zone: str, plus: float = 0.0) -> list[float]:
    """Day-ahead prices of a zone, euro per kWh.

    Args:
        path: A CSV with a column for each zone, euro per MWh.
        zone: Such as DK1.
        plus: What comes on top: grid, taxes, losses, wear; euro per kWh.

    Raises:
        ValueError: It is no such file, or has no such zone.
        OSError: It cannot be read.
    """
    rows = list(_commas(Path(path)))
    if not rows or zone not in rows[0]:
        zones = ", ".join(list(rows[0])[1:]) if rows else "none"
        raise ValueError(f"{path} has no zone {zone!r}: it has {zones}")
    told = [row[zone] for row in rows if row[zone] not in _MISSING]
    return quantiles((max(0.0, float(value) / _MWH + plus) for value in told), str(path))


def quantiles(values: Iterable[float], what: str) -> list[float]:
    """Values that are equally likely to be passed, linear between what was seen.

    Raises:
        ValueError: There are none.
    """
    ordered = sorted(value for value in values if math.isfinite(value))
    if not ordered:
        raise ValueError(f"{what} tells nothing of it")
    last = len(ordered) - 1
    found = []
    for step in range(QUANTILES):
        place = step * last / (QUANTILES - 1)
        at = min(int(place), max(0, last - 1))
        above = ordered[min(at + 1, last)]
        # Not rounded: many sessions last as many minutes, and values alike have to stay so.
        found.append(ordered[at] + (above - ordered[at]) * (place - at))
    return found


def drawn(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a scenario says with a file, by quantiles.

    Raises:
        ValueError: Something is no setting, or the file is none.
    """
    kind = "sessions" if "sessions" in said else "day_ahead"
    known = {"sessions": {"column", "published_as"}, "day_ahead": {"zone", "plus_eur_kwh"}}[kind]
    if unknown := sorted(set(said) - known - {kind, "most"}):
        raise ValueError(f"{unknown[0]!r} is no setting beside {kind}")
    try:
        if kind == "sessions":
            found = session_quantiles(
                said[kind], said.get("column", ""), said.get("published_as", "plain")
            )
        else:
            plus = float(said.get("plus_eur_kwh", 0.0))
            found = price_quantiles(said[kind], said.get("zone", ""), plus)
    except OSError as error:
        raise ValueError(f"{said[kind]}: {error.strerror or error}") from error
    rest = {"most": said["most"]} if "most" in said else {}
    return {"quantiles": found, **rest}


COLUMNS = ("arrival_hours", "stay_hours", "energy_kwh")


def _commas(path: Path) -> Iterator[Row]:
    yield from _table(path, ",")


def _semicolons(path: Path) -> Iterator[Row]:
    yield from _table(path, ";")


def _table(path: Path, delimiter: str) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def _items(path: Path) -> Iterator[Row]:
    said = json.loads(path.read_text("utf-8"))
    yield from said["_items"] if isinstance(said, dict) and "_items" in said else said


def _number(text: str | None) -> float | None:
    return float(text.replace(",", ".")) if text and text not in _MISSING else None


def _hours(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / _HOUR


def _plain(row: Row) -> Session:
    arrives = datetime.fromisoformat(row["arrives"])
    stay = _hours(arrives, datetime.fromisoformat(row["leaves"])) if row["leaves"] else None
    return Session(arrives, stay, _number(row["energy_kwh"]))


def _norway(row: Row) -> Session:
    """Sørensen et al. 2024: decimal commas, and a few plug-out times missing."""
    stay = _number(row["connection_time"])
    return Session(datetime.fromisoformat(row["plugin_time"]), stay, _number(row["energy_session"]))


def _perth(row: Row) -> Session:
    """Perth and Kinross Council: dates and times apart."""
    start, end = (
        datetime.fromisoformat(f"{row[f'{which} Date'][:10]}T{row[f'{which} Time']}")
        if row[f"{which} Time"]
        else None
        for which in ("Start", "End")
    )
    if start is None:
        raise ValueError("it has no start")
    stay = None if end is None else _hours(start, end)
    return Session(start, stay, _number(row["Total kWh"]))


def _boulder(row: Row) -> Session:
    """City of Boulder: UTC, whatever the column of zones says."""
    start, end = (
        datetime.fromisoformat(row[f"{which}_Date___Time"].replace("/", "-"))
        for which in ("Start", "End")
    )
    local = start.astimezone(ZoneInfo("America/Denver"))
    return Session(local, _hours(start, end), _number(row["Energy__kWh_"]))


def _acn(row: Row) -> Session:
    """ACN-Data: dates as in mails, in GMT; the site's zone beside them."""
    start, end = (
        parsedate_to_datetime(row[name]).astimezone(UTC)
        for name in ("connectionTime", "disconnectTime")
    )
    local = start.astimezone(ZoneInfo(row.get("timezone") or "America/Los_Angeles"))
    return Session(local, _hours(start, end), float(row["kWhDelivered"]))


FORMATS: dict[str, tuple[Callable[[Path], Iterator[Row]], Callable[[Row], Session]]] = {
    "plain": (_commas, _plain),
    "norway": (_semicolons, _norway),
    "perth": (_commas, _perth),
    "boulder": (_commas, _boulder),
    "acn": (_items, _acn),
}
"""By who publishes them so."""
