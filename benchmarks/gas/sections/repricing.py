"""The same functions at the announced prices of storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gas.prices import FUTURE, TODAY
from benchmarks.gas.scenarios import ADMIN, SCENES, TRADE
from benchmarks.gas.tables import Table, ratio
from benchmarks.gas.trades import total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.gas.measurements import Measurements
    from benchmarks.gas.stage import Call
    from benchmarks.gas.tables import Cell

FIRST_TRADE, NEW_PAIR, SAME_PAIR = "a first trade", "a trade, new pair", "a trade, same pair"


def table(m: Measurements) -> Table:
    rows = []
    for label in SCENES:
        paper = m.paper.admin if label in ADMIN else m.paper.known
        rows.append(_row(label, [paper[label]] if label in paper else [], [m.steady[label]]))
    for label, paper, own in (
        (FIRST_TRADE, m.paper.first, m.first),
        (NEW_PAIR, m.paper.known, m.steady),
        (SAME_PAIR, m.paper.again, m.steady),
    ):
        calls = ([design[step] for step in TRADE] for design in (paper, own))
        rows.append(_row(label, *calls))
    return Table(
        "repriced",
        "When storage is repriced",
        (
            "function",
            "rebuilt today",
            "ours today",
            "ratio today",
            "rebuilt then",
            "ours then",
            "ratio then",
        ),
        tuple(rows),
        before="The drafts of [EIP-8037](https://eips.ethereum.org/EIPS/eip-8037) and "
        "[EIP-8038](https://eips.ethereum.org/EIPS/eip-8038) charge "
        f"{FUTURE.new_slot:,} gas for a new slot ({TODAY.new_slot:,} today) and "
        f"{FUTURE.changed_slot:,} for a changed one ({TODAY.changed_slot:,}). The figures of today "
        "are measured; those of then are computed from the slots that the measured transactions "
        "changed. Drafts change, and what they say of other things is left out. The rebuilt "
        "functions are those of a new pair.",
    )


def _row(label: str, paper: Sequence[Call], own: Sequence[Call]) -> tuple[Cell, ...]:
    """A row; `paper` is empty where the paper has no such function."""
    before, after = total(paper) or None, total(own)
    paper_then, own_then = (sum(map(_future, calls)) for calls in (paper, own))
    ratios = ratio(after, before), ratio(own_then, paper_then)
    return label, before, after, ratios[0], paper_then or None, own_then, ratios[1]


def _future(call: Call) -> int:
    assert call.slots is not None, "traced"
    return call.slots.repriced(call.gas, TODAY, FUTURE)
