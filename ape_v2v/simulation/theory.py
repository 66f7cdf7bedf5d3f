"""What auction theory says of the market, in closed form.

Costs of `n` providers are independent and uniform on [0, 1]; rates are shares of the highest cost.
An auction without a trade has price 0. Sources are in docs/simulation.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Moments(NamedTuple):
    """What a measured quantity should be on average, and how it varies."""

    mean: float
    variance: float
    kurtosis: float
    """The fourth central moment by the square of the variance: how a measured variance varies."""


def open_price(n: int) -> Moments:
    """The price of an open auction without a reserve: the second-lowest cost."""
    variance = 2 * (n - 1) / ((n + 1) ** 2 * (n + 2))
    return Moments(2 / (n + 1), variance, _kurtosis_of_a_lowest(2, n))


def _kurtosis_of_a_lowest(k: int, n: int) -> float:
    """Of the k-th lowest of `n` costs, which is of a beta distribution."""
    a, b = k, n + 1 - k
    total = a + b
    above = 6 * ((a - b) ** 2 * (total + 1) - a * b * (total + 2))
    return 3 + above / (a * b * (total + 2) * (total + 3))


def winners_profit(n: int) -> float:
    """What the winner earns on average, whichever kind of auction it is."""
    return 1 / (n + 1)


def first_price(n: int) -> Moments:
    """The price where each bids once, in equilibrium."""
    variance = (n - 1) ** 2 / (n * (n + 1) ** 2 * (n + 2))
    # Each bids what is in proportion to its cost, and a constant.
    return Moments(2 / (n + 1), variance, _kurtosis_of_a_lowest(1, n))


def first_price_bid(
    cost: float, n: int, *, reserve: float = 1.0, included: float = 1.0, entry: float = 0.0
) -> float | None:
    """The equilibrium bid.

    Args:
        cost: Of who bids.
        n: How many there are, with this one.
        reserve: The highest rate that is accepted.
        included: The probability that a bid gets into its block.
        entry: What a bid costs, whether it wins or not; with a reserve of 1 and every bid included.

    Returns:
        The bid; None where it is better to stay out.
    """
    top = min(reserve, 1.0) if not entry else entry_cost_limit(n, entry)
    if cost > top:
        return None
    beats = (1 - included * cost) ** (n - 1)
    gain = ((1 - included * cost) ** n - (1 - included * top) ** n) / (n * included)
    return cost + (entry + gain) / beats


def trade_probability(n: int, reserve: float) -> float:
    """That somebody's cost is below the reserve."""
    return 1 - (1 - reserve) ** n


def reserve_price(n: int, reserve: float) -> float:
    """The price on average under a reserve, in an open auction and where each bids once."""
    return 2 * (1 - (1 - reserve) ** (n + 1)) / (n + 1) - 2 * reserve * (1 - reserve) ** n


def best_reserve(value: float) -> float:
    """The reserve that is best for a consumer, however many bid."""
    return value / 2


def sniping_price(n: int, included: float) -> float:
    """The price on average where all bid at the last moment."""
    missed = 1 - included
    return 2 * (1 - missed ** (n + 1)) / (included * (n + 1)) - 2 * missed**n


def sniping_trade_probability(n: int, included: float) -> float:
    """That one bid at least gets in."""
    return 1 - (1 - included) ** n


def entry_cost_limit(n: int, entry: float) -> float:
    """The highest cost at which it pays to bid where a bid costs `entry`."""
    return 1 - entry ** (1 / n)


def entry_price(n: int, entry: float) -> float:
    """The price on average where a bid costs `entry`; nobody bids with that same probability."""
    limit = entry_cost_limit(n, entry)
    return (
        2 * (1 - (1 - limit) ** (n + 1)) / (n + 1)
        - 2 * limit * (1 - limit) ** n
        + n * limit * entry
    )


def harmonic(n: int) -> float:
    """1 + 1/2 + … + 1/n."""
    return sum(1 / k for k in range(1, n + 1))


def decrement_price(n: int, decrement: float) -> float:
    """The price on average, about, where each underbids by the least that is accepted."""
    slope = decrement / ((1 - decrement) * -math.log(1 - decrement))
    return slope * (1 - decrement / 2) * 2 / (n + 1)


def decrement_bids(n: int, decrement: float) -> float:
    """How many bids that takes, about."""
    return (harmonic(n) - 1) / -math.log(1 - decrement) + 1


def best_decrement(n: int, gas: float) -> float:
    """The decrement at which such a war wastes least.

    Args:
        n: How many bid.
        gas: What a bid costs, as a share of the highest cost; at most about a thousandth.
    """
    return float((3 * gas * (n + 1) * (harmonic(n) - 1)) ** (1 / 3))


def sequential_drop_out(cost: float, n: int, auctions: int, stage: int) -> float:
    """Where one goes out who can sell once, with auctions to come.

    Args:
        cost: Of who bids.
        n: How many there were at the first stage.
        auctions: How many there are, fewer than `n`.
        stage: Which of them this is, from 1.
    """
    return cost + (1 - cost) * (auctions - stage) / (n - stage)


def sequential_price(n: int, auctions: int) -> float:
    """The price on average, the same at each stage."""
    return (auctions + 1) / (n + 1)


def best_welfare(consumers: int, providers: int) -> float:
    """The most that is to be gained on average, where values are uniform on [0, 1] too."""
    return consumers * providers / (2 * (consumers + providers + 1))


def best_trades(consumers: int, providers: int) -> float:
    """In how many trades."""
    return consumers * providers / (consumers + providers)
