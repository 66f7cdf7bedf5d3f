"""A network that others use, as far as one can have it here: an Anvil with Sepolia's chain id."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import ape

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from web3 import HTTPProvider, Web3

SEPOLIA = 11_155_111


@contextmanager
def connected(node: Web3, choice: str = "ethereum:sepolia:node") -> Iterator[Web3]:
    """Leave the session's chain for another node, and come back."""
    settings = {"uri": cast("HTTPProvider", node.provider).endpoint_uri}
    with ape.networks.parse_network_choice(
        choice, provider_settings=settings, disconnect_after=True
    ):
        yield node


def be_impatient(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Wait no longer than this for a block."""
    config = ape.networks.ethereum.config.sepolia
    monkeypatch.setattr(config, "transaction_acceptance_timeout", seconds)


def confirm_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no blocks on top: this Anvil makes one for each transaction, and no others."""
    monkeypatch.setattr(ape.networks.ethereum.config.sepolia, "required_confirmations", 0)
