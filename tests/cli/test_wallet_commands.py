"""`ape v2v wallet`: money into the market, out of it, and where it stands."""

import re

import pytest

from tests.helpers.scenario import (
    BOND,
    ETHER,
    FUNDS,
    GWEI,
    LOWER_RATE,
    RESERVE,
    offered,
)

# Deposits


def test_an_ev_deposits(v2v, market, provider):
    deposited = v2v("wallet", "deposit", "0.5 ether", "--json", account=provider).json
    transaction = deposited.pop("transaction")
    assert deposited == {
        "account": provider.address,
        "amount": str(ETHER // 2),
        "balance": str(FUNDS + ETHER // 2),
    }
    assert market.provider.get_receipt(transaction).events == [
        market.Deposited(**{"account": provider, "from": provider, "amount": ETHER // 2})
    ]


def test_a_friend_deposits_for_an_ev(v2v, balance, provider, stranger):
    deposited = v2v(
        "wallet", "deposit", "1 gwei", "--for", provider.alias, "--json", account=stranger
    ).json
    assert deposited["account"] == provider.address
    assert deposited["balance"] == str(FUNDS + GWEI)
    assert balance(provider) == FUNDS + GWEI
    assert balance(stranger) == 0


def test_a_deposit_for_a_stranger_is_refused(v2v, provider, stranger):
    refusal = v2v(
        "wallet", "deposit", "1 gwei", "--for", stranger.address, account=provider, expect=1
    )
    assert f"{stranger.address} is not a registered EV" in refusal.error


def test_more_than_the_wallet_has_is_refused(v2v, provider):
    refusal = v2v("wallet", "deposit", "1000000 ether", account=provider, expect=1)
    assert re.fullmatch(
        rf"Error: {provider.address} has [\d.]+ ether in its wallet, and this would send 1000000 "
        r"ether: fund it first, or send less\n",
        refusal.error,
    )


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("1", "'1' is not an amount: expected a number and one of wei, gwei, ether"),
        ("1 kWh", "'1 kWh' is not an amount"),
        ("0.5 wei", "the market counts in whole wei"),
        ("1e99999 ether", "out of range"),
    ],
)
def test_what_is_no_amount_is_a_usage_error(v2v, provider, amount, reason):
    refusal = v2v("wallet", "deposit", amount, account=provider, expect=2)
    assert "Invalid value for 'AMOUNT'" in refusal.error
    assert reason in refusal.error


def test_a_deposit_of_nothing_is_refused(v2v, provider):
    refusal = v2v("wallet", "deposit", "0 ether", account=provider, expect=1)
    assert refusal.error == "Error: the amount is 0: name one above\n"


# Withdrawals


def test_an_ev_withdraws_a_part(v2v, market, provider):
    withdrawn = v2v("wallet", "withdraw", "0.25 ether", "--json", account=provider).json
    assert withdrawn["balance"] == str(FUNDS - ETHER // 4)
    assert market.provider.get_receipt(withdrawn["transaction"]).events == [
        market.Withdrawn(account=provider, to=provider, amount=ETHER // 4)
    ]


def test_an_ev_withdraws_everything_that_is_free(v2v, balance, provider, bid_id):
    shown = v2v("wallet", "withdraw", "--all", account=provider).text
    assert re.search(r"^balance +0 ether *$", shown, re.MULTILINE)
    assert balance(provider) == 0


def test_an_ev_withdraws_to_another_account(v2v, provider, stranger):
    before = stranger.balance

    v2v("wallet", "withdraw", "0.25 ether", "--to", stranger.address, account=provider)

    assert stranger.balance == before + ETHER // 4


def test_a_removed_ev_withdraws_from_a_closed_market(v2v, market, organization, provider):
    market.removeEV(provider, sender=organization)
    market.changeStatus(sender=organization)
    withdrawn = v2v("wallet", "withdraw", "--all", "--json", account=provider).json
    assert withdrawn["amount"] == str(FUNDS)


def test_more_than_the_balance_is_refused(v2v, provider):
    refusal = v2v("wallet", "withdraw", "1.5 ether", account=provider, expect=1)
    assert refusal.error == (
        f"Error: {provider.address} has 1 ether free in the market, and 1.5 ether was to be "
        "withdrawn: withdraw 1 ether at most, or --all; what is locked is not free yet\n"
    )


def test_who_has_nothing_cannot_withdraw_everything(v2v, stranger):
    refusal = v2v("wallet", "withdraw", "--all", account=stranger, expect=1)
    assert refusal.error == f"Error: {stranger.address} has no free balance in the market\n"


@pytest.mark.parametrize("arguments", [(), ("1 ether", "--all")])
def test_a_withdrawal_is_of_an_amount_or_of_everything(v2v, provider, arguments):
    refusal = v2v("wallet", "withdraw", *arguments, account=provider, expect=2)
    assert "withdraw takes either an amount, such as '0.05 ether', or --all" in refusal.error


# Balances


def test_a_consumer_has_its_reserve_locked(v2v, consumer, bid_id):
    assert v2v("wallet", "balance", consumer.address, "--json").json == {
        "address": consumer.address,
        "free": str(FUNDS - RESERVE),
        "reserve": str(RESERVE),
        "bonds": "0",
        "total": str(FUNDS),
    }


def test_a_leading_provider_has_its_bond_locked(v2v, provider, bid_id):
    assert v2v("wallet", "balance", provider.address, "--json").json == {
        "address": provider.address,
        "free": str(FUNDS - BOND),
        "reserve": "0",
        "bonds": str(BOND),
        "total": str(FUNDS),
    }


def test_an_overtaken_provider_has_nothing_locked(v2v, market, provider, rival, bid_id):
    market.placeBid(bid_id, LOWER_RATE, offered(market, bid_id), sender=rival)
    shown = v2v("wallet", "balance", provider.address, "--json").json
    assert (shown["free"], shown["bonds"]) == (str(FUNDS), "0")
    shown = v2v("wallet", "balance", rival.address, "--json").json
    assert (shown["free"], shown["bonds"]) == (str(FUNDS - BOND), str(BOND))


def test_bonds_of_connections_are_locked_until_they_end(
    v2v, market, consumer, provider, connection_id
):
    assert v2v("wallet", "balance", provider.address, "--json").json["bonds"] == str(BOND)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    assert v2v("wallet", "balance", provider.address, "--json").json["bonds"] == "0"


def test_an_account_may_be_consumer_and_provider_at_once(
    v2v, market, provider, bid_id, start_auction
):
    start_auction(energy=1_000, max_rate=1_000 * GWEI, sender=provider)
    shown = v2v("wallet", "balance", provider.address, "--json").json
    assert shown == {
        "address": provider.address,
        "free": str(FUNDS - BOND - 10**6 * GWEI),
        "reserve": str(10**6 * GWEI),
        "bonds": str(BOND),
        "total": str(FUNDS),
    }


def test_what_all_accounts_have_is_what_the_market_holds(v2v, market, accounts, provider, bid_id):
    listed = v2v("wallet", "balance", "--json").json
    assert [entry["address"] for entry in listed[-len(accounts) :]] == [
        account.address for account in accounts
    ]
    assert sum(int(entry["total"]) for entry in listed) == market.balance
    lines = v2v("wallet", "balance").text.splitlines()
    (line,) = [line for line in lines if provider.address in line]
    assert line.startswith(provider.alias)


def test_people_see_amounts_in_ether(v2v, provider, bid_id):
    shown = v2v("wallet", "balance", provider.alias).text
    assert re.search(r"^bonds +0\.006 ether *$", shown, re.MULTILINE)
    assert re.search(r"^total +1 ether *$", shown, re.MULTILINE)
