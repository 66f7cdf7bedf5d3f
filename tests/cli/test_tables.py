"""What people see fits their terminal, and nothing in it is cut."""

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ape_v2v._cli.shared.tables import Facts, Rows

HASH = "0x" + "5f846f89" * 8
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
STYLE = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = (60, 80, 200)
words = st.text("0aZ", min_size=1, max_size=70)
values = st.lists(words, max_size=6).map(" ".join)


def rendered(what, width, *, terminal=True):
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None)
    console.print(what, soft_wrap=True)
    return STYLE.sub("", file.getvalue())


@pytest.mark.parametrize("width", WIDTHS)
def test_every_word_of_every_value_is_whole(width):
    @settings(max_examples=25)
    @given(st.dictionaries(words, values, max_size=5))
    def whole(data):
        shown = rendered(Facts(data), width)
        for value in data.values():
            for word in value.split():
                assert word in shown

    whole()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_word_of_every_row_is_whole(width):
    @settings(max_examples=25)
    @given(st.lists(st.tuples(values, values, values), max_size=4))
    def whole(rows):
        shown = rendered(Rows(("one", "other", "text"), rows, prose=True), width)
        for row in rows:
            for value in row:
                for word in value.split():
                    assert word in shown

    whole()


def test_a_hash_runs_on_where_it_does_not_fit():
    assert rendered(Facts({"transaction": HASH}), 60).split() == ["transaction", HASH]


def test_a_number_stays_beside_its_unit():
    text = "locks 0.006 ether and 0.0006 ether " * 5

    lines = rendered(Facts({"what": text}), 60).splitlines()

    assert len(lines) > 1
    assert max(map(len, lines)) <= 60
    assert all(line.count("ether") == len(re.findall(r"[0-9] ether", line)) for line in lines)


def test_what_has_no_value_is_left_out():
    assert rendered(Facts({"a": "1", "b": None, "c": ""}), 80) == "a  1\n"


def test_rows_that_fit_stand_side_by_side():
    shown = rendered(Rows(("account", "free"), [(ADDRESS, "1 ether"), (ADDRESS, "0 ether")]), 80)

    assert shown.splitlines()[1:] == [f"{ADDRESS}  1 ether", f"{ADDRESS}  0 ether"]


def test_rows_that_do_not_fit_stand_one_below_the_other():
    rows = [(ADDRESS, "0.000000000000000001 ether"), (ADDRESS, "0 ether")]

    shown = rendered(Rows(("account", "free"), rows), 60)

    assert shown.split("\n\n") == [
        f"account  {ADDRESS}\nfree     0.000000000000000001 ether",
        f"account  {ADDRESS}\nfree     0 ether\n",
    ]


def test_a_program_gets_a_row_a_line_however_long_it_is():
    shown = rendered(Rows(("a", "text"), [(HASH, "much " * 99)], prose=True), 80, terminal=False)

    assert len(shown.splitlines()) == 2


def test_a_text_is_broken_beside_the_other_columns():
    shown = rendered(Rows(("account", "notes"), [(ADDRESS, "a car " * 10)], prose=True), 80)

    lines = shown.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(" " * len(ADDRESS) + "  a car")
