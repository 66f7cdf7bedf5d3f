"""What the market costs is committed: a change shows here, and is accepted on purpose."""

import json
from decimal import Decimal

import pytest

from benchmarks.gas import (
    charts,
    document,
    report,
    snapshot,
)
from benchmarks.gas.floor import FLOORS, TIGHTEST
from benchmarks.gas.measurements import measure
from benchmarks.gas.prices import CURRENCIES, TODAY
from benchmarks.gas.scenarios import TRADE, trade_gas
from benchmarks.gas.sections import targets
from benchmarks.gas.sections.targets import TO_REBUILT
from benchmarks.gas.sources import Sources


@pytest.fixture(scope="module")
def sources(project):
    return Sources.of(project)


@pytest.fixture(scope="module")
def measurements(sources):
    return measure(sources)


@pytest.fixture(scope="module")
def result(measurements, sources):
    return report.build(measurements, sources, CURRENCIES)


def test_the_gas_is_what_is_committed(sources, measurements):
    committed = snapshot.load(sources.project)

    assert snapshot.changes(committed, measurements.snapshot()) == [], (
        "if that is meant: `ape run gas_snapshot --accept`, then commit the file"
    )


def test_the_committed_report_has_the_committed_gas(sources):
    report = json.loads((sources.project / "docs" / "gas-report.json").read_text("utf-8"))
    rows = report["tables"]["functions"]
    steady = {row["function"]: row["ours"] for row in rows}
    first = {f"{row['function']} (first use)": row["ours, first trade"] for row in rows}
    committed = snapshot.load(sources.project)
    del committed["bytecode size"]

    reported = {label: gas for label, gas in (steady | first).items() if label in committed}
    assert reported == committed, "run `make report`, and commit docs/"


def test_a_figure_that_differs_is_new_or_is_gone_shows():
    changes = snapshot.changes({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4})

    assert changes == [
        {"label": "b", "committed": 2, "measured": 5},
        {"label": "c", "committed": 3, "measured": None},
        {"label": "d", "committed": None, "measured": 4},
    ]


def test_accepted_figures_are_the_committed_ones(tmp_path):
    assert snapshot.load(tmp_path) == {}

    snapshot.accept(tmp_path, {"a": 1})

    assert snapshot.load(tmp_path) == {"a": 1}


def test_no_call_is_below_its_floor(measurements):
    """Else the model would not be a floor."""
    below = {
        label: call.gas
        for label, call in measurements.steady.items()
        if call.gas < FLOORS[label].floor(TODAY, call.data)
    }

    assert below == {}


def test_the_repriced_slots_are_those_that_the_floor_counts(measurements):
    """The traced slots and the specified ones are two ways to the same thing."""
    differing = {
        label
        for label, call in measurements.steady.items()
        if (call.slots.new, call.slots.changed) != (FLOORS[label].new, FLOORS[label].changed)
    }

    assert differing == set()


def target(result, name):
    (table,) = (table for table in result.tables if table.name == "targets")
    (row,) = (row for row in table.as_records() if row["what"] == name)
    return Decimal(row["measured"])


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("A trade with two bids / published", "0.41"),
        ("A trade with two bids / rebuilt, new pair", "0.45"),
        ("The same, bids signed / published", "0.335"),
        ("Everybody's first trade / the same, rebuilt", "0.45"),
        ("An auction with 50 signed bids / with one bid on the chain", "1.15"),
        ("Creation / published", "1.41"),
    ],
)
def test_a_target_is_met(result, name, limit):
    assert target(result, name) <= Decimal(limit)


def test_a_pair_that_trades_again_is_beyond_any_layout_of_the_storage(measurements):
    """The report says so: it must be true."""
    calls = measurements.steady
    floor = sum(FLOORS[label].floor(TODAY, calls[label].data) for label in TRADE)
    tightest = sum(needs.floor(TODAY, calls[label].data) for label, needs in TIGHTEST.items())

    assert TIGHTEST.keys() == set(TRADE)
    assert TO_REBUILT * trade_gas(measurements.paper.again) < tightest < floor


def test_the_parts_of_a_trade_add_up_to_its_floor(result):
    tables = {table.name: table.as_records() for table in result.tables}
    (trade,) = (row for row in tables["functions"] if row["function"] == "a trade with two bids")
    parts = {row["gas"]: row["the trade"] for row in tables["trade_floor"]}

    assert trade["floor"] == parts["floor"] == sum(list(parts.values())[:5])
    assert trade["ours"] == parts["ours"]


def test_a_target_is_met_missed_or_out_of_reach():
    limit = Decimal("0.45")

    assert targets.row("a", limit, 45, 100) == ("a", "0.45", Decimal("0.450"), "met")
    assert targets.row("a", limit, 46, 100, floor=45)[-1] == "missed"
    assert targets.row("a", limit, 60, 100, floor=50)[-1] == "missed: the floor alone is 0.500"


def test_the_report_is_written_with_its_charts(result, tmp_path):
    written = document.write(result, tmp_path)

    text = (tmp_path / "gas-report.md").read_text(encoding="utf-8")
    assert all(table.title in text for table in result.tables)
    assert json.loads((tmp_path / "gas-report.json").read_text("utf-8")) == result.as_dict()
    names = {table.name for table in result.tables} & charts.CHARTS.keys()
    pictures = {path.name for path in written if path.parent.name == "charts"}
    assert pictures == {f"{name}.{suffix}" for name in names for suffix in ("svg", "png")}
    assert all(f"charts/{name}.svg" in text for name in names)
