"""Who comes, when, with what: drawn before anything happens, the same under every rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.simulation.streams import Stream

if TYPE_CHECKING:
    from ape_v2v.simulation.scenario.model import Scenario, VehicleGroup

DAY, HOUR = 86_400, 3_600
_WH_PER_KWH = 1_000


@dataclass(frozen=True)
class Visit:
    """One stay of one vehicle."""

    vehicle: str
    group: VehicleGroup
    number: int
    """Among the visits of its vehicle."""
    arrives: int
    """Seconds since the start."""
    leaves: int
    energy: int
    """What a consumer wants or a provider can spare, Wh."""
    rate: int
    """What energy elsewhere costs a consumer, or giving it a provider, units per Wh."""

    @property
    def seconds_to_charge(self) -> int:
        """How long all of it takes."""
        return charging_seconds(self.energy, self.group.power_kw)


def charging_seconds(energy: int, power_kw: float) -> int:
    """How long so many Wh take at this power."""
    return max(1, round(energy * 3.6 / power_kw))


def vehicles(scenario: Scenario) -> list[tuple[str, VehicleGroup]]:
    """Every vehicle: its name, and what it is one of."""
    return [
        (f"{group.name}-{number}", group)
        for group in scenario.population
        for number in range(1, group.count + 1)
    ]


def visits(scenario: Scenario, seed: int, replicate: int = 0) -> list[Visit]:
    """Every visit, by the time of arrival.

    Args:
        scenario: What is drawn from.
        seed: The root seed.
        replicate: Which of several runs.
    """
    found: list[Visit] = []
    for vehicle, group in vehicles(scenario):
        free, number = 0, 0
        draws = _Draws(scenario, seed, replicate, vehicle)
        for day in range(scenario.days):
            visit = _visit(scenario, (vehicle, group), draws, day, number)
            if visit is not None and visit.arrives >= free:
                found.append(visit)
                free, number = visit.leaves, number + 1
    return sorted(found, key=lambda visit: (visit.arrives, visit.vehicle))


class _Draws:
    """A stream for each purpose, so that another distribution of one changes no other."""

    def __init__(self, scenario: Scenario, seed: int, replicate: int, vehicle: str) -> None:
        names = (seed, scenario.name, replicate, vehicle)
        self.comes = Stream(*names, "comes")
        self.arrival = Stream(*names, "arrival")
        self.stay = Stream(*names, "stay")
        self.energy = Stream(*names, "energy")
        self.price = Stream(*names, "price")


def _visit(
    scenario: Scenario, who: tuple[str, VehicleGroup], draws: _Draws, day: int, number: int
) -> Visit | None:
    vehicle, group = who
    comes = draws.comes.chance(group.visits_per_day)
    if group.arrival_hours is not None:
        hour = group.arrival_hours.draw(draws.arrival) % 24
    else:
        assert group.arrival_weights is not None
        hour = draws.arrival.weighted(group.arrival_weights) + draws.arrival.uniform()
    stay = max(HOUR // 4, round(group.stay_hours.draw(draws.stay) * HOUR))
    energy = round(group.energy_kwh.draw(draws.energy) * _WH_PER_KWH)
    rate = scenario.rate(group.price_eur_kwh.draw(draws.price))
    if not comes or energy < 1 or rate < 1:
        return None
    arrives = day * DAY + int(hour * HOUR)
    return Visit(vehicle, group, number, arrives, arrives + stay, energy, rate)
