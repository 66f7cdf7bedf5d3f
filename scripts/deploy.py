"""Deploy a market on the connected network, as its file in deployments/ says.

ape run deploy --network ethereum:sepolia:node --account operator

It is the command `ape v2v market deploy`.
"""

from ape_v2v._cli.market import deploy as cli

__all__ = ["cli"]
