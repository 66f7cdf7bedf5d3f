"""What theory says of auctions is what the contract does: here by few of them, nightly by many."""

import math

import pytest
from scipy import stats

from ape_v2v.simulation import theory
from ape_v2v.simulation.study.laboratory import CASES, LIMIT, validate

FEW, MANY = 50, 400


def test_the_contract_does_what_theory_says():
    """By so few, a rare price that did not come makes the others look surer than they are."""
    table = validate(FEW, seed=7)
    assert {row.n for row in table} >= {2, 5, 10}
    assert len(table) > 3 * len(CASES)
    assert [row for row in table if abs(row.z) > 1.5 * LIMIT] == []
    assert 0.7 < math.sqrt(math.fsum(row.z**2 for row in table) / len(table)) < 1.5


def test_many_sealed_auctions_have_the_price_and_the_spread_that_theory_says():
    table = validate(MANY, seed=7, cases=["first price"])
    assert len([row for row in table if row.case == "first price"]) == 6
    assert [row for row in table if not row.holds] == []


def test_a_contract_that_did_something_else_would_be_found(monkeypatch):
    monkeypatch.setattr(theory, "trade_probability", lambda *_: 0.4)
    table = validate(FEW, seed=7, cases=["reserve"])
    assert any(abs(row.z) > LIMIT for row in table)


@pytest.mark.parametrize("n", [2, 5, 10])
@pytest.mark.parametrize(("price", "order"), [(theory.open_price, 2), (theory.first_price, 1)])
def test_prices_vary_as_the_lowest_costs_do(price, order, n):
    lowest = stats.beta(order, n + 1 - order)
    scale = 1.0 if order == 2 else 1 - 1 / n
    assert price(n).variance == pytest.approx(lowest.var() * scale**2)
    assert price(n).kurtosis == pytest.approx(float(lowest.stats("k")) + 3)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_both_kinds_of_auction_cost_the_consumer_as_much(n):
    assert theory.open_price(n).mean == theory.first_price(n).mean
    assert theory.reserve_price(n, 1.0) == pytest.approx(theory.open_price(n).mean)
    assert theory.sniping_price(n, 1.0) == pytest.approx(theory.open_price(n).mean)
    assert theory.first_price_bid(0.3, n) == pytest.approx(0.3 + 0.7 / n)


def test_the_best_reserve_is_half_the_value():
    shares = [step / 100 for step in range(5, 101)]
    for n in (2, 5, 10):
        gains = [
            theory.trade_probability(n, share) - theory.reserve_price(n, share) for share in shares
        ]
        assert shares[gains.index(max(gains))] == theory.best_reserve(1.0)
