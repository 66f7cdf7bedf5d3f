"""A market in a stablecoin with 6 decimals, through the commands: a whole trade, and refusals."""

import csv
import json
from dataclasses import replace

import ape
import pytest

from ape_v2v import Market, VerificationError
from ape_v2v.deployment import DeploymentRecord
from ape_v2v.deployment.verification import compile_market, verify
from ape_v2v.lightnode.code import is_market
from ape_v2v.testing.contracts import ape_token
from tests.helpers.processes import project_folder, run_ape


@pytest.fixture
def currency(paid):
    return {"symbol": "EURT", "decimals": 6, "address": paid.currency.address}


@pytest.fixture
def open_id(v2v, consumer):
    started = v2v("auction", "start", "20 kWh", "0.35 EURT/kWh", "--json", account=consumer).json
    return started["auctionId"]


def test_people_and_programs_see_what_a_market_is_paid_in(v2v, currency):
    shown = v2v("market", "show").text
    address = currency["address"]
    assert f"EURT, the token at {address}, with 6 decimals" in shown
    assert "3000 EURT" in shown
    found = v2v("market", "show", "--json").json
    assert (found["holdings"], found["currency"]) == ("3000000000", currency)
    assert "0.01 EURT" in v2v("market", "parameters").text
    assert v2v("market", "parameters", "--json").json["currency"] == currency


def test_amounts_of_a_token_are_shown_in_ones_own_money(v2v, open_id, provider):
    prices = ("--fiat", "USD=1.08/EURT", "--fiat", "USD=3000")

    shown = v2v("auction", "show", open_id, *prices).text
    assert "0.35 EURT/kWh (0.38 USD/kWh)" in shown
    assert "7 EURT (7.56 USD)" in shown
    assert "(0.38 USD/kWh)" in v2v("auction", "list", *prices).text
    words = ("auction", "bid", open_id, "0.3 EURT/kWh", *prices)
    asked = v2v(*words, account=provider, answer="n\n", expect=1).error
    assert "locks 7 EURT (7.56 USD) until it is over" in asked
    assert "USD)" in next(line for line in asked.splitlines() if "costs about" in line)


def test_a_price_of_ether_leaves_amounts_of_a_token_alone(v2v, open_id):
    assert "USD" not in v2v("auction", "show", open_id, "--fiat", "USD=3000").text


def test_a_price_of_another_token_is_refused(v2v, open_id):
    refused = v2v("auction", "show", open_id, "--fiat", "EUR=0.92/USDC", expect=1)

    assert "--fiat says what one USDC costs, and this market is paid in EURT" in refused.error
    assert "'EUR=1.5/EURT'" in refused.error


def test_a_whole_trade_is_told_in_the_token(
    v2v, paid, currency, consumer, provider, clock, tmp_path
):
    v2v("wallet", "approve", "5 EURT", account=consumer)
    deposited = v2v("wallet", "deposit", "5 EURT", "--json", account=consumer).json
    assert (deposited["balance"], deposited["currency"]) == ("1005000000", currency)
    v2v("wallet", "deposit", "2.5 EURT", "--authorize", account=consumer)

    started = v2v("auction", "start", "20 kWh", "0.35 EURT/kWh", "--json", account=consumer).json
    auction = started["auctionId"]
    assert (started["maxRate"], started["reserve"]) == ("350", "7000000")
    assert started["currency"] == currency
    asked = v2v("auction", "bid", auction, "0.3 EURT/kWh", account=provider, answer="y\n")
    assert "locks 7 EURT until it is over" in asked.error
    assert "costs about 0.0" in asked.error  # the gas, in ether
    assert "0.3 EURT/kWh by" in asked.text
    assert v2v("auction", "list", "--min-rate", "0.35 EURT/kWh", "--json").json
    assert "no running auction" in v2v("auction", "list", "--min-rate", "0.4 EURT/kWh").error

    clock.next_block_at(int(paid.auction(int(auction)).info.closing_time.timestamp()))
    v2v("auction", "end", account=consumer)
    assert "6 EURT" in v2v("connection", "show", auction).text
    ended = v2v("connection", "end", auction, account=consumer)
    assert "6 EURT" in ended.text

    (record,) = v2v("history", "records", "--json").json
    assert (record["cost"], record["currency"]) == ("6000000", currency)
    assert "6 EURT" in v2v("history", "records").text
    v2v("history", "records", "--export", tmp_path / "r.csv")
    (row,) = csv.DictReader((tmp_path / "r.csv").read_text("utf-8").splitlines())
    assert json.loads(row["currency"]) == currency
    told = v2v("history", "events").text
    assert "maxRate 0.35 EURT/kWh" in told
    assert "cost 6 EURT" in told
    assert (
        "6 EURT was paid for 20 kWh"
        in v2v("auction", "end", auction, account=consumer, expect=1).error
    )

    assert v2v("wallet", "balance", provider.alias, "--json").json == {
        "address": provider.address,
        "free": "1006000000",
        "reserve": "0",
        "bonds": "0",
        "total": "1006000000",
        "currency": currency,
    }
    assert "1006 EURT" in v2v("wallet", "withdraw", "--all", account=provider).text
    assert ape_token(paid).balanceOf(provider) == 2_006_000_000


def test_events_for_programs_say_what_their_amounts_count(v2v, currency, open_id, tmp_path):
    shown = v2v("history", "events", "--json").json
    by_name = {event["event"]: event for event in shown}

    assert by_name["AuctionStarted"]["maxRate"] == "350"
    assert by_name["AuctionStarted"]["currency"] == currency
    assert by_name["Deposited"]["currency"] == currency
    assert "currency" not in by_name["EVAdded"]
    v2v("history", "events", "--name", "Deposited", "--export", tmp_path / "e.csv")
    rows = csv.DictReader((tmp_path / "e.csv").read_text("utf-8").splitlines())
    assert {row["currency"] for row in rows} == {json.dumps(currency)}


def test_events_in_ether_have_no_currency_beside(v2v, v2v_market, tmp_path):
    ether = v2v_market()

    shown = v2v("history", "events", "--json", on=ether).json
    assert "Deposited" in {event["event"] for event in shown}
    assert all("currency" not in event for event in shown)
    v2v("history", "events", "--export", tmp_path / "e.csv", on=ether)
    assert "currency" not in (tmp_path / "e.csv").read_text("utf-8").partition("\n")[0]


def test_an_autobidder_underbids_in_a_token(v2v, paid, open_id, provider, rival, currency):
    paid.auction(int(open_id)).place_bid("0.3 EURT/kWh", sender=rival)
    words = ("auction", "autobid", open_id, "--floor", "0.2 EURT/kWh", "--once", "--json")

    decision, end = v2v(*words, "--ether-price", "EURT=3100", account=provider).json_lines

    info = paid.auction(int(open_id)).info
    assert (decision["decision"], decision["currency"]) == ("bid", currency)
    assert (info.provider, int(info.rate)) == (provider.address, int(decision["rate"]))
    assert 200 <= int(info.rate) <= 297  # 0.2 EURT/kWh, and 1 % below the rival
    assert (end["bids"], end["leading"]) == (1, [open_id])


def test_an_autobidder_in_a_token_has_to_know_what_ether_costs(v2v, open_id, provider):
    words = ("auction", "autobid", open_id, "--once")
    refused = v2v(*words, "--floor", "0.2 EURT/kWh", account=provider, expect=1)
    assert "--ether-price 'EURT=3100'" in refused.error
    options = ("--floor", "0.2 EURT/kWh", "--ether-price", "USD=3100")
    refused = v2v(*words, *options, account=provider, expect=1)
    assert "the price of ether is given in USD, and it has to be in EURT" in refused.error
    in_ether = ("--floor", "1 gwei/Wh", "--ignore-gas")
    assert "is in ether" in v2v(*words, *in_ether, account=provider, expect=1).error


def test_a_deposit_without_an_allowance_says_how_to_give_it(v2v, rival):
    refusal = v2v("wallet", "deposit", "5 EURT", account=rival, expect=1)
    assert refusal.error.count("\n") == 1
    assert "allow it with `ape v2v wallet approve '5 EURT'`" in refusal.error


def test_ether_is_refused_where_a_token_is_paid(v2v, open_id, provider):
    refusal = v2v("wallet", "deposit", "0.05 ether", account=provider, expect=1)
    assert "0.05 ether is in ether, and an amount here is in EURT" in refusal.error
    refusal = v2v("auction", "bid", open_id, "1 gwei/Wh", account=provider, expect=1)
    assert "is in ether, and a rate here is in EURT" in refusal.error
    assert "Error: " in v2v("auction", "list", "--min-rate", "1 gwei/Wh", expect=1).error


def test_another_token_and_too_many_decimals_are_usage_errors(v2v, provider):
    refusal = v2v("wallet", "deposit", "5 USDC", account=provider, expect=2)
    assert "'5 USDC' is in USDC, and an amount here is in EURT" in refusal.error
    refusal = v2v("wallet", "deposit", "0.0000001 EURT", account=provider, expect=2)
    assert "Invalid value for 'AMOUNT'" in refusal.error
    assert "counts in whole units of 0.000001 EURT" in refusal.error


def test_money_does_not_come_along_with_a_call(v2v, open_id, provider):
    refusal = v2v(
        "auction", "bid", open_id, "0.3 EURT/kWh", "--value", "1 EURT", account=provider, expect=1
    )
    assert "which no call brings along: deposit 1 EURT first" in refusal.error


def test_what_only_a_token_has_is_refused_where_ether_is_paid(v2v, v2v_market, provider):
    ether = v2v_market()
    for words in (("approve", "1 ether"), ("deposit", "1 ether", "--authorize")):
        refusal = v2v("wallet", *words, account=provider, on=ether, expect=1)
        assert "this market is paid in ether" in refusal.error


def test_a_market_in_a_token_is_deployed_recorded_and_verified(chain, paid, organization, tmp_path):
    token = paid.currency.address
    answer = run_ape(
        project_folder(tmp_path),
        *("v2v", "market", "deploy", "--token", token, "--json", "--yes"),
        *("--account", organization.alias, "--network", "ethereum:local:foundry"),
        APE_FOUNDRY_HOST=chain.provider.uri,
    )
    record = DeploymentRecord(**json.loads(answer.stdout))
    assert (record.contract, record.currency) == ("V2VTokenMarket", paid.currency.as_json())
    assert record.parameters["minPenalty"] == 10_000
    assert Market.at(record.address).currency == paid.currency
    assert is_market(bytes(chain.provider.get_code(record.address)))

    compiled = compile_market(ape.project, record.contract)
    verdict = verify(record, compiled)
    assert int(verdict.immutables["_CURRENCY"], 16) == int(token, 16)
    other = replace(record, currency={**paid.currency.as_json(), "address": paid.address})
    with pytest.raises(VerificationError, match="did not create the market with the organization"):
        verify(other, compiled)
