"""What transactions offer per gas, and what they have cost."""

import pytest

from ape_v2v.chain.fees import (
    Price,
    amount_paid,
    price,
    transaction_options,
)
from ape_v2v.config import Fees
from ape_v2v.units import Money

GWEI = 10**9


def test_what_one_policy_leaves_out_another_says():
    special = Fees(max_fee=Money(5), confirmations=0)
    general = Fees(max_fee=Money(9), priority_fee=Money(2), confirmations=3)
    assert special.over(general) == Fees(max_fee=Money(5), priority_fee=Money(2), confirmations=0)


def test_a_policy_that_says_nothing_leaves_everything_to_ape():
    assert transaction_options(Fees()) == {}


def test_the_priority_fee_is_never_more_than_all(chain):
    chain.provider.make_request("anvil_setNextBlockBaseFeePerGas", ["0x5"])
    chain.mine()
    offer = price(Fees(max_fee=Money(GWEI)))
    assert offer.max_fee == GWEI
    assert offer.priority_fee <= GWEI


def test_a_development_chain_is_not_waited_for():
    assert transaction_options(Fees(confirmations=5)) == {"required_confirmations": 0}


@pytest.mark.parametrize("fee", [0, 1, 8, 10**9, 10**9 + 1])
def test_a_replacement_offers_an_eighth_more_at_least(fee):
    raised = Price(fee, fee).raised()
    assert raised.max_fee == raised.priority_fee
    assert raised.max_fee >= max(1, fee * 9 / 8)
    assert raised.max_fee <= fee * 1.14 + 1


def test_a_rollup_charges_for_its_data_too():
    receipt = {"gasUsed": 3, "effectiveGasPrice": 7}
    assert amount_paid(receipt) == 21
    assert amount_paid(receipt | {"l1Fee": "0x64"}) == 121
    assert amount_paid(receipt | {"l1Fee": 100}) == 121
