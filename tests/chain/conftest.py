"""A market on a network that is no development chain, through a line on which faults happen."""

import ape
import pytest
from web3 import HTTPProvider

from ape_v2v import Market
from ape_v2v.chain.node import Network, Node
from ape_v2v.evm.anvil import anvil
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy
from tests.helpers.live import SEPOLIA

KEY = "0123456789SECRET"


@pytest.fixture(scope="package")
def upstream():
    """The URL of an Anvil with Sepolia's chain id."""
    with anvil("--chain-id", str(SEPOLIA)) as web3:
        assert isinstance(web3.provider, HTTPProvider)
        yield str(web3.provider.endpoint_uri)


@pytest.fixture(scope="package")
def deployed(upstream):
    """A market there with an EV, asked on a good line."""
    organization, ev = ape.accounts.test_accounts[:2]
    market = Market.deploy(organization, node=Node(upstream, network=Network("ethereum-sepolia")))
    market.add_ev(ev.address, sender=organization)
    return market


@pytest.fixture
def line(upstream):
    """It says that another client than Anvil answers, which would not be asked in batches."""
    with FaultProxy(upstream, path=f"/v3/{KEY}", client="Geth/v1.16.4") as proxy:
        yield proxy


@pytest.fixture
def network(tmp_path):
    """With little patience, and notes of what was sent."""
    return Network("ethereum-sepolia", patience=1.5, folder=tmp_path)


@pytest.fixture
def far(line, deployed, network, request):
    """The same market, asked on the line; not for long if the test is of a fault that is slow."""
    kinds = [value for value in _parameters(request) if isinstance(value, str)]
    node = Node(line.url, timeout=faults.timeout(*kinds), network=network)
    market = faults.while_all_is_well(lambda: Market.at(deployed.address, node))
    line.asked.clear()
    return market


def _parameters(request):
    case = getattr(request.node, "callspec", None)
    return case.params.values() if case else ()
