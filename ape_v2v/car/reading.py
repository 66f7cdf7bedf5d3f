"""A car's file: read and checked, or written anew with comments."""

from __future__ import annotations

from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

from ape_v2v import yamlfile
from ape_v2v.car.settings import CarSettings
from ape_v2v.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ape_v2v.currency import Currency

CurrencyOf: TypeAlias = "Callable[[str | None], Currency]"
"""What a market is paid in, by its address; None is the default market."""


def read_car(path: Path, currency: CurrencyOf | None = None) -> CarSettings:
    """Read a car's file; the files that it names are looked for beside it.

    Args:
        path: The file.
        currency: Gives what the market is paid in that the file names, or the default one; asked
            where an amount is not in ether. None: all are.

    Raises:
        ConfigurationError: There is none, or something in it is wrong: line and column.
    """
    instead = f"write one with `ape v2v car init {path}`"
    text = yamlfile.text_of(path, ConfigurationError, instead)
    return parse_car(text, str(path), currency).beside(path.absolute().parent)


def parse_car(
    text: str, source: str = "the car's file", currency: CurrencyOf | None = None
) -> CarSettings:
    """Read the text of a car's file.

    Args:
        text: YAML.
        source: What it is called in errors.
        currency: As `read_car` takes it.

    Raises:
        ConfigurationError: Something in it is wrong; where, and what was expected.
    """

    def context(said: dict[str, Any]) -> dict[str, Any]:
        market = said.get("market")
        named = market if isinstance(market, str) else None
        return {} if currency is None else {"currency": partial(currency, named)}

    return yamlfile.parse(
        text, source, CarSettings, ConfigurationError, example="account: alice", context=context
    )


def car_template(role: str) -> str:
    """The text of a car's file for a role, with comments."""
    folder = resources.files("ape_v2v.car").joinpath("templates")
    return folder.joinpath(f"{role}.yaml").read_text("utf-8")
