"""The coverage gate fails: what is not executed is named, and so is what is excused for nothing."""

from functools import cache
from typing import Any

import pytest
from web3 import HTTPProvider, Web3
from web3.types import Wei

from tests.helpers.scenario import PARAMETERS

from .coverage.build import Build, build
from .coverage.measure import EXECUTED, NOT_TAKEN, TAKEN, measure, merged
from .coverage.plugin import Collector
from .coverage.run import describe, faults

LEDGER = "contracts/market/Ledger.sol"
DEPOSITED = "emit Deposited(account, msg.sender, amount)"
BALANCE_TOO_LOW = "if (balance < amount) revert BalanceTooLow(account, uint256(balance), amount);"

# The constructor looks for its arguments behind the hash of the sources, which nothing reads.
HASH = "00" * 53

Executed = dict[str, dict[int, int]]


_build = cache(build)


@pytest.fixture
def built() -> Build:
    return _build()


@pytest.fixture
def everything(built: Build) -> Executed:
    """As if each instruction were executed, and each jump went both ways."""
    return {
        kind: {one.at: EXECUTED | NOT_TAKEN | TAKEN for one in instructions}
        for kind, instructions in built.instructions.items()
    }


def change(built: Build, executed: Executed, text: str, how: int) -> None:
    """Say how what a piece of the ledger was compiled to is executed; 0 is not at all."""
    start = built.program.root(LEDGER).file.index(text.encode())
    end = start + len(text.encode())
    for kind, instructions in built.instructions.items():
        for at, place, _ in instructions:
            if place and place.source == LEDGER and start <= place.start and place.end <= end:
                executed[kind][at] = how
                if not how:
                    del executed[kind][at]


def missing(built: Build, executed: Executed) -> list[str]:
    return [describe(site) for site in measure(built, executed).missing()]


def test_nothing_is_missing_where_everything_is_executed(
    built: Build, everything: Executed
) -> None:
    found = measure(built, everything)

    assert faults(found, {}) == []
    assert len(found.statements) > 100
    assert len(found.branches) > 50


def test_a_line_that_is_not_executed_fails_the_gate(built: Build, everything: Executed) -> None:
    change(built, everything, DEPOSITED, 0)

    assert faults(measure(built, everything), {}) == [
        f"never executed: market/Ledger _deposit: {DEPOSITED}"
    ]


@pytest.mark.parametrize(("how", "outcome"), [(TAKEN, "true"), (NOT_TAKEN, "false")])
def test_a_condition_that_only_ever_has_one_outcome_fails_the_gate(
    built: Build, everything: Executed, how: int, outcome: str
) -> None:
    change(built, everything, BALANCE_TOO_LOW, EXECUTED | how)

    assert faults(measure(built, everything), {}) == [
        f"never executed: market/Ledger _debit: balance < amount is {outcome}"
    ]


def test_a_line_with_a_reason_passes_the_gate(built: Build, everything: Executed) -> None:
    change(built, everything, DEPOSITED, 0)

    listed = {f"market/Ledger _deposit: {DEPOSITED}": "a reason"}

    assert faults(measure(built, everything), listed) == []


def test_a_reason_for_a_line_that_is_executed_fails_the_gate(
    built: Build, everything: Executed
) -> None:
    assert faults(measure(built, everything), {"market/Ledger gone: f();": "a reason"}) == [
        "is in uncovered.yaml, and executed: market/Ledger gone: f();"
    ]


def test_what_one_test_leaves_out_another_one_may_execute(
    built: Build, everything: Executed
) -> None:
    one = {kind: dict(places) for kind, places in everything.items()}
    change(built, one, BALANCE_TOO_LOW, EXECUTED | TAKEN)
    change(built, everything, BALANCE_TOO_LOW, EXECUTED | NOT_TAKEN)

    assert missing(built, merged([one, everything])) == []


def test_the_node_tells_what_a_transaction_executes_and_what_it_does_not(
    built: Build, project: Any, networks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Collector({built.target.name: built.creation_code})
    monkeypatch.setattr(HTTPProvider, "make_request", collector.method())
    eth = Web3(HTTPProvider(networks.active_provider.uri)).eth
    sender = eth.accounts[0]
    abi = [one.model_dump(by_alias=True) for one in project.V2VMarket.contract_type.abi]
    factory = eth.contract(abi=abi, bytecode=built.creation_code + HASH)
    deposited = f"market/Ledger _deposit: {DEPOSITED}"

    creation = factory.constructor(sender, tuple(PARAMETERS.values())).transact({"from": sender})
    address = eth.wait_for_transaction_receipt(creation)["contractAddress"]
    before = missing(built, collector.executed)
    contract = eth.contract(address=address, abi=abi)
    contract.functions.deposit().transact({"from": sender, "value": Wei(1)})
    after = missing(built, collector.executed)

    assert deposited in before
    assert deposited not in after
    assert "market/Ledger _deposit: amount == 0 is true" in after
    assert "market/Ledger _deposit: amount == 0 is false" not in after
