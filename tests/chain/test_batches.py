"""How many questions a node is asked at once: as many as it takes, and none is lost."""

import pytest

from ape_v2v.chain.batches import BatchSize
from ape_v2v.chain.node import Network, Node
from tests.helpers import faults
from tests.helpers.fault_proxy import Http

BLOCK = "eth_getBlockByNumber"
QUESTIONS = [(BLOCK, [hex(number % 3), False]) for number in range(300)]


def limited_to(most, refusal):
    """A node that takes so many at once."""

    def fault(requests, forward):
        if len(requests) > most:
            return refusal
        return [forward(request) for request in requests]

    return fault


@pytest.mark.parametrize(
    "refusal",
    [
        Http(413, b"too large"),
        Http(400, b"Bad request"),
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32_600, "message": "batch too large"}},
    ],
    ids=["413", "400", "an error"],
)
@pytest.mark.parametrize("most", [100, 20, 1])
@pytest.mark.usefixtures("deployed")  # there are three blocks
def test_a_node_is_asked_as_many_at_once_as_it_takes(line, most, refusal):
    node = Node(line.url, network=Network("x"))
    wanted = [answer["number"] for answer in node.batch(QUESTIONS[:3])] * 100
    line.batch_fault = limited_to(most, refusal)
    assert [answer["number"] for answer in node.batch(QUESTIONS)] == wanted
    line.batches.clear()
    assert [answer["number"] for answer in node.batch(QUESTIONS)] == wanted
    # More is only tried now and then.
    assert sum(size > most for size in line.batches) <= len(QUESTIONS) // 30


def test_who_answers_too_late_is_asked_for_less_the_next_time(line):
    node = Node(line.url, timeout=0.3, network=Network("x"))
    line.fault = faults.ANYWHERE["nothing comes"]
    assert all(error.late for error in node.batch(QUESTIONS, errors=True))
    line.fault = None
    line.batches.clear()
    node.batch(QUESTIONS, errors=True)
    assert max(line.batches) < len(QUESTIONS)


def test_a_bad_moment_does_not_last():
    size = BatchSize()
    most = size.most
    while size.most > 1:
        size.learn(size.most, taken=False)
    for _ in range(1_000):
        size.learn(size.most, taken=True)
    assert size.most == most
