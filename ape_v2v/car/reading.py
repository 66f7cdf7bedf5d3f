"""A car's file: read and checked, or written anew with comments."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from ape_v2v import yamlfile
from ape_v2v.car.settings import CarSettings
from ape_v2v.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def read_car(path: Path) -> CarSettings:
    """Read a car's file; the files that it names are looked for beside it.

    Raises:
        ConfigurationError: There is none, or something in it is wrong: line and column.
    """
    instead = f"write one with `ape v2v car init {path}`"
    text = yamlfile.text_of(path, ConfigurationError, instead)
    return parse_car(text, str(path)).beside(path.absolute().parent)


def parse_car(text: str, source: str = "the car's file") -> CarSettings:
    """Read the text of a car's file.

    Args:
        text: YAML.
        source: What it is called in errors.

    Raises:
        ConfigurationError: Something in it is wrong; where, and what was expected.
    """
    return yamlfile.parse(text, source, CarSettings, ConfigurationError, example="account: alice")


def car_template(role: str) -> str:
    """The text of a car's file for a role, with comments."""
    folder = resources.files("ape_v2v.car").joinpath("templates")
    return folder.joinpath(f"{role}.yaml").read_text("utf-8")
