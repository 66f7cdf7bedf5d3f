"""What a market is paid in: ether, or one token.

    Currency.token("0x…", "EURC", 6)

Amounts are whole numbers of a currency's smallest units. A token is told by its address; its symbol
is the word of whoever made it, and is taken for a name only where it can be none of ether's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

_ETHER_UNITS = {"wei": Decimal(1), "gwei": Decimal(10**9), "ether": Decimal(10**18)}
OTHER_NAMES = {"eth": "ether"}
"""What people also call a unit; it is never shown."""

_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.\-]{0,15}")
_RESERVED = {*_ETHER_UNITS, *OTHER_NAMES}


@dataclass(frozen=True)
class Currency:
    """Ether, or a token."""

    symbol: str
    """What people type and see behind a number."""
    decimals: int
    """How many digits behind the point it has."""
    address: str | None = None
    """The token's contract, with its checksum; None is ether."""

    @classmethod
    def token(cls, address: str, symbol: str, decimals: int) -> Self:
        """A token; where its symbol would mislead, it gets one made of its address."""
        is_name = _SYMBOL.fullmatch(symbol) and symbol.lower() not in _RESERVED
        return cls(symbol if is_name else f"token{address[2:10]}", decimals, address)

    @classmethod
    def from_json(cls, shape: dict[str, Any]) -> Self:
        """What `as_json` gives."""
        return cls(shape["symbol"], shape["decimals"], shape["address"])

    @property
    def is_ether(self) -> bool:
        """Whether it is what gas is paid in."""
        return self.address is None

    @property
    def base(self) -> str:
        """The smallest unit by its name."""
        if self.is_ether:
            return "wei"
        return f"units of {Decimal(1).scaleb(-self.decimals):f} {self.symbol}"

    @cached_property
    def units(self) -> dict[str, Decimal]:
        """What people may type, each in smallest units."""
        return _ETHER_UNITS if self.is_ether else {self.symbol: Decimal(10**self.decimals)}

    @property
    def described(self) -> str:
        """In words, for people."""
        if self.is_ether:
            return self.symbol
        return f"{self.symbol}, the token at {self.address}, with {self.decimals} decimals"

    def as_json(self) -> dict[str, Any]:
        return {"symbol": self.symbol, "decimals": self.decimals, "address": self.address}

    def __str__(self) -> str:
        return self.symbol


ETHER = Currency("ether", 18)
