"""The node and the network that Ape is connected to, as the rest of the package takes them.

Ape's connection is global; nothing else outside `ape_v2v._cli` looks at it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape
from ape.exceptions import ApeException
from web3.exceptions import Web3Exception

from ape_v2v.chain.line.faults import NodeSilent, error_in
from ape_v2v.chain.node import TIMEOUT, Network, Node
from ape_v2v.config import Configuration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape.api import NetworkAPI, ProviderAPI
    from ethpm_types import ContractType

FOLDER = "v2v"


def connected_node() -> Node:
    """The node that Ape is connected to now; it stays this one when Ape goes elsewhere.

    Raises:
        ape.exceptions.ProviderNotConnectedError: Ape is connected to none.
    """
    provider = ape.chain.provider
    timeout = Configuration.current().timeout
    if (url := _http_uri(provider)) is None:
        return ProviderNode(provider)
    headers = _headers(provider)
    return Node(url, timeout=timeout, network=_network(provider), headers=headers)


def connected_network() -> NetworkAPI:
    """The network as Ape has it, for Ape's explorers."""
    return ape.chain.provider.network


def remember_contract(address: str, contract_type: ContractType) -> None:
    """Tell Ape what is at an address: its explorers publish that."""
    ape.chain.contracts[address] = contract_type


def data_folder() -> Path:
    """Where this package keeps what outlives a process."""
    return Path(ape.config.DATA_FOLDER) / FOLDER


class ProviderNode(Node):
    """A node that Ape reaches otherwise than by HTTP: its own py-evm, a socket, a pipe."""

    def __init__(self, provider: ProviderAPI) -> None:
        super().__init__(f"ape://{provider.name}", timeout=TIMEOUT, network=_network(provider))
        self._provider = provider

    def request(self, method: str, parameters: Sequence[Any] = ()) -> Any:
        try:
            return self._provider.make_request(method, list(parameters))
        except (ApeException, Web3Exception, OSError, ValueError) as error:
            told = getattr(error, "rpc_response", None) or {
                "error": {"message": str(error), "data": getattr(error, "data", None)}
            }
            raise error_in(told, self.scrubbed) or NodeSilent(self.scrubbed(error)) from None

    def batch(self, calls: Any, *, errors: bool = False) -> list[Any]:
        return self.one_by_one(calls, errors=errors)


def _network(provider: ProviderAPI) -> Network:
    network = provider.network
    return Network(
        name=f"{network.ecosystem.name}-{network.name}",
        is_dev=network.is_dev,
        is_local=network.is_local,
        confirmations=network.required_confirmations,
        patience=network.transaction_acceptance_timeout,
        base_fee_multiplier=network.base_fee_multiplier,
        project=Path(ape.project.path),
        folder=None if network.is_dev else data_folder(),
    )


def _http_uri(provider: ProviderAPI) -> str | None:
    try:
        uri = getattr(provider, "uri", None)
    except ApeException:  # it has none
        return None
    text = "" if uri is None else str(uri)
    return text if text.startswith(("http://", "https://")) else None


def _headers(provider: ProviderAPI) -> dict[str, str]:
    """What Ape's settings say to send along: a key, perhaps."""
    network = provider.network
    found = ape.networks.get_request_headers(network.ecosystem.name, network.name, provider.name)
    return {str(name): str(value) for name, value in dict(found).items()}
