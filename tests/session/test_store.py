"""The store: what is written is there for whoever opens the file next."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from ape_v2v.currency import Currency
from ape_v2v.errors import ConfigurationError
from ape_v2v.market.statements import EnergyStatement
from ape_v2v.session.protocol.agreement import Agreement, ConnectionEnd
from ape_v2v.session.protocol.charging import SignedReading
from ape_v2v.session.protocol.wire import StopReason
from ape_v2v.session.store import Handshake, Store, tables
from ape_v2v.session.summary import SessionSummary
from ape_v2v.units import Energy

TOKEN = b"\x01" * 32
AGREEMENT = Agreement(
    chain_id=1,
    market="0x5FbDB2315678afecb367f032d93F642f64180aa3",
    auction_id=2**100,
    consumer="0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    provider="0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    token=TOKEN,
    energy_wh=7_200,
    rate=2**64 - 1,
    valid_until=10,
    expires_at=20,
    block=3,
)
SESSION = Handshake(b"c" * 32, b"p" * 32, TOKEN, "{}", b"s" * 16, 100)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "ev.sqlite"


@pytest.fixture
def store(path):
    return Store(path)


def receipt(energy):
    return EnergyStatement(TOKEN, Energy(energy), bytes([energy % 256]) * 32, b"\x02" * 65)


def test_a_session_in_a_token_counts_in_it(store, path):
    euros = Currency.token("0x5FbDB2315678afecb367f032d93F642f64180aa3", "EURC", 6)
    agreement = replace(AGREEMENT, rate=350, currency=euros)
    store.authorize(agreement, (b"m" * 32, 77), SESSION)
    store.connections.remember(agreement, "settings")
    store.statements.add_receipt(receipt(2_000))

    again = Store(path)
    (connection,) = again.connections.all()
    assert connection.agreement == agreement
    summary = SessionSummary.of(again, connection)
    assert str(summary.cost) == "0.7 EURC"
    assert summary.as_json()["currency"] == euros.as_json()


def test_everything_is_there_for_who_opens_it_next(store, path):
    value = SignedReading(receipt(5), b"record", 11_000)
    outcome = ConnectionEnd("short", 5, 2**80, 2**70, b"h" * 32, "0x12", AGREEMENT.consumer)
    store.authorize(AGREEMENT, (b"m" * 32, 77), SESSION)
    store.connections.remember(AGREEMENT, "settings")
    store.statements.add_reading(value)
    store.statements.add_receipt(receipt(5))
    store.connections.stop(TOKEN, StopReason.LOCAL)
    store.connections.close(TOKEN)
    store.statements.add_settlement(receipt(5))
    store.connections.add_end(TOKEN, outcome)

    again = Store(path)

    kept = again.connections.get(TOKEN)
    assert kept is not None
    assert (kept.agreement, kept.meter_start_wh, kept.role) == (AGREEMENT, 77, "provider")
    assert kept.stop_reason is StopReason.LOCAL
    assert kept.closed_at is not None
    assert (
        again.handshakes.last(TOKEN)
        == again.handshakes.with_challenge(SESSION.challenge_evc)
        == SESSION
    )
    assert again.statements.reading(TOKEN, 5) == again.statements.last_reading(TOKEN) == value
    assert again.statements.receipts(TOKEN) == [receipt(5)]
    assert again.statements.settlement(TOKEN) == receipt(5)
    assert again.connections.end(TOKEN) == outcome
    assert again.connections.started() == [(AGREEMENT.auction_id, "settings", True)]


def test_receipts_are_written_through_to_the_disk(store):
    ((mode,),) = store._database.rows("PRAGMA journal_mode")
    ((synchronous,),) = store._database.rows("PRAGMA synchronous")
    assert (mode, synchronous) == ("wal", 2)
    store.statements.add_reading(SignedReading(receipt(5), b"", 0))
    assert store._database.rows("PRAGMA synchronous") == [(2,)]


def test_the_highest_receipt_counts_whatever_the_order(store):
    for energy in (0, 200, 100):
        store.statements.add_receipt(receipt(energy))
    assert store.statements.highest_receipt(TOKEN) == receipt(200)


def test_of_two_receipts_for_the_same_energy_the_last_one_counts(store):
    last = replace(receipt(200), last=True, signature=b"\x03" * 65)
    for one in (last, receipt(200), receipt(100)):
        store.statements.add_receipt(one)
    assert store.statements.highest_receipt(TOKEN) == last


def test_what_was_signed_first_stays(store):
    store.authorize(AGREEMENT, (b"m" * 32, 77), SESSION)
    other = replace(receipt(5), signature=b"\x03" * 65)
    store.statements.add_receipt(receipt(5))
    store.statements.add_receipt(other)
    store.statements.add_settlement(receipt(5))
    store.statements.add_settlement(receipt(6))
    store.connections.stop(TOKEN, StopReason.LOCAL)
    store.connections.stop(TOKEN, StopReason.TIMEOUT)
    store.connections.open(AGREEMENT, "provider", b"n" * 32, 99)
    assert (
        store.statements.highest_receipt(TOKEN) == store.statements.settlement(TOKEN) == receipt(5)
    )
    (kept,) = store.connections.all()
    assert (kept.stop_reason, kept.meter_start_wh) == (StopReason.LOCAL, 77)


def test_a_challenge_is_used_once_whatever_the_connection(store):
    store.handshakes.add(SESSION)
    with pytest.raises(ConfigurationError):
        store.handshakes.add(replace(SESSION, token=b"\x09" * 32))
    assert store.handshakes.count(TOKEN) == 1


def test_a_handshake_and_its_connection_are_stored_together_or_not_at_all(store):
    store.handshakes.add(SESSION)
    with pytest.raises(ConfigurationError):
        store.authorize(AGREEMENT, (b"m" * 32, 77), SESSION)
    assert store.connections.get(TOKEN) is None


def test_two_processes_do_not_run_one_session(store, path):
    with store.exclusively(TOKEN):
        with Store(path).exclusively(b"\x09" * 32):
            pass
        with (
            pytest.raises(ConfigurationError, match="another process runs this session"),
            Store(path).exclusively(TOKEN),
        ):
            pass
    with store.exclusively(TOKEN):
        pass


def test_a_store_of_another_version_is_left_alone(store, path):
    store.close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigurationError, match="is of version 99"):
        Store(path)


def test_a_store_of_the_version_before_keeps_what_it_has(path, monkeypatch):
    monkeypatch.setattr(tables, "VERSION", 2)
    with closing(Store(path)), closing(sqlite3.connect(path)) as database:
        statement = (TOKEN, 5, b"h" * 32, b"s" * 65, 1.0)
        for table in ("receipts", "settlements"):
            database.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", statement)
        for token, event in enumerate(("Ended", "Forfeited", "Expired")):
            outcome = (f"Connection{event}", 5, "7", b"h" * 32, "0x12", "0x34", 1.0)
            row = (bytes([token]), *outcome)
            database.execute("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.commit()
    monkeypatch.undo()

    with closing(Store(path)) as store:
        kept = EnergyStatement(TOKEN, Energy(5), b"h" * 32, b"s" * 65)
        assert store.statements.receipts(TOKEN) == [kept]
        assert store.statements.settlement(TOKEN) == replace(kept, last=True)
        ends = [end for n in range(3) if (end := store.connections.end(bytes([n])))]
        assert [end.how for end in ends] == ["agreed", "forfeited", "expired"]
        assert {(end.cost, end.penalty, end.sender) for end in ends} == {(7, 0, "0x34")}
        store.statements.add_receipt(replace(kept, last=True))
        assert store.statements.highest_receipt(TOKEN) == replace(kept, last=True)
    with closing(Store(path)) as again:
        assert again.statements.receipts(TOKEN) == [kept, replace(kept, last=True)]


def test_what_is_no_store_is_told_in_a_sentence(path):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(ConfigurationError, match="receipts are worth money"):
        Store(path)
