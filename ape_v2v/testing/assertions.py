"""Strict checks and a strict rollback, where Ape's own are loose.

`ape.reverts` passes on other kinds of revert than the one asked for, and `chain.isolate` swallows
exceptions, assertions included.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ape import chain
from ape.exceptions import CustomError

from ape_v2v.market.interface.refusals import Refused
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reverts_with(error: type[CustomError] | str, /, **inputs: Any) -> Iterator[None]:
    """Expect exactly this custom error with exactly these values.

    It does not matter whether the contract is called, which raises Ape's `CustomError`, or an
    object of this package, which raises `Refused`.

    Args:
        error: The error from a contract, `contract.RateTooHigh`, or its name.
        **inputs: All its values by name: as the contract has them, or as quantities, datetimes,
            durations and accounts.

    Raises:
        AssertionError: The call went through, reverted otherwise, or with other values.
    """
    expected = error if isinstance(error, str) else error.abi.selector  # type: ignore[misc]
    values = {name: _as_in_contract(value) for name, value in inputs.items()}
    try:
        yield
    except (CustomError, Refused) as raised:
        # A class may stand for an error of another contract with the same name: compare the types
        # of the values as well. A name, and a refusal, have none.
        if isinstance(raised, Refused):
            actual, expected = raised.name, expected.partition("(")[0]
        else:
            actual = raised.name if isinstance(error, str) else raised.abi.selector
        if actual != expected:
            message = f"reverted with {actual} and {raised.inputs}, expected {expected}"
            raise AssertionError(message) from raised
        if raised.inputs != values:
            message = f"{expected} with {raised.inputs}, expected {values}"
            raise AssertionError(message) from raised
    else:
        raise AssertionError(f"no revert, expected {expected}")


def _as_in_contract(value: object) -> object:
    if isinstance(value, Energy | Money | Rate):
        return int(value)
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    return value


@contextmanager
def rollback() -> Iterator[None]:
    """Undo on the chain whatever happens inside, and let every exception through."""
    snapshot = chain.snapshot()
    try:
        yield
    finally:
        chain.restore(snapshot)
