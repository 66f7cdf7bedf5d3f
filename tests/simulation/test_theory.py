"""What theory says of auctions is what the contract does: here by few of them, nightly by many."""

import math

import pytest
from scipy import stats

from ape_v2v.simulation import theory
from ape_v2v.simulation.laboratory import CASES, LIMIT, Trial, expected, rows, validate
from ape_v2v.simulation.streams import Stream

FEW, MANY = 50, 400


def test_the_contract_does_what_theory_says():
    table = validate(FEW, seed=7)
    assert {row.n for row in table} >= {2, 5, 10}
    assert len(table) > 3 * len(CASES)
    assert [row for row in table if not row.holds] == []
    assert 0.7 < math.sqrt(math.fsum(row.z**2 for row in table) / len(table)) < 1.4


def test_many_sealed_auctions_have_the_price_and_the_spread_that_theory_says():
    table = validate(MANY, seed=7, cases=["first price"])
    assert len([row for row in table if row.case == "first price"]) == 6
    assert [row for row in table if not row.holds] == []


def test_a_contract_that_did_something_else_would_be_found(monkeypatch):
    monkeypatch.setattr(theory, "trade_probability", lambda *_: 0.4)
    table = validate(FEW, seed=7, cases=["reserve"])
    assert any(abs(row.z) > LIMIT for row in table)


def test_random_numbers_hang_on_a_trials_values_alone():
    """A class or a field that is renamed changes no auction."""
    trial = Trial(3, "first-price", {"rivals": 2, "entry": 0.01}, reserve=0.5)
    assert trial.key == (
        '[3, "first-price", [["entry", 0.01], ["rivals", 2]], 1000000000000, 0.5, 0, 1, 0.0]'
    )


# --- Whether chance can explain a difference


def test_a_sample_without_the_rare_outcome_is_no_surer_for_it():
    """Of 20 auctions of two snipers, one sample in seven has none without a trade."""

    def bid(cost):
        return theory.first_price_bid(cost, 2, included=0.7)

    sniping = expected.sealed(2, bid, 0.7)
    stream = Stream("sniping")
    ours, samples = [], []
    for _ in range(2_000):
        prices = []
        for _ in range(20):
            got_in = [stream.uniform() for _ in range(2) if stream.chance(0.7)]
            prices.append(bid(min(got_in)) or 0.0 if got_in else 0.0)
        ours.append(rows.mean(("", 2, ""), 0.0, sniping, prices).z)
        mean = math.fsum(prices) / 20
        spread = math.sqrt(math.fsum((price - mean) ** 2 for price in prices) / 19 / 20)
        samples.append((mean - sniping.mean) / spread)
    beyond = lambda values, limit: sum(abs(z) > limit for z in values) / len(values)  # noqa: E731
    assert beyond(samples, LIMIT) > 0.02
    assert beyond(ours, LIMIT) < 0.002
    assert beyond(ours, 1.96) == pytest.approx(0.05, abs=0.02)


def test_how_far_a_count_is_off_is_as_likely_as_the_count():
    assert rows.share(("", 2, ""), 0.01, [0.0] * 20).z == pytest.approx(-0.24, abs=0.01)
    two = rows.share(("", 2, ""), 0.01, [1.0] * 2 + [0.0] * 18).z
    assert two == pytest.approx(stats.norm.isf(stats.binom(20, 0.01).sf(1) - 0.0079), abs=0.01)
    assert rows.share(("", 2, ""), 0.5, [1.0, 0.0] * 50).z == pytest.approx(0, abs=1e-6)


# --- Formulas agree with each other


@pytest.mark.parametrize("n", [2, 5, 10])
def test_the_finer_the_steps_the_nearer_the_closed_formulas(n):
    fine = expected.open_price(n, 400)
    assert tuple(fine) == pytest.approx(tuple(theory.open_price(n)), rel=2e-3)
    assert expected.winners_profit(n, 400).mean == pytest.approx(1 / (n + 1), abs=0.002)
    assert expected.decrement_price(n, 0.02).mean == pytest.approx(
        theory.decrement_price(n, 0.02), rel=1e-4
    )
    assert expected.decrement_bids(n, 0.02).mean == pytest.approx(
        theory.decrement_bids(n, 0.02), rel=1e-2
    )
    if n > 2:
        for stage in (1, 2):
            found = expected.sequential_price(n, 2, stage, 400)
            assert found.mean == pytest.approx(theory.sequential_price(n, 2), abs=0.002)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_every_end_of_a_war_is_counted_once(n):
    for gone in (0, 1) if n > 2 else (0,):
        ends = list(expected.ladder(n, [0.05] * 20, gone))
        assert math.fsum(end.probability for end in ends) == pytest.approx(1)


@pytest.mark.parametrize("n", [2, 5, 10])
@pytest.mark.parametrize("included", [1.0, 0.7])
def test_sealed_prices_have_the_means_of_the_closed_formulas(n, included):
    def bid(cost):
        return theory.first_price_bid(cost, n, included=included)

    found = expected.sealed(n, bid, included)
    assert found.mean == pytest.approx(theory.sniping_price(n, included), rel=1e-4)
    if included == 1:
        assert tuple(found) == pytest.approx(tuple(theory.first_price(n)), rel=2e-2)


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
