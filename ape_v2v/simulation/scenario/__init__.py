"""Who comes to a market, under which rules, in which world: a file, checked before it runs."""

from ape_v2v.simulation.scenario.model import Scenario, VehicleGroup
from ape_v2v.simulation.scenario.reading import TEMPLATES, changed, parse, read, template

__all__ = ["TEMPLATES", "Scenario", "VehicleGroup", "changed", "parse", "read", "template"]
