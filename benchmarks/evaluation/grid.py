"""The grid: peak, overload and losses where ten, thirty, sixty percent take part."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation import Simulation, changed, read
from ape_v2v.simulation.study.load import STEP, Load, profile
from benchmarks.evaluation.material import SEED, Answer, Cell, Laboratory

if TYPE_CHECKING:
    from ape_v2v.simulation import Scenario
    from ape_v2v.simulation.result import RunResult

NEEDS, SPARES = 120, 80
PARTS = (0.1, 0.3, 0.6)
RECHARGE = (1, 13, 18)
"""Hours at which providers charge again what they have sold."""
_HOURS = 48


def ask(laboratory: Laboratory) -> Answer:
    """Run one site of a town with more and more who take part."""
    days = max(1, laboratory.replicates // 3)
    whole = [_without(number) for number in range(days)]
    answer, rows = Answer("grid"), []
    loads: dict[tuple[float, int], list[float]] = {}
    for part in PARTS:
        outcome = laboratory.__class__(days, laboratory.jobs).run({"": _site(part)})
        results = outcome.variants[0].results
        for hour in RECHARGE:
            found = [
                _combined(base, result, hour) for base, result in zip(whole, results, strict=True)
            ]
            loads[part, hour] = found[0]
            rows.append(_row(part, hour, whole, found, results))
    answer.tables["participation"] = (
        [
            "take part", "charged again at", "peak without, kW", "peak with, kW", "peak, change",
            "overload without, h", "overload with, h", "lost in batteries, kWh", "traded, kWh",
        ],
        rows,
    )  # fmt: skip
    answer.figures = {"vehicles": NEEDS + SPARES, "transformer": _site(1.0).grid.transformer_kw}
    answer.figures |= {"night": RECHARGE[0], "evening": RECHARGE[-1]}
    by = {(float(row[0]), row[1]): row for row in rows}
    for name, part in zip(("few", "middle", "most"), PARTS, strict=True):
        night, evening = by[part, RECHARGE[0]], by[part, RECHARGE[-1]]
        answer.figures |= {
            f"{name}_part": part, f"{name}_night_change": night[4],
            f"{name}_evening_change": evening[4], f"{name}_evening_overload": evening[6],
            f"{name}_lost": night[7], f"{name}_traded": night[8],
        }  # fmt: skip
    answer.figures |= {
        "peak_without": rows[0][2],
        "overload_without": rows[0][5],
        "lost_share": 1 / _site(1.0).world.efficiency - 1,
    }
    answer.plots = {"load": lambda figure: _lines(figure, whole[0], loads)}
    return answer


def _site(part: float) -> Scenario:
    """One of five places of a town, of whose vehicles a part is in the market."""
    town = read("district1000")
    said = town.model_dump(mode="json")
    groups = [group for group in said["population"] if group["site"] == "north"]
    counts = {"consumer": NEEDS, "provider": SPARES}
    for group in groups:
        group["count"] = max(1, round(part * counts[group["role"]]))
    grid = said["grid"]
    grid["base_load_kw"] = [value / 5 for value in grid["base_load_kw"]]
    grid["transformer_kw"] = grid["transformer_kw"] / 5
    return changed(town, {"population": groups, "grid": grid})


def _without(replicate: int) -> Load:
    """The load of all who need energy, before there is a market."""
    return profile(Simulation(_site(1.0), SEED, replicate).result)


def _combined(whole: Load, result: RunResult, hour: int) -> list[float]:
    """The load of all, of whom some are in the market."""
    scenario = changed(result.scenario, {"grid.recharge_hour": hour})
    part = profile(replace(result, scenario=scenario))
    lines = zip(whole.without_market, part.without_market, part.with_market, strict=True)
    return [all_ + with_ - without for all_, without, with_ in lines]


def _row(
    part: float, hour: int, whole: list[Load], found: list[list[float]], results: list[RunResult]
) -> list[Cell]:
    count, limit = len(found), results[0].scenario.grid.transformer_kw
    efficiency = results[0].scenario.world.efficiency

    def mean(values: list[float]) -> float:
        return math.fsum(values) / count

    traded = mean([sum(row.delivered for row in result.trades) / 1_000 for result in results])
    before = mean([max(one.without_market) for one in whole])
    after = mean([max(one) for one in found])
    return [
        part, hour, before, after, after / before - 1,
        mean([Load.hours_above(one.without_market, limit) for one in whole]),
        mean([Load.hours_above(one, limit) for one in found]),
        traded * (1 / efficiency - 1), traded,
    ]  # fmt: skip


def _lines(figure: Any, whole: Load, loads: dict[tuple[float, int], list[float]]) -> None:
    axes = figure.subplots()
    steps = _HOURS * 3_600 // STEP
    hours = [step * STEP / 3_600 for step in range(steps)]
    axes.fill_between(hours, whole.base[:steps], color="#808080", alpha=0.25, label="the houses")
    axes.plot(hours, whole.without_market[:steps], color="black", label="without a market")
    for part, colour in zip(PARTS, ("#9ecae1", "#3182bd", "#08519c"), strict=True):
        label = f"{part:.0%} take part, charged again at {RECHARGE[0]}:00"
        axes.plot(hours, loads[part, RECHARGE[0]][:steps], color=colour, label=label)
    worst = loads[PARTS[-1], RECHARGE[-1]][:steps]
    label = f"{PARTS[-1]:.0%}, charged again at {RECHARGE[-1]}:00"
    axes.plot(hours, worst, color="#d2691e", label=label)
    axes.axhline(_site(1.0).grid.transformer_kw, color="black", linestyle=":", linewidth=0.8)
    axes.set(xlabel="hours from the start", ylabel="kW", xticks=range(0, _HOURS + 1, 6))
    axes.set_ylim(0, 1.45 * max(worst))
    axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
