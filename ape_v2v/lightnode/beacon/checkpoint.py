"""A checkpoint that several sources agree on, for whoever has nobody to ask for one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ape_v2v.lightnode.beacon.reasons import NoCheckpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.lightnode.beacon.sources import Source

# One alone always agrees with itself.
_ENOUGH = 2


def agreed_root(sources: Sequence[Source]) -> bytes:
    """What all sources call the block in the slot that all of them have finalized.

    Raises:
        NoCheckpoint: They do not agree, or there are not enough of them.
        LightClientError: One of them does not answer.
    """
    if len(sources) < _ENOUGH:
        raise NoCheckpoint(
            "without a checkpoint it takes two sources at least, of operators that have nothing "
            "to do with each other: name the checkpoint, or more sources"
        )
    with ThreadPoolExecutor(len(sources)) as pool:
        newest = list(pool.map(lambda source: source.finalized_root(), sources))
        slot = min(number for number, _ in newest)
        roots = list(pool.map(lambda source: source.finalized_root(slot)[1], sources))
    if len(set(roots)) > 1:
        said = ", ".join(
            f"{source.name} 0x{root.hex()}" for source, root in zip(sources, roots, strict=True)
        )
        raise NoCheckpoint(
            f"the sources do not agree on the block in slot {slot}: {said}; name the checkpoint"
        )
    return roots[0]
