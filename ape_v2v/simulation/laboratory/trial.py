"""Auctions as theory has them, on the contract: one consumer, `n` providers, costs uniform."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation.errors import SimulationError
from ape_v2v.simulation.run import Simulation
from ape_v2v.simulation.scenario.model import (
    ChainSection,
    Drawn,
    MarketSection,
    Scenario,
    StrategyChoice,
    VehicleGroup,
)
from ape_v2v.simulation.streams import Stream
from ape_v2v.simulation.vehicles.population import HOUR, Visit

if TYPE_CHECKING:
    from collections.abc import Mapping

FINE, COARSE = 10**12, 100
"""The highest cost, wei per Wh: who underbids by 1 wei needs a coarse one."""
_SPACING = 4 * HOUR
_ENERGY = 1_000


@dataclass(frozen=True)
class Trial:
    """How a case is played."""

    n: int
    strategy: str
    settings: Mapping[str, float] = field(default_factory=dict)
    steps: int = FINE
    """The highest cost in wei per Wh."""
    reserve: float = 1.0
    decrement_bps: int = 0
    sequence: int = 1
    """How many auctions the same providers face, of which each can serve one."""
    inclusion: float = 0.0
    """0: a block for each transaction, at once."""

    @property
    def key(self) -> str:
        """Its values, which its random numbers hang on: no name of ours is among them."""
        return json.dumps(
            [
                self.n,
                self.strategy,
                sorted(self.settings.items()),
                self.steps,
                self.reserve,
                self.decrement_bps,
                self.sequence,
                self.inclusion,
            ]
        )

    @property
    def scenario(self) -> Scenario:
        """Its scenario."""
        blocks = bool(self.inclusion)
        nothing = Drawn(uniform=(1, 1))
        common: dict[str, Any] = {
            "arrival_hours": nothing,
            "energy_kwh": nothing,
            "price_eur_kwh": nothing,
            "power_kw": 1_000.0,
        }
        rules = {"minDecrementBps": self.decrement_bps, "minPenalty": 1}
        if blocks:
            rules["extensionWindow"] = 0
        return Scenario(
            name="laboratory",
            market=MarketSection(
                parameters=dict(rules), bidding_seconds=1_200, settle_by="consumer"
            ),
            chain=ChainSection(
                block_seconds=12 if blocks else 0,
                latency_seconds=0.0 if blocks else 1.0,
                inclusion_probability=self.inclusion or 1.0,
                base_fee_gwei=0.0,
                tip_gwei=0.0,
            ),
            population=(
                VehicleGroup(name="consumer", count=1, role="consumer", **common),
                VehicleGroup(
                    name="provider",
                    count=self.n,
                    role="provider",
                    strategy=StrategyChoice(name=self.strategy, settings=dict(self.settings)),
                    **common,
                ),
            ),
        )


@dataclass(frozen=True)
class Played:
    """One auction."""

    costs: tuple[float, ...]
    """Of all providers, lowest first."""
    price: float
    """As a share of the highest cost; 0 without a trade."""
    cost: float
    """Of the winner."""
    bids: int
    stage: int


def play(setup: Trial, auctions: int, seed: int, batch: int = 0) -> list[Played]:
    """Play auctions on a chain of their own."""
    scenario = setup.scenario
    stream = Stream(seed, "laboratory", setup.key, batch)
    consumer, provider = scenario.population
    visits: list[Visit] = []
    drawn: list[list[float]] = []
    groups = -(-auctions // setup.sequence)
    for group in range(groups):
        costs = [stream.uniform() for _ in range(setup.n)]
        drawn.append(sorted(costs))
        first = group * setup.sequence * _SPACING
        last = first + setup.sequence * _SPACING - 60
        for number, cost in enumerate(costs, 1):
            rate = max(1, math.ceil(cost * setup.steps))
            visits.append(Visit(f"provider-{number}", provider, group, first, last, _ENERGY, rate))
        for stage in range(setup.sequence):
            start = first + stage * _SPACING + 60
            number = group * setup.sequence + stage
            rate = round(setup.reserve * setup.steps)
            end = start + _SPACING - 120
            visits.append(Visit("consumer-1", consumer, number, start, end, _ENERGY, rate))
    result = Simulation(scenario, seed, batch, comers=visits).run()
    if len(result.auctions) != groups * setup.sequence:
        raise SimulationError(
            f"{len(result.auctions)} auctions were started, not {groups * setup.sequence}"
        )
    played = []
    for number, row in enumerate(result.auctions[:auctions]):
        price = row.rate / setup.steps if row.rate and row.delivered else 0.0
        costs = drawn[number // setup.sequence]
        cost = row.cost / setup.steps
        played.append(Played(tuple(costs), price, cost, row.bids, number % setup.sequence))
    return played
