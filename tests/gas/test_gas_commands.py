"""`ape run gas_report` and `ape run gas_snapshot`."""

import json

import pytest
from ape.logging import logger
from click.testing import CliRunner

from benchmarks.gas.commands import report, snapshot
from tests.helpers.processes import ROOT, run_ape

SNAPSHOT = ROOT / "tests" / "snapshots" / "gas.json"


@pytest.fixture
def run(chain):
    """Run a command on the session's chain: `run(report, "--json").stdout`."""
    level = logger.level

    def run(command, *options, expect=0):
        # With a provider in `obj`, Ape's command uses that one and leaves it connected.
        result = CliRunner(mix_stderr=False).invoke(
            command, options, obj={"provider": chain.provider}
        )
        assert result.exit_code == expect, result.stderr
        return result

    yield run
    logger.set_level(level)


def test_the_snapshot_is_shown_for_programs(run):
    shown = json.loads(run(snapshot, "--json").stdout)

    assert shown == {"measured": json.loads(SNAPSHOT.read_text(encoding="utf-8")), "changes": []}


def test_a_price_that_is_none_is_refused(run):
    refused = run(report, "--gas-price", "cheap", expect=2)

    assert "'cheap' is not a number above 0, such as 0.5" in refused.stderr


def test_half_a_price_is_refused(run):
    refused = run(report, "--gas-price", "2", expect=2)

    assert "--gas-price and --ether-price go together" in refused.stderr


def test_a_report_at_ones_own_prices(run):
    prices = ("--gas-price", "2", "--ether-price", "2500", "--currency", "EUR")
    shown = json.loads(run(report, "--quick", "--json", *prices).stdout)

    creation = shown["tables"]["money_yours"][0]
    gas = creation["gas, ours"]
    assert creation["EUR, ours"] == f"{gas * 2 * 2500 / 10**9:.5f}"


@pytest.mark.parametrize("script", ["gas_report", "gas_snapshot"])
def test_they_are_scripts_of_the_clone(script):
    page = run_ape(ROOT, "run", script, "--help").stdout

    assert f"ape run {script} [OPTIONS]" in page
