"""What transactions offer per gas, and what they have cost."""

import pytest

from ape_v2v.chain.fees import (
    amount_paid,
    ask,
    confirmations,
)
from ape_v2v.chain.networks import connected_node
from ape_v2v.chain.node import Network, Node
from ape_v2v.chain.price import GasPrice
from ape_v2v.config import Fees
from ape_v2v.units import Money

GWEI = 10**9


def test_what_one_policy_leaves_out_another_says():
    special = Fees(max_fee=Money(5), confirmations=0)
    general = Fees(max_fee=Money(9), priority_fee=Money(2), confirmations=3)
    assert special.over(general) == Fees(max_fee=Money(5), priority_fee=Money(2), confirmations=0)


@pytest.fixture
def node():
    return connected_node()


@pytest.fixture
def set_base_fee(chain):
    """Set what the next block costs per gas; afterwards blocks cost nothing again."""

    def set_base_fee(wei):
        chain.provider.make_request("anvil_setNextBlockBaseFeePerGas", [hex(wei)])
        chain.mine()

    yield set_base_fee
    set_base_fee(0)


def test_a_policy_that_says_nothing_allows_the_base_fee_to_rise(node, set_base_fee):
    set_base_fee(100)
    head, offer = ask(node, Fees())
    assert head.base_fee == 100
    risen = int(100 * node.network.base_fee_multiplier)
    assert offer.max_fee == risen + offer.priority_fee


def test_the_priority_fee_is_never_more_than_all(node, set_base_fee):
    set_base_fee(5)
    _, offer = ask(node, Fees(max_fee=Money(GWEI)))
    assert offer.max_fee == GWEI
    assert offer.priority_fee <= GWEI


def test_a_development_chain_is_not_waited_for(node):
    assert confirmations(Fees(confirmations=5), node) == 0


def test_elsewhere_the_policy_says_for_how_many_blocks_to_wait():
    live = Node("http://127.0.0.1:1", network=Network("ethereum-sepolia", confirmations=3))
    assert confirmations(Fees(confirmations=5), live) == 5
    assert confirmations(Fees(), live) == 3


@pytest.mark.parametrize("fee", [0, 1, 8, 10**9, 10**9 + 1])
def test_a_replacement_offers_an_eighth_more_at_least(fee):
    raised = GasPrice(fee, fee).raised()
    assert raised.max_fee == raised.priority_fee
    assert raised.max_fee >= max(1, fee * 9 / 8)
    assert raised.max_fee <= fee * 1.14 + 1


def test_a_rollup_charges_for_its_data_too():
    receipt = {"gasUsed": 3, "effectiveGasPrice": 7}
    assert amount_paid(receipt) == 21
    assert amount_paid(receipt | {"l1Fee": "0x64"}) == 121
    assert amount_paid(receipt | {"l1Fee": 100}) == 121
