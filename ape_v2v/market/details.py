"""What a consumer says about an auction beside its terms, for providers to filter by.

`details` is a text in an event: a JSON object of at most 512 bytes with any of these keys.

| key          | value                                                                      |
|--------------|----------------------------------------------------------------------------|
| `place`      | "LATITUDE,LONGITUDE" in degrees, at most two decimals (about 1 km)           |
| `connector`  | name of the connector as OCPI has it, such as "IEC_62196_T2" or "CHADEMO"  |
| `maxPowerKW` | the most power that the consumer can take, kW                              |
| `from`       | from when on the energy can be delivered, ISO 8601                         |
| `until`      | until when, ISO 8601                                                       |
| `note`       | anything else, for people                                                  |

The contract does not look at it, so anybody may write anything: `Details.read` takes what it
understands and leaves the rest. All of it is public for ever. It has to say whether a trade is
worth a bid and no more; the two EVs exchange the exact place after the award.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
)

from ape_v2v.errors import V2VError
from ape_v2v.market.interface.parameters import MAX_TEXT_BYTES
from ape_v2v.validation import first_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationInfo

_PLACE = re.compile(r"\s*([+-]?\d{1,2}(?:\.\d+)?)\s*,\s*([+-]?\d{1,3}(?:\.\d+)?)\s*", re.ASCII)
_PUBLIC_DECIMALS = 2
_EARTH_RADIUS_KM = 6_371.0
_MAX_LATITUDE, _MAX_LONGITUDE = 90, 180


class DetailsError(V2VError):
    """Details that would not be understood, or are too long."""


class Place(NamedTuple):
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "48.86,2.35".

        Raises:
            ValueError: Something else, or no place on the earth.
        """
        match = _PLACE.fullmatch(text)
        place = cls(float(match[1]), float(match[2])) if match else None
        if (
            place is None
            or abs(place.latitude) > _MAX_LATITUDE
            or abs(place.longitude) > _MAX_LONGITUDE
        ):
            raise ValueError(
                f"{text!r} is not a place: expected latitude (-90 to 90) and longitude (-180 to "
                "180) in degrees, for example '48.86,2.35'"
            )
        return place

    def __str__(self) -> str:
        return f"{self.latitude:.10g},{self.longitude:.10g}"

    @property
    def coarse(self) -> Place:
        """The place to about 1 km, fit to be published."""
        return Place(*(round(degrees, _PUBLIC_DECIMALS) for degrees in self))

    def distance_km(self, other: Place) -> float:
        """The distance as the crow flies, on a spherical earth: right to half a percent."""
        here, there = (tuple(map(math.radians, place)) for place in (self, other))
        chord = (
            math.sin((there[0] - here[0]) / 2) ** 2
            + math.cos(here[0]) * math.cos(there[0]) * math.sin((there[1] - here[1]) / 2) ** 2
        )
        return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(chord, 1.0)))


def _place(value: object) -> object:
    if isinstance(value, Place | None):
        return value
    return Place.parse(value if isinstance(value, str) else repr(value))


def _text(place: Place | None) -> str | None:
    return None if place is None else str(place)


class Details(BaseModel):
    """The keys above; others are kept as they are."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    place: Annotated[Place | None, BeforeValidator(_place), PlainSerializer(_text)] = None
    connector: str | None = Field(default=None, min_length=1)
    max_power_kw: float | None = Field(default=None, alias="maxPowerKW", gt=0)
    from_: datetime | None = Field(default=None, alias="from")
    until: datetime | None = None
    note: str | None = None

    @field_validator("from_", "until")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        """A time that names no offset is taken for UTC."""
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=UTC)
        try:
            return value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("it is before the first or after the last year") from error

    @field_validator("until")
    @classmethod
    def _after_from(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        begin = info.data.get("from_")
        if begin is not None and until is not None and until <= begin:
            raise ValueError(f"it is not after 'from', {begin.isoformat()}")
        return until

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read details that somebody is about to publish: JSON, or else a note.

        Raises:
            DetailsError: A key that others read has a value which they would not understand.
        """
        data = _json_object(text)
        return cls(note=text or None) if data is None else cls.compose(data)

    @classmethod
    def compose(cls, data: Mapping[str, Any]) -> Self:
        """Make details out of values by key.

        Raises:
            DetailsError: A key that others read has a value which they would not understand.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            key, reason = first_problem(error)
            key = key.split(".")[0]
            raise DetailsError(f"{key} in the details is {data[key]!r}: {reason}") from error

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what somebody has published: what is not understood is left out."""
        data = _json_object(text)
        if data is None:
            return cls(note=text or None)
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
            return cls.read(json.dumps({k: v for k, v in data.items() if k not in wrong}))

    def text(self) -> str:
        """What goes into the auction; nothing at all is the empty text.

        Raises:
            DetailsError: It is longer than the contract allows.
        """
        data = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        if not data:
            return ""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        if (length := len(text.encode())) > MAX_TEXT_BYTES:
            raise DetailsError(
                f"the details have {length} bytes, at most {MAX_TEXT_BYTES} are allowed: say less"
            )
        return text

    def describe(self) -> str:
        """One line for people. Foreign text in it can neither move the cursor nor hide."""
        return printable(
            ", ".join(
                part
                for part in (
                    f"at {self.place}" if self.place else "",
                    self.connector or "",
                    f"up to {self.max_power_kw:g} kW" if self.max_power_kw else "",
                    f"from {self.from_:%Y-%m-%d %H:%M} UTC" if self.from_ else "",
                    f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "",
                    self.note or "",
                )
                if part
            )
        )


def printable(text: str) -> str:
    """A text that a stranger has written, without what a terminal would obey."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
