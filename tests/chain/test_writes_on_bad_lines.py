"""Writes through a line on which things go wrong: each is done once, and told truly."""

import re

import ape
import pytest

from ape_v2v import Market, Money, V2VError
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.node import Network, Node
from ape_v2v.chain.writing.replacement import look_up
from ape_v2v.errors import OutcomeUnknown, SentAs
from tests.chain.conftest import KEY
from tests.helpers import fault_proxy, faults
from tests.helpers.fault_proxy import FaultProxy, some
from tests.helpers.live import connected

AMOUNT = Money(10**9)
SENT = re.compile(r"0x[0-9a-f]{64}")


@pytest.fixture
def ev():
    return ape.accounts.test_accounts[1]


@pytest.fixture
def deposit(far, deployed, ev, line):
    """Deposit on a line that has a fault: what came of it, and how much has arrived."""

    def deposit(fault=None, batch_fault=None):
        before = deployed.balance(ev.address)
        line.fault, line.batch_fault = fault, batch_fault
        try:
            told = far.deposit(AMOUNT, sender=ev)
        except V2VError as error:
            told = error
        line.fault = line.batch_fault = None
        return told, int(deployed.balance(ev.address)) - int(before)

    return deposit


def require_true(told, arrived):
    """Whatever is told is so, in one sentence, without the key of the node's URL."""
    if not isinstance(told, V2VError):
        assert told.succeeded
        assert arrived == int(AMOUNT)
        return
    sentence = str(told)
    assert "\n" not in sentence
    assert KEY not in sentence
    assert "Traceback" not in sentence
    if isinstance(told, SentAs):
        assert told.transaction in sentence
        assert arrived in (0, int(AMOUNT))
    else:
        assert isinstance(told, NodeError)
        assert not arrived, "it says that nothing was sent, and something has arrived"


def require_once(deposit, told, arrived):
    """A second try of the same does it, unless the first one has: never both."""
    again, more = deposit()
    if isinstance(told, V2VError):
        assert not isinstance(again, V2VError), again
        assert arrived + more == int(AMOUNT)
        if isinstance(told, SentAs):
            assert again.transaction == told.transaction
    else:
        assert more == int(AMOUNT), "a second one that is meant counts"


@pytest.mark.parametrize("name", faults.ANYWHERE)
@pytest.mark.parametrize("how", ["once", "always"])
def test_the_answer_to_the_sending_goes_wrong(deposit, line, name, how):
    fault = some(faults.ANYWHERE[name], of=faults.SEND, once=how == "once")
    told, arrived = deposit(fault)
    assert line.faulted
    require_true(told, arrived)
    require_once(deposit, told, arrived)


@pytest.mark.parametrize("name", faults.ANYWHERE)
def test_a_receipt_goes_wrong(deposit, line, name):
    told, arrived = deposit(some(faults.ANYWHERE[name], of=faults.RECEIPT, once=True))
    assert line.faulted
    assert arrived == int(AMOUNT)
    require_true(told, arrived)
    require_once(deposit, told, arrived)


@pytest.mark.parametrize("name", faults.ANYWHERE)
def test_everything_goes_wrong(deposit, line, name):
    told, arrived = deposit(faults.ANYWHERE[name])
    assert line.faulted
    assert isinstance(told, NodeError)
    require_true(told, arrived)
    require_once(deposit, told, arrived)


@pytest.mark.parametrize("name", faults.SENDING)
def test_a_node_says_something_else_of_a_transaction(deposit, line, name):
    told, arrived = deposit(faults.SENDING[name])
    assert line.faulted
    require_true(told, arrived)
    require_once(deposit, told, arrived)


@pytest.mark.parametrize("name", faults.NETWORKS)
def test_a_network_is_otherwise_than_others(deposit, name):
    told, arrived = deposit(faults.NETWORKS[name])
    assert not isinstance(told, V2VError), told
    assert arrived == int(AMOUNT)


@pytest.mark.parametrize("name", faults.BATCHES)
def test_batches_go_wrong(deposit, line, name):
    told, arrived = deposit(batch_fault=faults.BATCHES[name])
    assert line.faulted
    assert not isinstance(told, V2VError), told
    assert arrived == int(AMOUNT)


def test_a_write_asks_the_node_once_for_all_it_needs(deposit, line):
    told, _ = deposit()
    assert told.succeeded
    assert line.batches == [7]
    waiting = (faults.RECEIPT, "eth_blockNumber")  # as often as it takes to be mined
    beside = [method for method, _ in line.asked if method not in (faults.SEND, *waiting)]
    # Of this chain: where its notes are kept, and who answers.
    first_time = ["eth_getBlockByNumber", "eth_chainId", "web3_clientVersion"]
    assert sorted(beside) == sorted(
        [
            *first_time,
            "eth_call",
            "eth_estimateGas",
            "eth_getTransactionCount",
            "eth_getBalance",
            "eth_getBlockByNumber",
            "eth_maxPriorityFeePerGas",
            "eth_gasPrice",
        ]
    )


def test_who_looks_up_what_was_sent_is_told(deposit, far, deployed):
    told, _ = deposit(some(faults.instead(fault_proxy.Cut()), of=faults.SEND))
    assert isinstance(told, OutcomeUnknown)
    assert f"sent as {told.transaction}, " in str(told)
    assert f"`ape v2v transaction show {told.transaction}`" in str(told)
    with pytest.raises(V2VError, match=r"was signed here with nonce .* once more sends this trans"):
        look_up(told.transaction, far.node)
    again, _ = deposit()
    assert look_up(again.transaction, far.node).succeeded


def test_what_was_looked_up_is_not_taken_up(deposit, far):
    """Who has seen that the first one counts, and does it again, means it."""
    told, arrived = deposit(faults.SENDING["the receipt is late"])
    assert isinstance(told, SentAs)
    assert arrived == int(AMOUNT)
    assert look_up(told.transaction, far.node).succeeded
    again, more = deposit()
    assert (again.transaction != told.transaction, more) == (True, int(AMOUNT))


def test_a_killed_process_is_taken_up(far, deployed, ev, line, network, monkeypatch):
    """Killed between the note and the sending: who tries the same again sends that one."""

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    before = int(deployed.balance(ev.address))
    with monkeypatch.context() as dying:
        dying.setattr("ape_v2v.chain.writing.sending.broadcast", kill)
        with pytest.raises(Killed):
            far.deposit(AMOUNT, sender=ev)
    (note,) = far.node.notes.of(ev.address, 0)
    monkeypatch.setattr("ape_v2v.chain.notes._OWNER", "another process")
    far.node.notes._database.write("UPDATE sent SET owner = '0:dead'")
    mined = far.deposit(AMOUNT, sender=ev)
    assert mined.transaction == note.signed.hash
    assert int(deployed.balance(ev.address)) - before == int(AMOUNT)
    assert far.node.notes.of(ev.address, 0) == []


def test_the_same_twice_at_once_counts_twice(far, deployed, ev):
    """Only what was given up is taken up, and not what another thread waits for."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    before = int(deployed.balance(ev.address))
    with ThreadPoolExecutor(4) as pool:
        mined = list(pool.map(lambda _: far.deposit(AMOUNT, sender=ev), range(8)))
    assert len({one.transaction for one in mined}) == 8
    assert int(deployed.balance(ev.address)) - before == 8 * int(AMOUNT)


def test_apes_own_connection_does_not_ask_an_explorer(upstream, deployed, ev, monkeypatch):
    """Ape asks one after each transaction that it sends on a network that others use."""

    def ask(*_):
        raise AssertionError("an explorer was asked")

    import ape_etherscan.client  # noqa: PLC0415
    import ape_etherscan.explorer  # noqa: PLC0415
    from web3 import HTTPProvider, Web3  # noqa: PLC0415

    for module in (ape_etherscan.client, ape_etherscan.explorer):
        monkeypatch.setattr(module, "get_supported_chains", ask)
    monkeypatch.setattr(ape.networks.ethereum.config.sepolia, "required_confirmations", 0)
    with connected(Web3(HTTPProvider(upstream))):
        assert Market.at(deployed.address).deposit(AMOUNT, sender=ev).succeeded


def test_a_node_that_never_answers_is_not_waited_for_longer_than_said(upstream):
    from time import monotonic  # noqa: PLC0415

    with FaultProxy(upstream, faults.ANYWHERE["nothing comes"]) as line:
        began = monotonic()
        with pytest.raises(NodeError, match=r"does not answer within 0\.5 s"):
            Node(line.url, timeout=0.5, network=Network("x")).request("eth_getLogs", [{}])
        assert monotonic() - began < 2
