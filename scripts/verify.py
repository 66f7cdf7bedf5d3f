"""Compare a market with its sources and its record, and publish the sources.

ape run verify --network ethereum:sepolia:node

It is the command `ape v2v market verify`.
"""

from ape_v2v._cli.verification import verify as cli

__all__ = ["cli"]
