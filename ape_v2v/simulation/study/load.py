"""What the shared connection carries, with the market and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.simulation.vehicles.population import DAY, HOUR, charging_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.simulation.result import RunResult

STEP = 900
"""Seconds."""


@dataclass(frozen=True)
class Load:
    """Kilowatts in each quarter of an hour, from the start on."""

    base: list[float]
    without_market: list[float]
    """All who need energy charge from the connection as they come."""
    with_market: list[float]
    """Who trades charges from another vehicle, which charges again in the night, with losses."""

    @staticmethod
    def hours_above(load: Sequence[float], limit_kw: float) -> float:
        """For how long a load is above a limit."""
        return sum(value > limit_kw for value in load) * STEP / HOUR


def profile(result: RunResult) -> Load:
    """The load of a run; one day more than it has, for what is charged in the last night."""
    scenario = result.scenario
    steps = (scenario.days + 1) * DAY // STEP
    hours = scenario.grid.base_load_kw
    base = [hours[step * STEP // HOUR % 24] for step in range(steps)]
    without, with_market = list(base), list(base)
    served = {(row.consumer, row.started // DAY): row for row in result.trades}
    for visit in result.visits:
        if visit.group.role != "consumer":
            continue
        power = visit.group.power_kw
        _add(without, visit.arrives, visit.energy, power)
        row = served.get((visit.vehicle, visit.arrives // DAY))
        left = visit.energy - (row.delivered if row else 0)
        if left:
            _add(with_market, visit.arrives, left, power)
    for row in result.trades:
        assert row.ended is not None
        night = (row.ended // DAY + 1) * DAY + scenario.grid.recharge_hour * HOUR
        drawn = round(row.delivered / scenario.world.efficiency)
        _add(with_market, night, drawn, _power(result, row.provider))
    return Load(base, without, with_market)


def _power(result: RunResult, vehicle: str) -> float:
    group = vehicle.rpartition("-")[0]
    return next(one.power_kw for one in result.scenario.population if one.name == group)


def _add(load: list[float], start: int, energy: int, power_kw: float) -> None:
    """Add a charge at constant power, spread over the steps that it touches."""
    end = start + charging_seconds(energy, power_kw)
    for step in range(start // STEP, min(len(load), -(-end // STEP))):
        overlap = min(end, (step + 1) * STEP) - max(start, step * STEP)
        load[step] += power_kw * overlap / STEP
