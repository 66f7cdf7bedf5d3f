"""What each of several signed documents costs in one transaction, to the last unit."""

import json
from typing import Any

import pytest

from benchmarks.gas import batches
from tests.helpers.documentation import ROOT

PAGE = ROOT / "docs" / "gas.md"
REPORT = ROOT / "docs" / "gas-report.json"
BEGIN, END = "<!-- batches: tests/gas/test_batch_gas.py -->", "<!-- end of batches -->"


@pytest.fixture(scope="module")
def measured(project: Any) -> dict[str, dict[int | str, int]]:
    return batches.measured(project)


@pytest.mark.parametrize("size", batches.SIZES)
@pytest.mark.parametrize("kind", batches.LIMITS)
def test_each_in_a_batch_costs_no_more_than_its_limit(
    measured: dict[str, dict[int | str, int]], kind: str, size: int
) -> None:
    assert measured[kind][size] <= batches.LIMITS[kind][size]


def test_the_page_has_these_figures(measured: dict[str, dict[int | str, int]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = text.partition(BEGIN)[2].partition(END)[0].strip()

    assert shown == "\n".join(batches.table(measured))


def test_the_report_has_these_figures(measured: dict[str, dict[int | str, int]]) -> None:
    tables = json.loads(REPORT.read_text(encoding="utf-8"))["tables"]
    reported = {row.pop("gas each"): list(row.values()) for row in tables["token_batches"]}

    expected = {kind: list(costs.values()) for kind, costs in measured.items()}
    assert reported == expected, "run `make report`, and commit docs/"
