"""The paper's design at the prices of 2020: is the rebuilt contract the paper's?"""

import json
from pathlib import Path

import pytest

from benchmarks.gas.ganache import is_installed
from benchmarks.gas.measurements import reproduce
from benchmarks.gas.sections import reproduction
from benchmarks.gas.sources import Sources

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "gas-report.json"

pytestmark = pytest.mark.skipif(
    not is_installed(ROOT), reason="the node with the prices of 2020 is optional: `make ganache`"
)


@pytest.fixture(scope="module")
def measured(project):
    return reproduce(Sources.of(project))


@pytest.fixture(scope="module")
def records(measured):
    return {record["function"]: record for record in reproduction.table(measured).as_records()}


def test_the_figures_are_those_of_the_committed_report(records):
    committed = json.loads(REPORT.read_text(encoding="utf-8"))["tables"]["reproduction"]
    # The hash at the end of the bytecode changes with every comment, and so does the creation.
    known = {record["function"]: record for record in committed if record["function"] != "create"}

    assert {name: records[name] for name in known} == known, "run `make report`, and commit docs/"


def test_a_figure_far_from_the_papers_is_explained(records):
    far = {name for name, record in records.items() if abs(float(record["nearest, %"])) > 15}

    assert far == {"EndConnection", "EndConnection, nothing remains"}
    assert all(records[name]["remark"] for name in far)


def test_the_optimizer_makes_it_smaller(measured):
    assert measured.optimized.creation < measured.plain.creation


def test_it_was_measured_on_the_node_of_the_lock_file(measured):
    lock = json.loads((ROOT / "toolchain/ganache/package-lock.json").read_text(encoding="utf-8"))
    version = lock["packages"]["node_modules/ganache"]["version"]

    assert measured.node == f"Ganache v{version}"
