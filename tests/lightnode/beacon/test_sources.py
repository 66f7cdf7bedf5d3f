"""A source may answer anything or nothing: that costs a sentence, and neither memory nor time."""

import gzip
import json
import time

import pytest

from ape_v2v.lightnode.beacon import reasons
from ape_v2v.lightnode.beacon.sources import BeaconApi, UpdateFile
from tests.lightnode.beacon.chain import digest


@pytest.fixture
def source(beacon, forked):
    return BeaconApi(beacon.url, forked.chain.network)


@pytest.fixture
def impatient(beacon, forked):
    return BeaconApi(beacon.url, forked.chain.network, timeout=0.5)


def answered(body, *, packed=False, status=200, length=None):
    def answer(handler):
        handler.send_response(status)
        if packed:
            handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_node_that_has_nothing_is_named(source):
    with pytest.raises(reasons.SourceUnavailable, match=f"{source.name} answers 404 to light_clie"):
        source.bootstrap(digest("other"))


def test_a_node_that_is_not_there_is_named(forked):
    source = BeaconApi("http://127.0.0.1:9", forked.chain.network)
    with pytest.raises(reasons.SourceUnavailable, match=r"127\.0\.0\.1:9 does not answer"):
        source.news()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:5052", "http://", ""])
def test_what_is_no_address_is_refused(forked, url):
    with pytest.raises(reasons.SourceUnavailable, match="is no beacon node's address"):
        BeaconApi(url, forked.chain.network)


def test_a_password_in_an_address_is_not_in_what_is_said(forked):
    source = BeaconApi("http://user:secret@127.0.0.1:9", forked.chain.network)
    with pytest.raises(reasons.SourceUnavailable) as error:
        source.news()
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000, b"\xff\xfe", b"NaN"])
def test_an_answer_that_is_no_data_is_refused(beacon, source, body):
    beacon.raw["finality_update"] = answered(body)
    beacon.raw["optimistic_update"] = answered(body)
    with pytest.raises(reasons.MalformedData, match=source.name):
        source.news()


@pytest.mark.parametrize(
    "change",
    [
        {"data": None},
        {"data": {"attested_header": []}},
        {"data": {"signature_slot": "-1"}},
        {"data": {"signature_slot": str(2**64)}},
        {"data": {"finality_branch": ["0x00"]}},
        {"data": {"something": "new"}},
        {"version": 5},
        {"version": None},
    ],
)
def test_data_of_another_shape_are_refused(beacon, source, change):
    beacon.lies["finality_update"] = lambda answer: answer | change
    beacon.lies["optimistic_update"] = lambda _: None
    with pytest.raises(reasons.MalformedData, match="finality update"):
        source.news()


def test_an_unknown_fork_is_refused_by_its_name(beacon, source):
    beacon.lies["_update"] = lambda answer: answer | {"version": "gloas"}
    with pytest.raises(reasons.UnknownFork, match="does not know the fork gloas"):
        source.news()


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_cut_off(beacon, source, packed):
    body = b" " * 50_000_000
    sent = gzip.compress(body, 1) if packed else body
    beacon.raw["finality_update"] = beacon.raw["optimistic_update"] = answered(sent, packed=packed)
    with pytest.raises(reasons.MalformedData, match="answers more than 131072 bytes"):
        source.news()
    assert source.received < 2_000_000


def test_an_answer_that_drips_is_given_up(beacon, impatient):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(100):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return
            time.sleep(0.05)

    beacon.raw["bootstrap"] = drip
    began = time.monotonic()
    with pytest.raises(reasons.SourceUnavailable, match=r"takes longer than 0\.5 s"):
        impatient.bootstrap(digest("any"))
    assert time.monotonic() - began < 4


def test_more_updates_than_were_asked_for_are_refused(beacon, source):
    beacon.lies["updates?"] = lambda updates: updates * 2
    with pytest.raises(reasons.MalformedData, match="no list of 2 updates or fewer"):
        source.updates(0, 2)


@pytest.mark.parametrize(
    "answer", [{}, {"data": []}, {"data": {"root": "0x12", "header": {"message": {"slot": "1"}}}}]
)
def test_a_header_of_another_shape_is_refused(beacon, source, answer):
    beacon.lies["headers"] = lambda _: answer
    with pytest.raises(reasons.MalformedData, match="header"):
        source.finalized_root()


def test_a_header_of_another_slot_is_refused(beacon, source):
    source_answer = beacon.served.answer("/eth/v1/beacon/headers/388")
    beacon.lies["headers"] = lambda _: source_answer
    with pytest.raises(reasons.MalformedData, match="another header than the one asked for"):
        source.finalized_root(8)


def test_a_clock_that_is_wrong_is_told_of(beacon, follow, forked):
    def elsewhen(handler):
        handler.send_response_only(200)
        handler.send_header("Date", "Tue, 01 Jan 2030 00:00:00 GMT")
        body = json.dumps(beacon.served.answer(handler.path)).encode()
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    client = follow(beacon)
    client.begin(forked.checkpoint.root)
    beacon.raw["light_client"] = elsewhen
    assert "ahead of this machine's: one of them is wrong" in client.follow().warnings[0]


@pytest.mark.parametrize(
    ("content", "error", "match"),
    [
        (None, reasons.SourceUnavailable, "cannot be read"),
        ("[]", reasons.MalformedData, "no JSON object"),
        ("{", reasons.MalformedData, "is no JSON"),
        ('{"updates": 5}', reasons.MalformedData, "has no list of updates"),
    ],
)
def test_a_file_of_another_shape_is_refused(forked, tmp_path, content, error, match):
    path = tmp_path / "updates.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(error, match=match):
        UpdateFile(path, forked.chain.network).updates(0, 1)
