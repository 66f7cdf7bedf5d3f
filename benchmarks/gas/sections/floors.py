"""How near every function comes to the least that the EVM's price list allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gas.floor import FLOORS
from benchmarks.gas.prices import TODAY
from benchmarks.gas.tables import Table, ratio

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Measurements
    from benchmarks.gas.tables import Cell

BUYS = {
    "startAuction": "asks the second slot too, 2,100: the state is derived from both, so that "
    "bidding, awarding and ending each write one",
    "cancelAuction, with a bid": "writes both slots, 2,900 more: the state is derived from both",
}
"""What a function gets for being far from its floor."""


def floors(m: Measurements) -> dict[str, int]:
    """The least gas by label."""
    return {label: FLOORS[label].floor(TODAY, call.data) for label, call in m.steady.items()}


def table(m: Measurements) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label, floor in floors(m).items():
        own = m.steady[label].gas
        why = FLOORS[label].why
        rows.append((label, own, floor, ratio(own, floor), why, BUYS.get(label, "")))
    return Table(
        "floor",
        "How near to the floor",
        ("function", "ours", "floor", "ours / floor", "the floor counts", "what more there is"),
        tuple(rows),
        before="The floor is the least that the EVM's price list allows for what "
        "[the specification](protocol.md) demands: the transaction, its calldata, the slots that "
        "must change or be asked, the events, the signature, the payment. It is a model "
        "([floor.py](../benchmarks/gas/floor.py)) that knows nothing of our code and charges "
        "nothing for computing.",
    )
