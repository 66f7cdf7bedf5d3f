"""How robust: those who break their word, or bid otherwise, over bond, penalty and extension."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation import changed
from ape_v2v.simulation.study.statistics import estimate
from benchmarks.evaluation.material import Answer, Cell, Laboratory, garage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.simulation import Scenario
    from ape_v2v.simulation.result import RunResult

ATTACKS = ("no-show", "griefer", "early-leaver", "remover", "shill", "sniper")
PENALTIES = (500, 1_000, 2_000, 5_000)
ABSENT = (0.0, 0.1, 0.2, 0.4)
EXTENSIONS = (0, 60)
BONDS = (2_000, 10_000, 20_000)
USUAL = 1_000
HONEST = "truthful"
"""How attackers would bid if they kept their word."""
FAITHLESS = ("no-show", "griefer", "early-leaver", "remover")
"""Those who break their word; the others bid as they may."""
_FEW, _BPS = 0.2, 10_000
_TIMES = 3
"""As many runs as elsewhere: what an attacker loses differs much from day to day."""
ATTACKERS, OTHERS = 2, 6


def ask(laboratory: Laboratory) -> Answer:
    """Put two attackers among eight providers, and let more and more stay away."""
    answer = Answer("robust")
    attacks = _attacks(laboratory)
    answer.tables["attacks"] = (
        [
            "attack", "penalty, bps", "harm to others, €", "cost to attackers, €", "harm per €",
            "cost, low end",
        ],
        attacks,
    )  # fmt: skip
    absence = _absence(laboratory)
    answer.tables["absence"] = (
        ["penalty, bps", "providers who stay away", "gained after gas, €", "burnt, €"],
        absence,
    )
    sniping = _sniping(laboratory)
    answer.tables["sniping"] = (
        ["extension, s", "snipers of eight", "efficiency", "price, €/kWh", "filled", "minutes"],
        sniping,
    )
    endings, bonds = _endings(laboratory), _bonds(laboratory)
    answer.tables["bonds"] = ["bond, bps", "trades", "efficiency"], bonds
    answer.tables["endings"] = (
        ["early leavers", "harm to others, €", "cost to attackers, €", "harm per €"],
        endings,
    )
    answer.figures = _figures(attacks, absence, sniping, endings)
    answer.plots = {
        "attacks": lambda figure: _bars(figure, attacks),
        "absence": lambda figure: _lines(figure, absence),
    }
    return answer


def _garage(attack: str, **settings: Any) -> Scenario:
    """Six providers as usual, and two who do something else."""
    usual = garage(spares=OTHERS, strategy={"name": "jump"}, **settings)
    said = usual.model_dump(mode="json")["population"]
    others = {**said[1], "name": "others", "count": ATTACKERS, "strategy": {"name": attack}}
    return changed(usual, {"population": [*said, others]})


def _attacks(laboratory: Laboratory) -> list[list[Cell]]:
    outcome = laboratory.run(
        {
            f"{attack} {penalty}": _garage(attack, penalty=penalty)
            for penalty in PENALTIES
            for attack in (HONEST, *ATTACKS)
        },
        times=_TIMES,
    )
    runs = {variant.label: variant.results for variant in outcome.variants}
    return [
        [attack, penalty, *_harm(runs[f"{attack} {penalty}"], runs[f"{HONEST} {penalty}"])]
        for attack in ATTACKS
        for penalty in PENALTIES
    ]


def _harm(attacked: Sequence[RunResult], honest: Sequence[RunResult]) -> list[Cell]:
    """What others lose, what attackers lose against keeping their word, the one for the other.

    The last is what attackers lose at least, but in one of forty such studies.
    """
    others, own = [], []
    for one, other in zip(attacked, honest, strict=True):
        before = {row.vehicle: row.gain for row in other.vehicles}
        lost = {"others": 0.0, "": 0.0}
        for row in one.vehicles:
            group = row.group if row.group == "others" else ""
            lost[group] += one.scenario.eur(before[row.vehicle] - row.gain)
        own.append(lost["others"])
        others.append(lost[""])
    harmed, paid = estimate(others), estimate(own)
    ratio = harmed.mean / paid.mean if paid.mean > 0 else math.inf
    return [harmed.mean, paid.mean, ratio, paid.low]


def _absence(laboratory: Laboratory) -> list[list[Cell]]:
    outcome = laboratory.run(
        {
            f"{penalty} {absent}": garage(penalty=penalty, provider_no_shows=absent)
            for penalty in PENALTIES[1:]
            for absent in ABSENT
        }
    )
    rows: list[list[Cell]] = []
    for variant in outcome.variants:
        penalty, absent = variant.label.split()
        gained = [m.consumer_gain_eur + m.provider_gain_eur for m in variant.metrics]
        burnt = variant.estimate("burnt_eur").mean
        rows.append([int(penalty), float(absent), math.fsum(gained) / len(gained), burnt])
    return rows


def _sniping(laboratory: Laboratory) -> list[list[Cell]]:
    scenarios = {}
    for extension in EXTENSIONS:
        scenarios[f"{extension} 0"] = garage(extension=extension)
        scenarios[f"{extension} {ATTACKERS}"] = _garage("sniper", extension=extension)
        all_snipe = garage(extension=extension, strategy={"name": "sniper"})
        scenarios[f"{extension} {ATTACKERS + OTHERS}"] = all_snipe
    rows: list[list[Cell]] = []
    for variant in laboratory.run(scenarios).variants:
        extension, snipers = map(int, variant.label.split())
        names = ("efficiency", "price_eur_kwh", "fill_rate")
        minutes = variant.estimate("time_to_match_s").mean / 60
        means = [variant.estimate(name).mean for name in names]
        rows.append([extension, snipers, *means, minutes])
    return rows


def _bonds(laboratory: Laboratory) -> list[list[Cell]]:
    outcome = laboratory.run(
        {str(bond): changed(garage(), {"market.bondBps": bond}) for bond in BONDS}
    )
    return [
        [int(one.label), one.estimate("trades").mean, one.estimate("efficiency").mean]
        for one in outcome.variants
    ]


def _endings(laboratory: Laboratory) -> list[list[Cell]]:
    """Early leavers under today's rule, and by taking its penalties out: as it was before."""
    outcome = laboratory.run(
        {name: _garage(name) for name in (HONEST, "early-leaver")}, times=_TIMES
    )
    honest, attacked = (variant.results for variant in outcome.variants)
    now = _harm(attacked, honest)[:3]
    others, own = float(now[0]), float(now[1])
    back = math.fsum(
        result.scenario.eur(row.penalty)
        for result in attacked
        for row in result.auctions
        if row.how == "short"
    ) / len(attacked)
    before = [others - back, own - back]
    ratio = before[0] / before[1] if before[1] > 0 else math.inf
    return [["as the rules are", *now], ["a part ends for nothing", *before, ratio]]


def _figures(
    attacks: Sequence[list[Cell]],
    absence: Sequence[list[Cell]],
    sniping: Sequence[list[Cell]],
    endings: Sequence[list[Cell]],
) -> dict[str, Cell]:
    by = {(row[0], row[1]): row for row in attacks}
    least = min(
        penalty
        for penalty in PENALTIES
        if all(float(by[attack, penalty][5]) > 0 for attack in FAITHLESS)
    )
    figures: dict[str, Cell] = {
        "attackers": ATTACKERS, "others": OTHERS, "providers": ATTACKERS + OTHERS,
        "least_penalty": least, "least_penalty_share": least / _BPS,
        "usual_penalty": USUAL, "usual_share": USUAL / _BPS,
        "high_share": PENALTIES[-1] / _BPS, "bond": BONDS[1], "extension": EXTENSIONS[-1],
    }  # fmt: skip
    for attack in ATTACKS:
        name = attack.replace("-", "_")
        for key, at in (("harm", 2), ("cost", 3), ("ratio", 4)):
            figures[f"{name}_usual_{key}"] = by[attack, USUAL][at]
    absent = {(row[0], row[1]): row for row in absence}
    figures |= {
        "absent_few": _FEW,
        "absent_usual_none": absent[USUAL, 0.0][2],
        "absent_usual_few": absent[USUAL, _FEW][2],
        "absent_high_few": absent[PENALTIES[-1], _FEW][2],
        "burnt_high_few": absent[PENALTIES[-1], _FEW][3],
    }
    snipe = {(row[0], row[1]): row for row in sniping}
    everybody = ATTACKERS + OTHERS
    figures |= {
        "all_snipe_hard": snipe[EXTENSIONS[0], everybody][3],
        "all_snipe_extended": snipe[EXTENSIONS[-1], everybody][3],
        "none_snipe": snipe[EXTENSIONS[-1], 0][3],
        "all_snipe_minutes": snipe[EXTENSIONS[-1], everybody][5],
    }
    (_, *now), (_, *before) = endings
    names = ("harm", "cost", "ratio")
    figures |= {f"leavers_now_{name}": value for name, value in zip(names, now, strict=True)}
    figures |= {f"leavers_before_{name}": value for name, value in zip(names, before, strict=True)}
    return figures


def _bars(figure: Any, attacks: Sequence[list[Cell]]) -> None:
    left, right = figure.subplots(1, 2, sharey=True)
    for shift, penalty in enumerate(PENALTIES):
        of = [row for row in attacks if row[1] == penalty]
        places = [place + 0.2 * (shift - 1.5) for place in range(len(ATTACKS))]
        colour = ("#9ecae1", "#6baed6", "#3182bd", "#08519c")[shift]
        for axes, at in ((left, 2), (right, 3)):
            axes.barh(
                places, [float(row[at]) for row in of], height=0.18, color=colour,
                label=f"penalty of {penalty / 100:g} %",
            )  # fmt: skip
    left.set(yticks=range(len(ATTACKS)), xlabel="others lose in a day, €")
    left.set_yticklabels(ATTACKS)
    right.set(xlabel="the two attackers lose, €")
    for axes in (left, right):
        axes.axvline(0, color="#808080", linewidth=0.8)
    right.legend(frameon=False, fontsize=8)


def _lines(figure: Any, absence: Sequence[list[Cell]]) -> None:
    axes = figure.subplots()
    for penalty in PENALTIES[1:]:
        of = [row for row in absence if row[0] == penalty]
        label = f"penalty of {penalty / 100:g} %"
        x = [100 * float(row[1]) for row in of]
        axes.plot(x, [float(row[2]) for row in of], "o-", label=label)
    axes.axhline(0, color="#808080", linewidth=0.8)
    axes.set(xlabel="providers who stay away, %", ylabel="all gain in a day, gas included, €")
    axes.legend(frameon=False, fontsize=9)
