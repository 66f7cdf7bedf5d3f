"""Plots as SVG, the same for the same figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from ape_v2v.simulation.study.plots import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.evaluation.material import Answer

_SIZE = (7.5, 4.4)
_METADATA = ("Creator", "Date", "Format", "Type")
"""That are left out: they name the day, and the library's site."""


def draw(answer: Answer, folder: Path, *kinds: str) -> None:
    """Draw an answer's plots.

    Args:
        answer: Whose.
        folder: Where they go.
        kinds: Formats besides SVG, such as png.
    """
    with mpl.rc_context(SETTINGS):
        for name, plot in answer.plots.items():
            figure = Figure(figsize=_SIZE)
            plot(figure)
            for kind in ("svg", *kinds):
                metadata = dict.fromkeys(_METADATA) if kind == "svg" else None
                figure.savefig(folder / f"{answer.name}-{name}.{kind}", metadata=metadata)
