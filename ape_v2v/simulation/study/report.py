"""The report of a study: what came of it, how sure that is, and what the model leaves out."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from ape_v2v.simulation.study import output, plots

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ape_v2v.simulation.study.outcome import StudyOutcome

LIMITS = (
    "Vehicles are simulated: when they come, what they need and what that is worth is drawn from "
    "the scenario's distributions, each independent of the others.",
    "Nobody changes its habits because the market is there: no more vehicles come, and none waits "
    "for a better time. A learner learns within one run.",
    "Gas is that of later trades of an account, as measured on a node; registering, the first "
    "deposit and the last withdrawal are not counted, nor what it costs to have money locked.",
    "The optimum knows everything in advance and may split a consumer among providers: nothing can "
    "reach it, so efficiencies are lower bounds.",
    "Blocks come exactly in time; a block has room for all that is offered. There are no "
    "reorganisations.",
    "The load assumes that who is not served charges from the shared connection at once, and that "
    "providers charge again at one hour of the night, all together.",
)
_MAIN = (
    "trades", "fill_rate", "efficiency", "efficiency_online", "welfare_eur",
    "welfare_after_gas_eur", "gas_share", "break_even_kwh", "price_eur_kwh", "saving_eur_kwh",
    "bids_per_auction", "consumers_worse_off", "providers_worse_off", "defaults", "peak_kw",
    "peak_without_kw", "extra_energy_kwh",
)  # fmt: skip


def report(outcome: StudyOutcome, folder: Path) -> None:
    """Write `report.md`, `report.html` and the plots.

    Raises:
        SimulationError: matplotlib is not installed.
        OSError: The folder cannot be written.
    """
    drawn = plots.draw(outcome, folder)
    blocks = list(_blocks(outcome, drawn))
    (folder / "report.md").write_text("\n".join(_markdown(blocks)), "utf-8")
    (folder / "report.html").write_text("\n".join(_html(blocks)), "utf-8")


_Block = tuple[str, Any]


def _blocks(outcome: StudyOutcome, drawn: Sequence[tuple[str, str]]) -> Iterator[_Block]:
    first = outcome.variants[0]
    scenario, results = first.results[0].scenario, first.results
    yield "title", f"{scenario.name}: a simulated market"
    if scenario.description:
        yield "text", scenario.description
    visits = [visit for result in results for visit in result.visits]
    asking = sum(visit.group.role == "consumer" for visit in visits)
    yield (
        "text",
        f"{len(results)} runs of {scenario.days} days, seed {first.results[0].seed}; on average "
        f"{asking / len(results):.4g} visits of consumers and "
        f"{(len(visits) - asking) / len(results):.4g} of providers. The contract is the one that "
        "is deployed; its money was counted after each of "
        f"{sum(result.blocks for one in outcome.variants for result in one.results)} blocks.",
    )
    yield "heading", "Figures"
    yield "text", "Means, with 95 % intervals where there is more than one run."
    columns, rows = outcome.summary()
    yield "table", ([columns[0], *(name or "mean" for name in columns[1:])], rows)
    if len(outcome.variants) > 1:
        yield "heading", "Differences from the first"
        yield "text", "Run by run, for the same comers: what changes is the setting alone."
        names = ["metric", *(variant.label for variant in outcome.variants[1:])]
        paired = [(name, *map(str, outcome.paired(name))) for name in _MAIN]
        yield "table", (names, paired)
    yield "heading", "Plots"
    if len(outcome.variants) > 1:
        yield "text", f"Where a plot shows one variant, it is the first: {first.label}."
    for name, caption in drawn:
        yield "plot", (name, caption)
    yield "heading", "What the model leaves out"
    yield "list", LIMITS
    yield "heading", "To run it again"
    made = output.manifest(results, outcome.tables(first))
    yield (
        "text",
        f"Scenario {made['scenarioSha256']}, bytecode {made['bytecodeSha256']}, tables "
        f"{made['digest']}. Every folder with tables has a manifest with the hash of each.",
    )


def _markdown(blocks: Sequence[_Block]) -> Iterator[str]:
    for kind, said in blocks:
        match kind, said:
            case "title", str(text):
                yield f"# {text}\n"
            case "heading", str(text):
                yield f"## {text}\n"
            case "table", (names, rows):
                yield f"| {' | '.join(names)} |"
                yield f"|{'---|' * len(names)}"
                yield from (f"| {' | '.join(row)} |" for row in rows)
                yield ""
            case "plot", (name, caption):
                yield f"![{caption}]({name})\n"
            case "list", items:
                yield from (f"- {item}" for item in items)
                yield ""
            case _:
                yield f"{said}\n"


def _html(blocks: Sequence[_Block]) -> Iterator[str]:
    title = html.escape(str(blocks[0][1]))
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield (
        "<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "td,th{text-align:left;padding:.1rem 1rem .1rem 0;border-bottom:1px solid #ddd}"
        "img{max-width:100%}</style>"
    )
    for kind, said in blocks:
        match kind, said:
            case "title" | "heading", text:
                tag = "h1" if kind == "title" else "h2"
                yield f"<{tag}>{html.escape(str(text))}</{tag}>"
            case "table", (names, rows):
                yield f"<table><tr>{_cells('th', names)}</tr>"
                yield from (f"<tr>{_cells('td', row)}</tr>" for row in rows)
                yield "</table>"
            case "plot", (name, caption):
                shown = html.escape(caption)
                yield f'<figure><img src="{name}" alt="{shown}">'
                yield f"<figcaption>{shown}</figcaption></figure>"
            case "list", items:
                yield "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"
            case _:
                yield f"<p>{html.escape(str(said))}</p>"
    yield "</html>"


def _cells(tag: str, texts: Sequence[str]) -> str:
    return "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)
