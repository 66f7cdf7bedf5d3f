"""The node that Ape is connected to, where none is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ape_v2v.chain.node import Node


def or_connected(node: Node | None) -> Node:
    """The given node, or else the one that Ape is connected to now."""
    if node is not None:
        return node
    from ape_v2v.chain.networks import connected_node  # noqa: PLC0415 - Ape, only where it is asked

    return connected_node()
