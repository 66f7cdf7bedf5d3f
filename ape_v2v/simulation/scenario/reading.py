"""Scenario files: YAML, and for every mistake its line and column."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from ape_v2v.simulation.errors import ScenarioError
from ape_v2v.simulation.scenario.model import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TEMPLATES = ("garage20", "paper2020", "campus200", "highway50", "district1000")
"""The scenarios that come with the package."""

_Place = tuple[int | str, ...]


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
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ScenarioError(
            f"{name}: {reason}: give a file, or one of {', '.join(TEMPLATES)}"
        ) from error
    return parse(text, str(name))


def parse(text: str, source: str = "the scenario") -> Scenario:
    """Read a scenario's text.

    Args:
        text: YAML.
        source: What it is called in errors.

    Raises:
        ScenarioError: Something in it is wrong; where, and what was expected.
    """
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ScenarioError(f"{source}{where}: this is no YAML: {problem}") from error
    if not isinstance(said, dict):
        raise ScenarioError(f"{source}:1:1: expected settings with names, such as `name: garage`")
    if twice := _twice(root):
        raise ScenarioError(f"{source}:{twice[1]}:{twice[2]}: {twice[0]} is there twice")
    try:
        return Scenario.model_validate(said)
    except ValidationError as error:
        raise _mistake(error, root, source) from error


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
        raise _mistake(error, None, ", ".join(settings)) from error


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


def _mistake(error: ValidationError, root: yaml.Node | None, source: str) -> ScenarioError:
    first = error.errors()[0]
    place = tuple(part for part in first["loc"] if not _is_of_pydantic(part))
    line, column = _mark(root, place)
    where = f"{source}:{line}:{column}" if root is not None else source
    name = ".".join(map(str, place))
    if first["type"] == "extra_forbidden":
        said = "is no setting here"
    else:
        said = first["msg"].removeprefix("Value error, ")
        said = said[:1].lower() + said[1:]
        if not isinstance(first["input"], dict | list):
            said = f"is {first['input']!r}: {said}"
    return ScenarioError(f"{where}: {name}: {said}" if name else f"{where}: {said}")


def _is_of_pydantic(part: int | str) -> bool:
    """Whether a part of a place names an alternative of a type, not something in the file."""
    return isinstance(part, str) and ("[" in part or part in {"constrained-float", "float", "int"})


def _mark(root: yaml.Node | None, place: Sequence[int | str]) -> tuple[int, int]:
    """Where something stands, or the innermost thing around it that does: from 1."""
    at = root
    mark = root.start_mark if root is not None else None
    for part in place:
        if isinstance(at, yaml.MappingNode):
            found = [(key, value) for key, value in at.value if key.value == part]
            if not found:
                break
            key, at = found[0]
            mark = key.start_mark
        elif isinstance(at, yaml.SequenceNode) and isinstance(part, int) and part < len(at.value):
            at = at.value[part]
            mark = at.start_mark
        else:
            break
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _twice(node: yaml.Node | None) -> tuple[str, int, int] | None:
    """A name that stands twice in one place: YAML would take the last one without a word."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                return str(key.value), key.start_mark.line + 1, key.start_mark.column + 1
            seen.add(key.value)
            if found := _twice(value):
                return found
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            if found := _twice(value):
                return found
    return None
