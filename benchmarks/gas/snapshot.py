"""The committed figures, and what has changed against them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = Path("tests", "snapshots", "gas.json")
"""In the project."""


class Change(TypedDict):
    """A figure that differs; None where there is none."""

    label: str
    committed: int | None
    measured: int | None


def load(project: Path) -> dict[str, int]:
    """The committed figures by label; none where nothing is committed yet."""
    path = project / PATH
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def accept(project: Path, measured: Mapping[str, int]) -> None:
    """Write figures that are to be committed."""
    path = project / PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def changes(committed: Mapping[str, int], measured: Mapping[str, int]) -> list[Change]:
    """What differs: other figures, new labels, and labels that are gone."""
    return [
        Change(label=label, committed=committed.get(label), measured=measured.get(label))
        for label in sorted(committed.keys() | measured.keys())
        if committed.get(label) != measured.get(label)
    ]
