"""`ape v2v ev top-up` and its kin: the organization sees to it that EVs can pay their gas."""

import pytest

from tests.helpers.scenario import ETHER

BELOW, LEVEL = ETHER // 500, ETHER // 200
ABOVE = ("--below", "0.002 ether", "--to", "0.005 ether")


@pytest.fixture
def wallets(chain, consumer, provider, rival):
    """Three EVs: one has no ether, one a little, and one enough."""
    for ev, wei in ((consumer, 0), (provider, BELOW - 1), (rival, BELOW)):
        chain.provider.set_balance(ev.address, wei)
    return consumer, provider, rival


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "grants.sqlite"


@pytest.fixture
def top_up(v2v, organization, ledger):
    """Run the command, with a ledger of its own; what it shows."""

    def top_up(*options, **how):
        words = ("ev", "top-up", *ABOVE, "--ledger", ledger, *options)
        return v2v(*words, account=organization, **how)

    return top_up


def test_who_has_too_little_ether_is_given_some_and_nobody_else(top_up, wallets, v2v, ledger):
    given = top_up("--json").json

    empty, poor, _ = wallets
    assert {one["address"]: one["amount"] for one in given} == {
        empty.address: str(LEVEL),
        poor.address: str(LEVEL - BELOW + 1),
    }
    assert [ev.balance for ev in wallets] == [LEVEL, LEVEL, BELOW]
    log = v2v("ev", "grants", "--ledger", ledger, "--json").json
    assert {one["transaction"] for one in log} == {one["transaction"] for one in given}
    assert all(int(one["spent"]) > LEVEL - BELOW for one in log)


def test_who_has_enough_is_given_nothing(top_up, wallets):
    top_up()

    assert top_up("--json").json == []
    assert "3 of 3 EVs have 0.002 ether or more" in top_up().text


def test_some_may_be_named(top_up, wallets, stranger):
    given = top_up(wallets[0].address, wallets[2].address, "--json").json
    assert [one["address"] for one in given] == [wallets[0].address]

    refused = top_up(stranger.address, expect=1)
    assert f"{stranger.address} is no EV of the market" in refused.error


def test_one_is_asked_before_ether_is_given(top_up, wallets):
    refused = top_up(answer="n\n", expect=1)

    assert "gives 0.008000000000000001 ether to 2 EVs" in refused.error
    assert "0.05 ether is left of the day's budget" in refused.error
    assert wallets[0].balance == 0


def test_who_empties_its_wallet_is_given_nothing_more_that_day(top_up, wallets, chain):
    top_up()
    chain.provider.set_balance(wallets[0].address, 0)

    (refused,) = top_up("--json").json
    assert (refused["amount"], refused["transaction"]) == ("0", None)
    assert "was paid for 1 times in the last day" in refused["refusal"]
    assert wallets[0].balance == 0


def test_no_more_is_given_than_the_budget(top_up, wallets):
    given = top_up("--budget", "0.006 ether", "--json").json

    assert sorted(one["transaction"] is None for one in given) == [False, True]
    (why,) = (one["refusal"] for one in given if one["refusal"])
    assert "is left of the day's budget, 0.006 ether" in why


def test_who_does_not_take_ether_stops_nobody_else(
    top_up, wallets, v2v, project, market, organization
):
    closed = organization.deploy(project.MarketLens)
    v2v("ev", "add", closed.address, account=organization)

    given = {one["address"]: one for one in top_up("--json").json}

    assert given[closed.address]["refusal"]
    assert [ev.balance for ev in wallets[:2]] == [LEVEL, LEVEL]


def test_a_level_below_the_threshold_is_refused(v2v, wallets, organization):
    words = ("ev", "top-up", "--below", "0.005 ether", "--to", "0.002 ether")
    refused = v2v(*words, account=organization, expect=1)
    assert "expected a level that is not below the threshold" in refused.error


def test_a_new_ev_may_be_given_ether(v2v, chain, market, organization, stranger):
    chain.provider.set_balance(stranger.address, 1)
    words = ("ev", "add", stranger.address, "--gas-grant", "0.005 ether", "--json")
    added = v2v(*words, account=organization).json

    assert market.isEV(stranger)
    assert added["gasGrant"]["amount"] == str(LEVEL - 1)
    assert stranger.balance == LEVEL
