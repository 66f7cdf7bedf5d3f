"""Does it work: efficiency, and the price against the competitive one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.evaluation.material import Answer, Cell, Laboratory, garage

if TYPE_CHECKING:
    from ape_v2v.simulation.study.outcome import Variant

STRATEGIES = ("truthful", "gas-aware", "jump", "signed", "sniper", "learner", "zero-intelligence")
CONSUMERS = 12
PROVIDERS = (3, 6, 12, 24)


def ask(laboratory: Laboratory) -> Answer:
    """Run every behaviour with few and with many providers."""
    outcome = laboratory.run(
        {
            f"{name} {count}": garage(strategy={"name": name}, spares=count)
            for name in STRATEGIES
            for count in PROVIDERS
        }
    )
    found = {
        (name, count): outcome.variants[at * len(PROVIDERS) + place]
        for at, name in enumerate(STRATEGIES)
        for place, count in enumerate(PROVIDERS)
    }
    answer = Answer("works")
    rows: list[list[Cell]] = []
    for (name, count), variant in found.items():
        efficiency = variant.estimate("efficiency")
        rows.append(
            [
                name,
                count,
                efficiency.mean,
                efficiency.half,
                _mean(variant, "efficiency_online"),
                _mean(variant, "price_eur_kwh"),
                _mean(variant, "competitive_eur_kwh"),
                _mean(variant, "smith_alpha"),
                _mean(variant, "bids_per_auction"),
                _mean(variant, "fill_rate"),
            ]
        )
    columns = [
        "strategy", "providers", "efficiency", "±", "against online greedy", "price, €/kWh",
        "competitive, €/kWh", "Smith's alpha", "bids an auction", "filled",
    ]  # fmt: skip
    answer.tables["strategies"] = columns, rows
    every = [value for one in outcome.variants for value in one.values("efficiency")]
    most = PROVIDERS[-1]
    answer.figures = {
        "runs": len(every),
        "consumers": CONSUMERS,
        "largest_efficiency": max(every),
        "jump_few": _mean(found["jump", PROVIDERS[0]], "efficiency"),
        "jump_many": _mean(found["jump", most], "efficiency"),
        "jump_online_many": _mean(found["jump", most], "efficiency_online"),
        "zero_many": _mean(found["zero-intelligence", most], "efficiency"),
        "price_few": _mean(found["jump", PROVIDERS[0]], "price_eur_kwh"),
        "price_many": _mean(found["jump", most], "price_eur_kwh"),
        "competitive_few": _mean(found["jump", PROVIDERS[0]], "competitive_eur_kwh"),
        "competitive_many": _mean(found["jump", most], "competitive_eur_kwh"),
        "truthful_bids_many": _mean(found["truthful", most], "bids_per_auction"),
        "jump_bids_many": _mean(found["jump", most], "bids_per_auction"),
        "fewest_providers": PROVIDERS[0],
        "most_providers": most,
    }
    answer.plots = {
        "efficiency": lambda figure: _heat(figure, found),
        "prices": lambda figure: _prices(figure, found),
    }
    return answer


def _mean(variant: Variant, metric: str) -> float:
    return variant.estimate(metric).mean


def _heat(figure: Any, found: dict[tuple[str, int], Variant]) -> None:
    axes = figure.subplots()
    grid = [[_mean(found[name, count], "efficiency") for count in PROVIDERS] for name in STRATEGIES]
    image = axes.imshow(grid, aspect="auto", cmap="YlGnBu", vmin=0, vmax=1)
    for row, line in enumerate(grid):
        for column, value in enumerate(line):
            colour = "white" if value > 0.6 else "black"  # noqa: PLR2004 - of the colour map
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
    axes.set(
        xticks=range(len(PROVIDERS)),
        yticks=range(len(STRATEGIES)),
        xlabel=f"providers, for {CONSUMERS} consumers",
    )
    axes.set_xticklabels([str(count) for count in PROVIDERS])
    axes.set_yticklabels(STRATEGIES)
    figure.colorbar(image, ax=axes, label="welfare, as a share of the best possible")


def _prices(figure: Any, found: dict[tuple[str, int], Variant]) -> None:
    axes = figure.subplots()
    for name in ("truthful", "jump", "signed", "learner", "zero-intelligence"):
        means = [found[name, count].estimate("price_eur_kwh") for count in PROVIDERS]
        axes.errorbar(
            PROVIDERS, [m.mean for m in means], [m.half for m in means], marker="o", capsize=3,
            label=name,
        )  # fmt: skip
    competitive = [_mean(found["jump", count], "competitive_eur_kwh") for count in PROVIDERS]
    axes.plot(PROVIDERS, competitive, "k:", label="competitive price")
    axes.set(
        xlabel=f"providers, for {CONSUMERS} consumers", ylabel="€ per kWh", xscale="log",
        xticks=PROVIDERS,
    )  # fmt: skip
    axes.set_xticklabels([str(count) for count in PROVIDERS])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=9)
