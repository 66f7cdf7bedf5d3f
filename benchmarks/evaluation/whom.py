"""For whom it is worth it: surplus and fairness in three countries, gas included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.evaluation.material import LAYER_1, ROLLUP, Answer, Cell, Laboratory, garage

if TYPE_CHECKING:
    from ape_v2v.simulation.study.outcome import Variant

COUNTRIES = {"Germany": (0.3835, 0.58), "Denmark": (0.3485, 0.59), "Hungary": (0.1040, 0.59)}
"""Household tariff (Eurostat, first half of 2025) and public AC charging (ACEA), €/kWh.

Of public charging in Denmark and Hungary there is the mean of the EU alone.
"""
EFFICIENCY = 0.87
WEAR = (0.036, 0.093)
"""Of the battery, €/kWh: of 3,000 cycles, or of 1,500."""
CHAINS = {"rollup": ROLLUP, "layer 1": LAYER_1}
SHORT = {"rollup": "rollup", "layer 1": "layerone"}
SHARES = tuple(step / 10 for step in range(11))


def ask(laboratory: Laboratory) -> Answer:
    """Run the garage in every country, on a rollup and on layer 1."""
    outcome = laboratory.run(
        {
            f"{country}, {chain}": _garage(country, gwei)
            for country in COUNTRIES
            for chain, gwei in CHAINS.items()
        },
        times=2,
    )
    found = {variant.label: variant for variant in outcome.variants}
    answer = Answer("whom")
    rows: list[list[Cell]] = []
    for label, variant in found.items():
        country, _, chain = label.partition(", ")
        tariff, public = COUNTRIES[country]
        consumers, providers = (
            variant.estimate(f"{side}_gain_eur").mean for side in ("consumer", "provider")
        )
        rows.append(
            [
                country, chain, tariff, public, _mean(variant, "price_eur_kwh"),
                _mean(variant, "saving_eur_kwh"), _mean(variant, "saving_eur_kwh") / public,
                consumers, providers, _mean(variant, "fill_rate"), _mean(variant, "gas_share"),
                _mean(variant, "consumers_worse_off"), _mean(variant, "providers_worse_off"),
                _mean(variant, "jain"), _mean(variant, "gini"),
                _mean(variant, "break_even_detour_minutes"),
            ]
        )  # fmt: skip
    columns = [
        "country", "chain", "tariff, €/kWh", "public, €/kWh", "price, €/kWh", "saved, €/kWh",
        "saved, share", "consumers gain, €", "providers gain, €", "filled", "gas for the price",
        "consumers worse off", "providers worse off", "Jain", "Gini", "detour that eats it, min",
    ]  # fmt: skip
    answer.tables["countries"] = columns, rows
    by_place = {(str(row[0]), str(row[1])): row for row in rows}
    answer.figures = {"vehicles": 20, "wear_low": WEAR[0], "wear_high": WEAR[1]}
    for country in COUNTRIES:
        for chain in CHAINS:
            row = by_place[country, chain]
            name = f"{country.lower()}_{SHORT[chain]}"
            for key, at in (
                ("price", 4), ("saved", 5), ("saved_share", 6), ("consumers", 7),
                ("providers", 8), ("filled", 9), ("gas_share", 10), ("consumers_worse", 11),
                ("providers_worse", 12), ("gini", 14), ("detour", 15),
            ):  # fmt: skip
                answer.figures[f"{name}_{key}"] = row[at]
            answer.figures[f"{name}_worse"] = float(row[11]) + float(row[12])
    answer.plots = {
        "countries": lambda figure: _bars(figure, by_place),
        "gains": lambda figure: _gains(figure, found["Germany, rollup"], found["Germany, layer 1"]),
    }
    return answer


def _garage(country: str, gwei: float) -> Any:
    tariff, public = COUNTRIES[country]
    at_the_meter = tariff / EFFICIENCY
    costs = [round(at_the_meter + wear, 4) for wear in WEAR]
    return garage(
        gas_gwei=gwei, tariff=tariff, public=public, value=public, cost={"uniform": costs}
    )


def _mean(variant: Variant, metric: str) -> float:
    return variant.estimate(metric).mean


def _bars(figure: Any, rows: dict[tuple[str, str], list[Cell]]) -> None:
    axes = figure.subplots()
    places = range(len(COUNTRIES))
    kinds = (("household tariff", 2, "#bbbbbb"), ("price in the market", 4, "#1f6fb2"),
             ("public charging", 3, "#d2691e"))  # fmt: skip
    for shift, (label, at, colour) in enumerate(kinds):
        heights = [float(rows[country, "rollup"][at]) for country in COUNTRIES]
        at_x = [place + 0.27 * (shift - 1) for place in places]
        bars = axes.bar(at_x, heights, width=0.25, label=label, color=colour)
        axes.bar_label(bars, fmt="%.2f", fontsize=9)
    axes.set(xticks=list(places), ylabel="€ per kWh", ylim=(0, 0.75))
    axes.set_xticklabels(list(COUNTRIES))
    axes.legend(frameon=False, fontsize=9, ncols=3, loc="upper center")


def _gains(figure: Any, rollup: Variant, layer_1: Variant) -> None:
    left, right = figure.subplots(1, 2)
    for variant, style in ((rollup, "-"), (layer_1, "--")):
        for role, colour in (("consumer", "#1f6fb2"), ("provider", "#d2691e")):
            gains = sorted(
                one.scenario.eur(row.gain)
                for one in variant.results
                for row in one.vehicles
                if row.role == role and row.transactions
            )
            shares = [(place + 1) / len(gains) for place in range(len(gains))]
            where = variant.label.partition(", ")[2]
            left.step(gains, shares, style, where="post", color=colour, label=f"{role}s, {where}")
            kept = [max(0.0, gain) for gain in gains]
            total, running, curve = sum(kept) or 1.0, 0.0, [0.0]
            for gain in kept:
                running += gain
                curve.append(running / total)
            right.plot([0, *shares], curve, style, color=colour)
    left.axvline(0, color="#808080", linewidth=0.8)
    left.set(xlabel="gain of a day, €, gas included", ylabel="share of vehicles", ylim=(0, 1.45))
    left.set_yticks(SHARES[::2])
    left.legend(frameon=False, fontsize=8, loc="upper left")
    right.plot([0, 1], [0, 1], color="#808080", linestyle=":")
    right.set(xlabel="share of vehicles", ylabel="share of all gains")
