"""`ape v2v gas`."""

import json
from pathlib import Path

SNAPSHOT = Path(__file__).parents[1] / "snapshots" / "gas.json"


def test_the_snapshot_is_shown_for_programs(v2v):
    shown = v2v("gas", "snapshot", "--json", on=None).json

    assert shown == {"measured": json.loads(SNAPSHOT.read_text(encoding="utf-8")), "changes": []}


def test_prices_that_are_none_are_refused(v2v):
    output = v2v("gas", "report", "--gas-price", "cheap", on=None, expect=2)

    assert "'cheap' is not a number above 0, such as 0.5" in output.error


def test_without_a_command_it_is_the_report(v2v):
    output = v2v("gas", "--gas-price", "cheap", on=None, expect=2)

    assert "gas report --help" in output.error
    assert "'cheap' is not a number" in output.error


def test_half_a_price_is_refused(v2v):
    output = v2v("gas", "report", "--gas-price", "2", on=None, expect=2)

    assert "--gas-price and --ether-price go together" in output.error


def test_a_report_at_ones_own_prices(v2v):
    prices = ("--gas-price", "2", "--ether-price", "2500", "--currency", "EUR")
    report = v2v("gas", "report", "--quick", "--json", *prices, on=None).json

    creation = report["tables"]["money_yours"][0]
    gas = creation["gas, ours"]
    assert creation["EUR, ours"] == f"{gas * 2 * 2500 / 10**9:.5f}"
