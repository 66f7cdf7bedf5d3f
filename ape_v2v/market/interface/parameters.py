"""The rules of one market: the struct of the same name in contracts/IMarket.sol."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from ape_v2v.currency import ETHER
from ape_v2v.errors import ConfigurationError
from ape_v2v.units import Money, UnitError, format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ape_v2v.currency import Currency

MAX_DURATION = timedelta(days=7)
"""The longest bidding time and the longest validity that the contract allows."""
MAX_TEXT_BYTES = 512
"""The longest notes on an EV and details of an auction that the contract allows."""
BPS = 10_000
_CENTS = 2
"""Decimals of what the least penalty is one of, in a token."""

_BOUNDS = {
    "bondBps": (2, 65_535),
    "penaltyBps": (1, BPS),
    "minDecrementBps": (0, 5_000),
    "extensionWindow": (0, 3_600),
    "awardWindow": (600, 604_800),
    "settlementWindow": (600, 604_800),
    "minPenalty": (1, 10**18),
}
_SHARES = ("bondBps", "penaltyBps", "minDecrementBps")


@dataclass(frozen=True)
class Parameters:
    """What the organization chooses once, when it deploys a market. Names as in the contract.

    Shares are basis points (1/10,000), windows are seconds, the least penalty is smallest units of
    the market's currency: wei, where it is paid in ether.

    Raises:
        ConfigurationError: The constructor of the contract would refuse a value.
    """

    bondBps: int = 10_000
    """Provider's bond as a share of the reserve."""
    penaltyBps: int = 1_000
    """What a broken promise costs, as a share of the reserve."""
    minDecrementBps: int = 100
    """By how much a bid must undercut the best one."""
    extensionWindow: int = 60
    """A bid this near the close moves the close to now + window; 0 is a hard close."""
    awardWindow: int = 3_600
    """How long after the close the consumer may accept the best bid."""
    settlementWindow: int = 86_400
    """How long after the token has expired a connection can be settled for certain."""
    minPenalty: int = 10**13
    """The least that a penalty may be, smallest units: an auction with less to lose is refused."""

    def __post_init__(self) -> None:
        for name, (minimum, maximum) in _BOUNDS.items():
            # A forfeit costs two penalties.
            upper = min(maximum, self.bondBps // 2) if name == "penaltyBps" else maximum
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ConfigurationError(f"{name} is {value!r}: it takes a whole number")
            if not minimum <= value <= upper:
                raise ConfigurationError(
                    f"{name} is {value}: it takes a whole number from {minimum} to {upper}"
                )

    @classmethod
    def of(cls, currency: Currency, **values: int) -> Self:
        """The default ones in a currency, less what is said: a token is taken for about a euro.

        Raises:
            ConfigurationError: A value is out of range.
        """
        if not currency.is_ether:
            least = min(10 ** max(currency.decimals - _CENTS, 0), _BOUNDS["minPenalty"][1])
            values = {"minPenalty": least} | values
        return cls(**values)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], currency: Currency = ETHER) -> Self:
        """Read a parameter file's `parameters`; windows may be written as "10 min".

        Args:
            mapping: What the file says.
            currency: What the market is paid in.

        Raises:
            ConfigurationError: An unknown name, or a value that is not one or out of range.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(str(name) for name in set(mapping) - known):
            raise ConfigurationError(
                f"unknown parameter {unknown[0]!r}: expected {', '.join(sorted(known))}"
            )
        values = {}
        for name, value in mapping.items():
            values[name] = value
            if isinstance(value, str) and name not in _SHARES:
                try:
                    values[name] = (
                        int(Money.parse(value, currency))
                        if name == "minPenalty"
                        else int(parse_duration(value).total_seconds())
                    )
                except UnitError as error:
                    raise ConfigurationError(f"{name}: {error}") from error
        return cls.of(currency, **values)

    @classmethod
    def from_contract(cls, struct: Any) -> Self:
        """Read what the contract's `parameters` view gives."""
        return cls(**{field.name: int(getattr(struct, field.name)) for field in fields(cls)})

    def as_dict(self) -> dict[str, int]:
        """All values by name, in the contract's order."""
        return asdict(self)

    def as_tuple(self) -> tuple[int, ...]:
        """All values in the contract's order: the constructor's argument."""
        return tuple(asdict(self).values())

    def described(self, currency: Currency = ETHER) -> dict[str, str]:
        """All values as people read them, in the market's currency."""
        return {name: _described(name, value, currency) for name, value in asdict(self).items()}


def _described(name: str, value: int, currency: Currency) -> str:
    if name in _SHARES:
        return f"{value / 100:g} %"
    if name == "minPenalty":
        return str(Money(value, currency))
    return format_duration(timedelta(seconds=value))
