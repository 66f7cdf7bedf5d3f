"""A market that is simulated: the contract's bytecode in this process, and vehicles that use it.

    scenario = read("garage20")
    result = Simulation(scenario, seed=1).run()
    print(measure(result).efficiency)

The contract is the one that is deployed, and bids are made by the policies, the typed calls and the
signed documents of this package. It takes the extra `simulation`.
"""

from ape_v2v.simulation.errors import ScenarioError, SimulationError
from ape_v2v.simulation.run import Simulation
from ape_v2v.simulation.scenario import TEMPLATES, Scenario, changed, parse, read, template
from ape_v2v.simulation.study.metrics import Metrics, measure
from ape_v2v.simulation.vehicles.strategies import Look, Strategy

__all__ = [
    "TEMPLATES",
    "Look",
    "Metrics",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "SimulationError",
    "Strategy",
    "changed",
    "measure",
    "parse",
    "read",
    "template",
]
