"""How networks are named in files."""

from __future__ import annotations

from ape import chain

_FORK = "-fork"


def network_name() -> str:
    """The connected network as file names and the configuration have it: `ethereum-sepolia`."""
    network = chain.provider.network
    return f"{network.ecosystem.name}-{network.name}"


def upstream_name() -> str:
    """The connected network, or the one that it forks."""
    return network_name().removesuffix(_FORK)
