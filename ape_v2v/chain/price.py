"""What one transaction offers per gas."""

from __future__ import annotations

from dataclasses import dataclass

_BUMP_PERCENT = 13
"""Nodes replace a transaction by one that pays at least a tenth more, some an eighth."""


@dataclass(frozen=True)
class GasPrice:
    """What one transaction offers, wei per gas."""

    max_fee: int
    priority_fee: int
    legacy: bool = False
    """One price for all, as on networks without a base fee."""

    def raised(self) -> GasPrice:
        """The least that replaces a transaction with this price on every node."""
        return GasPrice(_raised(self.max_fee), _raised(self.priority_fee), self.legacy)


def _raised(fee: int) -> int:
    return -(-fee * (100 + _BUMP_PERCENT) // 100) if fee else 1
