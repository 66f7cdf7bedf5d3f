"""`ape v2v auction`: what each command does, what it refuses, and what programs get to read."""

import json
import os
import signal
import subprocess
from contextlib import contextmanager
from datetime import datetime

import pytest

from ape_v2v.market.interface.records import moment
from tests.helpers.processes import forked_command
from tests.helpers.scenario import (
    BOND,
    ENERGY,
    FUNDS,
    GWEI,
    LOWER_RATE,
    MAX_RATE,
    PENALTY,
    RATE,
    RESERVE,
    VALIDITY,
    offered,
)

NONE, OPEN, CONNECTED = range(3)
HIGHEST = RATE * 99 // 100
DETAILS = '{"place":"48.86,2.35","connector":"CHADEMO","maxPowerKW":11.0}'


@pytest.fixture
def start(v2v, consumer):
    """A factory of auctions for 20 kWh at 300 gwei/Wh, started on the command line."""

    def start(*options, **running):
        words = ("auction", "start", "20 kWh", "300 gwei/Wh", *options)
        return v2v(*words, account=consumer, **running)

    return start


@pytest.fixture
def command(market, chain):
    """Run `ape v2v …` as a process of its own on the session's chain, and stop it at the end."""

    @contextmanager
    def command(*words):
        process = subprocess.Popen(
            [*forked_command(), "v2v", *map(str, words), "--market", market.address],
            env={**os.environ, "APE_FOUNDRY_HOST": chain.provider.uri},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    return command


def next_line(process):
    """The next line of a process that prints JSON; its complaint if it prints none."""
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)


# --- start


def test_consumer_starts_an_auction(start, market, consumer, balance):
    shown = start("--json").json

    auction_id = market.currentAuctionId(consumer)
    info = market.auctions(auction_id)
    assert (info.state, info.energyWh, info.maxRate) == (OPEN, ENERGY, MAX_RATE)
    assert info.validity == 7_200
    assert balance(consumer) == FUNDS - RESERVE
    transaction = shown.pop("transaction")
    assert transaction.startswith("0x")
    assert shown == {
        "auctionId": str(auction_id),
        "state": "open",
        "consumer": consumer.address,
        "energyWh": ENERGY,
        "maxRate": str(MAX_RATE),
        "closingTime": moment(info.closingTime).isoformat(),
        "validity": 7_200,
        "openAward": False,
        "provider": None,
        "rate": None,
        "cost": None,
        "connectedAt": None,
        "freeUntil": None,
        "removals": 0,
        "reserve": str(RESERVE),
        "bond": str(BOND),
        "penalty": str(PENALTY),
        "highestRate": str(MAX_RATE),
        "details": "",
    }


def test_the_terms_of_an_auction_can_be_chosen(start, market, consumer, clock):
    start("--bidding-time", "90 s", "--validity", "1 d")

    info = market.auctions(market.currentAuctionId(consumer))
    assert info.closingTime == clock.now + 90
    assert info.validity == 86_400


def test_details_are_made_of_options(start):
    options = ("--place", "48.8566,2.3522", "--connector", "CHADEMO", "--max-power", "11")

    assert start(*options, "--json").json["details"] == DETAILS


def test_details_have_times(start):
    times = ("--from", "2026-05-01T12:00", "--until", "2026-05-01T16:00+02:00")

    details = json.loads(start(*times, "--json").json["details"])

    assert details == {"from": "2026-05-01T12:00:00Z", "until": "2026-05-01T14:00:00Z"}


@pytest.mark.parametrize(
    ("given", "published"), [("by the river", '{"note":"by the river"}'), (DETAILS, DETAILS)]
)
def test_details_may_be_given_as_a_whole(start, given, published):
    assert start("--details", given, "--json").json["details"] == published


def test_what_is_sent_along_is_deposited(start, market, consumer, balance):
    market.withdraw(FUNDS, consumer, sender=consumer)

    start("--value", "0.01 ether")

    assert balance(consumer) == 10**16 - RESERVE


def test_people_see_the_auction_they_started(start, consumer):
    shown = start("--details", DETAILS).text

    assert f"{consumer.address}/1" in shown
    assert "0.0003 ether/kWh" in shown
    assert "at 48.86,2.35, CHADEMO, up to 11 kW" in shown


def test_before_the_start_people_are_told_what_it_locks(start, market, consumer):
    refused = start(answer="n\n", expect=1)

    assert f"locks {RESERVE / 10**18} ether" in refused.error
    assert market.auctions(market.currentAuctionId(consumer)).state == NONE


def test_an_account_that_is_no_ev_cannot_start(v2v, stranger):
    words = ("auction", "start", "1 kWh", "200 gwei/Wh", "--value", "1 ether")

    refused = v2v(*words, account=stranger, expect=1)

    assert refused.error == (
        f"Error: {stranger.address} is not a registered EV: ask the organization to add it to the "
        "market\n"
    )


def test_a_second_auction_at_a_time_is_refused(start, auction_id):
    assert "is still open: end or cancel it first" in start(expect=1).error


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--details", "x", "--connector", "CHADEMO"), 2, "--details says all of it"),
        (("--details", '{"place": "Paris"}'), 1, "place in the details is 'Paris'"),
        (("--details", "x" * 600), 1, "have 611 bytes, at most 512"),
        (("--place", "Paris"), 2, "'Paris' is not a place: expected latitude"),
        (("--from", "noon"), 2, "'noon' is not a time: expected ISO 8601"),
        (("--max-power", "0"), 2, "0.0 is not in the range x>0"),
        (("--bidding-time", "8 d"), 1, "a bidding time of 8 d is out of range: from 1 s to 7 d"),
        (("--bidding-time", "soon"), 2, "'soon' is not a duration"),
        (
            ("--from", "2026-05-01T12:00", "--until", "2026-05-01"),
            1,
            "until in the details is",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused(start, options, code, message):
    refused = start(*options, expect=code)

    assert message in refused.error
    assert refused.text == ""


# --- How an auction is named


@pytest.mark.parametrize("name", ["id", "address", "alias", "number"])
def test_an_auction_is_named_in_four_ways(v2v, auction_id, consumer, name):
    reference = {
        "id": auction_id,
        "address": consumer.address.lower(),
        "alias": consumer.alias,
        "number": f"{consumer.alias}/1",
    }[name]

    assert v2v("auction", "show", reference, "--json").json["auctionId"] == str(auction_id)


@pytest.mark.parametrize(
    ("reference", "code", "message"),
    [
        ("TEST::2", 1, "has not started an auction"),
        ("TEST::1/7", 1, "this auction is over or never was"),
        ("1", 1, "this auction is over or never was"),
        ("9" * 59, 2, "is no auction's id: it has too many digits"),
        ("TEST::1/first", 2, "after the consumer and the slash comes its number"),
        ("TEST::1/4294967296", 2, "after the consumer and the slash comes its number"),
        ("nobody", 2, "'nobody' is not an address"),
    ],
)
def test_what_is_no_auction_is_refused(v2v, auction_id, reference, code, message):
    assert message in v2v("auction", "show", reference, expect=code).error


# --- show and list


def test_anyone_sees_an_auction(v2v, bid_id, provider):
    shown = v2v("auction", "show", bid_id, "--json").json

    assert (shown["provider"], shown["rate"]) == (provider.address, str(RATE))
    assert shown["cost"] == str(RATE * ENERGY)
    assert shown["highestRate"] == str(HIGHEST)


def test_what_strangers_write_cannot_move_the_cursor(v2v, start_auction):
    auction_id = start_auction(details="\x1b[2J\x1b]0;gone\x07")

    for words in (("show", auction_id), ("list",)):
        assert "\x1b" not in v2v("auction", *words).text
    assert v2v("auction", "show", auction_id, "--json").json["details"] == "\x1b[2J\x1b]0;gone\x07"


def test_running_auctions_are_listed(v2v, market, organization, start_auction, stranger, consumer):
    market.addEV(stranger, "", sender=organization)
    market.deposit(sender=stranger, value=FUNDS)
    first = start_auction(details=DETAILS)
    second = start_auction(energy=5_000, max_rate=100 * GWEI, sender=stranger)

    listed = v2v("auction", "list", "--json").json

    assert [entry["auctionId"] for entry in listed] == [str(first), str(second)]
    assert listed[0]["details"] == DETAILS
    table = v2v("auction", "list").text
    assert f"{consumer.address}/1" in table
    assert "at 48.86,2.35, CHADEMO, up to 11 kW" in table


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        (("--min-energy", "20 kWh"), True),
        (("--min-energy", "20001 Wh"), False),
        (("--max-energy", "20 kWh"), True),
        (("--max-energy", "19.999 kWh"), False),
        (("--min-rate", "300 gwei/Wh"), True),
        (("--min-rate", "301 gwei/Wh"), False),
        (("--min-validity", "2 h"), True),
        (("--min-validity", "3 h"), False),
        (("--near", "48.8,2.3"), True),
        (("--near", "48.8,2.3", "--within", "5"), False),
        (("--near", "45.76,4.84"), False),
        (("--connector", "chademo"), True),
        (("--connector", "IEC_62196_T2"), False),
        (("--state", "open"), True),
        (("--state", "connected"), False),
    ],
)
def test_the_list_is_filtered(v2v, start_auction, options, passes):
    start_auction(details=DETAILS)

    assert len(v2v("auction", "list", *options, "--json").json) == passes


def test_an_auction_without_details_passes_no_filter_on_them(v2v, auction_id):
    assert v2v("auction", "list", "--near", "0,0", "--within", "40000", "--json").json == []


def test_a_connection_is_listed_and_an_auction_that_is_over_is_not(
    v2v, market, connection_id, consumer
):
    assert [entry["state"] for entry in v2v("auction", "list", "--json").json] == ["connected"]

    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    listed = v2v("auction", "list")
    assert (listed.text, listed.error) == ("", "no running auction passes the filters\n")


# --- bid and remove-bid


def test_provider_bids(v2v, market, auction_id, provider, consumer, balance):
    shown = v2v("auction", "bid", consumer.alias, "200 gwei/Wh", "--json", account=provider).json

    assert market.auctions(auction_id).provider == provider
    assert shown["rate"] == str(RATE)
    assert shown["transaction"].startswith("0x")
    assert balance(provider) == FUNDS - BOND


def test_provider_deposits_with_its_bid(v2v, market, auction_id, provider, balance):
    market.withdraw(FUNDS, provider, sender=provider)

    v2v("auction", "bid", auction_id, "200 gwei/Wh", "--value", "0.01 ether", account=provider)

    assert balance(provider) == 10**16 - BOND


def test_a_first_bid_locks_the_bond_and_a_leader_lowers_its_own_without(
    v2v, market, auction_id, provider
):
    words = ("auction", "bid", auction_id)

    first = v2v(*words, "200 gwei/Wh", account=provider, answer="y\n")
    second = v2v(*words, "150 gwei/Wh", account=provider, answer="y\n")

    assert f"locks {BOND / 10**18} ether" in first.error
    assert "locks" not in second.error
    assert market.auctions(auction_id).rate == LOWER_RATE


@pytest.mark.parametrize(
    ("rate", "code", "message"),
    [
        ("199 gwei/Wh", 1, "at most 0.000198 ether/kWh is accepted now"),
        ("0 wei/Wh", 1, "the rate is 0: it is at least 1 wei/Wh"),
        ("1", 2, "'1' is not a rate"),
        ("0.5 wei/Wh", 2, "the market counts in whole wei/Wh"),
    ],
)
def test_a_rate_that_does_not_undercut_is_refused(v2v, bid_id, rival, rate, code, message):
    assert message in v2v("auction", "bid", bid_id, rate, account=rival, expect=code).error


def test_a_bid_without_the_bond_says_what_is_missing(v2v, market, auction_id, provider):
    market.withdraw(FUNDS - 1, provider, sender=provider)

    refused = v2v("auction", "bid", auction_id, "1 gwei/Wh", account=provider, expect=1)

    assert "has 1 wei in the market and needs 0.006 ether" in refused.error


def test_leader_removes_its_bid(v2v, market, bid_id, provider, balance):
    removed = v2v("auction", "remove-bid", bid_id, "--json", account=provider)

    assert (removed.json["rate"], removed.json["removals"]) == (None, 1)
    assert balance(provider) == FUNDS - PENALTY


def test_before_a_removal_people_are_told_the_penalty(v2v, market, bid_id, provider):
    refused = v2v("auction", "remove-bid", bid_id, account=provider, answer="n\n", expect=1)

    assert f"pays {PENALTY / 10**18} ether out of what is locked" in refused.error
    assert market.auctions(bid_id).rate == RATE


def test_only_the_leader_removes_a_bid(v2v, bid_id, rival, provider):
    refused = v2v("auction", "remove-bid", bid_id, account=rival, expect=1)

    assert f"only the provider, {provider.address}, may do this" in refused.error


# --- sign-bid and relay-bid


@pytest.fixture
def signed(v2v, provider):
    """A factory of signed bids of the provider, as the command prints them."""

    def signed(auction_id, rate="200 gwei/Wh", *options):
        words = ("auction", "sign-bid", auction_id, rate, "--account", provider.alias, *options)
        return v2v(*words).text

    return signed


@pytest.fixture
def relay(v2v, stranger, tmp_path):
    """Relay a document as the stranger: the text, or a document of which a value is changed."""

    def relay(document, expect=0, **changes):
        text = json.dumps(json.loads(document) | changes) if changes else document
        file = tmp_path / "bid.json"
        file.write_text(text, encoding="utf-8")
        return v2v("auction", "relay-bid", file, "--json", account=stranger, expect=expect)

    return relay


def test_anyone_relays_a_signed_bid(
    signed, relay, market, auction_id, provider, balance, clock, chain
):
    head = chain.blocks.height
    document = signed(auction_id)
    assert chain.blocks.height == head, "signing sends nothing"
    read = json.loads(document)
    assert read.pop("signature").startswith("0x")
    deadline = datetime.fromisoformat(read.pop("deadline")).timestamp()
    assert clock.now + 600 <= deadline < clock.now + 700
    assert read == {
        "type": "Bid",
        "chainId": chain.chain_id,
        "market": market.address,
        "auctionId": str(auction_id),
        "provider": provider.address,
        "energyWh": ENERGY,
        "maxRate": str(MAX_RATE),
        "validity": VALIDITY,
        "rate": str(RATE),
        "nonce": 0,
    }

    shown = relay(document).json

    assert (shown["provider"], shown["rate"]) == (provider.address, str(RATE))
    assert balance(provider) == FUNDS - BOND


def test_a_signed_bid_comes_by_standard_input(v2v, signed, market, auction_id, stranger):
    document = signed(auction_id)

    # The answer to the question comes from there too: so it is not asked.
    words = ("auction", "relay-bid", "-", "--account", stranger.alias, "--yes")
    v2v(*words, answer=document)

    assert market.auctions(auction_id).rate == RATE


def test_a_bid_that_would_not_be_accepted_is_not_signed(v2v, bid_id, consumer, stranger, rival):
    words = ("auction", "sign-bid", bid_id)

    def refusal(rate, account):
        return v2v(*words, rate, "--account", account.alias, expect=1).error

    assert "at most 0.000198 ether/kWh is accepted" in refusal("200 gwei/Wh", rival)
    assert "the rate is 0" in refusal("0 wei/Wh", rival)
    assert "is not a registered EV" in refusal("1 gwei/Wh", stranger)
    assert "a consumer cannot bid in its own auction" in refusal("1 gwei/Wh", consumer)


def test_a_bid_after_the_close_is_not_signed(v2v, market, auction_id, provider, clock):
    clock.move_to(market.auctions(auction_id).closingTime)

    words = ("auction", "sign-bid", auction_id, "1 gwei/Wh", "--account", provider.alias)
    assert "bidding closed at" in v2v(*words, expect=1).error


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chainId": 1}, "the document is for chain 1, and this is chain 31337"),
        ({"market": "0x" + "11" * 20}, "the document is for the market at 0x1111"),
        ({"rate": "1"}, "the signature must be"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "the signature was valid until 2020-01-01"),
        ({"deadline": "2100-01-01T00:00:00Z"}, "the signature must be"),
        ({"nonce": 1}, "signed with the nonce 1, and it is 0 now"),
        ({"energyWh": ENERGY + 1}, "the bid was signed for an auction of 20001 Wh at"),
        ({"auctionId": "1"}, "this auction is over or never was"),
        ({"signature": "0x" + "00" * 65}, "the signature is not valid"),
        ({"signature": "0x00"}, "signature: expected 0x and 130 hexadecimal digits"),
        ({"provider": "0x00"}, "provider: expected an address with its checksum"),
        ({"rate": "-1"}, "rate: "),
        ({"rate": str(2**64)}, "rate: "),
        ({"type": "Settlement"}, "not a signed bid: type: "),
        ({"tip": "1"}, "tip: "),
    ],
)
def test_a_changed_bid_is_not_relayed(signed, relay, auction_id, changes, message):
    refused = relay(signed(auction_id), expect=1, **changes)

    assert message in refused.error
    assert refused.error.count("\n") == 1


def test_a_bid_that_another_account_claims_is_not_relayed(signed, relay, auction_id, rival):
    refused = relay(signed(auction_id), expect=1, provider=rival.address)

    assert f"the signature must be {rival.address}'s" in refused.error


@pytest.mark.parametrize("text", ["", "[]", "not JSON", "{}", "\x00"])
def test_what_is_no_signed_bid_is_not_relayed(relay, text):
    assert "not a signed bid" in relay(text, expect=1).error


def test_a_bid_whose_bond_is_not_there_is_not_relayed(signed, relay, market, auction_id, provider):
    document = signed(auction_id)
    market.withdraw(FUNDS, provider, sender=provider)

    refused = relay(document, expect=1)

    assert f"{provider.address} has 0 ether in the market and needs 0.006 ether" in refused.error


def test_a_leader_needs_no_second_bond_for_a_relayed_bid(signed, relay, market, bid_id, provider):
    market.withdraw(FUNDS - BOND, provider, sender=provider)

    assert relay(signed(bid_id, "100 gwei/Wh")).json["rate"] == str(100 * GWEI)


def test_a_bid_of_somebody_who_is_no_ev_any_more_is_not_relayed(
    signed, relay, market, auction_id, organization, provider
):
    document = signed(auction_id)
    market.removeEV(provider, sender=organization)

    assert "is not a registered EV" in relay(document, expect=1).error


def test_a_removal_voids_signed_bids(signed, relay, market, bid_id, provider):
    document = signed(bid_id, "100 gwei/Wh")
    market.removeBid(bid_id, sender=provider)

    assert "signed with the nonce 0, and it is 1 now" in relay(document, expect=1).error


def test_signed_bids_are_revoked_before_they_are_placed(
    v2v, signed, relay, market, auction_id, provider
):
    document = signed(auction_id)

    shown = v2v("auction", "revoke-bids", "--json", account=provider).json

    assert shown["revocations"] == 1
    assert "signed with the nonce 0, and it is 1 now" in relay(document, expect=1).error
    assert relay(signed(auction_id)).json["provider"] == provider.address


def test_a_signed_bid_can_be_used_once(signed, relay, auction_id):
    document = signed(auction_id)
    relay(document)

    assert "is too high" in relay(document, expect=1).error


def test_a_relayed_bid_is_told_before_it_is_sent(
    v2v, signed, market, auction_id, provider, stranger, tmp_path
):
    file = tmp_path / "bid.json"
    file.write_text(signed(auction_id), encoding="utf-8")

    refused = v2v("auction", "relay-bid", file, account=stranger, answer="n\n", expect=1)

    assert f"bids 0.0002 ether/kWh for {provider.address}, out of its balance" in refused.error
    assert market.auctions(auction_id).rate == 0


# --- end and cancel


def test_consumer_ends_its_auction_and_is_connected(v2v, market, bid_id, consumer, clock):
    clock.move_to(market.auctions(bid_id).closingTime)

    shown = v2v("auction", "end", "--json", account=consumer).json

    assert market.auctions(bid_id).state == CONNECTED
    assert (shown["state"], shown["cost"]) == ("connected", str(RATE * ENERGY))


def test_consumer_is_told_whom_it_accepts(v2v, market, bid_id, consumer, provider, clock):
    clock.move_to(market.auctions(bid_id).closingTime)

    refused = v2v("auction", "end", account=consumer, answer="n\n", expect=1)

    assert (
        f"accepts the bid of {provider.address} ({provider.alias}): 0.004 ether for 20 kWh"
        in refused.error
    )
    assert market.auctions(bid_id).state == OPEN


def test_consumer_gets_its_reserve_back_when_nobody_bid(
    v2v, market, auction_id, consumer, clock, balance
):
    clock.move_to(market.auctions(auction_id).closingTime)

    shown = v2v("auction", "end", "--json", account=consumer).json

    assert (shown["auctionId"], shown["state"]) == (str(auction_id), "none")
    assert balance(consumer) == FUNDS


def test_an_auction_is_not_ended_before_its_close(v2v, bid_id, consumer):
    assert "bidding goes on until" in v2v("auction", "end", account=consumer, expect=1).error


def test_an_auction_is_ended_by_its_id(v2v, market, bid_id, consumer, rival, clock):
    clock.next_block_at(market.auctions(bid_id).closingTime)
    refused = v2v("auction", "end", bid_id, account=rival, expect=1).error
    assert f"only the consumer, {consumer.address} ({consumer.alias}), may end this" in refused

    assert v2v("auction", "end", bid_id, "--json", account=consumer).json["state"] == "connected"

    refused = v2v("connection", "end", bid_id, account=rival, expect=1).error
    assert f"only the consumer, {consumer.address}" in refused
    ended = v2v("connection", "end", bid_id, "--json", account=consumer).json
    assert ended["how"] == "paid"


def test_who_has_no_auction_cannot_end_one(v2v, bid_id, rival):
    refused = v2v("auction", "end", account=rival, expect=1)

    assert f"{rival.address} has not started an auction" in refused.error


def test_anybody_ends_an_auction_with_an_open_award(
    v2v, start, market, consumer, provider, stranger, clock
):
    shown = start("--open-award", "--json").json
    assert shown["openAward"]
    auction_id = market.currentAuctionId(consumer)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    clock.move_to(market.auctions(auction_id).closingTime)

    v2v("auction", "end", auction_id, account=stranger)

    assert market.auctions(auction_id).state == CONNECTED


def test_nobody_else_ends_an_auction_without_one(v2v, market, bid_id, provider, clock):
    clock.move_to(market.auctions(bid_id).closingTime)

    refused = v2v("auction", "end", bid_id, account=provider, expect=1)

    assert "only the consumer" in refused.error


def test_an_auction_without_a_bid_is_cancelled_free_of_charge(
    v2v, market, auction_id, consumer, balance
):
    shown = v2v("auction", "cancel", "--json", account=consumer).json

    assert shown.pop("transaction").startswith("0x")
    assert shown == {"auctionId": str(auction_id), "state": "none", "penalty": "0"}
    assert balance(consumer) == FUNDS


def test_cancelling_past_a_bid_takes_the_consent_to_pay(
    v2v, market, bid_id, consumer, provider, balance
):
    refused = v2v("auction", "cancel", account=consumer, expect=1)
    assert "cancelling now costs a penalty of 0.0006 ether, and you allowed 0" in refused.error
    assert "--max-penalty '0.0006 ether'" in refused.error

    words = ("auction", "cancel", "--max-penalty", "0.0006 ether")
    told = v2v(*words, account=consumer, answer="n\n", expect=1)
    assert "pays 0.0006 ether out of what is locked" in told.error
    assert market.auctions(bid_id).state == OPEN

    assert v2v(*words, "--json", account=consumer).json["penalty"] == str(PENALTY)
    assert balance(provider) == FUNDS + PENALTY


def test_cancelling_is_free_once_the_leader_is_no_ev(
    v2v, market, bid_id, organization, consumer, provider, balance
):
    market.removeEV(provider, sender=organization)

    v2v("auction", "cancel", account=consumer)

    assert balance(consumer) == FUNDS


def test_anyone_cancels_once_the_time_for_the_award_has_passed(
    v2v, market, bid_id, stranger, clock, balance, provider
):
    words = ("auction", "cancel", bid_id, "--max-penalty", "1 ether")
    assert "only the consumer" in v2v(*words, account=stranger, expect=1).error

    clock.move_to(market.auctions(bid_id).closingTime + 3_600)
    v2v(*words, account=stranger)

    assert balance(provider) == FUNDS + PENALTY


# --- autobid


def test_an_autobidder_bids_what_is_required_and_says_so(v2v, market, bid_id, rival, consumer):
    words = (
        "auction",
        "autobid",
        consumer.alias,
        "--floor",
        "100 gwei/Wh",
        "--once",
        "--ignore-gas",
        "--json",
    )

    decision, summary = v2v(*words, account=rival).json_lines

    assert market.auctions(bid_id).rate == HIGHEST
    assert decision.pop("timestamp")
    assert decision.pop("transaction").startswith("0x")
    assert decision == {
        "auctionId": str(bid_id),
        "decision": "bid",
        "rate": str(HIGHEST),
        "reason": "",
    }
    assert summary.pop("timestamp")
    assert summary == {
        "decision": "stopped",
        "reason": "",
        "bids": 1,
        "refused": 0,
        "leading": [str(bid_id)],
        "won": [],
        "lost": [],
    }


def test_an_autobidder_signs_its_opening_for_others_to_place(
    v2v, market, auction_id, provider, consumer, tmp_path
):
    words = ("auction", "autobid", auction_id, "--floor", "1 gwei/Wh", "--once", "--ignore-gas")
    signed = v2v(*words, "--sign-to", tmp_path / "bids", "--json", account=provider)
    assert [line["decision"] for line in signed.json_lines] == ["signed", "stopped"]

    (file,) = (tmp_path / "bids").iterdir()
    v2v("auction", "relay-bid", file, account=consumer)
    assert market.auctions(auction_id).provider == provider


def test_an_autobidder_finds_auctions_that_pass_its_filters(v2v, market, start_auction, provider):
    auction_id = start_auction(details=DETAILS)
    words = ("auction", "autobid", "--floor", "1 gwei/Wh", "--once")

    ignored = v2v(*words, "--connector", "IEC_62196_T2", account=provider)
    assert ignored.text == "stopped; 0 bids, 0 refused; leading in 0, won 0, lost 0\n"
    found = v2v(*words, "--near", "48.8,2.3", "--start-rate", "200 gwei/Wh", account=provider)

    assert "bid 0.0002 ether/kWh\n" in found.text
    assert market.auctions(auction_id).rate == RATE


def test_an_autobidder_asks_once_before_it_begins(v2v, market, auction_id, provider):
    words = ("auction", "autobid", auction_id, "--floor", "1 gwei/Wh", "--once", "--ignore-gas")

    refused = v2v(*words, account=provider, answer="n\n", expect=1)
    assert "without asking" in refused.error
    assert "down to 0.000001 ether/kWh, in 1 at a time" in refused.error
    assert market.auctions(auction_id).rate == 0

    assert v2v(*words, account=provider, answer="y\n").error.count("[y/N]") == 1
    assert market.auctions(auction_id).rate == MAX_RATE


@pytest.mark.parametrize(
    ("who", "options", "code", "message"),
    [
        ("stranger", ("--floor", "1 gwei/Wh"), 1, "is not a registered EV"),
        ("consumer", ("--floor", "1 gwei/Wh"), 1, "a consumer cannot bid in its own auction"),
        ("provider", ("--floor", "0 gwei/Wh"), 1, "the floor is 0"),
        (
            "provider",
            ("--floor", "2 gwei/Wh", "--start-rate", "1 gwei/Wh"),
            1,
            "the start rate of 0.000001 ether/kWh is below the floor",
        ),
        ("provider", (), 2, "Missing option '--floor'"),
        ("provider", ("--floor", "1 gwei/Wh", "--max-auctions", "0"), 2, "0 is not in the range"),
    ],
)
def test_an_autobidder_that_could_not_bid_does_not_begin(
    v2v, auction_id, request, who, options, code, message
):
    account = request.getfixturevalue(who)

    refused = v2v("auction", "autobid", auction_id, *options, account=account, expect=code)

    assert message in refused.error


def test_an_autobidder_answers_until_it_is_terminated(command, market, auction_id, provider, rival):
    words = ("auction", "autobid", "--floor", "1 gwei/Wh", "--start-rate", "200 gwei/Wh")
    with command(
        *words, "--ignore-gas", "--json", "--yes", "--account", provider.alias, "--interval", "0.2"
    ) as process:
        assert next_line(process)["rate"] == str(RATE)
        market.placeBid(auction_id, LOWER_RATE, offered(market, auction_id), sender=rival)
        assert next_line(process)["rate"] == str(LOWER_RATE * 99 // 100)

        process.send_signal(signal.SIGTERM)

        summary = next_line(process)
        assert (summary["reason"], summary["bids"]) == ("told to stop", 2)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""
    assert market.auctions(auction_id).provider == provider


# --- watch


def test_anyone_watches_an_auction_until_it_is_awarded(
    command, market, auction_id, provider, rival, consumer, clock
):
    with command("auction", "watch", consumer.alias, "--json", "--interval", "0.2") as process:
        assert next_line(process)["rate"] is None
        market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
        assert next_line(process)["rate"] == str(RATE)
        market.placeBid(auction_id, LOWER_RATE, offered(market, auction_id), sender=rival)
        assert next_line(process)["rate"] == str(LOWER_RATE)
        clock.next_block_at(market.auctions(auction_id).closingTime)
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)

        last = next_line(process)

        assert (last["state"], last["provider"]) == ("connected", rival.address)
        assert process.wait(timeout=20) == 0


def test_who_watches_is_told_that_an_auction_was_cancelled(command, market, auction_id, consumer):
    with command("auction", "watch", auction_id, "--json", "--interval", "0.2") as process:
        next_line(process)
        market.cancelAuction(auction_id, 0, sender=consumer)

        assert next_line(process) == {
            "auctionId": str(auction_id),
            "state": "none",
            "event": "AuctionCancelled",
        }
        assert process.wait(timeout=20) == 0


def test_ctrl_c_ends_a_watch_and_is_no_error(command, auction_id):
    with command("auction", "watch", auction_id, "--interval", "0.2") as process:
        assert process.stdout.readline().startswith("open: no bid; closes ")

        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""


def test_an_auction_that_is_over_is_not_watched(v2v, market, auction_id, consumer):
    market.cancelAuction(auction_id, 0, sender=consumer)

    assert "is over: it was cancelled at" in v2v("auction", "watch", auction_id, expect=1).error
