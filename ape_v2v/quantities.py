"""What every quantity is made of: a whole number, the words around it, and perhaps a currency."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from ape_v2v.currency import ETHER, OTHER_NAMES
from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from ape_v2v.currency import Currency

TEXT = re.compile(
    r"\s*([+-]?[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z][A-Za-z0-9./\-]*)\s*"
)

# Wide enough for every product of a quantity and a unit, where Decimal would round at 28 digits.
# What does not fit even so is an error.
EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow])


class UnitError(V2VError, ValueError):
    """A text is not a quantity, or not one that the contract can count."""


class WrongCurrency(UnitError):
    """An amount or a rate is in another currency than it has to be here."""


class Scale(NamedTuple):
    """How quantities of one kind, in one currency, are typed and shown."""

    example: str
    base: str
    """The contract's unit."""
    units: dict[str, Decimal]
    """What people may type, each in the contract's unit."""


@dataclass(frozen=True)
class Quantity:
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
                f"{self.amount!r} is not a whole number of {self.scale.base}; "
                f"write {self.kind} like {self.scale.example!r}"
            )
        if self.amount < 0:
            raise UnitError(
                f"{self.amount} {self.scale.base} is negative, and {self.kind} is at least 0: "
                "this would be out of range"
            )
        if self.amount > self.maximum:
            raise UnitError(
                f"{self.kind} of {self.amount} {self.scale.base} is out of range: "
                f"from 0 to {self.maximum} {self.scale.base}"
            )

    @property
    def scale(self) -> Scale:
        """How it is typed and shown."""
        return Scale(self.example, self.base, self.units)

    @classmethod
    def _read(cls, text: str, scale: Scale) -> int:
        """The number that a text tells, in the contract's unit."""
        match = TEXT.fullmatch(text)
        unit = unit_of(match[2], scale.units) if match else None
        if match is None or unit is None:
            raise UnitError(
                f"{text!r} is not {cls.kind}: expected a number and one of "
                f"{', '.join(scale.units)}, for example {scale.example!r}"
            )
        try:
            amount = EXACT.multiply(Decimal(match[1].replace("_", "")), scale.units[unit])
        except DecimalException as error:
            raise UnitError(f"{text!r} has too many digits for {cls.kind}") from error
        if amount < 0:
            raise UnitError(f"{text!r} is negative, and {cls.kind} is at least 0")
        if amount != amount.to_integral_value():
            raise UnitError(
                f"{text!r} is {amount.normalize(EXACT)} {scale.base}: "
                f"the market counts in whole {scale.base}"
            )
        if amount > cls.maximum:  # before a power of ten is written out as an integer
            most = _formatted(cls.maximum, unit, scale.units)
            raise UnitError(f"{text!r} is out of range: {cls.kind} is from 0 to {most}")
        return int(amount)

    def to(self, unit: str) -> Decimal:
        """The quantity in another unit, exact."""
        return EXACT.divide(Decimal(self.amount), self.scale.units[unit])

    def format(self, unit: str) -> str:
        """The quantity in a given unit, as `parse` reads it."""
        return _formatted(self.amount, unit, self.scale.units)

    def as_json(self) -> int | str:
        """As JSON has it: a decimal text, for JSON readers take no larger numbers than 2**53."""
        return str(int(self))

    def __int__(self) -> int:
        return int(self.amount)  # what Ape decodes is a subclass of int

    def __bool__(self) -> bool:
        return self.amount != 0

    def __add__(self, other: Self) -> Self:
        self._require_same(other)
        return self._with(self.amount + other.amount)

    def __sub__(self, other: Self) -> Self:
        self._require_same(other)
        return self._with(self.amount - other.amount)

    def __lt__(self, other: Self) -> bool:
        self._require_same(other)
        return self.amount < other.amount

    def __le__(self, other: Self) -> bool:
        self._require_same(other)
        return self.amount <= other.amount

    def __gt__(self, other: Self) -> bool:
        self._require_same(other)
        return self.amount > other.amount

    def __ge__(self, other: Self) -> bool:
        self._require_same(other)
        return self.amount >= other.amount

    def _with(self, amount: int) -> Self:
        """So much of the same."""
        return type(self)(amount)

    def _require_same(self, other: object) -> None:
        if type(other) is not type(self):
            raise TypeError(f"{type(self).__name__} goes with its own kind, not {other!r}")


def unit_of(typed: str, units: dict[str, Decimal]) -> str | None:
    """The unit that is meant; capitals do not count."""
    names = [OTHER_NAMES.get(name, name) for name in typed.lower().split("/")]
    return {name.lower(): name for name in units}.get("/".join(names))


def _formatted(amount: int, unit: str, units: dict[str, Decimal]) -> str:
    number = EXACT.divide(Decimal(amount), units[unit]).normalize(EXACT)
    return f"{number:f} {unit}"


@dataclass(frozen=True)
class Priced(Quantity):
    """A quantity of a currency: ether, unless another one is named."""

    currency: Currency = ETHER

    @classmethod
    def scale_in(cls, currency: Currency) -> Scale:
        raise NotImplementedError

    @property
    def scale(self) -> Scale:
        """How it is typed and shown, in its currency."""
        return self.scale_in(self.currency)

    @classmethod
    def parse(cls, text: str, currency: Currency = ETHER) -> Self:
        """Read what people type.

        Raises:
            WrongCurrency: It is in another currency.
            UnitError: No such unit, or not a whole number of the currency's smallest units.
        """
        scale = cls.scale_in(currency)
        match = TEXT.fullmatch(text)
        if match and not unit_of(match[2], scale.units) and (named := cls._currency_in(match[2])):
            named = ETHER.symbol if unit_of(named, ETHER.units) else named
            raise WrongCurrency(
                f"{text!r} is in {named}, and {cls.kind} here is in {currency}: expected a number "
                f"and one of {', '.join(scale.units)}, for example {scale.example!r}"
            )
        return cls(cls._read(text, scale), currency)

    @classmethod
    def of(cls, value: Self | str, currency: Currency = ETHER) -> Self:
        """A quantity as it is, or a text read.

        Raises:
            WrongCurrency: It is in another currency.
            UnitError: It is neither: a bare number has no unit.
        """
        if isinstance(value, cls):
            value.require_in(currency)
            return value
        if isinstance(value, str):
            return cls.parse(value, currency)
        raise not_one(cls, value, cls.scale_in(currency).example)

    @classmethod
    def _currency_in(cls, unit: str) -> str | None:
        """The currency that a unit seems to be of, if it is built like one of this kind."""
        raise NotImplementedError

    def require_in(self, currency: Currency) -> None:
        """Refuse what is in another currency.

        Raises:
            WrongCurrency: It is.
        """
        if self.currency != currency:
            raise WrongCurrency(
                f"{self} is in {_told(self.currency, currency)}, and {self.kind} here is in "
                f"{_told(currency, self.currency)}: give it in {currency}, for example "
                f"{self.scale_in(currency).example!r}"
            )

    def _with(self, amount: int) -> Self:
        return type(self)(amount, self.currency)

    def _require_same(self, other: object) -> None:
        super()._require_same(other)
        assert isinstance(other, Priced)
        if self.currency != other.currency:
            mine, others = (
                _told(self.currency, other.currency),
                _told(other.currency, self.currency),
            )
            raise WrongCurrency(
                f"{self} is in {mine} and {other} in {others}: two currencies cannot be added or "
                "compared without a price between them"
            )


def _told(currency: Currency, other: Currency) -> str:
    """A currency so that it is told from another one, which may have the same symbol."""
    same = currency.symbol == other.symbol
    return f"{currency} at {currency.address}" if same else str(currency)


def not_one(kind: type[Quantity], value: object, example: str) -> UnitError:
    return UnitError(
        f"{value!r} is not {kind.kind}: expected one with its unit, such as {example!r} or "
        f"{kind.__name__}.parse({example!r})"
    )
