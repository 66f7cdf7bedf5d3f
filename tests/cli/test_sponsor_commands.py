"""`ape v2v sponsor`, and `--sponsor`: the commands of people who hold no ether."""

import json
import signal

import pytest

from ape_v2v.sponsor.delegation import delegate_address
from tests.helpers.scenario import ENERGY, FUNDS, LOWER_RATE, RATE


@pytest.fixture
def penniless(chain, consumer, provider, rival):
    for ev in (consumer, provider, rival):
        chain.provider.set_balance(ev.address, 0)
    return consumer, provider, rival


@pytest.fixture
def serving(start_side, stranger):
    """A sponsor's process, and what it says once it serves."""

    def serving(*options):
        words = ("serve", "--account", stranger.alias, "--yes", "--port", "0", *options)
        process = start_side(*words, topic="sponsor")
        return process, json.loads(process.stdout.readline())

    return serving


def test_a_trade_by_commands_of_people_without_ether(
    v2v, serving, penniless, market, balance, clock, tmp_path, stranger
):
    process, about = serving()
    consumer, provider, rival = penniless
    by = ("--sponsor", about["url"])
    assert (about["market"], about["delegate"]) == (market.address, delegate_address())

    v2v("auction", "start", "20 kWh", "300 gwei/Wh", *by, account=consumer)
    auction_id = market.currentAuctionId(consumer)
    v2v("auction", "bid", auction_id, f"{RATE} wei/Wh", *by, account=rival)
    v2v("auction", "bid", auction_id, f"{LOWER_RATE} wei/Wh", *by, account=provider)
    clock.move_to(market.auctions(auction_id).closingTime)
    v2v("auction", "end", *by, account=consumer)
    signing = ("connection", "sign-receipt", auction_id, "20 kWh", "--last")
    receipt = tmp_path / "receipt.json"
    receipt.write_text(v2v(*signing, "--account", consumer.alias).text, encoding="utf-8")
    v2v("connection", "settle", auction_id, receipt, *by, account=provider)

    assert balance(provider) == FUNDS + ENERGY * LOWER_RATE
    assert [ev.balance for ev in penniless] == [0, 0, 0]
    words = ("wallet", "withdraw", "--all", "--to", stranger.address, "--json")
    shown = v2v(*words, *by, account=provider).json
    assert shown["amount"] == str(FUNDS + ENERGY * LOWER_RATE)
    assert balance(provider) == 0
    left = int(v2v("sponsor", "show", about["url"], "--json").json["left"])
    assert 0 < left < int(about["left"])
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def test_one_is_asked_before_one_signs(v2v, serving, penniless, market):
    _, about = serving()
    words = ("auction", "start", "20 kWh", "300 gwei/Wh", "--sponsor", about["url"])

    refused = v2v(*words, account=penniless[0], answer="n\n", expect=1)
    assert f"the sponsor at {about['url']} pays the gas" in refused.error
    assert "locks 0.006 ether until it is over" in refused.error
    assert "costs about" not in refused.error
    assert market.auctions(market.currentAuctionId(penniless[0])).state == 0

    v2v(*words, account=penniless[0], answer="y\n")
    assert market.auctions(market.currentAuctionId(penniless[0])).state == 1


def test_what_the_market_refuses_is_told_before_one_signs(v2v, serving, penniless):
    _, about = serving()

    words = ("auction", "start", "0 kWh", "300 gwei/Wh", "--sponsor", about["url"])
    refused = v2v(*words, account=penniless[0], expect=1)

    assert "the energy is 0" in refused.error


def test_a_sponsor_that_is_not_there_is_told(v2v, penniless):
    words = ("auction", "revoke-bids", "--sponsor", "http://127.0.0.1:9")
    refused = v2v(*words, account=penniless[0], expect=1)

    assert "does not answer" in refused.error
    assert "nothing was sent" in refused.error
    assert refused.error.count("\n") == 1


def test_one_is_asked_before_one_pays_for_others(v2v, stranger):
    refused = v2v(
        "sponsor", "serve", "--budget", "0.1 ether", account=stranger, answer="n\n", expect=1
    )

    assert "at most 0.1 ether in a day" in refused.error


def test_an_address_that_is_taken_is_told(v2v, serving, stranger):
    _, about = serving()
    port = about["url"].rpartition(":")[2]

    refused = v2v("sponsor", "serve", "--port", port, account=stranger, expect=1)

    assert f"cannot listen on 127.0.0.1, port {port}" in refused.error
