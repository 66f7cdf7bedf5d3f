"""Publishing the market's sources where everybody looks at contracts.

Etherscan by ape-etherscan, with a key in ETHERSCAN_API_KEY; Sourcify by ape-sourcify, without one.
Both compile the sources themselves, and take them only when the code comes out.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import ape
from ape.exceptions import ApeException
from requests import RequestException

from ape_v2v.chain.line.urls import without_secrets
from ape_v2v.chain.networks import connected_network, remember_contract
from ape_v2v.errors import VerificationError
from ape_v2v.market.interface import contract as artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape.api import ExplorerAPI

    from ape_v2v.deployment.verification import Verdict

EXPLORERS = ("etherscan", "sourcify")


@dataclass(frozen=True)
class Publication:
    """Where the sources are to be seen."""

    explorer: str
    url: str
    already: bool
    """They were there before."""


@dataclass(frozen=True)
class Verified:
    """What a verification has found, and where the sources are to be seen."""

    verdict: Verdict
    publications: Sequence[Publication]

    def as_json(self) -> dict[str, Any]:
        published = [asdict(one) for one in self.publications]
        return asdict(self.verdict) | {"published": published}


def publish(address: str, explorer: str = "etherscan", name: str = artifact.NAME) -> Publication:
    """Publish the sources of the market at an address, unless they are there.

    Args:
        address: A market whose code is known to be what the sources compile to.
        explorer: One of `EXPLORERS`.
        name: Which market it is, as its record has it.

    Raises:
        VerificationError: The explorer cannot be reached, or does not take them, and why.
    """
    where = _explorer(explorer)
    try:
        already = where.get_contract_type(address) is not None
        if not already:
            # Ape's explorers publish what Ape takes for the contract at the address.
            remember_contract(address, getattr(ape.project, name).contract_type)
            where.publish_contract(address)
        return Publication(explorer, f"{where.get_address_url(address)}", already)
    except (ApeException, RequestException, ValueError) as error:
        raise VerificationError(
            f"{explorer} has not taken the sources of {name} at {address}: {without_secrets(error)}"
        ) from error


def require_explorer(explorer: str) -> None:
    """Find out before anything takes time whether an explorer would be asked.

    Args:
        explorer: One of `EXPLORERS`.

    Raises:
        VerificationError: It lacks a key or a plugin, or the network is on this machine.
    """
    _explorer(explorer)


def _explorer(name: str) -> ExplorerAPI:
    network = connected_network()
    if network.is_dev:
        raise VerificationError(f"{network.choice} is on this machine: no explorer sees it")
    if name == "etherscan":
        if not os.environ.get("ETHERSCAN_API_KEY"):
            raise VerificationError(
                "Etherscan accepts sources with a key only: set ETHERSCAN_API_KEY to yours, or "
                "compare and publish nothing with --check-only"
            )
        from ape_etherscan import Etherscan  # noqa: PLC0415 - slow, and only here

        return Etherscan(name=name, network=network)
    try:
        from ape_sourcify import Sourcify  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise VerificationError(
            "Sourcify requires Ape's plugin for it: install ape-v2v[sourcify], or compare and "
            "publish nothing with --check-only"
        ) from error
    return Sourcify(name=name, network=network)
