"""How near every function comes to the least that the EVM's price list allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gas.floor import FLOORS
from benchmarks.gas.prices import TODAY
from benchmarks.gas.tables import Table, ratio

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Measurements
    from benchmarks.gas.tables import Cell

_SIGNED = "computing, which the floor does not count: what was signed is encoded and hashed"
BUYS = {
    "placeBidFor, overtaking": f"{_SIGNED}, with the terms that the bid is for",
    "settle": f"{_SIGNED}; 130-byte signatures of keys are told from others",
    "settle, broken off": f"{_SIGNED}, and the share that is missing is divided",
    "settle, by a session key": f"{_SIGNED}, twice",
    "settle, by others": f"{_SIGNED}; two signatures are told from those of keys",
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
