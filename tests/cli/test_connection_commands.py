"""`ape v2v connection`: what each command does, what it refuses, what programs get to read."""

import json

import pytest
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.market.interface.records import moment
from tests.helpers.scenario import (
    BOND,
    ENERGY,
    FUNDS,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    RESERVE,
    VALIDITY,
    offered,
)

NONE, OPEN, CONNECTED = range(3)
COST = RATE * ENERGY
DELIVERED = 18_400  # Wh
PART = RATE * DELIVERED


@pytest.fixture
def sign(v2v, connection_id):
    """Sign a receipt or a settlement on the command line; the document as it was printed."""

    def sign(kind, account, energy="18.4 kWh", *options, expect=0):
        words = ("connection", f"sign-{kind}", connection_id, energy, *options)
        return v2v(*words, "--account", account.alias, expect=expect)

    return sign


@pytest.fixture
def file(tmp_path):
    """Write a document to a file, changed if need be."""

    def file(document, **changes):
        path = tmp_path / "document.json"
        text = json.dumps(json.loads(document) | changes) if changes else document
        path.write_text(text, encoding="utf-8")
        return path

    return file


# --- show and token


def test_anyone_sees_a_connection(v2v, market, connection_id, token, consumer, provider):
    connected_at = market.auctions(connection_id).connectedAt

    shown = v2v("connection", "show", consumer.alias, "--json").json

    assert shown.pop("closingTime")
    assert shown == {
        "auctionId": str(connection_id),
        "state": "connected",
        "consumer": consumer.address,
        "energyWh": ENERGY,
        "maxRate": str(RESERVE // ENERGY),
        "validity": VALIDITY,
        "openAward": False,
        "provider": provider.address,
        "rate": str(RATE),
        "cost": str(COST),
        "connectedAt": moment(connected_at).isoformat(),
        "freeUntil": None,
        "removals": 0,
        "reserve": str(RESERVE),
        "bond": str(BOND),
        "penalty": str(PENALTY),
        "token": to_hex(token),
        "validUntil": moment(connected_at + VALIDITY).isoformat(),
        "expiresAt": moment(connected_at + VALIDITY + PARAMETERS["settlementWindow"]).isoformat(),
    }
    people = v2v("connection", "show", connection_id).text
    assert to_hex(token) in people
    assert "0.004 ether" in people


def test_anyone_sees_the_token(v2v, connection_id, token):
    words = ("connection", "token", connection_id)

    assert v2v(*words).text == to_hex(token) + "\n"
    assert v2v(*words, "--json").json == {
        "auctionId": str(connection_id),
        "token": to_hex(token),
    }


@pytest.mark.parametrize("command", ["show", "token"])
def test_an_open_auction_has_no_connection(v2v, bid_id, command):
    refused = v2v("connection", command, bid_id, expect=1)

    assert "still open, and this requires a connection: it begins when" in refused.error


# --- sign-receipt and sign-settlement


def test_consumer_signs_a_receipt(sign, market, connection_id, consumer, chain):
    head = chain.blocks.height

    document = sign("receipt", consumer).json

    assert chain.blocks.height == head, "signing sends nothing"
    assert document.pop("signature").startswith("0x")
    assert document == {
        "type": "MeteringReceipt",
        "chainId": chain.chain_id,
        "market": market.address,
        "auctionId": str(connection_id),
        "energyWh": DELIVERED,
        "meterDataHash": "0x" + "00" * 32,
        "last": False,
    }
    assert sign("receipt", consumer, "1 Wh", "--last").json["last"]


def test_provider_signs_a_settlement(sign, provider):
    document = sign("settlement", provider).json

    assert (document["type"], document["last"]) == ("Settlement", True)


@pytest.mark.parametrize("kind", ["receipt", "settlement"])
def test_the_meters_record_is_named_by_its_hash(sign, request, tmp_path, kind):
    account = request.getfixturevalue("consumer" if kind == "receipt" else "provider")
    record = tmp_path / "meter.csv"
    record.write_bytes(b"time,Wh\r\n12:00,0\r\n\xff")

    by_file = sign(kind, account, "1 Wh", "--meter-data", record)
    by_hash = sign(kind, account, "1 Wh", "--meter-data-hash", to_hex(keccak(record.read_bytes())))

    assert by_file.json == by_hash.json
    assert by_file.json["meterDataHash"] == to_hex(keccak(record.read_bytes()))


@pytest.mark.parametrize(
    ("energy", "options", "code", "message"),
    [
        ("20.001 kWh", (), 1, "20.001 kWh is more than the 20 kWh that were contracted"),
        ("some", (), 2, "'some' is not an energy"),
        ("1 Wh", ("--meter-data-hash", "0x12"), 2, "'0x12' is not a hash: expected 0x and 64"),
        ("1 Wh", ("--meter-data-hash", "zz" * 33), 2, "is not a hash"),
        ("1 Wh", ("--meter-data", "nowhere.csv"), 2, "No such file or directory"),
        (
            "1 Wh",
            ("--meter-data", __file__, "--meter-data-hash", "0x" + "00" * 32),
            2,
            "give --meter-data or --meter-data-hash, not both",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["receipt", "settlement"])
def test_what_cannot_be_settled_is_not_signed(sign, request, kind, energy, options, code, message):
    account = request.getfixturevalue("consumer" if kind == "receipt" else "provider")

    assert message in sign(kind, account, energy, *options, expect=code).error


def test_only_the_right_side_signs(sign, consumer, provider):
    refused = sign("receipt", provider, expect=1)
    assert f"a MeteringReceipt takes the consumer, {consumer.address}" in refused.error

    refused = sign("settlement", consumer, expect=1)
    assert f"a Settlement takes the provider, {provider.address}" in refused.error


def test_nothing_is_signed_before_the_award(v2v, bid_id, consumer):
    words = ("connection", "sign-receipt", bid_id, "1 Wh", "--account", consumer.alias)

    assert "this auction is still open" in v2v(*words, expect=1).error


# --- sign-key


@pytest.fixture
def choose_key(v2v, connection_id, tmp_path):
    """Have an account let a key sign for it in this auction; the document's file."""

    def choose_key(side, key, **changes):
        words = ("connection", "sign-key", connection_id, key.alias, "--account", side.alias)
        path = tmp_path / "key.json"
        path.write_text(json.dumps(v2v(*words).json | changes), encoding="utf-8")
        return path

    return choose_key


def test_the_key_of_a_consumer_signs_its_receipt(
    v2v, sign, choose_key, file, connection_id, consumer, provider, stranger, balance
):
    words = ("--last", "--session-key", choose_key(consumer, stranger))
    receipt = file(sign("receipt", stranger, "18.4 kWh", *words).text)

    v2v("connection", "settle", connection_id, receipt, account=provider)

    assert balance(provider) == FUNDS + PART
    assert balance(consumer) == FUNDS - PART


def test_the_key_of_a_provider_signs_its_settlement(
    v2v, sign, choose_key, file, connection_id, consumer, provider, stranger, balance
):
    words = ("--session-key", choose_key(provider, stranger))
    settlement = file(sign("settlement", stranger, "18.4 kWh", *words).text)

    v2v("connection", "end", connection_id, "--settlement", settlement, account=consumer)

    assert balance(provider) == FUNDS + PART


def test_a_key_is_used_by_who_has_it_for_who_has_chosen_it_and_where(
    sign, choose_key, connection_id, consumer, provider, rival, stranger
):
    def refused(kind, signer, **changes):
        words = ("--session-key", choose_key(consumer, stranger, **changes))
        return sign(kind, signer, "1 Wh", *words, expect=1).error

    other = str(connection_id + 1)
    assert f"for auction {other}, not for {connection_id}" in refused(
        "receipt", stranger, auctionId=other
    )
    assert f"has chosen the key {stranger.address}" in refused("receipt", rival)
    assert f"takes the provider, {provider.address}, and the key was chosen by" in refused(
        "settlement", stranger
    )
    assert "the signature must be" in refused("receipt", stranger, account=rival.address)


# --- settle


def test_provider_collects_what_the_consumer_has_signed_for(
    v2v, sign, file, connection_id, consumer, provider, balance
):
    words = ("--last", "--meter-data-hash", to_hex(METER_DATA))
    receipt = file(sign("receipt", consumer, "18.4 kWh", *words).text)

    shown = v2v("connection", "settle", connection_id, receipt, "--json", account=provider).json

    assert shown.pop("transaction").startswith("0x")
    assert shown == {
        "auctionId": str(connection_id),
        "how": "agreed",
        "energyWh": DELIVERED,
        "cost": str(PART),
        "penalty": "0",
        "meterDataHash": to_hex(METER_DATA),
    }
    assert balance(provider) == FUNDS + PART
    assert balance(consumer) == FUNDS - PART


def test_provider_is_told_what_a_receipt_on_the_way_costs(
    v2v, sign, file, connection_id, consumer, provider, balance
):
    receipt = file(sign("receipt", consumer, "15 kWh").text)
    words = ("connection", "settle", connection_id, receipt)

    refused = v2v(*words, account=provider, answer="n\n", expect=1)
    assert (
        "NOT THE LAST RECEIPT: less than was contracted costs each side 0.00015 ether"
        in refused.error
    )

    shown = v2v(*words, "--json", account=provider).json
    assert (shown["how"], shown["penalty"]) == ("short", str(PENALTY // 4))
    assert balance(provider) == FUNDS + 15_000 * RATE - PENALTY // 4


@pytest.fixture
def both(sign, tmp_path, consumer, provider):
    """What both sides have signed: the files of receipt and settlement."""

    def both(*words):
        files = tmp_path / "receipt.json", tmp_path / "settlement.json"
        files[0].write_text(sign("receipt", consumer, "18.4 kWh", *words).text, encoding="utf-8")
        files[1].write_text(sign("settlement", provider).text, encoding="utf-8")
        return files

    return both


def test_anybody_hands_in_what_both_have_signed(
    v2v, both, connection_id, stranger, balance, provider
):
    receipt, settlement = both("--last")
    words = ("connection", "settle", connection_id, receipt, "--settlement", settlement)

    v2v(*words, account=stranger)

    assert balance(provider) == FUNDS + PART


def test_two_different_readings_are_not_handed_in(v2v, both, connection_id, stranger):
    receipt, settlement = both()  # that is not the last one
    words = ("connection", "settle", connection_id, receipt, "--settlement", settlement)

    refused = v2v(*words, account=stranger, expect=1)

    assert "another reading (18400 Wh, on the way" in refused.error
    assert "than the provider (18400 Wh, the last" in refused.error


def test_a_receipt_comes_by_standard_input(v2v, sign, consumer, provider, balance):
    document = sign("receipt", consumer, "18.4 kWh", "--last").text

    # The answer to the question comes from there too: so it is not asked.
    words = ("connection", "settle", consumer.alias, "-", "--account", provider.alias, "--yes")
    v2v(*words, answer=document)

    assert balance(provider) == FUNDS + PART


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chainId": 1}, "the document is for chain 1, and this is chain 31337"),
        ({"market": "0x" + "22" * 20}, "the document is for the market at 0x2222"),
        ({"auctionId": "7"}, "the document is for auction 7, not for"),
        ({"last": True}, "the signature must be"),
        ({"last": "yes"}, "this is not a receipt: last: "),
        ({"energyWh": ENERGY + 1}, "20.001 kWh is more than the 20 kWh that were contracted"),
        ({"energyWh": DELIVERED + 1}, "the signature must be"),
        ({"meterDataHash": to_hex(METER_DATA)}, "the signature must be"),
        ({"signature": "0x" + "ff" * 65}, "the signature is not valid"),
        ({"type": "Settlement"}, "is a Settlement, and this requires a MeteringReceipt"),
        ({"type": "Bid"}, "this is not a receipt: type: "),
        ({"energyWh": -1}, "this is not a receipt: energyWh: "),
        ({"energyWh": 2**32}, "this is not a receipt: energyWh: "),
        ({"energyWh": 1.5}, "this is not a receipt: energyWh: "),
    ],
)
def test_a_changed_receipt_is_not_handed_in(
    v2v, sign, file, connection_id, consumer, provider, changes, message
):
    receipt = file(sign("receipt", consumer).text, **changes)

    refused = v2v("connection", "settle", connection_id, receipt, account=provider, expect=1)

    assert message in refused.error
    assert refused.error.count("\n") == 1


@pytest.mark.parametrize("text", ["", "[]", "{", "\ud800".encode("utf-8", "surrogatepass")])
def test_what_is_no_receipt_is_not_handed_in(v2v, connection_id, provider, tmp_path, text):
    path = tmp_path / "receipt.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    refused = v2v("connection", "settle", connection_id, path, account=provider, expect=1)

    assert "this is not a receipt" in refused.error


def test_consumer_cannot_hand_in_its_own_receipt(v2v, sign, file, connection_id, consumer):
    receipt = file(sign("receipt", consumer, "0 Wh").text)

    refused = v2v("connection", "settle", connection_id, receipt, account=consumer, expect=1)

    assert "only the provider" in refused.error


def test_a_receipt_of_an_earlier_connection_is_not_handed_in(
    v2v, sign, file, market, connection_id, consumer, provider, start_auction, clock
):
    earlier = sign("receipt", consumer).text
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    later = start_auction()
    market.placeBid(later, RATE, offered(market, later), sender=provider)
    clock.next_block_at(market.auctions(later).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    refused = v2v("connection", "settle", later, file(earlier), account=provider, expect=1)
    assert f"the document is for auction {connection_id}, not for {later}" in refused.error

    changed = file(earlier, auctionId=str(later))
    refused = v2v("connection", "settle", later, changed, account=provider, expect=1)
    assert "the signature must be" in refused.error


def test_a_connection_is_settled_once(v2v, sign, file, connection_id, consumer, provider):
    receipt = file(sign("receipt", consumer).text)
    words = ("connection", "settle", connection_id, receipt)
    v2v(*words, account=provider)

    refused = v2v(*words, account=provider, expect=1).error
    assert "is over: its connection was broken off, and settled with what had been" in refused
    assert "0.00368 ether was paid for 18.4 kWh" in refused


# --- end


def test_consumer_pays_what_the_provider_states(
    v2v, sign, file, connection_id, consumer, provider, balance
):
    settlement = file(sign("settlement", provider).text)
    words = ("connection", "end", "--settlement", settlement)

    refused = v2v(*words, account=consumer, answer="n\n", expect=1)
    assert "pays 0.00368 ether out of what is locked" in refused.error
    assert "WITHOUT A SETTLEMENT" not in refused.error

    shown = v2v(*words, "--json", account=consumer).json
    assert (shown["energyWh"], shown["cost"]) == (DELIVERED, str(PART))
    assert balance(consumer) == FUNDS - PART
    assert balance(provider) == FUNDS + PART


def test_without_a_settlement_consumer_is_warned_and_pays_all(
    v2v, market, connection_id, consumer, provider, balance
):
    words = ("connection", "end")

    refused = v2v(*words, account=consumer, answer="n\n", expect=1)
    assert (
        f"WITHOUT A SETTLEMENT this pays for the whole 20 kWh: 0.004 ether to "
        f"{provider.address} ({provider.alias})\n"
    ) in refused.error
    assert market.auctions(connection_id).state == CONNECTED

    paid = v2v(*words, account=consumer)
    assert "0.004 ether" in paid.text
    assert balance(consumer) == FUNDS - COST
    assert balance(provider) == FUNDS + COST


def test_a_receipt_of_the_consumer_does_not_end_a_connection(
    v2v, sign, file, connection_id, consumer
):
    receipt = file(sign("receipt", consumer).text)

    refused = v2v("connection", "end", "--settlement", receipt, account=consumer, expect=1)

    assert "is a MeteringReceipt, and this requires a Settlement" in refused.error


def test_a_settlement_that_somebody_else_has_signed_is_refused(
    v2v, sign, file, connection_id, consumer
):
    forged = file(sign("receipt", consumer, "1 Wh").text, type="Settlement")

    refused = v2v("connection", "end", "--settlement", forged, account=consumer, expect=1)

    assert "the signature must be" in refused.error


def test_who_has_no_connection_cannot_end_one(v2v, bid_id, consumer, rival):
    assert (
        "this auction is still open" in v2v("connection", "end", account=consumer, expect=1).error
    )
    assert "has not started an auction" in v2v("connection", "end", account=rival, expect=1).error


# --- forfeit and expire


def test_provider_forfeits_and_is_told_what_that_costs(
    v2v, market, connection_id, consumer, provider, balance
):
    words = ("connection", "forfeit", connection_id)
    refused = v2v(*words, account=provider, answer="n\n", expect=1)
    assert "pays 0.0012 ether out of what is locked" in refused.error
    assert market.auctions(connection_id).state == CONNECTED

    shown = v2v(*words, "--json", account=provider).json

    assert (shown["how"], shown["penalty"]) == ("forfeited", str(2 * PENALTY))
    assert balance(consumer) == FUNDS + 2 * PENALTY


def test_only_the_provider_forfeits(v2v, connection_id, consumer):
    refused = v2v("connection", "forfeit", connection_id, account=consumer, expect=1)

    assert "only the provider" in refused.error


def test_anyone_expires_a_connection_that_nobody_settled(
    v2v, market, connection_id, stranger, consumer, provider, balance, clock
):
    words = ("connection", "expire", connection_id)
    early = v2v(*words, account=stranger, expect=1)
    assert "the connection can be expired from" in early.error

    connected_at = market.auctions(connection_id).connectedAt
    clock.move_to(connected_at + VALIDITY + PARAMETERS["settlementWindow"])
    refused = v2v(*words, account=consumer, answer="n\n", expect=1)
    assert "pays 0.0006 ether out of what is locked" in refused.error
    shown = v2v(*words, account=stranger, answer="y\n")

    assert "pays" not in shown.error
    assert "0.0006 ether, lost by each side" in shown.text
    assert [balance(ev) for ev in (consumer, provider)] == [FUNDS - PENALTY] * 2


@pytest.mark.parametrize("command", ["forfeit", "expire"])
def test_what_is_over_cannot_be_ended_again(
    v2v, market, connection_id, consumer, provider, command
):
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    refused = v2v("connection", command, connection_id, account=provider, expect=1)

    assert "is over: its connection was settled" in refused.error
