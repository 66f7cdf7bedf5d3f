"""The gate fails on a finding, on an explanation of nothing, and on too few contracts."""

import json
import re
from collections.abc import Sequence

from .compiler import is_of_the_market, market_sources
from .slither import OTHERS, SUMMARY, read

ALL = sum(map(is_of_the_market, market_sources()))
FINDING = {"check": "reentrancy-eth", "description": "Reentrancy in Ledger.withdraw(uint256)\n"}
UNUSED = "Unused slither-disable-next-line directive for 'timestamp' at "


def faults(
    contracts: int = ALL, found: Sequence[dict[str, str]] = (), more: str = "", success: bool = True
) -> list[str]:
    words = f"{more}. analyzed ({contracts} contracts with 101 detectors), 0 result(s) found"
    report = {"success": success, "error": None, "results": {"detectors": list(found)}}
    listed: list[str] = read(words, json.dumps(report))["faults"]
    return listed


def test_a_whole_analysis_without_findings_passes() -> None:
    assert ALL > 10
    assert faults() == []


def test_libraries_are_left_out_wherever_they_are_and_the_market_is_not() -> None:
    libraries = ("node_modules/a/B.sol", "contracts/.cache/openzeppelin/5.7.0/contracts/a/B.sol")

    assert all(re.search(OTHERS, path) for path in libraries)
    assert not any(re.search(OTHERS, path) for path in market_sources() if is_of_the_market(path))


def test_a_finding_is_a_fault() -> None:
    assert faults(found=[FINDING]) == ["reentrancy-eth: Reentrancy in Ledger.withdraw(uint256)"]


def test_too_few_contracts_are_a_fault() -> None:
    assert faults(contracts=ALL - 1) == [
        f"only {ALL - 1} contracts were analysed, of at least {ALL}"
    ]


def test_words_that_do_not_say_how_much_was_analysed_are_a_fault() -> None:
    report = json.dumps({"success": True, "error": None, "results": {}})

    assert read("", report)["faults"] == [f"only 0 contracts were analysed, of at least {ALL}"]


def test_an_explanation_of_what_is_not_found_is_a_fault() -> None:
    unused = f"{UNUSED}/somewhere/contracts/market/Ledger.sol#44"
    summary = {"check": SUMMARY, "description": "1 unused directive"}

    assert faults(found=[summary], more=f"\n{unused}\n") == [
        "explains what is not found any more: market/Ledger.sol#44"
    ]


def test_a_library_may_explain_what_is_not_found() -> None:
    unused = f"{UNUSED}/somewhere/node_modules/@openzeppelin/contracts/Math.sol#7"

    assert faults(more=f"\n{unused}\n") == []


def test_an_analysis_that_broke_off_is_a_fault() -> None:
    assert faults(success=False) == ["Slither failed: None"]
