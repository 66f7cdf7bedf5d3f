"""What the market in a token costs: the limits, and the table of docs/gas.md to the last unit."""

import json
from typing import Any

import pytest

from benchmarks.gas import tokens
from tests.helpers.documentation import ROOT

PAGE = ROOT / "docs" / "gas.md"
REPORT = ROOT / "docs" / "gas-report.json"
BEGIN, END = "<!-- token ledger: tests/gas/test_token_gas.py -->", "<!-- end of token ledger -->"


@pytest.fixture(scope="module")
def measured(project: Any) -> dict[str, dict[str, int]]:
    return tokens.measured(project)


@pytest.mark.parametrize("label", tokens.LIMITS)
def test_a_way_in_or_out_costs_no_more_than_its_limit(
    measured: dict[str, dict[str, int]], label: str
) -> None:
    assert measured["in a plain token"][label] <= tokens.LIMITS[label]


def test_a_deposit_by_authorization_costs_no_more_than_its_limit(
    measured: dict[str, dict[str, int]],
) -> None:
    gas = measured["in a stablecoin behind its proxy"]["depositWithAuthorization"]

    assert gas <= tokens.MOST_BY_AUTHORIZATION


def test_a_trade_in_a_token_costs_what_one_in_ether_does(
    measured: dict[str, dict[str, int]],
) -> None:
    ether, *others = (column[tokens.TRADE] for column in measured.values())

    assert len(others) == 2
    assert max(others) <= tokens.MOST_OF_ETHERS_TRADE * ether


def test_the_page_has_these_figures(measured: dict[str, dict[str, int]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = text.partition(BEGIN)[2].partition(END)[0].strip()

    assert shown == "\n".join(tokens.table(measured))


def test_the_report_has_these_figures(measured: dict[str, dict[str, int]]) -> None:
    tables = json.loads(REPORT.read_text(encoding="utf-8"))["tables"]
    reported = {
        name: {row["gas"]: row[name] for row in tables["token_ways"] if row[name] is not None}
        for name in measured
    }

    assert reported == measured, "run `make report`, and commit docs/"
