"""The plots of a study, as SVG that is the same for the same data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation import theory
from ape_v2v.simulation.errors import SimulationError
from ape_v2v.simulation.study.load import STEP, profile
from ape_v2v.simulation.study.metrics import competitive_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ape_v2v.simulation.result import RunResult
    from ape_v2v.simulation.study.outcome import StudyOutcome, Variant

_BLUE, _ORANGE, _GREEN, _GREY = "#1f6fb2", "#d2691e", "#2e8b57", "#808080"
_BOX = {"boxstyle": "round", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
_HOUR = 3_600
_WH = 1_000
_SIZE = (7.0, 4.2)
SETTINGS = {
    "svg.hashsalt": "ape-v2v",
    "svg.fonttype": "path",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


def draw(outcome: StudyOutcome, folder: Path) -> list[tuple[str, str]]:
    """Draw what there is to draw.

    Returns:
        The files' names, and what each shows.

    Raises:
        SimulationError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra
        from matplotlib.figure import Figure  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise SimulationError(
            f"plots need matplotlib ({error}): install the extra, `pip install "
            "'ape-v2v[simulation]'`"
        ) from error
    drawn = []
    with mpl.rc_context(SETTINGS):
        for name, caption, plot in _wanted(outcome):
            figure = Figure(figsize=_SIZE)
            plot(figure)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            drawn.append((f"{name}.svg", caption))
    return drawn


def _wanted(outcome: StudyOutcome) -> list[tuple[str, str, Callable[[Any], None]]]:
    first = outcome.variants[0]
    results = first.results
    wanted: list[tuple[str, str, Callable[[Any], None]]] = [
        ("supply-demand", "Supply, demand and the trades", lambda f: _supply(f, results[0])),
        ("price", "Price against the number of bidders", lambda f: _price(f, results)),
        ("utility", "What vehicles gain, and how evenly", lambda f: _utility(f, results)),
        ("load", "The load of a day with and without", lambda f: _load(f, results[0])),
        ("gas-share", "Gas as a share of the price", lambda f: _gas_share(f, first)),
        ("time-to-match", "Time from request to award", lambda f: _time(f, results)),
    ]
    settings = _settings(outcome)
    if settings:
        welfare = "welfare_after_gas_eur"
        caption = "Welfare after gas over the settings"
        wanted.append(("welfare", caption, lambda f: _lines(f, outcome, settings, welfare)))
    if len(settings) == 2:  # noqa: PLR2004 - two axes
        caption = "Efficiency over two settings"
        wanted.append(("efficiency", caption, lambda f: _heat(f, outcome, settings)))
    return wanted


def _supply(figure: Any, result: RunResult) -> None:
    axes = figure.subplots()
    eur = _eur_per_kwh(result)
    for role, colour, label in (
        ("consumer", _BLUE, "demand: what energy is worth"),
        ("provider", _ORANGE, "supply: what it costs"),
    ):
        visits = [visit for visit in result.visits if visit.group.role == role]
        visits.sort(key=lambda visit: visit.rate, reverse=role == "consumer")
        x, y, total = [0.0], [], 0.0
        for visit in visits:
            total += visit.energy / _WH
            x.append(total)
            y.append(eur(visit.rate))
        axes.stairs(y, x, baseline=None, color=colour, label=label, linewidth=1.6)
    total = 0.0
    for row in sorted(result.trades, key=lambda row: -row.max_rate):
        left, total = total, total + row.delivered / _WH
        axes.plot([left, total], [eur(row.rate or 0)] * 2, color=_GREEN, linewidth=2.2)
    axes.plot([], [], color=_GREEN, linewidth=2.2, label="trades at their prices")
    if competitive := competitive_rate(result):
        axes.axhline(eur(competitive), color=_GREY, linestyle=":", label="competitive price")
    axes.set(xlabel="energy, kWh", ylabel="€ per kWh")
    axes.legend(frameon=False, fontsize=9)


def _price(figure: Any, results: Sequence[RunResult]) -> None:
    axes = figure.subplots()
    by_bidders: dict[int, list[float]] = {}
    for result in results:
        costs = [visit.rate for visit in result.visits if visit.group.role == "provider"]
        low, high = min(costs), max(costs)
        for row in result.trades:
            if row.rate is not None and high > low:
                price = (row.rate - low) / (high - low)
                by_bidders.setdefault(row.bidders, []).append(price)
    counts = sorted(by_bidders)
    for count in counts:
        values = by_bidders[count]
        axes.plot([count] * len(values), values, ".", color=_BLUE, alpha=0.35)
    means = [math.fsum(by_bidders[count]) / len(by_bidders[count]) for count in counts]
    axes.plot(counts, means, "o-", color=_BLUE, label="trades: mean, and each")
    most = max(max(counts, default=2), 3)
    ns = list(range(2, most + 1))
    band = [theory.open_price(n) for n in ns]
    deviations = [math.sqrt(one.variance or 0) for one in band]
    axes.fill_between(
        ns,
        [one.mean - wide for one, wide in zip(band, deviations, strict=True)],
        [one.mean + wide for one, wide in zip(band, deviations, strict=True)],
        color=_GREY,
        alpha=0.25,
        label="theory for uniform costs: mean ± deviation",
    )
    axes.plot(ns, [one.mean for one in band], color=_GREY)
    axes.set(xlabel="bidders in the auction", ylabel="price: lowest cost 0, highest 1")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, fontsize=9)


def _utility(figure: Any, results: Sequence[RunResult]) -> None:
    left, right = figure.subplots(1, 2)
    scenario = results[0].scenario
    for role, colour in (("consumer", _BLUE), ("provider", _ORANGE)):
        rows = [row for result in results for row in result.vehicles if row.role == role]
        gains = sorted(scenario.eur(row.gain) for row in rows)
        count = len(gains)
        if not count:
            continue
        shares = [(place + 1) / count for place in range(count)]
        left.step(gains, shares, where="post", color=colour, label=f"{role}s")
        kept = [max(0.0, gain) for gain in gains]
        total = math.fsum(kept) or 1.0
        curve, running = [0.0], 0.0
        for gain in kept:
            running += gain
            curve.append(running / total)
        right.plot([0.0, *shares], curve, color=colour)
    left.axvline(0, color=_GREY, linewidth=0.8)
    right.plot([0, 1], [0, 1], color=_GREY, linestyle=":")
    left.set(xlabel="gain, €, gas included", ylabel="share of vehicles")
    right.set(xlabel="share of vehicles", ylabel="share of all gains")
    left.legend(frameon=False, fontsize=9)


def _load(figure: Any, result: RunResult) -> None:
    axes = figure.subplots()
    load = profile(result)
    steps = min(
        len(load.base), 2 * 24 * _HOUR // STEP
    )  # a day, and the night in which is recharged
    hours = [step * STEP / _HOUR for step in range(steps)]
    axes.fill_between(hours, load.base[:steps], color=_GREY, alpha=0.25, label="the house alone")
    axes.plot(hours, load.without_market[:steps], color=_ORANGE, label="without the market")
    axes.plot(hours, load.with_market[:steps], color=_BLUE, label="with it")
    limit = result.scenario.grid.transformer_kw
    axes.axhline(limit, color="black", linewidth=0.8, linestyle=":", label="transformer")
    axes.set(
        xlabel="hours from the start", ylabel="kW", xticks=range(0, steps * STEP // _HOUR + 1, 6)
    )
    axes.legend(frameon=False, fontsize=9)


def _gas_share(figure: Any, variant: Variant) -> None:
    axes = figure.subplots()
    scenario = variant.results[0].scenario
    trades = sum(len(result.trades) for result in variant.results) or 1
    gas = sum(result.gas for result in variant.results) / trades
    price = variant.estimate("price_eur_kwh").mean or scenario.world.tariff_eur_kwh
    welfare = math.fsum(variant.values("welfare_eur"))
    margin = welfare / (math.fsum(variant.values("energy_kwh")) or 1.0)
    energies = [1.3**step for step in range(16)]
    prices = [10 ** (-3 + step / 4) for step in range(21)]
    in_eur = [gas * gwei * 1e-9 * scenario.chain.ether_eur for gwei in prices]
    share = [[min(10.0, cost / (price * energy)) for energy in energies] for cost in in_eur]
    logs = [[math.log10(value) for value in row] for row in share]
    mesh = axes.pcolormesh(
        energies, prices, logs, cmap="viridis", shading="gouraud", rasterized=True
    )
    bar = figure.colorbar(mesh, ax=axes, ticks=[-6, -5, -4, -3, -2, -1, 0, 1])
    bar.ax.set_yticklabels([f"{10.0**power:.4g}" for power in range(-6, 2)])
    bar.set_label("gas for the price")
    if margin > 0:
        line = [cost / margin for cost in in_eur]
        axes.plot(line, prices, color="white", linewidth=2, label="break-even")
        axes.legend(frameon=False, labelcolor="white", loc="lower right")
    axes.set(xscale="log", yscale="log", xlabel="energy of a trade, kWh", ylabel="gas price, gwei")
    axes.set_xlim(energies[0], energies[-1])


def _time(figure: Any, results: Sequence[RunResult]) -> None:
    axes = figure.subplots()
    times = sorted(
        (row.closed - row.started) / 60
        for result in results
        for row in result.trades
        if row.closed is not None
    )
    shares = [(place + 1) / len(times) for place in range(len(times))]
    axes.step(times, shares, where="post", color=_BLUE)
    bidding = results[0].scenario.market.bidding_seconds / 60
    axes.axvline(bidding, color=_GREY, linestyle=":", label="bidding time")
    axes.set(xlabel="minutes from request to award", ylabel="share of trades", ylim=(0, 1.02))
    axes.set_xlim(0.95 * min([bidding, *times]), 1.05 * max([bidding, *times]))
    axes.legend(frameon=False)


def _settings(outcome: StudyOutcome) -> list[str]:
    """What is swept over, if its values are numbers."""
    names = list(outcome.variants[0].settings)
    alike = all(list(variant.settings) == names for variant in outcome.variants)
    numbers = all(
        isinstance(value, int | float)
        for variant in outcome.variants
        for value in variant.settings.values()
    )
    return names[:2] if alike and numbers else []


def _lines(figure: Any, outcome: StudyOutcome, settings: Sequence[str], metric: str) -> None:
    axes = figure.subplots()
    across = settings[0]
    lines: dict[float | None, list[Variant]] = {}
    for variant in outcome.variants:
        which = variant.settings[settings[1]] if len(settings) > 1 else None
        lines.setdefault(which, []).append(variant)
    for which, variants in lines.items():
        x = [variant.settings[across] for variant in variants]
        found = [variant.estimate(metric) for variant in variants]
        spread = [one.half if math.isfinite(one.half) else 0.0 for one in found]
        label = None if which is None else f"{settings[1]} {which}"
        axes.errorbar(x, [one.mean for one in found], spread, marker="o", capsize=3, label=label)
    axes.set(xlabel=across, ylabel="welfare after gas, €")
    if len(settings) > 1:
        axes.legend(frameon=False, fontsize=9)


def _heat(figure: Any, outcome: StudyOutcome, settings: Sequence[str]) -> None:
    axes = figure.subplots()
    across, up = settings
    xs = sorted({variant.settings[across] for variant in outcome.variants})
    ys = sorted({variant.settings[up] for variant in outcome.variants})
    values = {
        (variant.settings[across], variant.settings[up]): variant.estimate("efficiency").mean
        for variant in outcome.variants
    }
    grid = [[values.get((x, y), math.nan) for x in xs] for y in ys]
    image = axes.imshow(grid, origin="lower", aspect="auto", cmap="viridis")
    for row, line in enumerate(grid):
        for column, value in enumerate(line):
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", bbox=_BOX)
    axes.set(xticks=range(len(xs)), yticks=range(len(ys)), xlabel=across, ylabel=up)
    axes.set_xticklabels([str(x) for x in xs])
    axes.set_yticklabels([str(y) for y in ys])
    figure.colorbar(image, ax=axes, label="efficiency")


def _eur_per_kwh(result: RunResult) -> Callable[[float], float]:
    return result.scenario.eur_per_kwh
