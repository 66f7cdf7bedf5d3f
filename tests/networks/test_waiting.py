"""Transactions that no block takes, and deployments that are interrupted: nothing is lost."""

import json
from dataclasses import replace as changed

import pytest
from web3.types import RPCEndpoint

from ape_v2v import (
    DeploymentError,
    Market,
    Money,
    NotMined,
    Parameters,
    V2VError,
)
from ape_v2v.chain.writing.replacement import look_up, replace
from ape_v2v.config import Configuration, Fees
from ape_v2v.deployment import (
    Records,
    Settings,
    deploy,
    plan,
    take_up,
)
from ape_v2v.evm.anvil import anvil
from tests.helpers.live import SEPOLIA, be_impatient, connected

NOW = Fees(confirmations=0)
SETTINGS = Settings(SEPOLIA, None, Parameters(), NOW)
GWEI = 10**9


@pytest.fixture(scope="module")
def node():
    with anvil("--chain-id", str(SEPOLIA), "--no-mining") as web3:
        yield web3


@pytest.fixture
def chain_id(node, monkeypatch):
    """Connected to a network on which blocks come when the test says so, with little patience."""
    be_impatient(monkeypatch, 0.5)
    with connected(node):
        yield SEPOLIA
        mine(node)


@pytest.fixture
def history(tmp_path):
    return Records(tmp_path / "records" / "ethereum-sepolia.json")


def mine(node):
    node.provider.make_request(RPCEndpoint("evm_mine"), [])


@pytest.fixture
def waiting(chain_id, organization, history):
    """A deployment that was sent and that no block has."""
    with pytest.raises(NotMined, match=r"^0x\w{64} is in no block after 0\.5 s; .* replace") as no:
        deploy(organization, SETTINGS, history)
    pending = history.pending()
    assert pending is not None
    assert pending.transactions == [no.value.transaction]
    return pending


def test_a_deployment_that_is_not_mined_is_taken_up_later(waiting, history, node):
    assert history.all() == []
    assert look_up(waiting.transactions[0]).block is None
    with pytest.raises(NotMined, match=waiting.transactions[0]):
        take_up(history)

    mine(node)
    record = take_up(history)
    assert record.transaction == waiting.transactions[0]
    assert record.address == waiting.address
    assert Market.at(record.address).parameters == Parameters()
    assert history.all() == [record]
    assert history.pending() is None
    with pytest.raises(DeploymentError, match="no deployment is on its way on ethereum-sepolia"):
        take_up(history)


def test_a_deployment_that_was_noted_and_never_sent_is_sent(chain_id, organization, history, node):
    class Crash(Exception):
        """The computer, just before the transaction leaves it."""

    class Crashing(Records):
        def start(self, pending):
            super().start(pending)
            raise Crash

    nonce = organization.nonce
    with pytest.raises(Crash):
        deploy(organization, SETTINGS, Crashing(history.path))
    mine(node)
    assert organization.nonce == nonce

    with pytest.raises(NotMined):
        take_up(history)
    mine(node)
    assert Market.at(take_up(history).address).organization == organization.address
    assert organization.nonce == nonce + 1


def test_no_other_deployment_starts_meanwhile(waiting, organization, history):
    with pytest.raises(DeploymentError, match=f"a deployment by {waiting.transactions[0]} is on"):
        deploy(organization, SETTINGS, history, again=True)


def test_no_deployment_starts_behind_a_transaction_that_waits(waiting, organization, tmp_path):
    with pytest.raises(DeploymentError, match="has 1 transactions that are not in a block"):
        plan(organization, SETTINGS, Records(tmp_path / "others" / "x.json"))
    assert not (tmp_path / "others").exists()


def test_a_pending_deployment_of_another_chain_is_left_alone(waiting, history):
    history.start(changed(waiting, chain_id=1))
    with pytest.raises(DeploymentError, match="the deployment on its way is for chain 1, and"):
        take_up(history)
    assert history.pending() is not None


@pytest.mark.parametrize("text", ["{", "[]", '{"address": "0x"}'])
def test_a_pending_deployment_that_cannot_be_read_is_not_written_over(
    chain_id, organization, history, text
):
    history.path.parent.mkdir()
    history.pending_path.write_text(text, encoding="utf-8")
    with pytest.raises(V2VError, match=r"pending\.json is not a deployment"):
        deploy(organization, SETTINGS, history)
    assert history.pending_path.read_text(encoding="utf-8") == text


def test_a_deployment_is_replaced_by_one_that_pays_more(waiting, organization, history, node):
    (first,) = waiting.transactions
    before = look_up(first)
    with pytest.raises(NotMined) as no:
        replace(first, organization, NOW, before_sending=lambda *new: history.replaced(first, *new))
    second = no.value.transaction
    assert look_up(second).nonce == before.nonce
    assert look_up(second).price.max_fee >= before.price.max_fee * 1.125
    pending = history.pending()
    assert pending is not None
    assert pending.transactions == [first, second]
    with pytest.raises(V2VError, match=f"the node does not know {first}: .* was replaced"):
        look_up(first)

    mine(node)
    record = take_up(history)
    assert (record.transaction, record.address) == (second, waiting.address)
    assert history.pending() is None


def test_a_deployment_that_was_voided_is_forgotten(waiting, organization, history, node):
    (first,) = waiting.transactions
    with pytest.raises(NotMined):
        replace(
            first,
            organization,
            NOW,
            cancel=True,
            before_sending=lambda *new: history.replaced(first, *new),
        )
    mine(node)
    with pytest.raises(
        DeploymentError, match=r"was voided by 0x.*: nothing was deployed, deploy anew"
    ):
        take_up(history)
    assert history.pending() is None
    assert history.all() == []
    assert not node.eth.get_code(waiting.address)


# --- Other transactions


@pytest.fixture
def deposit(chain_id, organization, history, node):
    """A deposit that no block has: its hash, and the market."""
    with pytest.raises(NotMined):
        deploy(organization, SETTINGS, history)
    mine(node)
    market = Market.at(take_up(history).address)
    with pytest.raises(NotMined) as no:
        market.deposit("5 gwei", sender=organization)
    return no.value.transaction, market


def test_a_deposit_that_is_replaced_counts_once(deposit, organization, node):
    transaction, market = deposit
    offered = look_up(transaction).price
    wanted = Fees(max_fee=Money(50 * GWEI), priority_fee=Money(3 * GWEI), confirmations=0)
    with pytest.raises(NotMined) as no:
        replace(transaction, organization, wanted)
    assert look_up(no.value.transaction).price != offered
    assert look_up(no.value.transaction).price.max_fee == 50 * GWEI
    mine(node)
    mine(node)
    assert look_up(no.value.transaction).succeeded
    assert market.balance(organization.address) == Money(5 * GWEI)


def test_a_deposit_that_is_voided_does_not_count(deposit, organization, node):
    transaction, market = deposit
    with pytest.raises(NotMined):
        replace(transaction, organization, NOW, cancel=True)
    mine(node)
    assert market.balance(organization.address) == Money(0)


def test_only_who_sent_it_replaces_a_transaction(deposit, stranger):
    with pytest.raises(V2VError, match=f"and the account is {stranger.address}: only who has sent"):
        replace(deposit[0], stranger, NOW)


def test_a_transaction_in_a_block_is_not_replaced(deposit, organization, node):
    mine(node)
    with pytest.raises(V2VError, match=r"is in block \d+: it cannot be replaced any more"):
        replace(deposit[0], organization, NOW)


def test_a_transaction_that_nobody_knows_is_not_replaced(chain_id, organization):
    unknown = "0x" + "11" * 32
    with pytest.raises(V2VError, match=f"the node does not know {unknown}"):
        replace(unknown, organization, NOW)


def test_a_replacement_does_not_pay_more_than_is_allowed(deposit, organization):
    allowed = Fees(max_fee=Money(look_up(deposit[0]).price.max_fee), confirmations=0)
    with pytest.raises(V2VError, match=r"and a replacement has to offer .* at least: allow more"):
        replace(deposit[0], organization, allowed)


# --- The gas policy


def test_a_deployment_offers_what_its_settings_say(chain_id, organization, history, node):
    fees = Fees(max_fee=Money(40 * GWEI), priority_fee=Money(2 * GWEI), confirmations=1)
    with pytest.raises(NotMined) as no:
        deploy(organization, changed(SETTINGS, fees=fees), history)
    price = look_up(no.value.transaction).price
    assert (price.max_fee, price.priority_fee) == (40 * GWEI, 2 * GWEI)

    mine(node)
    with pytest.raises(NotMined, match=r"is in block .*, and too few blocks are on top of it"):
        take_up(history)
    mine(node)
    assert take_up(history).transaction == no.value.transaction


def test_a_fee_below_what_everybody_pays_is_refused(chain_id, organization, history):
    with pytest.raises(V2VError, match=r"max_fee is 1 wei per gas, and the base fee is .*: wait"):
        deploy(organization, changed(SETTINGS, fees=Fees(max_fee=Money(1))), history)
    assert history.pending() is None


def test_what_the_configuration_says_of_fees_holds_for_every_transaction(
    deposit, organization, node, monkeypatch
):
    _, market = deposit
    mine(node)
    configured = Fees(max_fee=Money(33 * GWEI), priority_fee=Money(2 * GWEI))
    monkeypatch.setitem(Configuration.current().fees, "ethereum-sepolia", configured)
    with pytest.raises(NotMined) as no:
        market.deposit("1 gwei", sender=organization)
    price = look_up(no.value.transaction).price
    assert (price.max_fee, price.priority_fee) == (33 * GWEI, 2 * GWEI)


def test_the_record_is_written_as_a_whole(waiting, history):
    assert json.loads(history.pending_path.read_text(encoding="utf-8"))["nonce"] == waiting.nonce
    assert [path.name for path in history.path.parent.iterdir()] == [history.pending_path.name]
