"""How long to wait between two looks for a new block."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ape_v2v.chain.blocks import Block

_LOOKS_A_BLOCK = 4
_SHORTEST = 0.25


class Pace:
    """As blocks come: who looks every two seconds is late where there is a block a second."""

    def __init__(self) -> None:
        self.pause = math.inf
        """Seconds, as far as is known; infinite before two blocks were seen."""
        self._latest: Block | None = None

    def saw(self, block: Block) -> None:
        """See the latest block."""
        before = self._latest
        if before is not None and block.number > before.number:
            spacing = (block.timestamp - before.timestamp) / (block.number - before.number)
            self.pause = max(_SHORTEST, spacing / _LOOKS_A_BLOCK)
        self._latest = block
