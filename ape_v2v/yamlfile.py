"""YAML files that are checked: for every mistake its line and column, and what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ape_v2v.errors import V2VError

_UNKNOWN = "extra_forbidden"

_Model = TypeVar("_Model", bound=BaseModel)


def text_of(path: Path, error: type[V2VError], instead: str) -> str:
    """The text of a file.

    Args:
        path: The file.
        error: What is raised where it cannot be read.
        instead: What to do then.

    Raises:
        V2VError: There is none, or it is no text.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is no text"
        raise error(f"{path}: {reason}: {instead}") from problem


def parse(
    text: str,
    source: str,
    kind: type[_Model],
    error: type[V2VError],
    *,
    example: str,
    context: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> _Model:
    """Read a file's text as a model of pydantic.

    Args:
        text: YAML.
        source: What it is called in errors.
        kind: What it has to be.
        error: What is raised for a mistake.
        example: A line of such a file, for who has given something else altogether.
        context: What the model's validators are given, made of what the file says.

    Raises:
        V2VError: Something in it is wrong; where, and what was expected.
    """
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        said = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        reason = getattr(problem, "problem", None) or "cannot be read"
        raise error(f"{source}{where}: this is no YAML: {reason}") from problem
    if not isinstance(said, dict):
        raise error(f"{source}:1:1: expected settings with names, such as `{example}`")
    if twice := _twice(root):
        raise error(f"{source}:{twice[1]}:{twice[2]}: {twice[0]} is there twice")
    try:
        return kind.model_validate(said, context=None if context is None else context(said))
    except ValidationError as problem:
        raise error(mistake(problem, root, source)) from problem


def mistake(error: ValidationError, root: yaml.Node | None, source: str) -> str:
    """The first thing that is wrong, in words: where, what, and what was expected.

    A name that is unknown comes first: what is missing may be that one, spelt otherwise.

    Args:
        error: What the model says.
        root: The file; None where there is none, but settings by their places.
        source: What it is called.
    """
    problems = error.errors()
    first = next((one for one in problems if one["type"] == _UNKNOWN), problems[0])
    place = tuple(part for part in first["loc"] if not _is_of_pydantic(part))
    line, column = _mark(root, place)
    where = f"{source}:{line}:{column}" if root is not None else source
    name = ".".join(map(str, place))
    if first["type"] == _UNKNOWN:
        said = "is no setting here"
    else:
        said = first["msg"].removeprefix("Value error, ")
        said = said[:1].lower() + said[1:]
        if not isinstance(first["input"], dict | list):
            said = f"is {first['input']!r}: {said}"
    return f"{where}: {name}: {said}" if name else f"{where}: {said}"


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
