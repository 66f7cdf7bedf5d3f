"""What does not grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gas.tables import Table

if TYPE_CHECKING:
    from benchmarks.gas.growth import Growth


def table(growth: Growth) -> Table:
    return Table(
        f"growth_{growth.name.lower()}",
        growth.title,
        (growth.name, "ours", "rebuilt, same pair"),
        tuple(
            (str(count), ours, paper)
            for (count, ours), (_, paper) in zip(growth.ours, growth.paper, strict=True)
        ),
        after=growth.remark,
    )
