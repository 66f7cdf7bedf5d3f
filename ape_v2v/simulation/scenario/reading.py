"""Scenario files: YAML, and for every mistake its line and column."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ape_v2v import yamlfile
from ape_v2v.simulation.errors import ScenarioError
from ape_v2v.simulation.scenario.model import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEMPLATES = ("garage20", "paper2020", "campus200", "highway50", "district1000")
"""The scenarios that come with the package."""


def template(name: str) -> str:
    """The text of a scenario that comes with the package.

    Raises:
        ScenarioError: There is none of this name.
    """
    if name not in TEMPLATES:
        raise ScenarioError(f"there is no template {name!r}: choose {', '.join(TEMPLATES)}")
    folder = resources.files("ape_v2v.simulation").joinpath("templates")
    return folder.joinpath(f"{name}.yaml").read_text("utf-8")


def read(name: str | Path) -> Scenario:
    """Read a scenario: a file, or a template by its name.

    Raises:
        ScenarioError: There is none, or something in it is wrong.
    """
    from pathlib import Path  # noqa: PLC0415 - only here is one made

    path = Path(name)
    if not path.exists() and str(name) in TEMPLATES:
        return parse(template(str(name)), str(name))
    text = yamlfile.text_of(path, ScenarioError, f"give a file, or one of {', '.join(TEMPLATES)}")
    return parse(text, str(name))


def parse(text: str, source: str = "the scenario") -> Scenario:
    """Read a scenario's text.

    Args:
        text: YAML.
        source: What it is called in errors.

    Raises:
        ScenarioError: Something in it is wrong; where, and what was expected.
    """
    return yamlfile.parse(text, source, Scenario, ScenarioError, example="name: garage")


def changed(scenario: Scenario, settings: Mapping[str, Any]) -> Scenario:
    """A scenario with other values at some places, such as `market.parameters.minDecrementBps`.

    Args:
        scenario: The one that it is made of.
        settings: Values by their places; `market.minDecrementBps` is enough for a parameter.

    Raises:
        ScenarioError: There is no such place, or the value does not fit.
    """
    said = scenario.model_dump(mode="json")
    for place, value in settings.items():
        _set(said, place, value)
    try:
        return Scenario.model_validate(said)
    except ValidationError as error:
        raise ScenarioError(yamlfile.mistake(error, None, ", ".join(settings))) from error


def _set(said: dict[str, Any], place: str, value: Any) -> None:
    names = place.split(".")
    if names[0] == "market" and names[-1][:1].islower() and names[-1] != names[-1].lower():
        names = ["market", "parameters", names[-1]]
    at: Any = said
    for name in names[:-1]:
        if isinstance(at, list):
            found = [one for one in at if one.get("name") == name]
            at = found[0] if found else None
        else:
            at = at.get(name) if isinstance(at, dict) else None
        if at is None:
            raise ScenarioError(f"{place!r} is no setting: a scenario has no {name!r} there")
    if not isinstance(at, dict):
        raise ScenarioError(f"{place!r} is no setting: name the group, as in population.NAME.count")
    at[names[-1]] = value
