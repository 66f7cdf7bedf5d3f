"""The report's charts, drawn with matplotlib: an SVG and a PNG of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.errors import V2VError
from ape_v2v.gas import published
from ape_v2v.gas.floor import FLOORS
from ape_v2v.gas.prices import TODAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from ape_v2v.gas.report import Report

# Colours that the colour-blind can tell apart.
_PUBLISHED, _REBUILT, _OURS, _FLOOR, _SIGNED = "#999999", "#D55E00", "#0072B2", "#56B4E9", "#009E73"
# What matplotlib would note about itself, the time and the format.
_METADATA = {"svg": ("Creator", "Date", "Format", "Type"), "png": ("Software",)}
_FUNCTIONS = {
    "addEV": "addEV",
    "changeStatus": "changeStatus",
    "startAuction": "StartAuction",
    "placeBid, first": "PlaceBid",
    "placeBid, overtaking": "PlaceBid",
    "endAuction": "EndAuction",
    "endConnection": "EndConnection",
}


@dataclass(frozen=True)
class Chart:
    title: str
    size: tuple[float, float]
    """Inches."""
    draw: Callable[[Report, Sequence[Axes]], None]
    panels: int = 1


def draw(report: Report, folder: Path) -> list[Path]:
    """Draw all charts, and return the files.

    Raises:
        V2VError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise V2VError(
            'the charts need matplotlib: pip install "ape-v2v[report]", or leave --write out'
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    # The same figures give the same file.
    stable: dict[str, Any] = {"svg.hashsalt": "ape-v2v", "font.size": 9, "axes.axisbelow": True}
    written = []
    with mpl.rc_context(stable):
        names = {table.name for table in report.tables}
        for name, chart in CHARTS.items():
            if name not in names:
                continue
            figure = Figure(figsize=chart.size, layout="constrained")
            axes = figure.subplots(1, chart.panels, squeeze=False)[0]
            chart.draw(report, list(axes))
            for panel in axes:
                panel.spines[["top", "right"]].set_visible(False)
            figure.suptitle(chart.title, fontsize=11)
            for suffix, metadata in _METADATA.items():
                path = folder / f"{name}.{suffix}"
                figure.savefig(path, dpi=120, metadata=dict.fromkeys(metadata))
                written.append(path)
    return written


def _functions(report: Report, axes: Sequence[Axes]) -> None:
    m = report.measurements
    rebuilt = {**m.paper.admin, **m.paper.known}
    series = {
        "paper, published": (_PUBLISHED, [published.TABLE_II[n] for n in _FUNCTIONS.values()]),
        "paper, rebuilt (new pair)": (_REBUILT, [rebuilt[label].gas for label in _FUNCTIONS]),
        "ours": (_OURS, [m.steady[label].gas for label in _FUNCTIONS]),
        "floor": (
            _FLOOR,
            [FLOORS[label].floor(TODAY, m.steady[label].data) for label in _FUNCTIONS],
        ),
    }
    _bars(axes[0], list(_FUNCTIONS), series)


def _bars(panel: Axes, labels: Sequence[str], series: dict[str, tuple[str, list[int]]]) -> None:
    width = 0.8 / len(series)
    for number, (name, (colour, values)) in enumerate(series.items()):
        places = [index + (number - (len(series) - 1) / 2) * width for index in range(len(labels))]
        panel.bar(places, values, width, label=name, color=colour)
    panel.set_xticks(range(len(labels)), [label.replace(", ", ",\n") for label in labels])
    _gas_axis(panel)
    panel.legend(frameon=False)


def _gas_axis(panel: Axes) -> None:
    panel.set_ylabel("gas")
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.set_ylim(bottom=0)
    panel.grid(axis="y", alpha=0.3)


def _trades(report: Report, axes: Sequence[Axes]) -> None:
    trades = report.measurements.trades
    bids = [trade.bids for trade in trades]
    lines = {
        "paper, rebuilt (new pairs)": (_REBUILT, "-", [t.paper_known for t in trades]),
        "paper, rebuilt (same pairs)": (_REBUILT, "--", [t.paper_again for t in trades]),
        "ours": (_OURS, "-", [t.ours for t in trades]),
        "ours, signed bids": (_SIGNED, "-", [t.ours_signed for t in trades]),
    }
    for name, (colour, style, values) in lines.items():
        axes[0].plot(bids, values, style, marker="o", label=name, color=colour)
    axes[0].set_xlabel("bids in the auction")
    axes[0].set_xticks(bids)
    _gas_axis(axes[0])
    axes[0].legend(frameon=False)


def _growth(report: Report, axes: Sequence[Axes]) -> None:
    labels = {"EVs": "registered EVs", "bids": "n-th bid", "auctions": "past auctions"}
    for panel, growth in zip(axes, report.measurements.growth, strict=True):
        for name, colour, points in (
            ("paper, rebuilt", _REBUILT, growth.paper),
            ("ours", _OURS, growth.ours),
        ):
            panel.plot(*zip(*points, strict=True), marker="o", label=name, color=colour)
        panel.set_title("one bid" if growth.name == "bids" else "a trade with two bids", size=9)
        panel.set_xlabel(labels[growth.name])
        if growth.name == "EVs":
            panel.set_xscale("log")
        _gas_axis(panel)
    axes[0].legend(frameon=False, loc="lower left")


def _repriced(report: Report, axes: Sequence[Axes]) -> None:
    table = next(table for table in report.tables if table.name == "repriced")
    trades = [record for record in table.as_records() if record["function"].startswith("a trade")]
    labels = [record["function"] for record in trades]
    series = {
        "paper, rebuilt: today": (_PUBLISHED, [r["rebuilt today"] for r in trades]),
        "ours: today": (_FLOOR, [r["ours today"] for r in trades]),
        "paper, rebuilt: then": (_REBUILT, [r["rebuilt then"] for r in trades]),
        "ours: then": (_OURS, [r["ours then"] for r in trades]),
    }
    _bars(axes[0], labels, series)


CHARTS = {
    "functions": Chart("Gas by function", (9, 4), _functions),
    "trades": Chart("A whole trade, by the number of bids", (7, 4), _trades),
    "growth_auctions": Chart("What does not grow", (10, 3.4), _growth, panels=3),
    "repriced": Chart("A trade with two bids, when storage is repriced", (7, 4), _repriced),
}
"""By the name of the table that a chart follows."""
