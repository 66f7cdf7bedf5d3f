"""Ether for an EV's wallet, on a line on which things go wrong: given once, whatever is heard."""

import pytest

from ape_v2v import Money
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.node import Network, Node
from ape_v2v.errors import SentAs
from ape_v2v.sponsor.grants import Purse
from ape_v2v.sponsor.ledger import Ledger, SpendingLimits
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy, some

LEVEL = Money(7)


def test_ether_whose_outcome_is_not_known_counts_as_given(chain, stranger, consumer):
    chain.provider.set_balance(consumer.address, 0)
    with FaultProxy(chain.provider.uri) as line:
        node = Node(line.url, network=Network("ethereum-sepolia", patience=0.5))
        ledger = Ledger(None, SpendingLimits(daily=1))
        purse = Purse(node, stranger, ledger)
        (due,) = purse.due([consumer.address], LEVEL, LEVEL)
        line.fault = some(faults.LOST, of=(faults.SEND, faults.RECEIPT))

        with pytest.raises(SentAs) as told:
            purse.give(due)

        line.fault = None
        again = purse.give(due)
    assert again.refusal
    assert "was paid for 1 times in the last day" in again.refusal
    assert consumer.balance == int(LEVEL)
    assert [one.transaction for one in ledger.entries()] == [told.value.transaction]


@pytest.mark.parametrize("kind", ["null", "an internal error", "an answer of the wrong kind"])
def test_a_wallet_that_the_node_does_not_tell_is_given_nothing(chain, stranger, consumer, kind):
    with FaultProxy(chain.provider.uri) as line:
        node = Node(line.url, network=Network("ethereum-sepolia", patience=0.5))
        purse = Purse(node, stranger, Ledger(None, SpendingLimits()))
        line.fault = some(faults.ANYWHERE[kind], of="eth_getBalance")
        with pytest.raises(NodeError) as told:
            purse.due([consumer.address], LEVEL, LEVEL)
    assert "\n" not in str(told.value)
