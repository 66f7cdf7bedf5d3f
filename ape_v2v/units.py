"""Energy, rates and money as types that cannot be confused.

The contract counts in watt-hours, wei per watt-hour and wei, all whole numbers. People type
"7.2 kWh", "0.0003 ether/kWh" or "30 gwei/Wh", and see the same again. Nothing is ever rounded: a
text that is not a whole number of the contract's units is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import ClassVar, Self, overload

from ape_v2v.errors import V2VError

_TEXT = re.compile(r"\s*([+-]?[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z/]+)\s*")

# Wide enough for every product of a quantity and a unit, where Decimal would round at 28 digits.
# What does not fit even so is an error.
_EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow])

_ETHER_UNITS = {"wei": Decimal(1), "gwei": Decimal(10**9), "ether": Decimal(10**18)}
_OTHER_NAMES = {"eth": "ether"}
"""What people also call a unit; it is never shown."""
_ENERGY_UNITS = {"Wh": Decimal(1), "kWh": Decimal(1000), "MWh": Decimal(10**6)}


class UnitError(V2VError, ValueError):
    """A text is not a quantity, or not one that the contract can count."""


@dataclass(frozen=True, order=True)
class _Quantity:
    """A whole number of the contract's unit, at least 0."""

    amount: int

    kind: ClassVar[str]
    example: ClassVar[str]
    base: ClassVar[str]
    """The contract's unit."""
    units: ClassVar[dict[str, Decimal]]
    """What people may type, each in the contract's unit."""
    maximum: ClassVar[int]

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, int):
            raise UnitError(
                f"{self.amount!r} is not a whole number of {self.base}; "
                f"write {self.kind} like {self.example!r}"
            )
        if self.amount < 0:
            raise UnitError(
                f"{self.amount} {self.base} is negative, and {self.kind} is at least 0: this would "
                "be out of range"
            )
        if self.amount > self.maximum:
            raise UnitError(
                f"{self.kind} of {self.amount} {self.base} is out of range: "
                f"from 0 to {self.maximum} {self.base}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what people type.

        Raises:
            UnitError: No such unit, or not a whole number of the contract's unit.
        """
        match = _TEXT.fullmatch(text)
        unit = cls._unit(match[2]) if match else None
        if match is None or unit is None:
            raise UnitError(
                f"{text!r} is not {cls.kind}: expected a number and one of "
                f"{', '.join(cls.units)}, for example {cls.example!r}"
            )
        try:
            amount = _EXACT.multiply(Decimal(match[1].replace("_", "")), cls.units[unit])
        except DecimalException as error:
            raise UnitError(f"{text!r} has too many digits for {cls.kind}") from error
        if amount < 0:
            raise UnitError(f"{text!r} is negative, and {cls.kind} is at least 0")
        if amount != amount.to_integral_value():
            raise UnitError(
                f"{text!r} is {amount.normalize(_EXACT)} {cls.base}: "
                f"the market counts in whole {cls.base}"
            )
        if amount > cls.maximum:  # before a power of ten is written out as an integer
            raise UnitError(
                f"{text!r} is out of range: {cls.kind} is from 0 to {cls(cls.maximum).format(unit)}"
            )
        return cls(int(amount))

    @classmethod
    def _unit(cls, typed: str) -> str | None:
        """The unit that is meant; capitals do not count."""
        names = [_OTHER_NAMES.get(name, name) for name in typed.lower().split("/")]
        return {name.lower(): name for name in cls.units}.get("/".join(names))

    @classmethod
    def of(cls, value: Self | str) -> Self:
        """A quantity as it is, or a text read.

        Raises:
            UnitError: It is neither: a bare number has no unit.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise UnitError(
            f"{value!r} is not {cls.kind}: expected one with its unit, such as {cls.example!r} or "
            f"{cls.__name__}.parse({cls.example!r})"
        )

    def to(self, unit: str) -> Decimal:
        """The quantity in another unit, exact."""
        return _EXACT.divide(Decimal(self.amount), self.units[unit])

    def format(self, unit: str) -> str:
        """The quantity in a given unit, as `parse` reads it."""
        number = self.to(unit).normalize(_EXACT)
        return f"{number:f} {unit}"

    def as_json(self) -> int | str:
        """As JSON has it: a decimal text, for JSON readers take no larger numbers than 2**53."""
        return str(int(self))

    def __int__(self) -> int:
        return int(self.amount)  # what Ape decodes is a subclass of int

    def __bool__(self) -> bool:
        return self.amount != 0

    def __add__(self, other: Self) -> Self:
        self._require_same(other)
        return type(self)(self.amount + other.amount)

    def __sub__(self, other: Self) -> Self:
        self._require_same(other)
        return type(self)(self.amount - other.amount)

    def _require_same(self, other: object) -> None:
        if type(other) is not type(self):
            raise TypeError(f"{type(self).__name__} goes with its own kind, not {other!r}")


@dataclass(frozen=True, order=True)
class Energy(_Quantity):
    """Energy in watt-hours (Wh), at most 2**32 - 1."""

    kind = "an energy"
    example = "7.2 kWh"
    base = "Wh"
    units = _ENERGY_UNITS
    maximum = 2**32 - 1

    def __str__(self) -> str:
        return self.format("kWh")

    def as_json(self) -> int:
        """As JSON has it: a number of Wh."""
        return int(self)


@dataclass(frozen=True, order=True)
class Money(_Quantity):
    """Money in wei."""

    kind = "an amount"
    example = "0.05 ether"
    base = "wei"
    units = _ETHER_UNITS
    maximum = 2**128 - 1

    def __str__(self) -> str:
        return self.format("ether" if self.amount >= 10**9 or not self.amount else "wei")


@dataclass(frozen=True, order=True)
class Rate(_Quantity):
    """A price of energy in wei per watt-hour, at most 2**64 - 1."""

    kind = "a rate"
    example = "0.0003 ether/kWh"
    base = "wei/Wh"
    units = {  # noqa: RUF012 - typed as a ClassVar in the base class
        f"{money}/{energy}": factor / amount
        for energy, amount in _ENERGY_UNITS.items()
        for money, factor in _ETHER_UNITS.items()
    }
    maximum = 2**64 - 1

    def __str__(self) -> str:
        return self.format("ether/kWh")

    @overload
    def __mul__(self, other: Energy) -> Money: ...
    @overload
    def __mul__(self, other: object) -> Money: ...
    def __mul__(self, other: object) -> Money:
        """What so much energy costs: the paper's Eq. 1, exact."""
        if not isinstance(other, Energy):
            raise TypeError(f"a rate times an energy is money; {other!r} is no energy")
        return Money(self.amount * other.amount)


@dataclass(frozen=True)
class Price:
    """What one ether costs in another currency, by somebody's word: for people to read only."""

    currency: str
    per_ether: Decimal

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "EUR=3100".

        Raises:
            UnitError: Something else, or no price above 0.
        """
        match = _PRICE.fullmatch(text)
        if match is None or not (per_ether := Decimal(match[2])):
            raise UnitError(
                f"{text!r} is not a price of one ether: expected a currency and a number above 0, "
                "for example 'EUR=3100'"
            )
        return cls(match[1].upper(), per_ether)

    def format(self, money: Money) -> str:
        """About how much an amount is, to two digits where it is small."""
        worth = _EXACT.multiply(money.to("ether"), self.per_ether)
        if not worth:
            return f"0 {self.currency}"
        digits = max(2, 1 - worth.adjusted())
        return f"{round(worth, digits):,f} {self.currency}"


_PRICE = re.compile(r"\s*([A-Za-z]{2,5})\s*=\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*")

_DURATION_UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_DURATION_PART = re.compile(r"([0-9]+)\s*(min|s|h|d)\s*")


def parse_duration(text: str) -> timedelta:
    """Read "90 s", "10 min", "2 h", "1 d" or a sum such as "1h 30min".

    Raises:
        UnitError: Something else.
    """
    rest = text.strip()
    duration = timedelta(0)
    try:
        while rest and (match := _DURATION_PART.match(rest)):
            duration += timedelta(seconds=int(match[1]) * _DURATION_UNITS[match[2]])
            rest = rest[match.end() :]
    except (OverflowError, ValueError) as error:  # ValueError: too many digits for Python
        raise UnitError(f"{text!r} is longer than any duration") from error
    if rest or not text.strip():
        raise UnitError(
            f"{text!r} is not a duration: expected whole numbers of "
            f"{', '.join(_DURATION_UNITS)}, for example '10 min'"
        )
    return duration


def duration_of(value: timedelta | str) -> timedelta:
    """A duration as it is, or a text read.

    Raises:
        UnitError: It is neither, is negative, or has fractions of a second.
    """
    duration = parse_duration(value) if isinstance(value, str) else value
    if not isinstance(duration, timedelta):
        raise UnitError(
            f"{value!r} is not a duration: expected a timedelta, or a text such as '10 min'"
        )
    if duration < timedelta(0) or duration.microseconds:
        raise UnitError(f"{duration!r} is not a duration: expected whole seconds, 0 or more")
    return duration


def format_duration(duration: timedelta) -> str:
    """A duration as `parse_duration` reads it, down to the second."""
    rest = int(duration.total_seconds())
    parts = []
    for unit, seconds in reversed(_DURATION_UNITS.items()):
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
