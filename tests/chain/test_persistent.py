"""A node for processes that last: what is worth asking is asked again."""

import pytest

from ape_v2v.chain.line.faults import NodeError, Rejected, Reverted
from ape_v2v.chain.node import Network, Node
from ape_v2v.chain.persistent import persistent
from tests.helpers import faults
from tests.helpers.fault_proxy import some

ANY = faults.ANYWHERE
HEAD, CALL = "eth_blockNumber", "eth_call"
QUESTIONS: list[tuple[str, list[str]]] = [(HEAD, []), ("eth_chainId", []), ("eth_gasPrice", [])]


@pytest.fixture
def node(line, monkeypatch):
    monkeypatch.setattr("ape_v2v.chain.persistent._PAUSE", 0.001)
    return persistent(Node(line.url, timeout=0.5, network=Network("x")))


@pytest.mark.parametrize("kind", ANY)
def test_it_is_asked_again_whatever_goes_wrong(node, line, deployed, kind):
    line.fault = some(ANY[kind], times=1)
    assert int(node.request(HEAD), 16) > 0
    assert line.faulted == 1


@pytest.mark.parametrize("kind", ANY)
def test_all_of_a_batch_is_asked_again_whatever_goes_wrong_with_a_part(node, line, kind):
    wanted = node.batch(QUESTIONS)
    line.fault = some(ANY[kind], times=1, after=1)
    assert node.batch(QUESTIONS) == wanted
    assert line.faulted == 1


@pytest.mark.parametrize(
    "kind", ["401", "null", "an internal error", "an answer of the wrong kind"]
)
def test_what_stays_wrong_is_told_in_the_end(node, line, kind):
    line.fault = ANY[kind]
    with pytest.raises(NodeError):
        node.request(HEAD)
    with pytest.raises(NodeError):
        node.batch(QUESTIONS)
    assert all(isinstance(result, NodeError) for result in node.batch(QUESTIONS, errors=True))


def test_a_revert_is_an_answer(node, line, deployed):
    call = {"to": deployed.address, "data": "0x12345678"}
    before = line.count(CALL)
    with pytest.raises(Reverted):
        node.request(CALL, [call, "latest"])
    (reverted,) = node.batch([(CALL, [call, "latest"])], errors=True)
    assert isinstance(reverted, Reverted)
    assert line.count(CALL) == before + 2


def test_a_block_that_is_not_there_yet_is_an_answer(node):
    assert node.request("eth_getBlockByNumber", ["0xffffff", False]) is None


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "eth_getLogs"])
def test_what_may_do_something_or_is_asked_in_parts_is_asked_once(node, line, method):
    line.fault = ANY["an internal error"]
    with pytest.raises(Rejected):
        node.request(method, [{}])
    assert line.count(method) == 1


def test_it_keeps_the_line_and_the_notes_of_the_node(line):
    node = Node(line.url, network=Network("x"))
    notes = node.notes
    lasting = persistent(node)
    assert (lasting.url, lasting.notes) == (node.url, notes)
    assert persistent(lasting) is lasting
