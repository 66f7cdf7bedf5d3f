"""The store of a history, in SQLite and in PostgreSQL: what is kept, found, taken back."""

import sqlite3
import threading
from typing import Any

import pytest
from sqlalchemy import select

from ape_v2v.errors import ConfigurationError
from ape_v2v.index.queries import Queries
from ape_v2v.index.storage import schema, upkeep
from ape_v2v.index.storage.selection import EVERYTHING, Selection
from ape_v2v.index.storage.store import EventStore
from ape_v2v.index.views import Outcome
from ape_v2v.market.interface import events
from benchmarks.index import made

TRADES, CONSUMERS = 4, 3
BOB, CAROL, ALICE = (made.account(number) for number in range(3))
MARKET: dict[str, Any] = {"chain_id": 31_337, "genesis": b"\x01" * 32, "address": "0x" + "aB" * 20}
TABLES = (schema.LOGS, schema.INVOLVED, schema.AUCTIONS, schema.CONNECTIONS, schema.REGISTRATIONS)


@pytest.fixture(scope="module")
def blocks():
    return list(made.trades(TRADES, CONSUMERS))


@pytest.fixture
def open_store(place):
    """A factory of stores of the same market, in the same place."""
    opened = []

    def open_store(**market):
        store = EventStore(place, **(MARKET | market))
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store):
    store = open_store()
    store.begin_at(0)
    return store


def append(store, blocks):
    logs = [log for _, logs in blocks for log in logs]
    return store.append(store.position, logs, [block for block, _ in blocks])


def contents(store):
    """Everything that is kept of a market, table by table."""
    with store.database.reading() as connection:
        return {
            table.name: sorted(
                tuple(row)[1:]
                for row in connection.execute(select(table).where(table.c.market == store.market))
            )
            for table in TABLES
        }


def test_what_is_appended_is_there_in_the_chains_order(store, blocks):
    assert append(store, blocks[:7])
    assert append(store, blocks[7:])

    assert list(store.logs()) == [log for _, logs in blocks for log in logs]
    assert store.position.checkpoint.block == blocks[-1][0].number
    assert store.position.next_block == blocks[-1][0].number + 1


def test_a_writer_that_is_behind_adds_nothing(store, blocks):
    before = store.position
    assert append(store, blocks[:5])
    kept = contents(store)

    assert not store.append(before, blocks[0][1], [blocks[0][0]])

    assert contents(store) == kept


def test_of_two_writers_at_once_one_adds(open_store, store, blocks, place):
    if place is None:
        pytest.skip("what is in memory has one store")
    stores, added = [store, open_store()], []
    both = threading.Barrier(2)
    position = store.position

    def write(one):
        both.wait(30)
        added.append(one.append(position, blocks[0][1], [blocks[0][0]]))

    threads = [threading.Thread(target=write, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(added) == [False, True]
    assert list(store.logs()) == blocks[0][1]


@pytest.mark.parametrize("last", [0, 7, 13, 20])
def test_what_is_taken_back_leaves_what_was_there_before(open_store, store, blocks, last):
    """Rows that were changed are the rows of a store that has never seen the rest."""
    append(store, blocks)
    position = store.position
    (to,) = [item for item in store.checkpoints(last) if item.block == last] or [None]

    store.rewind(position, to, head=last)

    shorter = open_store(genesis=b"\x02" * 32)
    shorter.begin_at(0)
    if last:
        append(shorter, [item for item in blocks if item[0].number <= last])
    assert contents(store) == contents(shorter)
    assert store.position.checkpoint == shorter.position.checkpoint


def test_what_was_taken_back_can_be_read_again(store, blocks):
    append(store, blocks)
    whole = contents(store)
    to = store.checkpoints(11)[-1]

    store.rewind(store.position, to, head=11)
    assert contents(store) != whole
    append(store, [item for item in blocks if item[0].number > to.block])

    assert contents(store) == whole


def test_a_rewind_by_somebody_who_is_behind_takes_nothing_back(store, blocks):
    before = store.position
    append(store, blocks)
    whole = contents(store)

    store.rewind(before, None, head=0)

    assert contents(store) == whole


def test_events_are_found_by_kind_account_auction_block_and_time(store, blocks):
    append(store, blocks)
    everything = [(log, events.decoded(log)) for _, logs in blocks for log in logs]
    auction = everything[0][1].auction_id
    middle = blocks[7][0]

    def found(**selection):
        return [events.decoded(log) for log in store.logs(Selection(**selection))]

    def expected(passes):
        return [event for log, event in everything if passes(log, event)]

    assert found(names=["BidPlaced"]) == expected(lambda _, event: event.name == "BidPlaced")
    assert found(auction_id=auction) == expected(lambda _, event: event.auction_id == auction)
    assert found(account=BOB) == expected(
        lambda _, event: event.args.get("provider") == events.checksummed(BOB)
    )
    assert found(account=ALICE) == expected(
        lambda _, event: event.consumer == events.checksummed(ALICE)
    )
    assert found(blocks=(middle.number, middle.number + 2)) == expected(
        lambda log, _: middle.number <= log.block < middle.number + 2
    )
    assert found(times=(middle.timestamp, None)) == expected(
        lambda log, _: log.timestamp >= middle.timestamp
    )
    assert found(account=ALICE, names=["Connected"], blocks=(None, middle.number)) == expected(
        lambda log, event: (
            event.consumer == events.checksummed(ALICE)
            and event.name == "Connected"
            and log.block < middle.number
        )
    )
    assert found(account=made.account(99)) == []


def test_more_events_than_fit_on_a_page_come_each_once(store, blocks, monkeypatch):
    monkeypatch.setattr("ape_v2v.index.storage.selection.PAGE", 7)
    monkeypatch.setattr("ape_v2v.index.storage.store.PAGE", 7)
    append(store, blocks)

    assert list(store.logs()) == [log for _, logs in blocks for log in logs]


def test_auctions_and_records_are_what_the_events_say(store, blocks):
    append(store, blocks[:-1])  # the last connections have not ended
    queries = Queries(store)

    auctions = queries.auctions(EVERYTHING, None)
    assert len(auctions) == TRADES * CONSUMERS
    assert [auction.outcome for auction in auctions] == [
        *[Outcome.ENDED] * (TRADES - 1) * CONSUMERS,
        *[Outcome.CONNECTED] * CONSUMERS,
    ]
    assert {(auction.bids, auction.provider) for auction in auctions} == {
        (2, events.checksummed(CAROL))
    }
    assert queries.running(None) == auctions[-CONSUMERS:]
    records = queries.records(EVERYTHING, None)
    assert [record.auction_id for record in records] == [
        auction.id for auction in auctions[:-CONSUMERS]
    ]
    assert {int(record.cost) for record in records} == {800 * made.GWEI}
    assert len(queries.auctions(Selection(account=ALICE), None)) == TRADES
    assert queries.auctions(Selection(account=BOB), None) == []


@pytest.mark.parametrize("last", [0, 7, 13, 20])
def test_what_is_shown_as_of_a_block_is_what_a_shorter_store_has(open_store, store, blocks, last):
    append(store, blocks)
    shorter = open_store(genesis=b"\x02" * 32)
    shorter.begin_at(0)
    if last:
        append(shorter, [item for item in blocks if item[0].number <= last])

    whole, part = Queries(store), Queries(shorter)

    for selection in (EVERYTHING, Selection(account=ALICE)):
        assert whole.auctions(selection, last) == part.auctions(selection, None)
        assert whole.records(selection, last) == part.records(selection, None)
    assert whole.running(last) == part.running(None)


def test_two_markets_in_one_database_keep_apart(open_store, store, blocks):
    other = open_store(address="0x" + "cD" * 20)
    other.begin_at(0)
    append(store, blocks)
    append(other, blocks[:2])

    assert list(other.logs()) == [log for _, logs in blocks[:2] for log in logs]
    other.rewind(other.position, None, head=0)
    assert list(other.logs()) == []
    assert list(store.logs()) == [log for _, logs in blocks for log in logs]


def test_old_checkpoints_are_thinned_out_and_the_last_ones_kept(store):
    numbers = range(1, 5_001)
    for at in range(0, 5_000, 500):
        some = [made.block(number) for number in numbers[at : at + 500]]
        store.append(store.position, [], some)

    kept = [checkpoint.block for checkpoint in store.checkpoints(5_000)]

    assert kept[-256:] == list(range(4_745, 5_001))
    assert len(kept) < 256 + 10
    assert kept[0] < 1_000


def test_the_highest_head_that_was_seen_is_remembered(open_store, store, place):
    assert store.saw(10) == 10
    assert store.saw(7) == 10
    if place is not None:
        assert open_store().saw(8) == 10


def test_a_text_of_any_bytes_can_be_kept(store):
    """PostgreSQL has no texts with a zero byte, and anybody may put one into an event."""
    row = {"account": ALICE, "block": 1, "log_index": 0, "infos": b"\x00\xff", "added_at": 1}
    with store.database.writing() as connection:
        upkeep.put(
            connection,
            schema.REGISTRATIONS,
            [
                {
                    **row,
                    "infos": "\x00\N{REPLACEMENT CHARACTER}".encode(),
                    "removed_at": None,
                    "market": store.market,
                }
            ],
        )

    (registration,) = Queries(store).registrations(None)

    assert registration.infos == "\x00\N{REPLACEMENT CHARACTER}"


def test_a_database_of_a_newer_version_is_refused(open_store, store, place):
    if place is None:
        pytest.skip("what is in memory has one store")
    with store.database.writing() as connection:
        connection.execute(schema.VERSION.update().values(version=99))

    with pytest.raises(ConfigurationError, match=r"is of version 99, and this program knows \d"):
        open_store()


def test_a_file_of_before_there_were_versions_is_read_anew(tmp_path):
    file = tmp_path / "old.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE start (block INTEGER NOT NULL)")
        database.execute("INSERT INTO start VALUES (5)")
        database.execute("CREATE TABLE checkpoints (block INTEGER PRIMARY KEY, hash BLOB)")
        database.execute("CREATE TABLE logs (block INTEGER, anything BLOB)")

    store = EventStore(file, **MARKET)

    assert not store.begun
    store.close()


def test_a_database_that_is_not_there_is_told_without_its_password():
    url = "postgresql://somebody:secret@127.0.0.1:1/market"

    with pytest.raises(ConfigurationError, match="cannot be used") as caught:
        EventStore(url, **MARKET)

    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://somebody@host/name", "no url at all"])
def test_what_is_no_postgresql_url_is_refused(url):
    with pytest.raises(ConfigurationError, match=r"expected postgresql://user@host/name"):
        EventStore(url, **MARKET)
