"""The models of the gas report: prices, floor, repricing."""

from decimal import Decimal

import pytest

from benchmarks.gas import published
from benchmarks.gas.floor import FLOORS, Event, Needs
from benchmarks.gas.prices import CURRENCIES, FUTURE, TODAY
from benchmarks.gas.scenarios import SCENES
from benchmarks.gas.slots import Slots
from benchmarks.gas.tables import Table, as_csv, ratio


def test_the_papers_trade_is_the_sum_of_its_table():
    assert published.trade() == 501_867


def test_the_prices_are_those_of_the_eips():
    """EIP-2929 today, EIP-8037 and EIP-8038 in their drafts."""
    assert (TODAY.changed_slot, TODAY.new_slot) == (5_000, 22_100)
    assert (FUTURE.changed_slot, FUTURE.new_slot) == (12_100, 110_020)


def test_the_papers_dollars_come_out_as_it_printed_them():
    printed = {"create": "0.456", "addEV": "0.015", "StartAuction": "0.024", "PlaceBid": "0.032"}

    for name, dollars in printed.items():
        cost = CURRENCIES["paper"].cost(published.TABLE_II[name])
        assert f"{cost:.6f}".startswith(dollars)


def test_every_function_has_a_floor_and_no_other():
    assert FLOORS.keys() == SCENES.keys()


def test_a_floor_is_the_sum_of_what_is_needed():
    needs = Needs("", changed=2, asked=1, new=1, events=(Event(1, 2),), signatures=1, payments=1)
    data = bytes.fromhex("00ff")

    expected = 21_000 + 4 + 16 + 2 * 5_000 + 2_100 + 22_100 + (375 * 3 + 64 * 8) + 3_100 + 6_800
    assert needs.floor(TODAY, data) == expected


def test_repricing_to_the_same_prices_changes_nothing():
    slots = Slots(new=1, changed=2, cleared=1, payments=1)

    assert slots.repriced(100_000, TODAY, TODAY) == 100_000


def test_repricing_counts_slots_payments_and_refunds():
    assert Slots(new=1).repriced(50_000, TODAY, FUTURE) == 50_000 + 110_020 - 22_100
    assert Slots(changed=1).repriced(50_000, TODAY, FUTURE) == 50_000 + 12_100 - 5_000
    assert Slots(payments=1).repriced(50_000, TODAY, FUTURE) == 50_000 + 2_300
    refunds = FUTURE.storage_clear_refund - TODAY.storage_clear_refund
    assert Slots(cleared=1).repriced(200_000, TODAY, FUTURE) == 200_000 + 7_100 - refunds


def test_a_refund_is_at_most_a_fifth():
    # 40,000 used of 50,000: a fifth was given back, though three slots were cleared.
    assert Slots(cleared=3).repriced(40_000, TODAY, TODAY) == 40_000


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 3, "0.333"), (2, 1, "2.000")])
def test_a_ratio_has_three_digits(part, whole, expected):
    assert ratio(part, whole) == Decimal(expected)


def test_a_ratio_to_nothing_is_none():
    assert ratio(1, None) is None


@pytest.fixture
def table():
    rows = (("a call", 1_234, Decimal("0.500")), ("another", None, None))
    return Table("costs", "Costs", ("what", "gas", "share"), rows, before="Read this.")


def test_a_table_is_markdown_for_people(table):
    assert table.as_markdown() == (
        "## Costs\n\nRead this.\n\n"
        "| what | gas | share |\n| --- | ---: | ---: |\n"
        "| a call | 1,234 | 0.500 |\n| another |  |  |"
    )


def test_a_table_is_records_and_lines_for_programs(table):
    assert table.as_records()[0] == {"what": "a call", "gas": 1_234, "share": "0.500"}
    assert as_csv([table]).splitlines()[:2] == ["table,row,column,value", "costs,a call,gas,1234"]
