"""Dataclasses for programs."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.currency import Currency
from ape_v2v.units import Money

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def plain(instance: DataclassInstance, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a dataclass, and of those in it: amounts are decimal texts."""
    return {
        one.name: _plain(getattr(instance, one.name))
        for one in fields(instance)
        if one.name not in without
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Money | Currency):
        return value.as_json()
    return plain(value) if is_dataclass(value) and not isinstance(value, type) else value
