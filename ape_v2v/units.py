"""Energy, rates and money as types that cannot be confused.

The contract counts in watt-hours, smallest units of its currency per watt-hour, and smallest units,
all whole numbers: wei, where it is paid in ether. People type "7.2 kWh", "0.0003 ether/kWh",
"30 gwei/Wh" or "0.35 EURC/kWh", and see the same again. Nothing is ever rounded: a text that is not
a whole number of the contract's units is refused. Nor is one currency taken for another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import TYPE_CHECKING, Self, overload

from ape_v2v.currency import ETHER, OTHER_NAMES
from ape_v2v.quantities import (
    EXACT,
    Priced,
    Quantity,
    Scale,
    UnitError,
    WrongCurrency,
    not_one,
    unit_of,
)

if TYPE_CHECKING:
    from ape_v2v.currency import Currency

__all__ = [
    "Energy",
    "Money",
    "Price",
    "Rate",
    "UnitError",
    "WrongCurrency",
    "duration_of",
    "format_duration",
    "parse_duration",
]

_ENERGY_UNITS = {"Wh": Decimal(1), "kWh": Decimal(1000), "MWh": Decimal(10**6)}


@dataclass(frozen=True)
class Energy(Quantity):
    """Energy in watt-hours (Wh), at most 2**32 - 1."""

    kind = "an energy"
    example = "7.2 kWh"
    base = "Wh"
    units = _ENERGY_UNITS
    maximum = 2**32 - 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what people type.

        Raises:
            UnitError: No such unit, or not a whole number of Wh.
        """
        return cls(cls._read(text, Scale(cls.example, cls.base, cls.units)))

    @classmethod
    def of(cls, value: Self | str) -> Self:
        """An energy as it is, or a text read.

        Raises:
            UnitError: It is neither: a bare number has no unit.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise not_one(cls, value, cls.example)

    def __str__(self) -> str:
        return self.format("kWh")

    def as_json(self) -> int:
        """As JSON has it: a number of Wh."""
        return int(self)


@cache
def _money_scale(currency: Currency) -> Scale:
    example = "0.05 ether" if currency.is_ether else f"5 {currency}"
    return Scale(example, currency.base, currency.units)


@cache
def _rate_scale(currency: Currency) -> Scale:
    example = "0.0003 ether/kWh" if currency.is_ether else f"0.35 {currency}/kWh"
    units = {
        f"{money}/{energy}": factor / amount
        for energy, amount in _ENERGY_UNITS.items()
        for money, factor in currency.units.items()
    }
    return Scale(example, f"{currency.base}/Wh", units)


@dataclass(frozen=True)
class Money(Priced):
    """Money in the smallest units of a currency: wei, unless another one is named."""

    kind = "an amount"
    example, base, units = _money_scale(ETHER)
    maximum = 2**128 - 1

    @classmethod
    def scale_in(cls, currency: Currency) -> Scale:
        return _money_scale(currency)

    @classmethod
    def _currency_in(cls, unit: str) -> str | None:
        return None if "/" in unit or unit_of(unit, _ENERGY_UNITS) else unit

    def __str__(self) -> str:
        if not self.currency.is_ether:
            return self.format(self.currency.symbol)
        return self.format("ether" if self.amount >= 10**9 or not self.amount else "wei")


@dataclass(frozen=True)
class Rate(Priced):
    """A price of energy in smallest units of a currency per watt-hour, at most 2**64 - 1."""

    kind = "a rate"
    example, base, units = _rate_scale(ETHER)
    maximum = 2**64 - 1

    @classmethod
    def scale_in(cls, currency: Currency) -> Scale:
        return _rate_scale(currency)

    @classmethod
    def _currency_in(cls, unit: str) -> str | None:
        currency, _, energy = unit.partition("/")
        return currency if unit_of(energy, _ENERGY_UNITS) else None

    def __str__(self) -> str:
        return self.format(f"{self.currency}/kWh")

    @overload
    def __mul__(self, other: Energy) -> Money: ...
    @overload
    def __mul__(self, other: object) -> Money: ...
    def __mul__(self, other: object) -> Money:
        """What so much energy costs: the paper's Eq. 1, exact."""
        if not isinstance(other, Energy):
            raise TypeError(f"a rate times an energy is money; {other!r} is no energy")
        return Money(self.amount * other.amount, self.currency)


@dataclass(frozen=True)
class Price:
    """What one ether or token costs in another currency, by somebody's word: to be read only."""

    currency: str
    amount: Decimal
    per: str = ETHER.symbol
    """The symbol of what costs so much; a token's in capitals."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "EUR=3100", of one ether, or "EUR=0.92/USDC".

        Raises:
            UnitError: Something else, or no price above 0.
        """
        match = _PRICE.fullmatch(text)
        if match is None or not (amount := Decimal(match[2])):
            raise UnitError(
                f"{text!r} is not a price: expected a currency and a number above 0, "
                "for example 'EUR=3100' of one ether, or 'EUR=0.92/USDC' of one USDC"
            )
        per = (match[3] or ETHER.symbol).upper()
        of_ether = per.lower() in {ETHER.symbol, *OTHER_NAMES}
        return cls(match[1].upper(), amount, ETHER.symbol if of_ether else per)

    def is_of(self, currency: Currency) -> bool:
        """Whether it says what one of this currency costs."""
        if currency.is_ether:
            return self.per == ETHER.symbol
        return self.per == currency.symbol.upper()

    def of(self, wei: int, currency: Currency) -> int:
        """What so much ether costs in a token of this name, in its smallest units, rounded up.

        Raises:
            WrongCurrency: The price is in something else, or of something else.
        """
        if not self.is_of(ETHER):
            raise WrongCurrency(
                f"the price is that of one {self.per}, and it has to be that of one ether: "
                f"give it like '{currency}=3100'"
            )
        if self.currency != currency.symbol.upper():
            raise WrongCurrency(
                f"the price of ether is given in {self.currency}, and it has to be in {currency}: "
                f"give it like '{currency}=3100'"
            )
        units = EXACT.multiply(self.amount, Decimal(wei * 10**currency.decimals))
        return int(EXACT.divide(units, ETHER.units["ether"]).to_integral_value(ROUND_CEILING))

    def format(self, money: Money) -> str:
        """About how much an amount is, to two digits where it is small."""
        worth = EXACT.multiply(money.to(money.currency.symbol), self.amount)
        if not worth:
            return f"0 {self.currency}"
        digits = max(2, 1 - worth.adjusted())
        return f"{round(worth, digits):,f} {self.currency}"


_NAME = r"([A-Za-z][A-Za-z0-9.\-]{0,15})"
_PRICE = re.compile(rf"\s*{_NAME}\s*=\s*([0-9]{{1,12}}(?:\.[0-9]{{1,12}})?)\s*(?:/\s*{_NAME}\s*)?")

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
