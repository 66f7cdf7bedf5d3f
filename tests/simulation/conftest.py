"""A simulated market needs an EVM in this process; where that has no wheel, its tests skip."""

from importlib.util import find_spec

import pytest

from ape_v2v.simulation import Simulation, parse

SMALL = """
name: small
market:
  bidding_seconds: 120
  validity_seconds: 3600
  parameters: {minDecrementBps: 500}
chain: {block_seconds: 2, base_fee_gwei: 0.01, tip_gwei: 0.001}
population:
  - name: needs
    count: 4
    role: consumer
    arrival_hours: {uniform: [8, 12]}
    energy_kwh: {uniform: [5, 10]}
    price_eur_kwh: {uniform: [0.5, 0.6]}
  - name: spares
    count: 4
    role: provider
    arrival_hours: {uniform: [6, 8]}
    stay_hours: 12
    energy_kwh: {uniform: [10, 20]}
    price_eur_kwh: {uniform: [0.35, 0.45]}
"""


def pytest_collection_modifyitems(items):
    if find_spec("pyrevm") is None:
        reason = "pyrevm has no wheel for this Python or machine"
        here = [item for item in items if "tests/simulation" in str(item.path)]
        for item in here:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _as_before():
    """Nothing here touches the local chain: there is nothing to take back."""


@pytest.fixture
def small():
    return parse(SMALL)


def run(scenario, seed=1, **settings):
    return Simulation(scenario, seed, **settings).run()
