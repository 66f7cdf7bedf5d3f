"""Histories through nodes that lag, forget, limit, stall and answer oddly: nothing is lost."""

from __future__ import annotations

import threading
import time

import pytest

from ape_v2v import Market
from ape_v2v.chain.node import Node
from ape_v2v.errors import V2VError
from ape_v2v.evm.node import AnvilChain
from ape_v2v.index.history import History
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy, some
from tests.helpers.world import ALICE, World, as_receipts

TRADES = 9
PATIENCE = 60.0

ANY = {**faults.ANYWHERE, **faults.NETWORKS, **faults.READING}
# One request in so many meets with a fault; a fault of the line befalls the whole batch it is in.
SOMETIMES = {kind: 40 if kind in faults.ANYWHERE else 3 for kind in ANY}
# What cannot be told from a node that has not got so far.
BEHIND = {"the head lags", "the logs lag", "the head is null", "null"}
# What nobody asks for who only reads.
UNASKED = {
    "no pending state",
    "no eth_maxPriorityFeePerGas",
    "no eth_feeHistory",
    "no eth_gasPrice",
    "null fees",
}
RIGHT = sorted({*faults.NETWORKS, *faults.READING} - BEHIND)


@pytest.fixture(scope="module")
def world():
    """A market with more events than some nodes give at once."""
    with AnvilChain() as node:
        world = World(node)
        world.trade(TRADES)
        yield world


@pytest.fixture(scope="module")
def receipts(world):
    """What the chain's receipts say, asked again only when there are more."""
    known = {}

    def receipts():
        height = world.height
        if height not in known:
            known[height] = world.receipts
        return known[height]

    return receipts


@pytest.fixture
def expected(receipts):
    assert len(receipts()) > 50
    return receipts()


@pytest.fixture
def proxy(world):
    with FaultProxy(world.node.url) as proxy:
        yield proxy


@pytest.fixture
def open_history(world, proxy):
    """A factory of histories over the proxy, for some kinds of fault; all is well at first."""
    opened = []

    def open_history(*kinds, **options):
        node = Node(proxy.url, timeout=faults.timeout(*kinds))
        market = faults.while_all_is_well(lambda: Market.at(world.address, node))
        wanted = {"cache": False, "confirmations": 0, "start_block": 0, "patience": 1.0, **options}
        history = History(market, **wanted)
        opened.append(history)
        return history

    yield open_history
    for history in opened:
        history.close()


def refreshed(history):
    """Refresh; the sentence that it is refused with, or that says what may be missing."""
    try:
        history.refresh()
    except V2VError as error:
        return str(error)
    return history.behind


def refreshed_in_the_end(history):
    """Refresh while all is well: a busy machine may be late once."""
    assert None in (refreshed(history) for _ in range(3))


def is_a_sentence(text):
    return bool(text) and "\n" not in text and "Traceback" not in text


def contents(history):
    return as_receipts(history.events())


# Every kind of fault


@pytest.mark.parametrize("kind", ANY)
def test_a_history_through_a_fault_now_and_then_is_whole(open_history, proxy, expected, kind):
    history = open_history(kind, patience=PATIENCE, block_range=20)
    proxy.fault = some(ANY[kind], one_in=SOMETIMES[kind])

    trouble = refreshed(history)

    read = contents(history)
    assert proxy.faulted or kind in BEHIND | UNASKED
    assert trouble is None or is_a_sentence(trouble)
    whole = trouble is None and kind not in BEHIND
    assert read == expected if whole else read == expected[: len(read)]
    proxy.fault = None
    refreshed_in_the_end(history)
    assert contents(history) == expected


@pytest.mark.parametrize("kind", ANY)
def test_a_history_through_a_fault_that_stays_is_right_or_says_so(
    open_history, proxy, expected, kind, monkeypatch
):
    monkeypatch.setattr("ape_v2v.chain.line.patience._ASKED_FOR_AT_MOST", 2.0)
    history = open_history(kind)
    proxy.fault = ANY[kind]

    trouble = refreshed(history)

    read = contents(history)
    assert trouble is None or is_a_sentence(trouble)
    whole = trouble is None and kind not in BEHIND
    assert read == expected if whole else read == expected[: len(read)]
    if kind in RIGHT:
        assert trouble is None
    proxy.fault = None
    refreshed_in_the_end(history)
    assert contents(history) == expected


@pytest.mark.parametrize("kind", faults.BATCHES)
def test_a_history_is_whole_whatever_becomes_of_batches(open_history, proxy, expected, kind):
    history = open_history(patience=PATIENCE)
    proxy.batch_fault = faults.BATCHES[kind]

    assert refreshed(history) is None
    assert contents(history) == expected


@pytest.mark.parametrize("kind", ANY)
def test_a_follower_through_a_fault_now_and_then_is_told_everything_once(
    open_history, proxy, world, receipts, kind
):
    before = receipts()
    history = open_history(kind)
    refreshed_in_the_end(history)
    stop, told = threading.Event(), []
    proxy.fault = some(ANY[kind], one_in=SOMETIMES[kind])

    def follow():
        told.extend(history.follow(interval=0.05, stop=stop))

    follower = threading.Thread(target=follow)
    follower.start()
    world.send(ALICE, "withdraw", 1, ALICE)
    world.send(ALICE, "withdraw", 2, ALICE)
    wanted = len(before) + 2
    deadline = time.monotonic() + PATIENCE
    while len(told) < wanted and follower.is_alive() and time.monotonic() < deadline:
        stop.wait(0.05)
        if time.monotonic() > deadline - PATIENCE + 5:
            proxy.fault = None  # what never lets anything through
    stop.set()
    follower.join(PATIENCE)

    assert as_receipts(event for event, _ in told) == receipts()
    assert not any(removed for _, removed in told)


# The kinds that lose events, one by one


def test_logs_that_lag_are_not_taken_for_all_there_are(open_history, proxy, expected):
    """The logs come from a backend that is behind: fewer, and no error."""
    history = open_history(confirmations=2)
    proxy.fault = faults.lagging(15, ("eth_getLogs",))

    refreshed(history)

    read = contents(history)
    assert read == expected[: len(read)]
    proxy.fault = None
    assert refreshed(history) is None
    assert contents(history) == [event for event in expected if event[0] <= history.read_to]


def test_a_node_that_falls_behind_takes_nothing_back(open_history, proxy, expected, tmp_path):
    history = open_history(cache=tmp_path)
    refreshed_in_the_end(history)
    for blocks in (1, 5, 1_000):
        proxy.fault = faults.lagging(blocks)
        again = open_history(cache=tmp_path)

        assert "behind" in refreshed(again)
        assert contents(again) == contents(history) == expected
        assert history.auctions() == again.auctions()


def test_a_history_of_a_node_that_has_never_had_its_blocks_says_so(open_history, proxy):
    history = open_history()
    proxy.fault = faults.READING["the head is null"]

    assert "does not say the number of a block" in refreshed(history)
    assert contents(history) == []


def test_times_are_the_blocks_whatever_the_logs_say(open_history, proxy, expected):
    for kind in ("times are zero", "times are null", "times are numbers", "no times"):
        proxy.fault = faults.READING[kind]
        history = open_history()
        history.refresh()
        assert [event.timestamp for event in history.events()] == [event[4] for event in expected]


def test_a_log_that_is_left_out_of_a_block_without_others_is_found(open_history, proxy, expected):
    """Neither at the end nor at the beginning of the range: the block's bloom filter tells."""
    left_out = expected[len(expected) // 2]
    proxy.fault = faults.logs(
        lambda found: (
            [log for log in found if int(log["blockNumber"], 16) != left_out[0]]
            if len({log["blockNumber"] for log in found}) > 1
            else found
        )
    )
    history = open_history()

    assert refreshed(history) is None
    assert contents(history) == expected


def test_a_rate_limit_is_waited_for_and_asks_for_no_less(open_history, proxy, expected):
    history = open_history(patience=PATIENCE)
    proxy.fault = some(faults.ANYWHERE["429 with Retry-After"], of="eth_getLogs", times=5)

    assert refreshed(history) is None
    assert contents(history) == expected
    ranges = [
        (given[0]["fromBlock"], given[0]["toBlock"])
        for method, given in proxy.asked
        if method == "eth_getLogs" and "fromBlock" in given[0]
    ]
    assert len(set(ranges[:6])) == 1


@pytest.mark.parametrize("kind", ["401", "403"])
def test_who_is_denied_access_is_told_at_once(open_history, proxy, kind):
    history = open_history(patience=PATIENCE)
    proxy.fault = faults.ANYWHERE[kind]
    began = time.monotonic()

    trouble = refreshed(history)

    assert f"denies access (HTTP {kind})" in trouble
    assert time.monotonic() - began < PATIENCE / 4


def test_a_node_that_never_answers_is_waited_for_once(open_history, proxy):
    history = open_history("nothing comes", patience=0.5)
    proxy.fault = some(faults.ANYWHERE["nothing comes"], of="eth_getLogs")
    began = time.monotonic()

    trouble = refreshed(history)

    assert "does not answer within 1 s" in trouble
    assert time.monotonic() - began < 10


def test_a_follower_says_after_a_while_what_it_waits_for(open_history, proxy, monkeypatch):
    monkeypatch.setattr("ape_v2v.chain.line.patience._UNSAID", 0.1)
    said, stop = [], threading.Event()

    def tell(text):
        said.append(text)
        stop.set()

    history = open_history(tell=tell)
    refreshed_in_the_end(history)
    proxy.fault = faults.ANYWHERE["503"]

    list(history.follow(interval=0.05, stop=stop))

    assert "answers with HTTP 503" in said[0]
    assert said[0].endswith("; trying again")
