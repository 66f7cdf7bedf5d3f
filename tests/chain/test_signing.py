"""Transactions signed by Ape's accounts, and encoded as nodes take them."""

from dataclasses import replace

import ape
import pytest
from eth_account import Account

from ape_v2v.chain.price import GasPrice
from ape_v2v.chain.signing import Unsigned, sign
from ape_v2v.errors import V2VError

GWEI = 10**9


@pytest.fixture
def account():
    return ape.accounts.test_accounts[1]


@pytest.fixture
def unsigned(account):
    return Unsigned(
        chain_id=11_155_111,
        sender=account.address,
        nonce=7,
        to="0x52908400098527886E0F7030069857D2E4169EE7",
        value=5,
        data=b"\x01\x02",
        gas_limit=50_000,
        price=GasPrice(3 * GWEI, GWEI),
    )


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"to": None, "value": 0, "data": b"\x60" * 3_000},
        {"nonce": 0, "value": 0, "data": b""},
        {"price": GasPrice(0, 0)},
        {"price": GasPrice(2 * GWEI, 2 * GWEI, legacy=True)},
    ],
    ids=["a call", "a creation", "nothing", "for nothing", "one price"],
)
def test_it_is_what_ape_and_eth_account_make_of_it(account, unsigned, change):
    wanted = replace(unsigned, **change)
    signed = sign(account, wanted)
    assert signed is not None
    ours = account.sign_transaction(wanted.for_ape()).serialize_transaction()
    assert signed.raw == f"0x{ours.hex()}"
    assert Account.recover_transaction(signed.raw) == account.address


def test_who_signs_something_else_is_not_misrepresented(account, unsigned):
    """A wallet may change what it is asked to sign: what it has signed is what is sent."""

    class Wallet:
        address = account.address

        def sign_transaction(self, transaction):
            transaction.nonce = 9
            return account.sign_transaction(transaction)

    signed = sign(Wallet(), unsigned)
    assert signed is not None
    changed = sign(account, replace(unsigned, nonce=9))
    assert signed == changed


def test_who_does_not_sign_sends_nothing(account, unsigned):
    class Unwilling:
        address = account.address

        def sign_transaction(self, _transaction):
            return None

    with pytest.raises(V2VError, match="did not sign: nothing was sent"):
        sign(Unwilling(), unsigned)
