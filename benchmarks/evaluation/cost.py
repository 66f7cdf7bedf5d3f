"""At what cost and under which rule: decrement, bidding time, ways of bidding, prices of gas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation import theory
from ape_v2v.simulation.laboratory import Trial, play
from benchmarks.evaluation.material import (
    CROWDED,
    LAYER_1,
    ROLLUP,
    SEED,
    Answer,
    Cell,
    Laboratory,
    garage,
    gas_price_eur,
)
from benchmarks.evaluation.tokens import token_gas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.simulation.study.outcome import Variant

DECREMENTS = (100, 200, 500, 1_000, 2_000)
BIDDING = (120, 600)
USUAL = 500
SHORT = {"rollup": "rollup", "layer 1": "layerone", "layer 1, crowded": "crowded"}
PRICES = {"rollup": ROLLUP, "layer 1": LAYER_1, "layer 1, crowded": CROWDED}
WAYS = ("truthful", "jump", "signed")
PRODUCT = "jump"
BIDDERS = 5
ENTRY = (1e-3, 1e-4)
"""What a bid costs in the war, as a share of the highest cost."""
WAR = (100, 200, 500, 1_000, 1_500, 2_000, 3_000, 4_000)
_ALIKE = 0.02
"""Of the most that is left after gas: rules that come so near are as good."""
_PLAYED = 30
"""Auctions of the war, for each replicate."""

Key = tuple[str, int, int, str]


def ask(laboratory: Laboratory) -> Answer:
    """Run every rule under every price, and the war of underbidding in the laboratory."""
    keys = [
        (way, bidding, decrement, price)
        for way in WAYS
        for bidding in BIDDING
        for decrement in DECREMENTS
        for price in PRICES
        if way == PRODUCT or price == "rollup"  # the others bid alike, whatever gas costs
    ]
    outcome = laboratory.run(
        {
            " ".join(map(str, key)): garage(
                strategy={"name": key[0]},
                bidding=key[1],
                decrement=key[2],
                gas_gwei=PRICES[key[3]],
            )
            for key in keys
        }
    )
    found = dict(zip(keys, outcome.variants, strict=True))
    rows = [
        _row(found.get(key) or found[key[0], key[1], key[2], "rollup"], key)
        for key in (
            (way, bidding, decrement, price)
            for way in WAYS
            for bidding in BIDDING
            for decrement in DECREMENTS
            for price in PRICES
        )
    ]
    answer = Answer("cost")
    answer.tables["rules"] = (
        [
            "bids", "bidding, s", "decrement, bps", "gas price", "bids an auction", "trades",
            "efficiency", "gas a trade, thousand", "gas a trade, €", "gas for the price",
            "break-even, kWh", "left after gas, €",
        ],
        rows,
    )  # fmt: skip
    war = _war(laboratory.replicates)
    answer.tables["war"] = (
        ["a bid costs", "decrement", "lost, on the contract", "lost, by theory"],
        [list(row) for row in war],
    )
    answer.tables["recommended"] = (
        ["gas price", "decrement, bps", "left after gas, €"],
        [[price, *_best(rows, price)] for price in PRICES],
    )
    answer.figures = _figures(rows, war)
    answer.plots = {
        "left": lambda figure: _left(figure, rows),
        "break-even": lambda figure: _break_even(figure, rows),
        "war": lambda figure: _lost(figure, war),
    }
    return answer


def _row(variant: Variant, key: Key) -> list[Cell]:
    way, bidding, decrement, price = key
    trades = math.fsum(variant.values("trades"))
    gas = sum(result.gas for result in variant.results) / trades
    in_eur = gas / 1e6 * gas_price_eur(PRICES[price])
    runs = len(variant.results)
    energy = math.fsum(variant.values("energy_kwh"))
    welfare = math.fsum(variant.values("welfare_eur"))
    paid = math.fsum(m.price_eur_kwh * m.energy_kwh for m in variant.metrics)
    return [
        way, bidding, decrement, price, variant.estimate("bids_per_auction").mean, trades / runs,
        variant.estimate("efficiency").mean, gas / 1e3, in_eur, in_eur * trades / paid,
        in_eur / (welfare / energy), (welfare - in_eur * trades) / runs,
    ]  # fmt: skip


def _best(rows: Sequence[list[Cell]], price: str) -> tuple[int, float]:
    """The smallest decrement that leaves the bidder of this package as much as the best one."""
    left = {
        decrement: math.fsum(
            float(row[11])
            for row in rows
            if row[0] == PRODUCT and row[2] == decrement and row[3] == price
        )
        / len(BIDDING)
        for decrement in DECREMENTS
    }
    most = max(left.values())
    chosen = min(step for step, value in left.items() if value >= most - _ALIKE * abs(most))
    return chosen, left[chosen]


def _war(scale: int) -> list[tuple[float, float, float, float]]:
    """What a war of underbidding by the least loses: gas, and a winner who is not the cheapest."""
    rows = []
    for decrement in WAR:
        share = decrement / 10_000
        played = play(Trial(BIDDERS, "truthful", decrement_bps=decrement), _PLAYED * scale, SEED)
        bids = math.fsum(one.bids for one in played) / len(played)
        dearer = math.fsum(one.cost - one.costs[0] for one in played) / len(played)
        for entry in ENTRY:
            # A winner who is not the cheapest costs d²/6(n+1) more, on average.
            wrong = share**2 / (6 * (BIDDERS + 1))
            by_theory = entry * theory.decrement_bids(BIDDERS, share) + wrong
            rows.append((entry, share, dearer + entry * bids, by_theory))
    return rows


def _figures(rows: Sequence[list[Cell]], war: Sequence[tuple[float, ...]]) -> dict[str, Cell]:
    by = {(row[0], row[1], row[2], row[3]): row for row in rows}
    figures: dict[str, Cell] = {
        "bidders": BIDDERS,
        "alike": _ALIKE,
        "bidding_short": BIDDING[0],
        "bidding_long": BIDDING[-1],
        "small_step": DECREMENTS[0] / 10_000,
        "usual_step": USUAL / 10_000,
    }
    for price, gwei in PRICES.items():
        short = SHORT[price]
        figures[f"gas_{short}"] = gwei
        figures[f"best_{short}"], figures[f"left_{short}"] = _best(rows, price)
        for way in WAYS:
            row = by[way, BIDDING[-1], USUAL, price]
            figures[f"{way}_{short}_gas_eur"], figures[f"{way}_{short}_share"] = row[8], row[9]
            figures[f"{way}_{short}_kwh"], figures[f"{way}_{short}_left"] = row[10], row[11]
    for way in WAYS:
        for name, decrement in (("small", DECREMENTS[0]), ("usual", USUAL)):
            figures[f"{way}_bids_{name}"] = by[way, BIDDING[-1], decrement, "rollup"][4]
    for at, entry in enumerate(ENTRY):
        of = [row for row in war if row[0] == entry]
        figures[f"war_{at}_entry"] = entry
        figures[f"war_{at}_theory"] = theory.best_decrement(BIDDERS, entry)
        figures[f"war_{at}_measured"] = min(of, key=lambda row: row[2])[1]
    return figures | token_gas(float(by[PRODUCT, BIDDING[-1], USUAL, "rollup"][7]) * 1e3)


def _left(figure: Any, rows: Sequence[list[Cell]]) -> None:
    plots = figure.subplots(1, len(PRICES))
    for axes, price in zip(plots, PRICES, strict=True):
        for way in WAYS:
            for bidding, style in zip(BIDDING, (":", "-"), strict=True):
                of = [row for row in rows if (row[0], row[1], row[3]) == (way, bidding, price)]
                colour = {"truthful": "#d2691e", "jump": "#1f6fb2", "signed": "#2e8b57"}[way]
                axes.plot(
                    [float(row[2]) / 100 for row in of], [float(row[11]) for row in of], style,
                    marker="o", markersize=3, color=colour, label=f"{way}, {bidding} s",
                )  # fmt: skip
        axes.axhline(0, color="#808080", linewidth=0.8)
        axes.set(title=price, xlabel="decrement, %", xscale="log")
        axes.set_xticks([step / 100 for step in DECREMENTS])
        axes.set_xticklabels([f"{step / 100:g}" for step in DECREMENTS])
        axes.minorticks_off()
    plots[0].set_ylabel("left of a day's gain after gas, €")
    plots[-1].legend(frameon=False, fontsize=8)


def _break_even(figure: Any, rows: Sequence[list[Cell]]) -> None:
    axes = figure.subplots()
    prices = [10 ** (-3 + step / 10) for step in range(46)]
    for way in WAYS:
        row = next(r for r in rows if r[:4] == [way, BIDDING[-1], USUAL, "rollup"])
        slope = float(row[10]) / PRICES["rollup"]
        axes.plot(
            prices, [slope * price for price in prices], label=f"{way}, step of {USUAL / 100:g} %"
        )
    for kwh, label in ((9.17, "a median charge at home"), (6.3, "at work")):
        axes.axhline(kwh, color="#808080", linestyle=":", linewidth=0.9)
        axes.text(prices[0], kwh * 1.06, label, fontsize=8, color="#606060")
    axes.set(
        xscale="log", yscale="log", xlabel="gas price, gwei, at 3,000 € for an ether",
        ylabel="energy at which gas eats the gain, kWh", ylim=(1e-3, 100),
    )  # fmt: skip
    axes.legend(frameon=False, fontsize=9)


def _lost(figure: Any, war: Sequence[tuple[float, ...]]) -> None:
    axes = figure.subplots()
    for entry, colour in zip(ENTRY, ("#d2691e", "#1f6fb2"), strict=True):
        of = [row for row in war if row[0] == entry]
        steps = [row[1] for row in of]
        label = f"a bid costs {entry:g}"
        axes.plot(steps, [row[2] for row in of], "o", color=colour, label=f"{label}: contract")
        axes.plot(steps, [row[3] for row in of], color=colour, label=f"{label}: theory")
        best = theory.best_decrement(BIDDERS, entry)
        axes.axvline(best, color=colour, linestyle=":", linewidth=1)
    axes.set(
        xscale="log", yscale="log", xlabel="decrement, share of the standing bid",
        ylabel="lost of the highest cost, share",
    )  # fmt: skip
    axes.legend(frameon=False, fontsize=9)
