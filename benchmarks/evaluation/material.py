"""What a question is answered with: runs of the same comers under several rules."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation import changed, read
from ape_v2v.simulation.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ape_v2v.simulation import Scenario
    from ape_v2v.simulation.study.outcome import StudyOutcome

SEED = 2026
ETHER_EUR = 3_000
GWEI_EUR = ETHER_EUR * 1e-9
"""A gwei, at the price of ether in the scenarios, euro."""
ROLLUP, LAYER_1, CROWDED = 0.01, 1.0, 10.0
"""Prices of gas, gwei."""
NO_LIMIT = "no limit"
Cell = str | float | int
Plot = Callable[[Any], None]


@dataclass
class Answer:
    """One question's."""

    name: str
    figures: dict[str, Cell] = field(default_factory=dict)
    """What the text names."""
    tables: dict[str, tuple[list[str], list[list[Cell]]]] = field(default_factory=dict)
    """By name: columns and rows."""
    plots: dict[str, Plot] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write its tables and its figures; plots are drawn elsewhere."""
        for name, (columns, rows) in self.tables.items():
            with (folder / f"{self.name}-{name}.csv").open(
                "w", encoding="utf-8", newline=""
            ) as out:
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow(columns)
                writer.writerows([[plain(value) for value in row] for row in rows])
        text = json.dumps({name: plain(value) for name, value in self.figures.items()}, indent=2)
        (folder / f"{self.name}.json").write_text(text + "\n", "utf-8")


@dataclass(frozen=True)
class Laboratory:
    """Runs things, in so many processes and so often."""

    replicates: int
    jobs: int = 1

    def run(self, variants: dict[str, Scenario], *, times: int = 1) -> StudyOutcome:
        """Run every variant for the same comers."""
        return Study(list(variants.items()), SEED).run(self.replicates * times, jobs=self.jobs)


def plain(value: Cell) -> Cell:
    """A value as files have it: the same on every machine."""
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else NO_LIMIT
    return value


def garage(**settings: Any) -> Scenario:
    """A garage in the evening: twelve who need energy, eight who have some, on a rollup.

    Args:
        settings: By the last part of its name, what is different.
    """
    places = {
        "bidding": "market.bidding_seconds",
        "decrement": "market.minDecrementBps",
        "penalty": "market.penaltyBps",
        "extension": "market.extensionWindow",
        "gas_gwei": "chain.base_fee_gwei",
        "strategy": "population.spares.strategy",
        "needs": "population.needs.count",
        "spares": "population.spares.count",
        "value": "population.needs.price_eur_kwh",
        "cost": "population.spares.price_eur_kwh",
        "tariff": "world.tariff_eur_kwh",
        "public": "world.public_eur_kwh",
        "provider_no_shows": "faults.provider_no_show_share",
    }
    said = {places[name]: value for name, value in settings.items()}
    if "gas_gwei" in settings:
        said["chain.tip_gwei"] = 0.1 * settings["gas_gwei"]
    return changed(read("garage20"), said)


def gas_price_eur(gwei: float) -> float:
    """What a million gas costs, tip included, euro."""
    return 1e6 * 1.1 * gwei * GWEI_EUR


def shown(values: Sequence[float]) -> str:
    """Values in a row, for people."""
    return ", ".join(f"{value:g}" for value in values)
