"""The same trades on a node: the same events, and what their gas really is."""

import csv

import pytest

from ape_v2v.evm.node import AnvilChain
from ape_v2v.simulation import Simulation, changed
from ape_v2v.simulation.chain.gas import MEASURED
from tests.helpers.documentation import ROOT
from tests.simulation.conftest import run

MORE, LESS = 0.45, 0.20
"""As shares. An account's first trades take more, for new storage; refusals differ by reason."""


@pytest.fixture
def node():
    with AnvilChain() as chain:
        yield chain


def test_the_gas_of_a_simulation_is_that_of_the_gas_report():
    with (ROOT / "docs" / "gas-report.csv").open(encoding="utf-8") as file:
        report = {
            row["row"]: int(row["value"])
            for row in csv.DictReader(file)
            if row["table"] == "functions" and row["column"] == "ours" and row["value"]
        }
    assert {name: report[name] for name in MEASURED} == MEASURED


def test_on_a_node_the_same_happens_as_in_the_process(small, node, monkeypatch):
    scenario = changed(small, {"population.needs.count": 6})
    here = run(scenario)
    simulation = Simulation(scenario, 1, chain=node)
    measured = []
    pool = simulation.pool
    included = pool._included

    def watched(waiting, execution, time):
        one = included(waiting, execution, time)
        measured.append((one, execution.gas_used))
        return one

    monkeypatch.setattr(pool, "_included", watched)
    there = simulation.run()
    assert there.auctions == here.auctions
    assert there.bids == here.bids
    assert there.vehicles == here.vehicles
    assert len(there.trades) == 6
    assert len(measured) == there.transactions
    for one, gas in measured:
        assert -LESS * one.gas < gas - one.gas < MORE * one.gas, one.method
