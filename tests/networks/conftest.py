"""A network that others use, as far as one can have it here: an Anvil with Sepolia's chain id."""

import ape
import ape_etherscan.client
import ape_etherscan.explorer
import pytest

from ape_v2v.evm.anvil import anvil
from tests.helpers.live import SEPOLIA, connected
from tests.networks.explorers import KEY, Etherscan, Sourcify


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


@pytest.fixture
def sourcify(sepolia_node, monkeypatch):
    """The stand-in, where ape-sourcify looks for Sourcify."""
    pytest.importorskip("ape_sourcify", reason="the extra ape-v2v[sourcify] is not installed")
    with Sourcify(sepolia_node) as explorer:
        config = ape.config.get_config("sourcify")
        monkeypatch.setattr(config, "api_url", explorer.url)
        monkeypatch.setattr(config, "repository_url", explorer.url)
        yield explorer
