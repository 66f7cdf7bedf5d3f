"""A transaction that a node is asked about: read, or told in a sentence to be none."""

import ape
import pytest

from ape_v2v import Money
from ape_v2v.chain import transactions
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.writing import broadcasting
from tests.helpers import faults
from tests.helpers.faults import changed, fields, of

BY_HASH = "eth_getTransactionByHash"

WRONG = {
    "a text": changed(lambda _: "what"),
    "a list": changed(lambda _: []),
    "an object": faults.ANYWHERE["an answer of the wrong kind"],
    "no sender": changed(fields(**{"from": None})),
    "a sender that is none": changed(fields(**{"from": "0x12"})),
    "no nonce": changed(fields(nonce=None)),
    "a nonce that is none": changed(fields(nonce="soon")),
    "no value": changed(fields(value=None)),
    "no gas": changed(fields(gas={})),
    "no data": changed(fields(input=None)),
    "data that are none": changed(fields(input="0x1")),
}


@pytest.fixture
def sent(deployed):
    """The hash of a deposit."""
    return deployed.deposit(Money(7), sender=ape.accounts.test_accounts[1]).transaction


def test_a_transaction_is_read_as_it_was_signed(far, sent):
    found = transactions.find(far.node, sent)
    assert found is not None
    assert found.to is not None
    assert found.sender == ape.accounts.test_accounts[1].address
    assert (found.to.lower(), found.value) == (far.address.lower(), 7)
    assert found.data == far.contract.call_data("deposit")
    assert found.block is not None
    assert found.price is not None


def test_one_that_the_node_does_not_know_is_none(far):
    assert transactions.find(far.node, "0x" + "12" * 32) is None
    assert not broadcasting.is_known(far.node, "0x" + "12" * 32)


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_transaction_is_told_in_a_sentence(far, line, sent, kind):
    line.fault = of(BY_HASH, WRONG[kind])
    with pytest.raises(NodeError) as told:
        transactions.find(far.node, sent)
    assert "\n" not in str(told.value)
    with pytest.raises(NodeError):
        broadcasting.is_known(far.node, sent)


@pytest.mark.parametrize("answer", ["0x1", "0x12", "0x" + "00" * 32, "what", {"what": []}, 7])
def test_what_is_no_value_of_a_view_is_told_in_a_sentence(far, line, answer):
    line.fault = of("eth_call", changed(lambda _: answer))
    with pytest.raises(NodeError) as told:
        far.balance(ape.accounts.test_accounts[1].address)
    assert "\n" not in str(told.value)
