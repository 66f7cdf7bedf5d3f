"""The page of the study: its text is a template, its figures come out of the study's files."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "evaluation"
PAGE = ROOT / "docs" / "evaluation.md"
TEMPLATE = Path(__file__).with_name("page.template")
_TABLE = re.compile(r"^\{table ([a-z-]+)(?: where ([^}]+))?(?: without ([^}]+))?\}$", re.MULTILINE)
_FIGURE = re.compile(r"\{([a-z]+)\.([a-z0-9_]+)(?::([^}]*))?\}")


def written(folder: Path = FOLDER) -> str:
    """The page, of the files in a folder.

    Raises:
        KeyError: The template names a figure that no question has.
    """
    text = TEMPLATE.read_text("utf-8")
    known: dict[str, dict[str, float | str]] = {}

    def figure(match: re.Match[str]) -> str:
        question, name, form = match.groups()
        if question not in known:
            known[question] = json.loads((folder / f"{question}.json").read_text("utf-8"))
        value = known[question][name]
        return value if isinstance(value, str) else format(value, form or "")

    def table(match: re.Match[str]) -> str:
        name, chosen, left_out = match.groups()
        return _table(folder / f"{name}.csv", chosen or "", (left_out or "").split(", "))

    return _FIGURE.sub(figure, _TABLE.sub(table, text))


def _table(path: Path, chosen: str, left_out: list[str]) -> str:
    """A table's rows, or those in which some columns have some values."""
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    wanted = dict(pair.split("=") for pair in chosen.split("; ") if pair)
    columns = [name for name in found[0] if name not in {*wanted, *left_out}]
    lines = [f"| {' | '.join(columns)} |", f"|{' ---: |' * len(columns)}"]
    for row in found:
        if all(row[name] == value for name, value in wanted.items()):
            lines.append(f"| {' | '.join(_cell(row[name]) for name in columns)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return text
    return text if value == int(value) else f"{value:.3g}"
