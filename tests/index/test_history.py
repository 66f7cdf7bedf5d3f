"""Reading what has happened: through a provider that refuses, over reorganisations and deaths.

Each test has a market on an Anvil of its own. What is read is compared with the receipts of all
transactions in all blocks, decoded by another decoder.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import ape
import pytest
from ape.api.networks import ProviderContextManager

from ape_v2v import (
    Energy,
    Market,
    Money,
    Rate,
)
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.config import Configuration, MarketSettings
from ape_v2v.errors import ConfigurationError, V2VError
from ape_v2v.evm.node import AnvilChain
from ape_v2v.index.history import History
from ape_v2v.index.views import Outcome
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.market.interface.records import auction_id
from tests.helpers.providers import (
    TOO_MANY_REQUESTS,
    TOO_MUCH,
    Line,
    Provider,
    Refusal,
    error,
)
from tests.helpers.world import (
    ALICE,
    BIDDING_TIME,
    BOB,
    CAROL,
    DAVE,
    ENERGY,
    GAP,
    GWEI,
    MAX_RATE,
    ORGANIZATION,
    PENALTY,
    STRANGER,
    TERMS,
    VALIDITY,
    World,
    as_receipts,
)

PATIENCE = 60  # seconds

READER = """
import sys
from pathlib import Path
import ape
from ape_v2v import Market
from ape_v2v.index.history import History

address, cache, block_range = sys.argv[1:]
with ape.networks.parse_network_choice("ethereum:local:foundry"):
    with History(
        Market.at(address), cache=Path(cache), block_range=int(block_range), start_block=0
    ) as history:
        history.refresh()
"""
"""What another process runs."""


@pytest.fixture(scope="module")
def line():
    """A line to a provider, and Ape's connection over it."""
    with AnvilChain() as first, Line(Provider(first.url)) as line:
        choice = "ethereum:local:foundry"
        with ape.networks.parse_network_choice(choice, provider_settings={"host": line.url}) as it:
            pass
        yield line, it


@pytest.fixture
def node():
    with AnvilChain() as node:
        yield node


@pytest.fixture
def upstream(line, node):
    """A provider that refuses nothing yet, and that Ape is connected to."""
    line, connection = line
    line.provider = Provider(node.url)
    with ProviderContextManager(connection):
        yield line.provider


@pytest.fixture
def world(node):
    return World(node)


@pytest.fixture
def open_history(upstream, world):
    """A factory of histories of the market, in memory unless the test names a folder."""
    opened = []

    def open_history(**options):
        history = History(Market.at(world.address), **{"cache": False, **options})
        opened.append(history)
        return history

    yield open_history
    for history in opened:
        history.close()


@pytest.fixture
def read(open_history):
    """All events, read by a new reader."""

    def read(**options):
        history = open_history(**options)
        history.refresh()
        return as_receipts(history.events())

    return read


@pytest.fixture
def start_reader(line, upstream, world, tmp_path):
    """Start another process that reads into the same cache."""
    processes = []

    def start_reader(block_range):
        process = subprocess.Popen(
            [sys.executable, "-c", READER, world.address, str(tmp_path), str(block_range)],
            env=os.environ | {"APE_FOUNDRY_HOST": line[0].url},
            stdout=subprocess.DEVNULL,
        )
        processes.append(process)
        return process

    yield start_reader
    for process in processes:
        process.kill()
        process.wait()


# What is read


@pytest.mark.parametrize("block_range", [1, 7, 10_000])
def test_a_reader_gets_what_the_receipts_say_in_chunks_of_any_size(read, world, block_range):
    world.trade(3)
    assert read(block_range=block_range) == world.receipts


def test_a_reader_gets_nothing_of_another_market(read, world, node):
    world.trade()
    expected = world.receipts
    World(node)
    assert read() == expected


def test_a_reader_of_a_market_without_news_gets_its_first_owner(open_history, node):
    history = open_history()
    history.refresh()
    first = next(history.events())
    assert (first.name, first.args["newOwner"].lower()) == ("OwnershipTransferred", ORGANIZATION)


def test_a_reader_gets_times_that_the_provider_does_not_tell(read, world, upstream):
    world.trade()
    upstream.tells_times = False
    assert read() == world.receipts


def test_a_reader_is_not_stopped_by_a_text_that_is_none(open_history, world):
    text = b"\xff\xfe at the airport"
    data = world.interface.call_data(
        "startAuction", ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "x" * len(text)
    )
    world.send_raw(ALICE, data.replace(b"x" * len(text), text))
    history = open_history()
    history.refresh()
    (started,) = history.events(["AuctionStarted"])
    assert started.args["details"] == "\N{REPLACEMENT CHARACTER}" * 2 + " at the airport"


def test_a_reader_is_told_how_far_it_is(open_history, world):
    told = []
    history = open_history(block_range=4, start_block=0)
    history.refresh(lambda done, total: told.append((done, total)))
    total = world.height + 1
    assert told == [(min(done, total), total) for done in range(4, total + 4, 4)]


# Providers that refuse


@pytest.mark.parametrize("refusal", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_reader_asks_for_less_until_the_provider_answers(read, world, upstream, refusal):
    world.trade(2)
    upstream.refusal, upstream.max_blocks = refusal, 5
    assert read(start_block=0) == world.receipts
    sizes = [last - first + 1 for first, last in upstream.ranges]
    # All and half of them; after that it does not ask again for what is too much.
    total = world.height + 1
    assert sorted({size for size in sizes if size > 5}) == [total // 2, total]
    assert sizes[-5:] == [5, 5, 5, 5, total % 5]


def test_a_reader_finds_out_how_many_events_are_too_many(read, world, upstream):
    world.trade(3)
    upstream.refusal, upstream.max_results = TOO_MUCH["too many results"], 4
    assert read() == world.receipts


def test_a_reader_asks_for_more_again_where_little_happens(read, world, upstream):
    world.trade()
    busy = world.height
    world.node.request("anvil_mine", hex(500))
    upstream.refusal, upstream.max_results = TOO_MUCH["too many results"], 4
    assert read(start_block=0, block_range=20) == world.receipts
    sizes = [last - first + 1 for first, last in upstream.ranges if first > busy]
    assert max(sizes) == 20
    assert len(sizes) < 500 / 8


def test_a_reader_is_told_when_even_one_block_is_too_much(open_history, world, upstream):
    upstream.refusal, upstream.max_blocks = error(-32000, "eth_getLogs is not for you"), 0
    with pytest.raises(NodeError, match=r"the events of block 0: eth_getLogs is not for you"):
        open_history(start_block=0, patience=0.5).refresh()


def test_a_reader_waits_when_it_has_asked_too_often(read, world, upstream):
    refusals = [TOO_MANY_REQUESTS]

    def refuse_once(method, _parameters):
        return refusals.pop() if method == "eth_getLogs" and refusals else None

    upstream.before = refuse_once
    assert read() == world.receipts
    (one, again) = upstream.ranges
    assert one == again


def test_a_reader_is_told_that_the_node_is_gone(open_history, upstream):
    history = open_history(patience=0)
    upstream.before = lambda _method, _parameters: TOO_MUCH["a cut line"]
    with pytest.raises(NodeError, match=r"the node at \S+ cut the answer off"):
        history.refresh()


# What is kept


def test_a_second_read_asks_only_for_new_blocks(open_history, world, upstream, tmp_path):
    world.trade()
    with open_history(cache=tmp_path) as history:
        history.refresh()
    read_to = world.height
    world.trade()
    upstream.asked.clear()
    again = open_history(cache=tmp_path)
    again.refresh()
    assert as_receipts(again.events()) == world.receipts
    assert upstream.ranges == [(read_to + 1, world.height)]


@pytest.fixture
def sepolia():
    """A chain that says that it is Sepolia, and Ape's connection to it."""
    with (
        AnvilChain(chain_id=11_155_111) as node,
        ape.networks.parse_network_choice(f"ethereum:sepolia:{node.url}"),
    ):
        yield World(node)


@pytest.fixture
def data_folder(monkeypatch, tmp_path):
    """A data folder of Ape's that is empty; its own isolation does nothing in a temporary one."""
    monkeypatch.setattr(ape.config, "DATA_FOLDER", tmp_path)
    return tmp_path


def test_a_reader_of_a_live_network_waits_for_confirmations_and_keeps_what_it_reads(
    sepolia, data_folder
):
    with History(Market.at(sepolia.address)) as history:
        history.refresh()
        (file,) = (data_folder / "v2v").glob("*.sqlite")
        assert re.fullmatch(rf"11155111-[0-9a-f]{{16}}-{sepolia.address}\.sqlite", file.name)
        assert as_receipts(history.events()) == [
            event for event in sepolia.receipts if event[0] <= sepolia.height - 2
        ]


def test_a_reader_of_a_live_network_may_keep_nothing(sepolia, data_folder):
    with History(Market.at(sepolia.address), cache=False) as history:
        history.refresh()
    assert not (data_folder / "v2v").exists()


def test_a_reader_of_a_development_chain_sees_the_last_block_and_keeps_nothing(
    upstream, world, data_folder
):
    with History(Market.at(world.address)) as history:
        history.refresh()
        assert as_receipts(history.events()) == world.receipts
        assert not (data_folder / "v2v").exists()


def test_a_read_without_news_asks_for_no_events(open_history, world, upstream):
    history = open_history()
    history.refresh()
    upstream.asked.clear()
    history.refresh()
    assert [method for method, _ in upstream.asked] == ["eth_blockNumber", "eth_getBlockByNumber"]


def test_what_is_kept_of_another_chain_is_not_shown(open_history, world, upstream, tmp_path):
    with open_history(cache=tmp_path) as history:
        history.refresh()
    with AnvilChain(timestamp=world.node.timestamp + 1) as other:
        twin = World(other)
        assert twin.address == world.address
        upstream.node = other.url
        history = open_history(cache=tmp_path)
        history.refresh()
        assert as_receipts(history.events()) == twin.receipts


def test_a_damaged_cache_is_refused_with_what_to_do(open_history, world, tmp_path):
    open_history(cache=tmp_path).close()
    (file,) = tmp_path.glob("*.sqlite")
    file.write_bytes(b"not a database, but as long as the head of one" * 100)
    with pytest.raises(ConfigurationError, match=r"\.sqlite cannot be used .* delete it"):
        open_history(cache=tmp_path)


def test_a_cache_that_begins_too_late_is_read_again(read, world, tmp_path):
    world.trade()
    middle = world.height - 3
    assert len(read(cache=tmp_path, start_block=middle)) < len(world.receipts)
    assert read(cache=tmp_path, start_block=0) == world.receipts


@pytest.mark.parametrize("chunks", [0, 2])
def test_a_killed_reader_is_replaced_without_loss(
    start_reader, read, world, upstream, tmp_path, chunks
):
    world.trade(2)
    readers: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def kill(method, _parameters):
        if method == "eth_getLogs" and len(upstream.ranges) == chunks + 1:
            assert started.wait(PATIENCE)
            os.kill(readers[0].pid, signal.SIGKILL)

    upstream.before = kill
    readers.append(start_reader(block_range=3))
    started.set()
    assert readers[0].wait(PATIENCE) == -signal.SIGKILL
    upstream.asked.clear()
    upstream.before = lambda _method, _parameters: None
    assert read(cache=tmp_path, block_range=3) == world.receipts
    assert upstream.ranges[0] == (3 * chunks, 3 * chunks + 2)


def test_two_readers_at_once_keep_everything_once(start_reader, read, world, upstream, tmp_path):
    world.trade()
    both = threading.Barrier(2)
    met = threading.Event()

    def meet(method, _parameters):
        if method == "eth_getLogs" and not met.is_set():
            both.wait(PATIENCE)
            met.set()

    upstream.before = meet
    readers = [start_reader(block_range=2), start_reader(block_range=3)]
    assert [reader.wait(PATIENCE) for reader in readers] == [0, 0]
    upstream.asked.clear()
    assert read(cache=tmp_path) == world.receipts
    assert upstream.ranges == []


# Reorganisations


def test_reorganised_blocks_are_read_again(open_history, world, upstream):
    world.trade(2)
    history = open_history(block_range=4, start_block=0)
    history.refresh()
    replaced = world.receipts
    # The last blocks without an event, and the end of the connection.
    world.node.request("anvil_reorg", GAP + 1, [])
    first_replaced = world.height - GAP
    assert world.receipts == replaced[:-1]
    world.send(BOB, "withdraw", 1, ALICE)
    upstream.asked.clear()
    history.refresh()
    assert as_receipts(history.events()) == world.receipts
    assert upstream.ranges[0][0] == first_replaced


def test_a_chain_that_has_become_shorter_is_waited_for_until_it_has_another_block(
    open_history, world
):
    """A node that lags looks the same: nothing is dropped before a block contradicts."""
    world.trade()
    snapshot = world.node.snapshot()
    world.trade()
    kept = world.receipts
    history = open_history(block_range=5)
    history.refresh()
    world.node.revert(snapshot)
    history.refresh()
    assert as_receipts(history.events()) == kept
    assert re.match(r"the node is behind: its latest block is \d+, and block \d+ ", history.behind)
    world.send(ALICE, "withdraw", 1, ALICE)
    history.refresh()
    assert as_receipts(history.events()) == world.receipts
    assert history.behind is None


def test_a_reorganisation_of_everything_is_read_again(open_history, world, node):
    empty = node.snapshot()
    world.trade()
    history = open_history()
    history.refresh()
    node.revert(empty)
    world.send(CAROL, "withdraw", 1, ALICE)
    history.refresh()
    assert as_receipts(history.events()) == world.receipts


def test_blocks_reorganised_in_front_of_any_request_are_read_again(open_history, world, upstream):
    """The reader makes about ten requests; there is a reorganisation in front of each of them."""
    world.node.snapshot()
    _reorganise(world, amount=100)
    open_history(block_range=8).refresh()
    for request in range(len(upstream.asked)):
        upstream.asked.clear()

        def reorganise(_method, _parameters, request=request):
            if len(upstream.asked) == request + 1:
                _reorganise(world, amount=request + 1)

        upstream.before = reorganise
        history = open_history(block_range=8)
        history.refresh()
        upstream.before = lambda _method, _parameters: None
        history.refresh()  # the one in front of the last request could not be noticed before
        assert as_receipts(history.events()) == world.receipts, f"request {request}"


def test_a_reader_gives_up_on_a_chain_that_never_rests(open_history, world, upstream):
    world.node.snapshot()
    _reorganise(world, amount=1)

    def reorganise(method, _parameters):
        if method == "eth_getLogs":
            _reorganise(world, amount=len(upstream.asked))

    upstream.before = reorganise
    with pytest.raises(NodeError, match="with more confirmations"):
        open_history(patience=0.5).refresh()


def _reorganise(world, amount):
    """Replace all that came after the snapshot."""
    world.node.revert(0)
    world.node.snapshot()
    world.send(ALICE, "withdraw", amount, ALICE)
    world.node.request("anvil_mine", hex(10))
    world.send(ALICE, "withdraw", amount, ALICE)


def test_a_reader_with_confirmations_does_not_see_the_last_blocks(read, world):
    world.trade()
    height = world.height
    seen = [event for event in world.receipts if event[0] <= height - 5]
    assert read(confirmations=5) == seen
    assert read(confirmations=height + 1) == []


def test_a_reader_with_confirmations_is_not_shown_what_another_has_kept(read, world, tmp_path):
    world.trade()
    assert read(confirmations=0, cache=tmp_path) == world.receipts
    seen = [event for event in world.receipts if event[0] <= world.height - 5]
    assert read(confirmations=5, cache=tmp_path) == seen


# Where a history begins


class Archive(AnvilChain):
    _STATES = 1_000


def test_a_reader_asks_the_node_when_the_market_came_into_being(open_history, world, upstream):
    with Archive() as archive:
        archive.request("anvil_mine", hex(100))
        late = World(archive)
        upstream.node = archive.url
        with History(Market.at(late.address), cache=False, block_range=10) as history:
            history.refresh()
            assert as_receipts(history.events()) == late.receipts
    assert upstream.ranges[0][0] == 101


def test_a_reader_begins_where_the_market_is_recorded_to_have_begun(open_history, world, upstream):
    world.node.request("anvil_mine", hex(100))
    open_history(block_range=50, recorded=lambda: 60).refresh()
    assert upstream.ranges[0][0] == 60


def test_a_reader_begins_at_0_when_the_node_has_forgotten(open_history, world, upstream):
    world.node.request("anvil_mine", hex(100))
    open_history(block_range=50).refresh()
    assert upstream.ranges[0][0] == 0


def test_a_reader_begins_at_0_when_the_node_takes_what_it_has_forgotten_for_empty(
    read, world, upstream
):
    world.node.request("anvil_mine", hex(100))
    empty = Refusal(200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x"}).encode())

    def forget(method, parameters):
        return empty if method == "eth_getCode" and parameters[1] != "latest" else None

    upstream.before = forget
    assert read(block_range=50) == world.receipts


def test_a_reader_begins_at_the_configured_block(open_history, world, upstream, monkeypatch):
    settings = MarketSettings(address=world.address, start_block=3)
    config = Configuration(markets={"ethereum-local": settings})
    monkeypatch.setattr(Configuration, "current", lambda: config)
    open_history().refresh()
    assert upstream.ranges[0][0] == 3


# Filters


@pytest.fixture
def filled(open_history, world):
    """A history with two trades of Alice's, which Carol won over Bob."""
    world.trade(2)
    history = open_history()
    history.refresh()
    return history


def test_a_reader_can_ask_for_kinds_of_events(filled):
    found = [event.name for event in filled.events(["BidPlaced", "Connected"])]
    assert found == ["BidPlaced", "BidPlaced", "Connected"] * 2


def test_a_reader_cannot_ask_for_an_event_that_there_is_not(filled):
    with pytest.raises(V2VError, match=r"no event 'BidWon': expected one of AuctionCancelled, "):
        filled.events(["BidWon"])


def test_a_reader_can_ask_for_an_ev_in_every_role(filled):
    as_provider = ["EVAdded", "Deposited", *["BidPlaced"] * 2]
    assert [event.name for event in filled.events(ev=BOB)] == as_provider
    won = ["BidPlaced", "AuctionEnded", "Connected", "ConnectionEnded"]
    assert [event.name for event in filled.events(ev=CAROL)] == ["EVAdded", "Deposited", *won * 2]
    trade = ["AuctionStarted", "BidPlaced", *won]  # the consumer's id is in the auction's
    assert [event.name for event in filled.events(ev=ALICE)] == ["EVAdded", "Deposited", *trade * 2]
    assert list(filled.events(ev=STRANGER)) == []


def test_a_reader_can_ask_for_an_auction(filled):
    second = auction_id(ALICE, 2)
    found = list(filled.events(auction=second))
    assert [event.name for event in found][::5] == ["AuctionStarted", "ConnectionEnded"]
    assert {event.auction_id for event in found} == {second}
    assert list(filled.events(auction=auction_id(BOB, 2))) == []


def test_a_reader_can_ask_for_blocks_and_times_from_one_on_and_before_another(filled):
    everything = list(filled.events())
    first, last = everything[7], everything[-3]
    assert first.timestamp > everything[6].timestamp
    middle = [event for event in everything if first.block <= event.block < last.block]
    assert list(filled.events(since=first.block, until=last.block)) == middle
    assert list(filled.events(since=first.timestamp, until=last.timestamp)) == middle
    sooner = first.timestamp - timedelta(milliseconds=1)
    assert list(filled.events(since=sooner, until=last.timestamp)) == middle
    assert list(filled.events(until=0)) == []


# What follows from the events


def test_registered_evs_come_with_their_notes(open_history, world):
    world.send(ORGANIZATION, "removeEV", BOB)
    world.send(ORGANIZATION, "removeEV", ALICE)
    world.send(ORGANIZATION, "addEV", ALICE, "Alice's second")
    history = open_history()
    history.refresh()
    assert [(ev.address.lower(), ev.infos) for ev in history.evs()] == [
        (CAROL, ""),
        (DAVE, ""),
        (ALICE, "Alice's second"),
    ]
    (bob,) = (ev for ev in history.evs(removed=True) if ev.address.lower() == BOB)
    assert bob.removed_at > bob.added_at


def test_every_auction_comes_with_its_outcome(open_history, world):
    start, send, node = world.start, world.send, world.node
    node.timestamp += 1
    sold = world.connect()
    send(ALICE, "endConnection", sold)
    cancelled = start(details="at home")
    send(ALICE, "cancelAuction", cancelled, 0)
    unsold = start()
    node.timestamp += BIDDING_TIME
    send(ALICE, "endAuction", unsold)
    forfeited = world.connect()
    send(CAROL, "forfeit", forfeited)
    expired = world.connect()
    node.timestamp += VALIDITY + Parameters().settlementWindow
    send(BOB, "expireConnection", expired)
    connected = world.connect()
    open_ = start(consumer=BOB)
    send(CAROL, "placeBid", open_, 100 * GWEI, TERMS)
    send(CAROL, "removeBid", open_)

    history = open_history()
    history.refresh()
    auctions = {auction.id: auction for auction in history.auctions()}
    assert {id_: auction.outcome for id_, auction in auctions.items()} == {
        sold: Outcome.ENDED,
        cancelled: Outcome.CANCELLED,
        unsold: Outcome.UNSOLD,
        forfeited: Outcome.FORFEITED,
        expired: Outcome.EXPIRED,
        connected: Outcome.CONNECTED,
        open_: Outcome.OPEN,
    }
    assert (auctions[sold].bids, auctions[sold].rate) == (2, Rate(150 * GWEI))
    assert auctions[sold].provider.lower() == CAROL
    assert auctions[cancelled].details == "at home"
    assert (auctions[open_].removals, auctions[open_].provider) == (1, None)
    assert [auction.id for auction in history.auctions(ev=BOB)] == [open_]
    assert [auction.id for auction in history.auctions(auction=unsold)] == [unsold]

    records = {record.auction_id: record for record in history.charge_records()}
    assert list(records) == [sold, forfeited, expired]
    paid = records[sold]
    assert (paid.consumer.lower(), paid.provider.lower()) == (ALICE, CAROL)
    assert (paid.contracted, paid.energy) == (Energy(ENERGY), Energy(ENERGY))
    assert paid.cost == paid.rate * paid.energy == Money(150 * GWEI * ENERGY)
    assert (paid.outcome, paid.penalty) == (Outcome.ENDED, Money(0))
    assert (paid.duration, paid.meter_data_hash) == (timedelta(seconds=1), None)
    for broken, outcome, penalty in (
        (forfeited, Outcome.FORFEITED, 2 * PENALTY),
        (expired, Outcome.EXPIRED, PENALTY),
    ):
        record = records[broken]
        assert (record.outcome, record.penalty) == (outcome, Money(penalty))
        assert (record.energy, record.cost) == (Energy(0), Money(0))
        assert record.contracted == Energy(ENERGY)


def test_charge_records_can_be_asked_for_by_ev_auction_and_end(open_history, world):
    world.trade(2)
    sold = world.connect(consumer=DAVE)
    world.send(DAVE, "endConnection", sold)
    history = open_history()
    history.refresh()
    first, second, third = history.charge_records()
    assert history.charge_records(auction=sold) == [third]
    assert history.charge_records(ev=ALICE) == [first, second]
    assert history.charge_records(ev=CAROL) == [first, second, third]
    assert history.charge_records(ev=STRANGER) == []
    # Its award lies before.
    assert history.charge_records(since=second.ended_at, until=third.ended_at) == [second]
    assert history.charge_records(since=second.block, until=third.block) == [second]


# Going on


def test_a_follower_is_told_what_was_and_what_happens(open_history, world):
    history = open_history()
    history.refresh()
    before = len(world.receipts)
    news = history.follow(interval=0)
    told = [next(news) for _ in range(before)]
    world.trade()
    told += [next(news) for _ in range(len(world.receipts) - before)]
    assert as_receipts(event for event, _ in told) == world.receipts
    assert not any(removed for _, removed in told)


def test_a_follower_is_told_what_a_reorganisation_took_back(open_history, world):
    world.trade()
    snapshot = world.node.snapshot()
    world.send(ALICE, "withdraw", 1, ALICE)
    history = open_history()
    history.refresh()
    news = history.follow(interval=0, names=["Withdrawn"], ev=ALICE)
    (first, removed) = next(news)
    assert (first.args["amount"], removed) == (1, False)
    world.node.revert(snapshot)
    world.send(ALICE, "withdraw", 2, ALICE)
    assert next(news) == (first, True)
    (second, removed) = next(news)
    assert (second.args["amount"], removed) == (2, False)


def test_a_follower_stops_when_told_to(open_history):
    history = open_history()
    history.refresh()
    stop = threading.Event()
    stop.set()
    assert [event.name for event, _ in history.follow(stop=stop, names=["StatusChanged"])] == []
