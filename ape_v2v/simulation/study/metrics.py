"""What a run tells, in numbers: for whom the market is worth it, and at what cost."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ape_v2v.simulation.errors import SimulationError
from ape_v2v.simulation.study.benchmarks import compare
from ape_v2v.simulation.study.load import profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.simulation.result import RunResult

_WH_PER_KWH = 1_000
_MINUTES = 60
_ALIKE = 1e-9


@dataclass(frozen=True)
class Metrics:
    """One run. Money in euro, energy in kWh, times in seconds; a share is from 0 to 1."""

    auctions: int
    trades: int
    fill_rate: float
    """Trades for each auction."""
    energy_kwh: float
    bids_per_auction: float
    """Accepted ones."""
    refused_bids: int
    """In a block, for gas."""
    welfare_eur: float
    """What energy was worth to consumers, less what it cost providers; without gas."""
    optimum_eur: float
    greedy_eur: float
    random_eur: float
    efficiency: float
    """Welfare for the best there could be."""
    efficiency_online: float
    """For what serving each from the cheapest comes to."""
    gas_eur: float
    welfare_after_gas_eur: float
    gas_share: float
    """Gas for what was paid."""
    break_even_kwh: float
    """The energy of a trade at which its gas eats all that there is to gain."""
    price_eur_kwh: float
    competitive_eur_kwh: float
    smith_alpha: float
    """How far prices lie from the competitive one, as a share of it."""
    detour_eur: float
    """What the time is worth that drivers spend on meeting; not in any gain."""
    break_even_detour_minutes: float
    """The detour of a trade at which its time eats all that is gained after gas."""
    saving_eur_kwh: float
    """Of consumers against charging in public, gas included."""
    consumer_gain_eur: float
    provider_gain_eur: float
    consumers_worse_off: int
    """Who have lost by taking part, gas included."""
    providers_worse_off: int
    jain: float
    """Fairness of gains among who gained; 1 is all alike."""
    gini: float
    time_to_match_s: float
    """From the start of an auction to its award, the median."""
    defaults: int
    """Connections that ended otherwise than paid or agreed."""
    burnt_eur: float
    peak_kw: float
    peak_without_kw: float
    peak_to_average: float
    overload_hours: float
    overload_hours_without: float
    extra_energy_kwh: float
    """Lost on the way through two batteries."""

    def as_dict(self) -> dict[str, float | int]:
        """By name."""
        return asdict(self)


def measure(result: RunResult) -> Metrics:
    """Measure a run.

    Raises:
        SimulationError: scipy is not installed, or more was gained than can be.
    """
    scenario, trades = result.scenario, result.trades
    world = scenario.world
    eur = scenario.eur
    beside = compare(result)
    welfare = sum((row.max_rate - row.cost) * row.delivered for row in trades)
    if welfare > beside.optimum * (1 + _ALIKE):
        raise SimulationError(
            f"{scenario.name}, run {result.replicate}: {eur(welfare):.6g} euro were gained, and "
            f"{eur(beside.optimum):.6g} is the most there is: somebody has sold what it had not"
        )
    energy = sum(row.delivered for row in trades)
    paid = sum(row.paid for row in trades)
    margin = _ratio(welfare, energy)
    competitive = competitive_rate(result)
    rates = [row.rate for row in trades if row.rate is not None]
    consumers = [row for row in result.vehicles if row.role == "consumer"]
    providers = [row for row in result.vehicles if row.role == "provider"]
    gains = [eur(row.gain) for row in result.vehicles if row.trades]
    fees_of_consumers = sum(row.fees for row in consumers)
    saved = sum(row.max_rate * row.delivered for row in trades) - paid - fees_of_consumers
    accepted = sum(row.accepted for row in result.bids)
    load = profile(result)
    transformer = scenario.grid.transformer_kw
    gas = scenario.gas(result.fees)
    gas_of_trade = _ratio(gas, len(trades))
    return Metrics(
        auctions=len(result.auctions),
        trades=len(trades),
        fill_rate=_ratio(len(trades), len(result.auctions)),
        energy_kwh=energy / _WH_PER_KWH,
        bids_per_auction=_ratio(accepted, len(result.auctions)),
        refused_bids=len(result.bids) - accepted,
        welfare_eur=eur(welfare),
        optimum_eur=eur(beside.optimum),
        greedy_eur=eur(beside.greedy),
        random_eur=eur(beside.random),
        efficiency=_ratio(welfare, beside.optimum),
        efficiency_online=_ratio(welfare, beside.greedy),
        gas_eur=eur(gas),
        welfare_after_gas_eur=eur(welfare - gas),
        gas_share=_ratio(gas, paid),
        break_even_kwh=_ratio(gas_of_trade, margin) / _WH_PER_KWH,
        price_eur_kwh=scenario.eur_per_kwh(_ratio(paid, energy)),
        competitive_eur_kwh=scenario.eur_per_kwh(competitive),
        smith_alpha=_alpha(rates, competitive),
        detour_eur=len(trades) * world.detour_minutes / _MINUTES * world.value_of_time_eur_h,
        break_even_detour_minutes=_MINUTES
        * _ratio(_ratio(eur(welfare - gas), len(trades)), world.value_of_time_eur_h),
        saving_eur_kwh=scenario.eur_per_kwh(_ratio(saved, energy)),
        consumer_gain_eur=eur(sum(row.gain for row in consumers)),
        provider_gain_eur=eur(sum(row.gain for row in providers)),
        consumers_worse_off=sum(row.gain < 0 for row in consumers),
        providers_worse_off=sum(row.gain < 0 for row in providers),
        jain=jain(gains),
        gini=gini(gains),
        time_to_match_s=median([row.closed - row.started for row in trades if row.closed]),
        defaults=sum(row.how in {"short", "forfeited", "expired"} for row in result.auctions),
        burnt_eur=eur(result.burnt),
        peak_kw=max(load.with_market),
        peak_without_kw=max(load.without_market),
        peak_to_average=_ratio(max(load.with_market), _average(load.with_market)),
        overload_hours=load.hours_above(load.with_market, transformer),
        overload_hours_without=load.hours_above(load.without_market, transformer),
        extra_energy_kwh=energy * (1 / scenario.world.efficiency - 1) / _WH_PER_KWH,
    )


def competitive_rate(result: RunResult) -> float:
    """The middle of the rates at which as much would be offered as asked for, units per Wh."""
    demand = _ladder(result, "consumer")
    supply = _ladder(result, "provider")
    asked = given = 0  # places in the ladders
    left_asked, left_given = demand[0][1] if demand else 0, supply[0][1] if supply else 0
    low, high = 0.0, 0.0
    while asked < len(demand) and given < len(supply) and demand[asked][0] >= supply[given][0]:
        low, high = supply[given][0], demand[asked][0]
        step = min(left_asked, left_given)
        left_asked, left_given = left_asked - step, left_given - step
        if not left_asked:
            asked += 1
            left_asked = demand[asked][1] if asked < len(demand) else 0
        if not left_given:
            given += 1
            left_given = supply[given][1] if given < len(supply) else 0
    if not high:
        return 0.0
    if asked < len(demand):
        low = max(low, min(demand[asked][0], high))
    if given < len(supply):
        high = min(high, max(supply[given][0], low))
    return (low + high) / 2


def _ladder(result: RunResult, role: str) -> list[tuple[int, int]]:
    """Rates and energies of one side, who would trade first first."""
    found = [(one.rate, one.energy) for one in result.visits if one.group.role == role]
    return sorted(found, reverse=role == "consumer")


def jain(gains: Sequence[float]) -> float:
    """Jain's index of what each has gained; losses count as nothing."""
    kept = [max(0.0, gain) for gain in gains]
    return _ratio(math.fsum(kept) ** 2, len(kept) * math.fsum(gain**2 for gain in kept))


def gini(gains: Sequence[float]) -> float:
    """The Gini coefficient; losses count as nothing."""
    kept = sorted(max(0.0, gain) for gain in gains)
    total = math.fsum(kept)
    if not total:
        return 0.0
    weighted = math.fsum((place + 1) * gain for place, gain in enumerate(kept))
    return 2 * weighted / (len(kept) * total) - (len(kept) + 1) / len(kept)


def median(values: Sequence[float]) -> float:
    """The middle one; 0 without any."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2


def harm(result: RunResult, honest: RunResult, attackers: str) -> float:
    """What others have lost by a group of attackers, for each euro that these have lost.

    Args:
        result: With the attack.
        honest: The same without.
        attackers: The name of their group.
    """
    before = {row.vehicle: row.gain for row in honest.vehicles}
    others = own = 0
    for row in result.vehicles:
        if row.group == attackers:
            own -= row.gain
        else:
            others += before[row.vehicle] - row.gain
    return _ratio(others, own) if own > 0 else math.inf


def _alpha(rates: Sequence[int], competitive: float) -> float:
    if not rates or not competitive:
        return 0.0
    squares = math.fsum((rate - competitive) ** 2 for rate in rates)
    return math.sqrt(squares / len(rates)) / competitive


def _average(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
