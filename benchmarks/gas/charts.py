"""The report's charts, drawn with matplotlib: an SVG and a PNG of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.errors import V2VError
from benchmarks.gas import published
from benchmarks.gas.scenarios import trade_gas
from benchmarks.gas.sections import repricing, same_pair
from benchmarks.gas.sections.floors import floors
from benchmarks.gas.sections.targets import TO_REBUILT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.gas.report import Report

# Colours that the colour-blind can tell apart.
_PUBLISHED, _FLOOR, _SIGNED = "#999999", "#DDCC77", "#009E73"
_REBUILT, _REBUILT_LIGHT = "#D55E00", "#F2AF7D"
_OURS, _OURS_LIGHT = "#0072B2", "#7FB8D8"
# What the floor consists of, from dark to light.
_PARTS = ("#8A6D00", "#B39219", "#D0B653", "#DDCC77", "#EFE6BE")
# What matplotlib would note about itself, the time and the format.
_METADATA = {"svg": ("Creator", "Date", "Format", "Type"), "png": ("Software",)}


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
    names, least = published.COUNTERPARTS, floors(m)
    new, same = {**m.paper.admin, **m.paper.known}, {**m.paper.admin, **m.paper.again}
    series = {
        "paper, published (prices of 2020)": (
            _PUBLISHED,
            [published.TABLE_II[name] for name in names.values()],
        ),
        "paper, rebuilt, new pair": (_REBUILT, [new[label].gas for label in names]),
        "paper, rebuilt, same pair": (_REBUILT_LIGHT, [same[label].gas for label in names]),
        "ours": (_OURS, [m.steady[label].gas for label in names]),
        "floor": (_FLOOR, [least[label] for label in names]),
    }
    _bars(axes[0], list(names), series)
    axes[0].set_ylabel("gas of the transaction")
    axes[0].legend(frameon=False, loc="upper left")


def _bars(
    panel: Axes,
    labels: Sequence[str],
    series: dict[str, tuple[str, list[int]]],
    *,
    figures: bool = False,
) -> None:
    """Groups of bars, one for each label; every series has its place in each group.

    `figures` writes above the bars what they are.
    """
    width = 0.85 / len(series)
    for number, (name, (colour, values)) in enumerate(series.items()):
        places = [index + (number - (len(series) - 1) / 2) * width for index in range(len(labels))]
        bars = panel.bar(places, values, width, label=name, color=colour)
        if figures:
            panel.bar_label(bars, fmt=_short, fontsize=7)
    panel.set_xticks(range(len(labels)), [label.replace(", ", ",\n") for label in labels])
    _gas_axis(panel)


def _short(gas: float) -> str:
    million = 10**6
    return f"{gas / million:.2f} M" if gas >= million else f"{gas / 1_000:.0f} k"


def _gas_axis(panel: Axes) -> None:
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.set_ylim(bottom=0)
    panel.grid(axis="y", alpha=0.3)


def _trade_floor(report: Report, axes: Sequence[Axes]) -> None:
    m, (panel,) = report.measurements, axes
    signed = next(trade.ours_signed for trade in m.trades if trade.bids == 2)  # noqa: PLR2004
    new, same = trade_gas(m.paper.known), trade_gas(m.paper.again)
    whole = {
        "paper, rebuilt, new pair": (_REBUILT, new),
        "paper, rebuilt, same pair": (_REBUILT_LIGHT, same),
        "ours": (_OURS, trade_gas(m.steady)),
        "ours, signed bids": (_SIGNED, signed),
    }
    for place, (colour, gas) in enumerate(whole.values()):
        panel.barh(place, gas, color=colour)
        ink = "black" if colour == _REBUILT_LIGHT else "white"
        panel.text(0, place, f"  {gas:,}", va="center", color=ink)
    lowest, left = len(whole), 0
    for (part, each), colour in zip(same_pair.parts(m).items(), _PARTS, strict=True):
        panel.barh(lowest, sum(each), left=left, color=colour, label=part)
        left += sum(each)
    panel.text(0, lowest, f"  {left:,}", va="center", color="white")
    for base, pair, side in ((new, "new pair", "left"), (same, "same pair", "right")):
        limit = int(TO_REBUILT * base)
        panel.axvline(limit, color="black", linestyle=":", linewidth=1)
        text = f"{TO_REBUILT} of the {pair}: {limit:,}"
        panel.text(limit, -0.5, text, ha=side, va="bottom", fontsize=8)
    panel.set_yticks(range(lowest + 1), [*whole, "floor"])
    panel.invert_yaxis()
    panel.set_xlabel("gas")
    panel.xaxis.set_major_formatter("{x:,.0f}")
    panel.set_xlim(0, 1.1 * new)
    panel.grid(axis="x", alpha=0.3)
    panel.legend(frameon=False, title="the floor consists of", loc="lower right")


def _trades(report: Report, axes: Sequence[Axes]) -> None:
    halves = report.measurements.trades[:2], report.measurements.trades[2:]
    for panel, trades in zip(axes, halves, strict=True):
        series = {
            "paper, rebuilt, new pairs": (_REBUILT, [trade.paper_known for trade in trades]),
            "paper, rebuilt, same pairs": (_REBUILT_LIGHT, [trade.paper_again for trade in trades]),
            "ours": (_OURS, [trade.ours for trade in trades]),
            "ours + both withdraw": (_OURS_LIGHT, [trade.ours_and_both for trade in trades]),
            "ours, signed bids": (_SIGNED, [trade.ours_signed for trade in trades]),
        }
        labels = [f"{trade.bids} bid{'s' if trade.bids > 1 else ''}" for trade in trades]
        _bars(panel, labels, series, figures=True)
        panel.set_ylabel("gas of the whole trade")
    handles, names = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(
        handles, names, frameon=False, loc="outside lower center", ncols=len(names)
    )


def _growth(report: Report, axes: Sequence[Axes]) -> None:
    labels = {
        "EVs": "EVs that are registered",
        "bids": "which bid of the auction",
        "auctions": "the consumer's past auctions",
    }
    for panel, growth in zip(axes, report.measurements.growth, strict=True):
        for name, colour, points in (
            ("paper, rebuilt, same pair", _REBUILT_LIGHT, growth.paper),
            ("ours", _OURS, growth.ours),
        ):
            panel.plot(*zip(*points, strict=True), marker="o", label=name, color=colour)
        panel.set_title("one bid" if growth.name == "bids" else "a trade with two bids", size=9)
        panel.set_xlabel(labels[growth.name])
        if growth.name == "EVs":
            panel.set_xscale("log")
            counts = [count for count, _ in growth.ours]
            panel.set_xticks(counts, [f"{count:,}" for count in counts])
            panel.minorticks_off()
        panel.set_ylabel("gas")
        _gas_axis(panel)
    axes[0].legend(frameon=False, loc="lower left")


def _repriced(report: Report, axes: Sequence[Axes]) -> None:
    table = next(table for table in report.tables if table.name == "repriced")
    records = {record["function"]: record for record in table.as_records()}
    labels = [repricing.FIRST_TRADE, repricing.NEW_PAIR, repricing.SAME_PAIR]
    series = {
        name: (colour, [records[label][column] for label in labels])
        for name, colour, column in (
            ("paper, rebuilt, today", _REBUILT_LIGHT, "rebuilt today"),
            ("paper, rebuilt, then", _REBUILT, "rebuilt then"),
            ("ours, today", _OURS_LIGHT, "ours today"),
            ("ours, then", _OURS, "ours then"),
        )
    }
    _bars(axes[0], labels, series, figures=True)
    axes[0].set_ylabel("gas of a trade with two bids")
    axes[0].legend(frameon=False)


CHARTS = {
    "functions": Chart("Gas by function", (11, 4.5), _functions),
    "trade_floor": Chart("A trade with two bids, and what it costs at least", (9, 4), _trade_floor),
    "trades_ratios": Chart("A whole trade, by the number of bids", (10, 4), _trades, panels=2),
    "growth_auctions": Chart(
        "Neither EVs nor bids nor past auctions make it dearer", (11, 3.6), _growth, panels=3
    ),
    "repriced": Chart(
        "A trade with two bids, today and when storage is repriced", (9, 4.5), _repriced
    ),
}
"""By the name of the table that a chart follows."""
