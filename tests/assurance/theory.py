"""Twenty thousand auctions a case on the contract, beside what auction theory says of them."""

import os
from dataclasses import asdict
from typing import Any

AUCTIONS = 20_000
SEED = 1


def run(auctions: int = AUCTIONS) -> dict[str, Any]:
    """Play them on every processor; a figure that cannot be chance is a fault."""
    # Not every Python has the EVM that plays them, and the other stages need none.
    from ape_v2v.simulation.laboratory import validate  # noqa: PLC0415

    shown = [0]

    def progress(share: float) -> None:
        if (tenths := int(share * 10)) > shown[0]:
            shown[0] = tenths
            print(f"  {tenths * 10} %", flush=True)

    table = validate(auctions, SEED, os.cpu_count() or 1, progress=progress)
    faults = [
        f"{row.case}, {row.n} bidders, {row.quantity}: measured {row.measured:.6g}, expected "
        f"{row.expected:.6g}, which is {row.z:+.1f} standard errors"
        for row in table
        if not row.holds
    ]
    return {"auctions": auctions, "rows": [asdict(row) for row in table], "faults": faults}
