"""`ape v2v history`: events and charge detail records, for people, programs and spreadsheets."""

import csv
import json
import os
import pty
import re
import signal
import subprocess
from datetime import UTC, datetime

import pytest
from eth_utils.crypto import keccak

from tests.helpers.processes import forked_command
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    GWEI,
    MAX_RATE,
    METER_DATA,
    PENALTY,
    RATE,
    VALIDITY,
    offered,
)

PATIENCE = 60  # seconds


def iso(timestamp):
    return datetime.fromtimestamp(timestamp, UTC).isoformat()


@pytest.fixture
def started_at(chain, market, auction_id):
    return market.auctions(auction_id).closingTime - BIDDING_TIME


@pytest.fixture
def ended_id(market, connection_id, provider, receipt, clock):
    """The provider delivered all but 2 kWh."""
    delivered = ENERGY - 2_000
    market.settle(
        (connection_id, delivered, METER_DATA, True), receipt(delivered), b"", sender=provider
    )
    return connection_id


@pytest.fixture
def forfeited_id(market, ended_id, start_auction, provider, consumer, clock):
    """The provider's next auction, which it did not deliver in."""
    auction_id = start_auction()
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    clock.next_block_at(market.auctions(auction_id).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.forfeit(auction_id, sender=provider)
    return auction_id


@pytest.fixture
def process(chain, market):
    """Start `ape v2v history …` as a process of its own."""
    processes = []

    def process(*arguments, **options):
        started = subprocess.Popen(
            [*forked_command(), "v2v", "history", *map(str, arguments), "--market", market.address],
            env=os.environ | {"APE_FOUNDRY_HOST": chain.provider.uri, "COLUMNS": "80"},
            **options,
        )
        processes.append(started)
        return started

    yield process
    for started in processes:
        started.kill()
        started.wait()


# Events


def test_anyone_sees_the_events_of_an_auction_as_json(v2v, bid_id, consumer, provider, started_at):
    found = v2v("history", "events", "--auction", bid_id, "--json").json
    for event in found:
        assert event.pop("transaction").startswith("0x")
        assert event.pop("block") > 0
        assert event.pop("logIndex") >= 0
    closing_time = iso(started_at + BIDDING_TIME)
    started, bid = found
    assert started == {
        "timestamp": iso(started_at),
        "event": "AuctionStarted",
        "auctionId": str(bid_id),
        "consumer": consumer.address,
        "energyWh": ENERGY,
        "maxRate": str(MAX_RATE),
        "closingTime": closing_time,
        "validity": VALIDITY,
        "openAward": False,
        "details": "",
    }
    bid.pop("timestamp")
    assert bid == {
        "event": "BidPlaced",
        "auctionId": str(bid_id),
        "provider": provider.address,
        "rate": str(RATE),
        "closingTime": closing_time,
    }


def test_anyone_reads_what_happened_in_a_line_each(v2v, bid_id, consumer, provider, started_at):
    started, bid = v2v("history", "events", "--auction", f"{consumer.address}/1").text.splitlines()
    assert started.startswith(f"{datetime.fromtimestamp(started_at, UTC):%Y-%m-%d %H:%M:%S}  Auct")
    assert f"auction {consumer.address}/1" in started
    assert "energy 20 kWh, maxRate 0.0003 ether/kWh" in started
    assert "validity 2 h" in started
    assert f"provider {provider.address}, rate 0.0002 ether/kWh" in bid


def test_everything_is_readable_in_80_columns(process, connection_id, consumer):
    """In a terminal, addresses are shortened, and what is too long goes on below."""
    terminal, output = pty.openpty()
    shown = process("events", "--auction", connection_id, stdout=output, stderr=output)
    os.close(output)
    lines = _everything(terminal).splitlines()
    assert shown.wait(PATIENCE) == 0
    assert max(map(len, lines)) <= 80
    events = [line.split()[2] for line in lines if line.startswith("20")]
    assert events == ["AuctionStarted", "BidPlaced", "AuctionEnded", "Connected"]
    address = consumer.address
    assert f"auction {address[:6]}…{address[-4:]}/1" in lines[0]


def _everything(terminal):
    read = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # that is how Linux says that the other end is closed
            chunk = b""
        if not chunk:
            return read.decode()
        read += chunk


def test_anyone_filters_by_kind_ev_block_and_time(
    v2v, market, auction_id, provider, consumer, clock
):
    clock.next_block_at(clock.now + 10)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    def names(*options):
        return [event["event"] for event in v2v("history", "events", *options, "--json").json]

    both = ["AuctionStarted", "BidPlaced"]
    assert names("--name", "bidplaced", "--name", "AuctionStarted") == both
    assert names("--ev", provider.alias) == ["EVAdded", "Deposited", "BidPlaced"]
    (bid,) = v2v("history", "events", "--name", "BidPlaced", "--json").json
    for moment in (bid["block"], bid["timestamp"]):
        assert names("--since", moment) == ["BidPlaced"]
        before = names("--since", "2000-01-01", "--until", moment, "--ev", consumer)
        assert before == ["EVAdded", "Deposited", "AuctionStarted"]


def test_nothing_found_is_said_to_people_and_an_empty_array_to_programs(v2v, stranger):
    shown = v2v("history", "events", "--ev", stranger)
    assert (shown.text, shown.error) == ("", "no events\n")
    assert v2v("history", "events", "--ev", stranger, "--json").json == []
    shown = v2v("history", "records")
    assert (shown.text, shown.error) == ("", "no connection has ended\n")
    assert v2v("history", "records", "--json").json == []


def test_confirmations_keep_the_latest_events_back(v2v, bid_id, chain):
    assert (
        v2v("history", "events", "--name", "BidPlaced", "--confirmations", 1, "--json").json == []
    )
    chain.mine(1)
    (_,) = v2v("history", "events", "--name", "BidPlaced", "--confirmations", 1, "--json").json


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--since", "yesterday"], "'yesterday' is not a time: expected ISO 8601"),
        (["--name", "BidWon"], "'BidWon' is not one of"),
        (["--ev", "0x12"], "'0x12' is not an address"),
        (["--auction", "1x"], "'1x' is not an address"),
        (["--export", "events.xlsx"], "'events.xlsx' is neither a .csv nor a .json file"),
        (["--follow", "--export", "events.csv"], "--follow never ends"),
    ],
)
def test_a_mistyped_option_is_refused_in_a_sentence(v2v, options, sentence):
    assert sentence in v2v("history", "events", *options, expect=2).error


# A stranger's text


def test_a_strangers_text_cannot_command_the_terminal(v2v, start_auction):
    start_auction(details="\x1b[2Jfree energy\n[red]")
    shown = v2v("history", "events", "--name", "AuctionStarted").text
    assert "\x1b" not in shown
    assert "�[2Jfree energy�[red]" in shown


@pytest.mark.parametrize("text", ['=HYPERLINK("http://127.0.0.1")', "+1", "-1", "@SUM(1)"])
def test_a_strangers_text_is_no_formula_in_a_spreadsheet(v2v, start_auction, tmp_path, text):
    start_auction(details=text)
    file = tmp_path / "events.csv"
    v2v("history", "events", "--name", "AuctionStarted", "--export", file)
    with file.open(newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert row["details"] == f"'{text}"


# Files


def test_events_are_exported_as_csv_and_json(v2v, bid_id, tmp_path):
    expected = v2v("history", "events", "--json").json
    for name in ("events.csv", "events.JSON"):
        shown = v2v("history", "events", "--export", tmp_path / name)
        assert shown.text == ""
        assert f"{len(expected)} rows in {tmp_path / name}" in shown.error
    assert json.loads((tmp_path / "events.JSON").read_text()) == expected
    with (tmp_path / "events.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [{name: value for name, value in row.items() if value} for row in rows] == [
        {name: str(value) for name, value in event.items() if value != ""} for event in expected
    ]


def test_an_export_without_rows_has_its_columns(v2v, tmp_path):
    file = tmp_path / "records.csv"
    v2v("history", "records", "--export", file)
    assert file.read_text().startswith("auctionId,consumer,provider,connectedAt,endedAt,")


def test_a_file_that_cannot_be_written_is_named(v2v, tmp_path):
    file = tmp_path / "missing" / "events.csv"
    shown = v2v("history", "events", "--export", file, expect=1)
    assert shown.error == f"Error: cannot write {file}: No such file or directory\n"


# Charge detail records


def test_a_settled_connection_has_a_charge_detail_record(
    v2v, market, ended_id, consumer, provider, clock
):
    (record,) = v2v("history", "records", "--json").json
    ended = market.provider.get_receipt(record["transaction"])
    connected_at = datetime.fromisoformat(record["connectedAt"])
    delivered = ENERGY - 2_000
    token = keccak(
        bytes.fromhex(consumer.address[2:]).rjust(32, b"\0")
        + bytes.fromhex(provider.address[2:]).rjust(32, b"\0")
        + int(connected_at.timestamp()).to_bytes(32)
        + VALIDITY.to_bytes(32)
    )
    assert record == {
        "auctionId": str(ended_id),
        "consumer": consumer.address,
        "provider": provider.address,
        "connectedAt": connected_at.isoformat(),
        "endedAt": iso(clock.now),
        "duration": clock.now - int(connected_at.timestamp()),
        "contractedWh": ENERGY,
        "energyWh": delivered,
        "rate": str(RATE),
        "cost": str(RATE * delivered),
        "outcome": "ended",
        "penalty": "0",
        "token": "0x" + token.hex(),
        "meterDataHash": "0x" + METER_DATA.hex(),
        "block": ended.block_number,
        "transaction": ended.txn_hash,
    }


def test_a_forfeited_connection_has_a_record_with_its_penalty(v2v, forfeited_id):
    _, record = v2v("history", "records", "--json").json
    assert record["auctionId"] == str(forfeited_id)
    assert (record["outcome"], record["penalty"]) == ("forfeited", str(2 * PENALTY))
    assert (record["energyWh"], record["cost"], record["meterDataHash"]) == (0, "0", None)


def test_people_read_records_in_a_table(v2v, forfeited_id, consumer, provider):
    text = v2v("history", "records").text
    assert provider.address in text
    assert re.search(r"18 kWh .*0\.0002 ether/kWh +ended", text)
    assert re.search(r"20 kWh +0\.0036 ether", text)
    assert "penalty 0.0012 ether" in text


def test_records_are_filtered_and_exported(v2v, ended_id, forfeited_id, rival, tmp_path):
    first, second = v2v("history", "records", "--json").json
    assert v2v("history", "records", "--auction", ended_id, "--json").json == [first]
    assert v2v("history", "records", "--since", second["endedAt"], "--json").json == [second]
    assert v2v("history", "records", "--ev", rival, "--json").json == []
    file = tmp_path / "records.csv"
    v2v("history", "records", "--export", file)
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["cost"] for row in rows] == [first["cost"], second["cost"]]


# Going on


def test_a_follower_gets_every_event_as_it_happens_until_ctrl_c(
    process, market, auction_id, provider
):
    watch = ["events", "--auction", auction_id, "--follow", "--interval", "0.1", "--json"]
    follower = process(*watch, stdout=subprocess.PIPE, text=True)
    started = json.loads(follower.stdout.readline())
    assert started["event"] == "AuctionStarted"
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    bid = json.loads(follower.stdout.readline())
    assert (bid["event"], bid["rate"]) == ("BidPlaced", str(RATE))
    follower.send_signal(signal.SIGINT)
    assert follower.wait(PATIENCE) == 0
    assert follower.stdout.read() == ""


def test_a_follower_is_told_what_was_taken_back(process, chain, market, auction_id, provider):
    snapshot = chain.snapshot()
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    watch = ["events", "--name", "BidPlaced", "--follow", "--interval", "0.1", "--json"]
    follower = process(*watch, stdout=subprocess.PIPE, text=True)
    bid = json.loads(follower.stdout.readline())
    chain.restore(snapshot)
    market.placeBid(auction_id, RATE - GWEI, offered(market, auction_id), sender=provider)
    assert json.loads(follower.stdout.readline()) == bid | {"removed": True}
    assert json.loads(follower.stdout.readline())["rate"] == str(RATE - GWEI)
