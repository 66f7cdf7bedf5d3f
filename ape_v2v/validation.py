"""What pydantic has against a value, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Where the first wrong value stands, `""` for the whole, and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    reason = first.get("ctx", {}).get("error", first["msg"])
    return ".".join(map(str, first["loc"])), str(reason)


def first_words(error: ValidationError) -> str:
    """The same in one line: the place, if there is one, and what is wrong with it."""
    place, reason = first_problem(error)
    return f"{place}: {reason}" if place else reason
