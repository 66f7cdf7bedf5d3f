"""Strict checks and a strict rollback, where Ape's own are loose.

`ape.reverts` passes on other kinds of revert than the one asked for, and `chain.isolate` swallows
exceptions, assertions included.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ape import chain
from ape.exceptions import CustomError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reverts_with(error: type[CustomError], **inputs: Any) -> Iterator[None]:
    """Expect exactly this custom error with exactly these values.

    Args:
        error: The error, from a contract: `market.RateTooHigh`.
        **inputs: All its values by name.

    Raises:
        AssertionError: The call went through, reverted otherwise, or with other values.
    """
    expected = error.abi.selector  # type: ignore[misc]  # Ape makes a class of each error
    try:
        yield
    except CustomError as raised:
        actual = raised.abi.selector
        if actual != expected:
            message = f"reverted with {raised!r}, expected {expected}"
            raise AssertionError(message) from raised
        if raised.inputs != inputs:
            message = f"{expected} with {raised.inputs}, expected {inputs}"
            raise AssertionError(message) from raised
    else:
        raise AssertionError(f"no revert, expected {expected}")


@contextmanager
def rollback() -> Iterator[None]:
    """Undo on the chain whatever happens inside, and let every exception through."""
    snapshot = chain.snapshot()
    try:
        yield
    finally:
        chain.restore(snapshot)
