"""A node that proves what it answers, before one that lies when a test says so."""

import pytest

from ape_v2v.chain.node import Network, Node
from ape_v2v.lightnode import Header
from ape_v2v.lightnode.node import ProvingNode
from tests.helpers.lying_node import lying_node

LOCAL = Network("ethereum-local", is_dev=True, is_local=True)


@pytest.fixture
def rpc(chain):
    with lying_node(chain.provider.uri) as proxy:
        yield proxy


@pytest.fixture
def trusted(rpc):
    """The newest header, from somebody who does not lie."""
    return lambda: Header.read(rpc.honest("eth_getBlockByNumber", "latest", False))


@pytest.fixture
def node(rpc, trusted, chain):
    return proving(rpc, trusted, chain)


def proving(rpc, trusted, chain, **settings):
    """A node that has asked nothing yet."""
    return ProvingNode(Node(rpc.url, network=LOCAL), trusted, chain.chain_id, **settings)
