"""Quantities as people type and read them: exact, or refused."""

import operator
from datetime import timedelta
from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ape_v2v import (
    Energy,
    Money,
    Rate,
    UnitError,
)
from ape_v2v.currency import ETHER, Currency
from ape_v2v.units import Price, WrongCurrency, duration_of, format_duration, parse_duration

KINDS = (Energy, Money, Rate)
UNITS = [(kind, unit) for kind in KINDS for unit in kind.units]


def quantities(kind):
    return st.builds(kind, st.integers(0, kind.maximum))


@pytest.mark.parametrize(("kind", "unit"), UNITS, ids=lambda value: getattr(value, "kind", value))
def test_a_quantity_in_any_unit_reads_back_as_itself(kind, unit):
    @given(quantities(kind))
    @example(kind(0))
    @example(kind(1))
    @example(kind(kind.maximum))
    def reads_back(quantity):
        assert kind.parse(quantity.format(unit)) == quantity
        assert kind.parse(quantity.format(unit).upper()) == quantity

    reads_back()


EURC = Currency.token("0x" + "33" * 20, "EURC", 6)


@pytest.mark.parametrize(("kind", "unit"), [(Money, "EURC"), (Rate, "EURC/kWh"), (Rate, "EURC/Wh")])
def test_in_a_token_too_every_digit_is_taken_or_refused(kind, unit):
    @given(st.decimals(0, 10**12, allow_nan=False, allow_infinity=False))
    def exact_or_refused(number):
        with localcontext(prec=200):
            expected = number * 10**6 / (1_000 if unit.endswith("kWh") else 1)
            whole = expected == expected.to_integral_value()
        text = f"{number:f} {unit}"
        if whole and expected <= kind.maximum:
            found = kind.parse(text, EURC)
            assert (int(found), found.currency) == (expected, EURC)
            assert kind.parse(str(found), EURC) == found
        else:
            with pytest.raises(UnitError):
                kind.parse(text, EURC)

    exact_or_refused()


def test_two_currencies_are_never_added_nor_compared():
    euro, ether = Money(5_000_000, EURC), Money(5)
    other = Money(1, Currency.token("0x" + "44" * 20, "EURC", 6))
    assert euro != Money(5_000_000)
    for first, second in ((euro, ether), (ether, euro), (euro, other)):
        for operation in (operator.add, operator.sub, operator.lt, operator.ge):
            with pytest.raises(WrongCurrency, match="two currencies cannot be added or compared"):
                operation(first, second)
    assert Rate.parse("0.35 EURC/kWh", EURC) * Energy.parse("20 kWh") == Money(7_000_000, EURC)


@pytest.mark.parametrize(
    "symbol", ["ether", "ETH", "gwei", "", "E U R", "EUR/kWh", "a" * 17, "\u20ac"]
)
def test_a_symbol_that_would_mislead_is_not_shown(symbol):
    named = Currency.token("0x" + "33" * 20, symbol, 6)
    assert str(Money(1_500_000, named)) == "1.5 token33333333"
    assert Money.parse("1.5 token33333333", named) == Money(1_500_000, named)


@pytest.mark.parametrize("kind", KINDS)
def test_a_quantity_as_printed_reads_back_as_itself(kind):
    @given(quantities(kind))
    def reads_back(quantity):
        assert kind.parse(str(quantity)) == quantity
        assert "e" not in str(quantity).lower().split(" ")[0]  # no 1e-7

    reads_back()


@pytest.mark.parametrize(("kind", "unit"), UNITS, ids=lambda value: getattr(value, "kind", value))
def test_what_is_typed_is_taken_to_the_last_digit_or_refused(kind, unit):
    @given(
        st.decimals(0, 10**12, allow_nan=False, allow_infinity=False),
        st.sampled_from(["{:f}", "{:e}"]),
    )
    def exact_or_refused(number, notation):
        with localcontext(prec=200):
            expected = number * kind.units[unit]
            whole = expected == expected.to_integral_value()
        text = f"{notation.format(number)} {unit}"
        if whole and expected <= kind.maximum:
            assert int(kind.parse(text)) == expected
        else:
            with pytest.raises(UnitError):
                kind.parse(text)

    exact_or_refused()


@pytest.mark.parametrize(
    ("kind", "text", "amount"),
    [
        (Energy, "7.2 kWh", 7_200),
        (Energy, "7200Wh", 7_200),
        (Energy, "  0.02 MWh ", 20_000),
        (Energy, "1e3 kwh", 1_000_000),
        (Energy, "7_200 Wh", 7_200),
        (Rate, "0.0003 ether/kWh", 300 * 10**9),
        (Rate, "300 gwei/Wh", 300 * 10**9),
        (Rate, "1000 wei/kWh", 1),
        (Money, "0.05 ether", 5 * 10**16),
        (Money, "1e-18 ether", 1),
        (Money, "3 gwei", 3 * 10**9),
        (Money, "1 ETH", 10**18),
        (Money, "0.5 Eth", 5 * 10**17),
        (Rate, "0.0003 ETH/kWh", 300 * 10**9),
    ],
)
def test_what_people_type_is_understood(kind, text, amount):
    assert int(kind.parse(text)) == amount


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (Energy, "7.2", "a number and one of Wh, kWh, MWh"),
        (Energy, "kWh", "a number and one of"),
        (Energy, "", "a number and one of"),
        (Energy, "7,2 kWh", "a number and one of"),
        (Energy, "7.2 kW", "a number and one of"),
        (Energy, "7.2 ether", "a number and one of"),
        (Energy, "nan kWh", "a number and one of"),
        (Energy, "0x10 Wh", "a number and one of"),
        (Energy, "\N{ARABIC-INDIC DIGIT SEVEN} kWh", "a number and one of"),
        (Energy, "0.5 Wh", "'0.5 Wh' is 0.5 Wh: the market counts in whole Wh"),
        (Energy, "-1 Wh", "'-1 Wh' is negative, and an energy is at least 0"),
        (Money, "-0.5 ether", "is negative, and an amount is at least 0"),
        (Energy, "4294967.296 kWh", "out of range: an energy is from 0 to 4294967.295 kWh"),
        (Energy, "1e5000 Wh", "out of range"),
        (Rate, "0.0003 ether", "one of wei/Wh, gwei/Wh, ether/Wh"),
        (Rate, "1 wei/kWh", "'1 wei/kWh' is 0.001 wei/Wh"),
        (Money, "0.5 wei", "whole wei"),
        (Money, "1e-999999999 ether", "too many digits"),
        (Money, "1e999999999 ether", "too many digits"),
        (Money, "1e99999999999999999999 ether", "too many digits"),
        (Money, f"1.{'0' * 130}1 ether", "too many digits"),
        (Money, f"{'9' * 5_000} ether", "too many digits"),
    ],
)
def test_what_is_no_quantity_is_refused_with_the_reason(kind, text, reason):
    with pytest.raises(UnitError, match=reason) as refusal:
        kind.parse(text)
    assert text in str(refusal.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [7, 7.2, None, Decimal(1)])
def test_a_bare_number_is_no_quantity(kind, value):
    assert kind.of(kind.example) == kind.of(kind.parse(kind.example))
    with pytest.raises(UnitError, match=rf"is not {kind.kind}: expected one with its unit, such"):
        kind.of(value)


@pytest.mark.parametrize(("kind", "other"), [(Energy, Money), (Money, Rate), (Rate, Energy)])
def test_another_kind_is_no_quantity_of_this_one(kind, other):
    with pytest.raises(UnitError, match=f"is not {kind.kind}"):
        kind.of(other(1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("amount", [-1, 0.5, 1.0, "1", None, True, Decimal(1)])
def test_only_whole_numbers_from_0_are_quantities(kind, amount):
    with pytest.raises(UnitError):
        kind(amount)


@pytest.mark.parametrize("kind", KINDS)
def test_a_quantity_above_what_the_contract_can_hold_is_refused(kind):
    assert int(kind(kind.maximum)) == kind.maximum
    with pytest.raises(UnitError, match="out of range"):
        kind(kind.maximum + 1)


@given(quantities(Energy), quantities(Rate))
def test_a_cost_is_rate_times_energy_to_the_wei(energy, rate):
    assert rate * energy == Money(int(rate) * int(energy))


@given(quantities(Money), quantities(Money))
def test_sums_and_differences_are_exact_and_never_negative(one, other):
    more, less = max(one, other), min(one, other)
    difference = more - less
    assert int(difference) == int(more) - int(less)
    assert difference + less == more
    if more != less:
        with pytest.raises(UnitError, match="out of range"):
            _ = less - more


@pytest.mark.parametrize(
    ("operation", "one", "other"),
    [
        (operator.add, Energy(1), Money(1)),
        (operator.sub, Money(1), Rate(1)),
        (operator.add, Money(1), 1),
        (operator.mul, Rate(1), Rate(1)),
        (operator.mul, Rate(1), 2),
        (operator.lt, Energy(1), Money(2)),
    ],
)
def test_different_quantities_cannot_be_mixed_up(operation, one, other):
    with pytest.raises(TypeError):
        operation(one, other)


def test_equal_numbers_of_different_quantities_are_not_equal():
    assert len({Energy(1), Money(1), Rate(1), 1}) == 4


@given(st.integers(0, 10**11).map(lambda seconds: timedelta(seconds=seconds)))
def test_a_duration_as_printed_reads_back_as_itself(duration):
    text = format_duration(duration)
    assert parse_duration(text) == duration
    assert parse_duration(text.replace(" ", "")) == duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90 s", timedelta(seconds=90)),
        ("10 min", timedelta(minutes=10)),
        ("1h 30min", timedelta(hours=1, minutes=30)),
        (" 1d ", timedelta(days=1)),
        ("0 s", timedelta(0)),
    ],
)
def test_what_people_type_as_a_duration_is_understood(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "10",
        "h",
        "1.5 h",
        "-1 s",
        "1h30",
        "10 minutes",
        "1 week",
        "\N{ARABIC-INDIC DIGIT SEVEN} s",
        "99999999999999999999 d",
        "999999999 d 1 d",
        f"{'9' * 5_000} s",
    ],
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UnitError, match="duration"):
        parse_duration(text)


def test_a_duration_may_be_a_text_or_a_timedelta():
    assert duration_of("10 min") == duration_of(timedelta(minutes=10)) == timedelta(minutes=10)


@pytest.mark.parametrize(
    "value", [600, 1.5, None, timedelta(seconds=-1), timedelta(milliseconds=5), "soon"]
)
def test_anything_else_is_no_duration(value):
    with pytest.raises(UnitError, match="is not a duration: expected "):
        duration_of(value)


@pytest.mark.parametrize(
    ("money", "worth"),
    [
        ("1 ether", "3,100.00 EUR"),
        ("0.05 ether", "155.00 EUR"),
        ("0.00368 ether", "11.41 EUR"),
        ("0.0000613 ether", "0.19 EUR"),
        ("1 gwei", "0.0000031 EUR"),
        ("0 wei", "0 EUR"),
    ],
)
def test_an_amount_is_told_in_money(money, worth):
    assert Price.parse("eur = 3100").format(Money.parse(money)) == worth
    assert Price.parse("EUR=3100/ETH") == Price.parse("EUR=3100/ether") == Price.parse("EUR=3100")


def test_an_amount_of_a_token_is_told_by_what_one_of_it_costs():
    price = Price.parse("USD=1.08/eurc")

    assert price.is_of(EURC)
    assert not price.is_of(ETHER)
    assert price.format(Money(2_500_000, EURC)) == "2.70 USD"
    assert not Price.parse("EUR=3100").is_of(EURC)


def test_what_a_token_costs_is_no_price_of_ether():
    with pytest.raises(WrongCurrency, match="that of one EURC, and it has to be that of one ether"):
        Price.parse("EURC=1/EURC").of(10**18, EURC)


@pytest.mark.parametrize(
    "text",
    ["3100", "EUR", "EUR=0", "EUR=-1", "EUR=many", "€=3100", "EUR=1e9", "EUR=1/", "EUR=1/2"],
)
def test_what_is_no_price_is_refused(text):
    with pytest.raises(UnitError, match="is not a price: expected a currency and a number"):
        Price.parse(text)
