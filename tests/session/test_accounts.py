"""Which accounts can sign receipt after receipt."""

from typing import Any

import pytest
from ape_accounts import import_account_from_private_key

from ape_v2v._cli.session import unlocked
from ape_v2v.market import messages
from ape_v2v.session.protocol.signing import AccountSigner, require_signer

ALIAS = "session-keyfile"
PASSPHRASE = "correct horse battery staple"
MARKET = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def receipt(energy):
    message: Any = messages.MeteringReceipt  # its domain is a keyword that the class lacks
    return message(
        token=bytes(32),
        energyWh=energy,
        meterDataHash=bytes(32),
        eip712_domain=messages.domain(MARKET, 1),
    )


@pytest.fixture
def keyfile():
    account = import_account_from_private_key(ALIAS, PASSPHRASE, "0x" + "11" * 32)
    yield account
    account.keyfile_path.unlink()


def test_a_keyfile_signs_without_a_question_once_its_passphrase_is_known(keyfile, monkeypatch):
    monkeypatch.setenv(f"APE_ACCOUNTS_{ALIAS}_PASSPHRASE", PASSPHRASE)
    signer = AccountSigner(unlocked(keyfile))
    monkeypatch.delenv(f"APE_ACCOUNTS_{ALIAS}_PASSPHRASE")
    for energy in (0, 100):  # standard input is closed: a question would fail
        require_signer(receipt(energy), signer.sign(receipt(energy)), keyfile.address)


def test_a_test_account_signs_without_a_question(consumer):
    signer = AccountSigner(unlocked(consumer))
    require_signer(receipt(0), signer.sign(receipt(0)), consumer.address)
