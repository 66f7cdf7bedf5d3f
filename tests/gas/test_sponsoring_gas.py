"""What a trade of people without ether costs: the limits, and the table of docs/sponsoring.md."""

import json
from typing import Any

import pytest

from benchmarks.gas import published, sponsoring
from tests.helpers.documentation import ROOT

PAGE = ROOT / "docs" / "sponsoring.md"
REPORT = ROOT / "docs" / "gas-report.json"
BEGIN, END = "<!-- delegates: tests/gas/test_sponsoring_gas.py -->", "<!-- end of delegates -->"


@pytest.fixture(scope="module")
def measured(project: Any) -> dict[str, dict[str, int]]:
    return sponsoring.measured(project)


@pytest.mark.parametrize("trade", [sponsoring.SINGLE, sponsoring.SIGNED])
def test_a_sponsored_trade_costs_less_than_the_papers(
    measured: dict[str, dict[str, int]], trade: str
) -> None:
    most = sponsoring.OF_THE_PAPER * published.trade()

    assert measured[sponsoring.CHOSEN][trade] <= most


def test_one_of_ten_together_costs_less_than_one_alone(
    measured: dict[str, dict[str, int]],
) -> None:
    costs = measured[sponsoring.CHOSEN]

    most = sponsoring.OF_THE_SINGLE * costs[sponsoring.SIGNED]
    assert costs[sponsoring.SIGNED_BATCHED] <= most
    assert (
        costs[sponsoring.BATCHED]
        <= sponsoring.OF_THE_SINGLE_BY_THE_DELEGATE * (costs[sponsoring.SINGLE])
    )


def test_the_page_has_these_figures(measured: dict[str, dict[str, int]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = text.partition(BEGIN)[2].partition(END)[0].strip()

    assert shown == "\n".join(sponsoring.table(measured))


def test_the_report_has_these_figures(measured: dict[str, dict[str, int]]) -> None:
    tables = json.loads(REPORT.read_text(encoding="utf-8"))["tables"]
    reported = {name: [row[name] for row in tables["token_sponsored"]] for name in measured}

    expected = {name: [costs[one] for one in sponsoring.LABELS] for name, costs in measured.items()}
    assert reported == expected, "run `make report`, and commit docs/"
