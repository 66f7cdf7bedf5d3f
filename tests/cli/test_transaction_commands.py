"""`ape v2v transaction`, on a network whose blocks come when the test says so."""

import re

import pytest
from eth_account import Account
from web3.types import RPCEndpoint

from ape_v2v.config import Fees
from ape_v2v.evm.anvil import anvil
from ape_v2v.units import Money
from tests.helpers.live import SEPOLIA, be_impatient, connected

UNKNOWN = "0x" + "11" * 32


@pytest.fixture(scope="module")
def node():
    with anvil("--chain-id", str(SEPOLIA), "--no-mining") as web3:
        yield web3


@pytest.fixture
def waiting(node, organization, stranger, monkeypatch):
    """A transfer that no block has: its hash."""
    be_impatient(monkeypatch, 1)
    monkeypatch.setattr("ape_v2v._cli.transaction.configured_fees", lambda _: Fees(confirmations=0))
    with connected(node):
        yield node.eth.send_transaction(
            {
                "from": organization.address,
                "to": stranger.address,
                "value": 7,
                "gas": 21_000,
                "maxFeePerGas": 4 * 10**9,
                "maxPriorityFeePerGas": 10**9,
            }
        ).to_0x_hex()
        mine(node)


def mine(node):
    node.provider.make_request(RPCEndpoint("evm_mine"), [])


def test_a_transaction_that_waits_is_shown(v2v, waiting, organization):
    shown = v2v("transaction", "show", waiting, "--json", on=None).json
    assert (shown["state"], shown["block"]) == ("waits", None)
    assert (shown["sender"], shown["nonce"]) == (organization.address, organization.nonce)
    assert (shown["maxFee"], shown["priorityFee"]) == ("4000000000", "1000000000")
    text = v2v("transaction", "show", waiting, on=None).text
    assert re.search(r"offers +at most 4 gwei per gas, 1 gwei of it on top", text)


def test_it_is_replaced_and_what_replaces_it_is_told(v2v, waiting, organization, node, stranger):
    before = node.eth.get_balance(stranger.address)
    told = v2v(
        "transaction", "replace", waiting, account=organization, on=None, answer="y\n", expect=3
    )
    assert f"sends again {waiting}\n  by {organization.address}, nonce " in told.error
    (new,) = re.findall(r"Error: (0x\w{64}) is in no block after 1 s", told.error)
    mine(node)
    shown = v2v("transaction", "show", new, "--json", on=None).json
    assert shown["state"] == "succeeded"
    assert int(shown["maxFee"]) >= 4_500_000_000
    assert node.eth.get_balance(stranger.address) == before + 7


def test_who_delegates_in_it_delegates_in_its_replacement(v2v, node, organization, monkeypatch):
    """Else a sponsor's replacement would call an account that has no code: and do nothing."""
    be_impatient(monkeypatch, 1)
    ev, contract = Account.create(), "0x" + "12" * 20
    signed = ev.sign_authorization({"chainId": SEPOLIA, "address": contract, "nonce": 0})
    sending = {
        "type": 4,
        "chainId": SEPOLIA,
        "nonce": organization.nonce,
        "to": ev.address,
        "value": 0,
        "data": "0x",
        "gas": 100_000,
        "maxFeePerGas": 4 * 10**9,
        "maxPriorityFeePerGas": 10**9,
        "authorizationList": [signed],
    }
    with connected(node):
        sending["nonce"] = node.eth.get_transaction_count(organization.address)
        key = Account.from_key(organization.private_key)
        sent = node.eth.send_raw_transaction(key.sign_transaction(sending).raw_transaction)
        v2v(
            "transaction", "replace", sent.to_0x_hex(), account=organization, on=None,
            answer="y\n", expect=3,
        )  # fmt: skip
        mine(node)

        receipt = node.provider.make_request(
            RPCEndpoint("eth_getTransactionReceipt"), [sent.to_0x_hex()]
        )
        assert receipt["result"] is None, "it was replaced"
        assert node.eth.get_code(ev.address).hex() == "ef0100" + "12" * 20


def test_it_is_voided(v2v, waiting, organization, node, stranger):
    before = node.eth.get_balance(stranger.address)
    v2v("transaction", "replace", waiting, "--cancel", account=organization, on=None, expect=3)
    mine(node)
    assert node.eth.get_balance(stranger.address) == before


def test_a_no_replaces_nothing(v2v, waiting, organization):
    refusal = v2v(
        "transaction", "replace", waiting, account=organization, on=None, answer="n\n", expect=1
    )
    assert "Aborted!" in refusal.error
    assert v2v("transaction", "show", waiting, "--json", on=None).json["maxFee"] == "4000000000"


def test_fees_that_contradict_one_another_are_refused(v2v, waiting, organization):
    fees = ("--max-fee", "1 gwei", "--priority-fee", "2 gwei")
    refusal = v2v("transaction", "replace", waiting, *fees, account=organization, on=None, expect=1)
    assert f"priority_fee of {Money(2 * 10**9)} is above max_fee of" in refusal.error


def test_a_transaction_that_the_node_does_not_know_is_told(v2v):
    refusal = v2v("transaction", "show", UNKNOWN, on=None, expect=1)
    assert f"the node does not know {UNKNOWN}" in refusal.error


def test_what_is_no_hash_is_refused(v2v):
    refusal = v2v("transaction", "show", "0x11", on=None, expect=2)
    assert "'0x11' is not a hash: expected 0x and 64 digits" in refusal.error
