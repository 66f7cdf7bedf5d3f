"""What an account delegates to, so that others can pay its gas: what it does, and refuses."""

import pytest
from ape.exceptions import ContractLogicError
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import BIDDING_TIME, ENERGY, FUNDS, MAX_RATE, RESERVE, VALIDITY
from tests.helpers.sponsoring import FOREVER, delegate, sign_calls

TERMS = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
IS_VALID = keccak(text="isValidSignature(bytes32,bytes)")[:4]


@pytest.fixture(scope="module")
def implementation(project, organization):
    return organization.deploy(project.SponsoredAccount)


@pytest.fixture
def account(project, chain, implementation, consumer):
    """The consumer's account: it holds no ether, and delegates."""
    chain.provider.set_balance(consumer.address, 0)
    delegate(chain, consumer, implementation)
    # Else Ape asks the world what this contract is.
    chain.contracts[consumer.address] = project.SponsoredAccount.contract_type
    yield project.SponsoredAccount.at(consumer.address)
    del chain.contracts[consumer.address]


@pytest.fixture
def started(market, account):
    """The call that starts an auction."""
    return [(market.address, 0, bytes(market.startAuction.encode_input(*TERMS)))]


def test_a_stranger_brings_what_the_account_has_signed(
    market, account, started, consumer, stranger, balance
):
    account.execute(started, FOREVER, sign_calls(consumer, started, 0), sender=stranger)

    assert market.auctions(market.currentAuctionId(consumer)).consumer == consumer.address
    assert balance(consumer) == FUNDS - RESERVE
    assert (consumer.balance, account.nonces(consumer)) == (0, 1)


def test_calls_are_made_in_their_order_all_or_none(market, account, started, consumer, stranger):
    cancel = market.cancelAuction.encode_input(market.currentAuctionId(consumer) + 1, 0)
    both = [*started, (market.address, 0, bytes(cancel))]
    account.execute(both, FOREVER, sign_calls(consumer, both, 0), sender=stranger)
    assert market.auctions(market.currentAuctionId(consumer)).state == 0

    twice = started * 2
    with pytest.raises(ContractLogicError):  # the second start, as the first one's auction is open
        account.execute(twice, FOREVER, sign_calls(consumer, twice, 1), sender=stranger)
    assert account.nonces(consumer) == 1, "what did not happen did not count"
    assert market.auctions(market.currentAuctionId(consumer)).state == 0


def test_what_was_signed_is_done_once(account, started, consumer, stranger):
    signature = sign_calls(consumer, started, 0)
    account.execute(started, FOREVER, signature, sender=stranger)

    with reverts_with(account.InvalidSignature):
        account.execute(started, FOREVER, signature, sender=stranger)


def test_what_another_delegate_writes_does_not_put_the_nonce_back(
    chain, account, started, consumer, stranger
):
    """An account's storage outlives its delegate: the same mapping at the first slot is others'."""
    signature = sign_calls(consumer, started, 0)
    account.execute(started, FOREVER, signature, sender=stranger)
    zero = "0x" + bytes(32).hex()
    for first in range(3):
        slot = keccak(encode(["address", "uint256"], [consumer.address, first]))
        for place in (f"{first:#066x}", "0x" + slot.hex()):
            chain.provider.make_request("anvil_setStorageAt", [consumer.address, place, zero])

    assert account.nonces(consumer) == 1
    with reverts_with(account.InvalidSignature):
        account.execute(started, FOREVER, signature, sender=stranger)


def test_the_nonces_are_where_erc_7201_puts_them(chain, account, started, consumer, stranger):
    account.execute(started, FOREVER, sign_calls(consumer, started, 0), sender=stranger)
    name = int.from_bytes(keccak(text="V2VSponsoredAccount")) - 1
    root = int.from_bytes(keccak(name.to_bytes(32))) & ~0xFF
    # Behind the two names of its domain, where those are too long to be immutable.
    slot = keccak(encode(["address", "uint256"], [consumer.address, root + 2]))
    kept = chain.provider.make_request(
        "eth_getStorageAt", [consumer.address, "0x" + slot.hex(), "latest"]
    )
    assert int(kept, 16) == 1


def test_nothing_is_done_after_its_deadline(account, started, consumer, stranger, clock):
    deadline = clock.now + 60
    signature = sign_calls(consumer, started, 0, deadline=deadline)
    clock.next_block_at(deadline + 1)
    with reverts_with(account.SignatureExpired, deadline=deadline, timestamp=deadline + 1):
        account.execute(started, deadline, signature, sender=stranger)


def test_at_its_deadline_it_is_done(market, account, started, consumer, stranger, clock):
    deadline = clock.now + 60
    signature = sign_calls(consumer, started, 0, deadline=deadline)
    clock.next_block_at(deadline)
    account.execute(started, deadline, signature, sender=stranger)
    assert market.auctions(market.currentAuctionId(consumer)).state == 1


@pytest.mark.parametrize("what", ["to", "value", "data", "deadline", "nonce", "chain", "account"])
def test_what_differs_from_what_was_signed_is_refused(
    account, started, consumer, provider, stranger, what
):
    (to, value, data), deadline = started[0], FOREVER
    signed = {"nonce": 0}
    if what == "to":
        to = stranger.address
    elif what == "value":
        value = 1
    elif what == "data":
        data = data[:-1] + b"\x01"
    elif what == "deadline":
        deadline -= 1
    elif what == "nonce":
        signed["nonce"] = 1
    elif what == "chain":
        signed["chain_id"] = 1
    else:
        signed["account"] = provider
    signature = sign_calls(consumer, started, **signed)

    with reverts_with(account.InvalidSignature):
        account.execute([(to, value, data)], deadline, signature, sender=stranger)


@pytest.mark.parametrize("length", [0, 64, 66])
def test_a_signature_has_65_bytes(account, started, consumer, stranger, length):
    signature = (sign_calls(consumer, started, 0) + b"\x00")[:length]

    with reverts_with(account.InvalidSignature):
        account.execute(started, FOREVER, signature, sender=stranger)


@pytest.mark.parametrize("who", ["stranger", "organization"])
def test_nobody_else_signs_for_the_account(account, started, consumer, stranger, who, request):
    signer = request.getfixturevalue(who)
    signature = sign_calls(signer, started, 0, account=consumer)

    with reverts_with(account.InvalidSignature):
        account.execute(started, FOREVER, signature, sender=signer)


def test_the_contract_itself_has_no_key(implementation, started, stranger):
    with reverts_with(implementation.InvalidSignature):
        implementation.execute(
            started,
            FOREVER,
            sign_calls(stranger, started, 0, account=implementation),
            sender=stranger,
        )


def test_signing_nothing_voids_what_was_signed_before(account, started, consumer, stranger):
    signature = sign_calls(consumer, started, 0)
    account.execute([], FOREVER, sign_calls(consumer, [], 0), sender=stranger)

    with reverts_with(account.InvalidSignature):
        account.execute(started, FOREVER, signature, sender=stranger)


def test_the_account_takes_ether_and_spends_its_own_as_signed(
    market, account, consumer, stranger, balance
):
    before = balance(consumer)
    stranger.transfer(consumer, 5)
    call = [(market.address, 3, bytes(market.deposit.encode_input()))]

    account.execute(call, FOREVER, sign_calls(consumer, call, 0), sender=stranger)

    assert (consumer.balance, balance(consumer)) == (2, before + 3)


def test_more_ether_than_it_has_is_refused(market, account, consumer, stranger):
    call = [(market.address, 1, bytes(market.deposit.encode_input()))]

    with pytest.raises(ContractLogicError):
        account.execute(call, FOREVER, sign_calls(consumer, call, 0), sender=stranger)
    assert account.nonces(consumer) == 0


def test_a_contract_that_asks_is_told_what_the_key_has_signed(account, consumer, stranger):
    digest = keccak(text="anything")
    own, other = (signer.sign_raw_msghash(digest).encode_rsv() for signer in (consumer, stranger))

    assert account.isValidSignature(digest, own) == IS_VALID
    assert account.isValidSignature(digest, other) == b"\xff" * 4
    assert account.isValidSignature(digest, b"") == b"\xff" * 4
