"""A light node: whether an auction is connected, proven from one trusted block.

    proven = prove_connection(node.request, market, auction_id, trusted_hash)

The node that is asked need not be trusted: what it says is checked against the block by Merkle
proofs (EIP-1186), so a lie is found out and named. See docs/light-node.md.
"""

from ape_v2v.lightnode.header import Header
from ape_v2v.lightnode.proven import ProvenConnection, prove_connection

__all__ = ["Header", "ProvenConnection", "prove_connection"]
