"""A network that others use, as far as one can have it here: an Anvil with Sepolia's chain id."""

import ape_etherscan.client
import ape_etherscan.explorer
import pytest
from explorers import KEY, Etherscan
from live import SEPOLIA, connected

from ape_v2v.anvil import anvil


@pytest.fixture(scope="module")
def sepolia_node():
    with anvil("--chain-id", str(SEPOLIA)) as web3:
        yield web3


@pytest.fixture
def sepolia(sepolia_node):
    """Connected to `ethereum:sepolia:node`, where Anvil's own accounts have ether."""
    with connected(sepolia_node):
        yield sepolia_node


@pytest.fixture
def etherscan(sepolia_node, monkeypatch):
    """The stand-in, where ape-etherscan looks for Etherscan."""
    with Etherscan(sepolia_node) as explorer:
        for module in (ape_etherscan.client, ape_etherscan.explorer):
            monkeypatch.setattr(module, "get_supported_chains", lambda: [explorer.listed])
        monkeypatch.setenv("ETHERSCAN_API_KEY", KEY)
        yield explorer
