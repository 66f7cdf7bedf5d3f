"""Which accounts can sign receipt after receipt."""

from typing import Any

import pytest
from ape_accounts import import_account_from_private_key

from ape_v2v._cli.session.commands import unlocked
from ape_v2v.market.interface import messages
from ape_v2v.session.protocol.agreement import Agreement
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import AccountSigner, KeySigner, require_signer

ALIAS = "session-keyfile"
PASSPHRASE = "correct horse battery staple"
AUCTION_ID = 1
MARKET = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def receipt(energy):
    message: Any = messages.Reading  # its domain is a keyword that the class lacks
    return message(
        auctionId=AUCTION_ID,
        consumer=MARKET,
        provider=MARKET,
        energyWh=energy,
        meterDataHash=bytes(32),
        last=False,
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
        require_signer(receipt(energy), signer.sign(receipt(energy)), keyfile.address, AUCTION_ID)


def test_a_test_account_signs_without_a_question(consumer):
    signer = AccountSigner(unlocked(consumer))
    require_signer(receipt(0), signer.sign(receipt(0)), consumer.address, AUCTION_ID)


AGREEMENT = Agreement(
    chain_id=1,
    market=MARKET,
    auction_id=AUCTION_ID,
    consumer=MARKET,
    provider=MARKET,
    token=bytes(32),
    energy_wh=7_200,
    rate=1,
    valid_until=10,
    expires_at=20,
    block=3,
)


class Wallet:
    """An account that counts how often it is asked."""

    def __init__(self, account: Any) -> None:
        self.address = account.address
        self._account = account
        self.asked = 0

    def sign_message(self, message: Any) -> Any:
        self.asked += 1
        return self._account.sign_message(message)


def test_with_a_session_key_the_account_signs_once(consumer):
    wallet: Any = Wallet(consumer)
    signer = KeySigner(wallet, AGREEMENT)

    for energy in (100, 200):
        signature = signer.sign(receipt(energy))
        assert len(signature) == 130
        require_signer(receipt(energy), signature, consumer.address, AUCTION_ID)
    assert wallet.asked == 1
    assert signer.address == consumer.address


def test_a_session_key_signs_for_no_other_auction_and_for_no_other_account(consumer, provider):
    signature = KeySigner(consumer, AGREEMENT).sign(receipt(100))

    for expected, auction_id in ((consumer, AUCTION_ID + 1), (provider, AUCTION_ID)):
        with pytest.raises(SessionError) as refused:
            require_signer(receipt(100), signature, expected.address, auction_id)
        assert refused.value.code is ErrorCode.WRONG_SIGNER
