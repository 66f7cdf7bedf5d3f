"""Where a market's history begins."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from ape_v2v.chain.line.faults import AccessDenied, NodeError, NodeSilent
from ape_v2v.config import Configuration
from ape_v2v.market.interface.access import code

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.chain.logs import LogReader
    from ape_v2v.market.market import Market


def first_block(market: Market, reader: LogReader, recorded: Callable[[], int | None]) -> int:
    """The block of a market's creation, or any earlier one, as exactly as is known.

    Raises:
        NodeError: The node does not answer.
    """
    node, address = market.node, market.address
    settings = Configuration.current().markets.get(node.network.name)
    if settings and settings.start_block and settings.address == address:
        return settings.start_block
    if (block := recorded()) is not None:
        return block
    head = reader.head()
    if head <= reader.max_range:
        return 0

    def has_code(block: int) -> bool:
        return bool(code(node, address, block))

    try:
        found = bisect_left(range(head), True, key=has_code)
        # Some nodes take what they do not keep for empty; a market reports its first owner at once.
        return found if any(chunk.logs for chunk in reader.chunks(found, found, head=head)) else 0
    except (AccessDenied, NodeSilent):
        raise
    except NodeError:  # it does not keep old state
        return 0
