"""What the service answers is what the contract and its receipts say, as decimal digits."""

import json
import re

import pytest

from ape_v2v.service.protection import HEADERS
from tests.helpers.world import ALICE, BOB, CAROL, ENERGY, GWEI, MAX_RATE, STRANGER
from tests.service.conftest import await_block

DETAILS = json.dumps({"place": "48.86,2.35", "connector": "CHADEMO", "note": "<b>hello</b>"})


def get(client, path, expect=200, **parameters):
    answer = client.get(f"/api/v1{path}", params=parameters or None)
    assert answer.status_code == expect, answer.text
    return answer.json()


def test_a_page_gets_the_market_and_its_rules(quiet_client, quiet_world):
    config = get(quiet_client, "/config")
    assert config["market"] == quiet_world.address
    assert config["chainId"] == "31337"
    assert config["isLocal"] is True
    assert config["parameters"]["minDecrementBps"] == "100"
    assert config["head"]["number"] == str(quiet_world.height)


def test_a_page_gets_the_auctions_that_run_with_what_it_shows_of_them(client, world):
    auction = world.start(ALICE, DETAILS)
    world.send(BOB, "placeBid", auction, 200 * GWEI, ENERGY | MAX_RATE << 32 | 7_200 << 96)
    await_block(client, world)
    (running,) = get(client, "/auctions")["auctions"]
    assert running["auctionId"] == str(auction)
    assert (running["state"], running["provider"].lower()) == ("open", BOB)
    assert running["rate"] == str(200 * GWEI)
    assert running["highestRate"] == str(198 * GWEI)
    assert running["reserve"] == str(ENERGY * MAX_RATE)
    assert running["details"]["connector"] == "CHADEMO"
    assert running["text"] == DETAILS


def test_an_auction_that_is_over_runs_no_more_and_is_found_among_the_past(client, world):
    world.trade()
    await_block(client, world)
    assert get(client, "/auctions")["auctions"] == []
    (past,) = get(client, "/auctions/past")["auctions"]
    assert (past["outcome"], past["provider"].lower()) == ("ended", CAROL)
    whole = get(client, f"/auctions/{past['auctionId']}")
    assert whole["running"] is None
    assert [event["event"] for event in whole["events"]] == [
        *("AuctionStarted", "BidPlaced", "BidPlaced"),
        *("AuctionEnded", "Connected", "ConnectionEnded"),
    ]


def test_only_auctions_in_the_state_that_was_asked_for_are_given(client, world):
    connected = world.connect(ALICE)
    started = world.start(BOB)
    await_block(client, world)

    def of(state):
        return [int(one["auctionId"]) for one in get(client, "/auctions", state=state)["auctions"]]

    assert (of("open"), of("connected")) == ([started], [connected])


def test_pages_one_after_the_other_have_every_auction_and_every_event_once(client, world):
    world.trade(5)
    await_block(client, world)

    def all_of(path, key, name):
        found, cursor = [], None
        while True:
            parameters = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = get(client, path, **parameters)
            found += [one[name] for one in page[key]]
            if (cursor := page["next"]) is None:
                return found

    auctions = all_of("/auctions/past", "auctions", "auctionId")
    assert auctions == sorted(set(auctions), key=int, reverse=True)
    assert len(auctions) == 5
    blocks = all_of(f"/accounts/{ALICE}/activity", "events", "block")
    assert len(blocks) == len(get(client, f"/accounts/{ALICE}/activity", limit=200)["events"]) > 25
    assert blocks == sorted(blocks, key=int, reverse=True)


def test_past_auctions_are_given_by_account_and_by_outcome(client, world):
    world.trade()
    world.start(BOB)
    await_block(client, world)

    def outcomes(**wanted):
        return [one["outcome"] for one in get(client, "/auctions/past", **wanted)["auctions"]]

    assert outcomes(account=CAROL) == ["ended"]
    assert outcomes(account=CAROL.upper().replace("0X", "0x")) == ["ended"]
    assert outcomes(outcome="open") == ["open"]
    assert outcomes(outcome=["open", "ended"]) == ["open", "ended"]
    assert outcomes(account=STRANGER) == []


def test_the_registered_evs_are_given_with_their_notes(quiet_client):
    evs = get(quiet_client, "/evs")["evs"]
    assert len(evs) == 4
    assert (evs[0]["address"].lower(), evs[0]["infos"]) == (ALICE, "Alice's EV")


def test_an_answer_that_has_not_changed_is_not_sent_again(client, world):
    first = client.get("/api/v1/auctions")
    same = client.get("/api/v1/auctions", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    world.start(ALICE)
    await_block(client, world)
    other = client.get("/api/v1/auctions", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200
    assert len(other.json()["auctions"]) == 1


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/auctions/7", 404, r"has no auction 7: check the id"),
        (f"/auctions/{10**57}99", 422, r"58 characters"),
        (f"/auctions/{9 * 10**57}", 404, r"too large"),
        ("/auctions/0x7", 422, r"pattern"),
        ("/auctions?state=over", 422, r"'open' or 'connected'"),
        ("/auctions/past?cursor=later", 422, r"'later' is no cursor: take one as it was given"),
        ("/auctions/past?limit=1000", 422, r"less than or equal to 200"),
        ("/auctions/past?account=alice", 422, r"pattern"),
        ("/accounts/0x12/activity", 422, r"pattern"),
        ("/pair/short", 422, r"pattern"),
        ("/pair/nothing-waits-here", 404, r"nothing waits under this code"),
        ("/bids", 404, r"nothing at /api/v1/bids"),
    ],
)
def test_a_wrong_request_is_answered_with_one_sentence(quiet_client, path, status, said):
    answer = get(quiet_client, path, expect=status)
    assert list(answer) == ["error"]
    assert re.search(said, answer["error"]), answer


def test_no_whole_number_is_a_number_that_javascript_would_round(quiet_client):
    for path in ("/config", "/auctions", "/auctions/past", f"/accounts/{ALICE}/activity"):
        texts: list[str] = []
        answer = quiet_client.get(f"/api/v1{path}").text
        json.loads(answer, parse_int=texts.append)
        assert texts == [], path


def test_every_answer_forbids_a_browser_what_the_page_does_not_need(quiet_client):
    for path in ("/api/v1/config", "/api/v1/nothing", "/health/live"):
        headers = quiet_client.get(path).headers
        assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_a_signature_goes_from_the_phone_to_the_car(quiet_client):
    path, signature = "/api/v1/pair/another-code-of-a-car", "0x" + "ab" * 130
    assert quiet_client.post(path, json={"signature": signature}).status_code == 204
    assert quiet_client.get(path).json() == {"signature": signature}


@pytest.mark.parametrize("signature", ["0xab", "secret words", "0x" + "ab" * 600])
def test_what_is_no_signature_is_not_kept(quiet_client, signature):
    path = "/api/v1/pair/a-code-that-the-car-shows"
    assert quiet_client.post(path, json={"signature": signature}).status_code == 422
    assert quiet_client.get(path).status_code == 404
