"""`auction relay-bids` and `connection settle-many`: many documents, one transaction."""

import pytest

from tests.helpers.scenario import BOND, FUNDS, LOWER_RATE, RATE


@pytest.fixture
def written(tmp_path):
    """Write a document into a file of this name."""

    def written(name, text):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return written


@pytest.fixture
def bid_file(v2v, written):
    """A factory of files with signed bids."""

    def bid_file(signer, auction_id, rate):
        words = ("auction", "sign-bid", auction_id, f"{rate} wei/Wh", "--account", signer.alias)
        return written(f"{signer.alias.replace('::', '')}-{rate}.json", v2v(*words).text)

    return bid_file


@pytest.fixture
def reading_file(v2v, written):
    """A factory of files with what a side of a connection has signed."""

    def reading_file(command, auction_id, energy, signer, *options):
        words = ("connection", command, auction_id, energy, "--account", signer.alias, *options)
        return written(f"{command}-{energy[:2].strip()}.json", v2v(*words).text)

    return reading_file


def test_anyone_relays_several_bids_at_once(
    v2v, bid_file, written, auction_id, market, provider, rival, stranger, chain, balance
):
    high, low = bid_file(rival, auction_id, RATE), bid_file(provider, auction_id, LOWER_RATE)
    broken = written("broken.json", "{}")
    head = chain.blocks.height

    words = ("auction", "relay-bids", high, broken, low, "--json")
    first, second, third = v2v(*words, account=stranger).json

    assert chain.blocks.height == head + 1
    assert [one["document"] for one in (first, second, third)] == [
        str(file) for file in (high, broken, low)
    ]
    assert [one["done"] for one in (first, second, third)] == [True, False, True]
    assert "this is not a signed bid" in second["refusal"]
    assert second["transaction"] is None
    assert first["transaction"] == third["transaction"]
    assert market.auctions(auction_id).provider == provider.address
    assert balance(provider) == FUNDS - BOND


def test_one_is_asked_before_and_told_what_is_left_out(
    v2v, bid_file, auction_id, market, provider, rival, stranger
):
    low, high = bid_file(provider, auction_id, LOWER_RATE), bid_file(rival, auction_id, RATE)
    words = ("auction", "relay-bids", low, high)

    refused = v2v(*words, account=stranger, answer="n\n", expect=1)
    assert "1 of 2 signed documents" in refused.error
    assert f"without {high}: " in refused.error
    assert market.auctions(auction_id).provider != provider.address
    shown = v2v(*words, account=stranger, answer="y\n")

    assert "is too high: at most" in " ".join(shown.text.split())
    assert market.auctions(auction_id).rate == LOWER_RATE


def test_where_no_bid_is_good_nothing_is_sent(v2v, bid_file, auction_id, rival, stranger, market):
    file = bid_file(rival, auction_id, RATE)
    market.revokeBids(sender=rival)

    refused = v2v("auction", "relay-bids", file, account=stranger, expect=1)

    assert "would take none of the documents: nothing was sent" in refused.error
    assert "has revoked what it had signed" in " ".join(refused.text.split())


def test_anyone_settles_what_both_have_signed(
    v2v, reading_file, connection_id, consumer, provider, stranger, balance
):
    receipt = reading_file("sign-receipt", connection_id, "5 kWh", consumer, "--last")
    settlement = reading_file("sign-settlement", connection_id, "5 kWh", provider)
    alone = reading_file("sign-receipt", connection_id, "6 kWh", consumer)

    words = ("connection", "settle-many", receipt, alone, settlement, "--json")
    both, lonely = v2v(*words, account=stranger).json

    assert (both["document"], both["done"]) == (f"{receipt} + {settlement}", True)
    assert "the Settlement of this connection is missing" in lonely["refusal"]
    assert balance(provider) == FUNDS + 5_000 * RATE


def test_two_that_differ_are_not_settled(
    v2v, reading_file, written, connection_id, consumer, provider, stranger, market
):
    receipt = reading_file("sign-receipt", connection_id, "5 kWh", consumer, "--last")
    settlement = reading_file("sign-settlement", connection_id, "6 kWh", provider)
    nothing = written("nothing.json", "[]")

    words = ("connection", "settle-many", receipt, settlement, nothing)
    refused = v2v(*words, account=stranger, expect=1)

    text = " ".join(refused.text.split())
    assert "both have to sign the same one" in text
    assert "this is not a receipt" in text
    assert market.auctions(connection_id).provider == provider.address


def test_a_file_that_is_not_there_is_a_usage_error(v2v, stranger):
    refused = v2v("auction", "relay-bids", "nowhere.json", account=stranger, expect=2)

    assert "No such file" in refused.error
