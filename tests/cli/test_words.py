"""What a new user types, gets to see and is told, in whatever order things go wrong."""

import json
import re
from dataclasses import replace

import ape
import pytest
from eth_utils.conversions import to_hex

from ape_v2v.chain.node import Network, Node
from tests.helpers import faults
from tests.helpers.fault_proxy import Cut, FaultProxy, some
from tests.helpers.processes import project_folder, run_ape
from tests.helpers.scenario import ENERGY, PENALTY, RATE, RESERVE

LOCAL = Network("ethereum-local", is_dev=True, is_local=True)
NOBODY = "http://127.0.0.1:9"
DEFAULT = "http://127.0.0.1:8545"
ANVIL = "start `anvil`, and `export APE_FOUNDRY_HOST="


# --- No node


@pytest.fixture
def folder(tmp_path):
    """A project of a new user: a configuration, and nothing that is running."""
    return project_folder(tmp_path)


def test_without_a_node_nothing_is_written_on_a_chain_that_dies_with_the_command(folder):
    words = ("market", "deploy", "--account", "TEST::0", "--yes")

    refused = run_ape(folder, "v2v", *words, expect=1, APE_FOUNDRY_HOST="")

    assert refused.stdout == ""
    assert refused.stderr == (f"Error: no node at {DEFAULT}: {ANVIL}{DEFAULT}`; nothing was sent\n")
    assert not (folder / "deployments").exists()


def test_reading_says_the_same_and_names_the_node_that_was_looked_for(folder):
    refused = run_ape(folder, "v2v", "market", "show", expect=1, APE_FOUNDRY_HOST=NOBODY)

    assert refused.stderr == f"Error: no node at {NOBODY}: {ANVIL}{NOBODY}`\n"


@pytest.fixture
def asked(chain, monkeypatch):
    """Have commands ask a node with this fault."""
    with FaultProxy(chain.provider.uri) as proxy:

        def asked(fault):
            proxy.fault = fault
            node = Node(proxy.url, network=replace(LOCAL, patience=1.0))
            monkeypatch.setattr("ape_v2v._cli.shared.context.connected_node", lambda: node)
            return proxy.url

        yield asked


def gone_from(method):
    """A node that passes this request on, and then is gone."""
    gone = False

    def fault(request, forward):
        nonlocal gone
        if request["method"] == method and not gone:
            forward(request)
            gone = True
        return Cut() if gone else None

    return fault


def the_last_sent(chain):
    sent = chain.blocks.head.transactions[-1].txn_hash
    return sent if isinstance(sent, str) else to_hex(sent)


def test_a_node_that_goes_before_anything_is_sent(v2v, asked, provider, balance):
    url, before = asked(gone_from("eth_estimateGas")), balance(provider)

    refused = v2v("wallet", "deposit", "1 gwei", account=provider, expect=1)

    assert url in refused.error
    assert refused.error.endswith("; nothing was sent\n")
    assert balance(provider) == before


def test_a_node_that_goes_after_something_is_sent(v2v, asked, provider, balance, chain):
    before = balance(provider)
    asked(gone_from("eth_sendRawTransaction"))

    unknown = v2v("wallet", "deposit", "1 gwei", account=provider, expect=3)

    assert balance(provider) == before + 10**9
    sent = the_last_sent(chain)
    assert unknown.error.startswith(f"Error: sent as {sent}, and what became of it")
    assert f"see `ape v2v transaction show {sent}`" in unknown.error


def test_a_node_whose_answer_is_lost_is_asked_what_became_of_it(
    v2v, asked, provider, balance, chain
):
    before = balance(provider)
    asked(some(faults.LOST, of="eth_sendRawTransaction"))

    told = v2v("wallet", "deposit", "1 gwei", account=provider)

    assert balance(provider) == before + 10**9
    assert the_last_sent(chain) in told.text


def test_a_node_that_is_gone_is_named(v2v, provider, monkeypatch):
    node = Node(NOBODY, network=LOCAL)
    monkeypatch.setattr("ape_v2v._cli.shared.context.connected_node", lambda: node)

    for words in (("market", "show"), ("auction", "list"), ("wallet", "balance", provider.alias)):
        assert v2v(*words, expect=1).error == f"Error: no node at {NOBODY}: {ANVIL}{NOBODY}`\n"


# --- Typed otherwise than meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("auctoin",), "did you mean 'auction'?"),
        (("auction", "strat"), "did you mean 'start'?"),
        (("wallet", "withdrwa"), "did you mean 'withdraw' or 'sign-withdrawal'?"),
    ],
)
def test_a_command_that_is_none_is_told_what_may_be_meant(v2v, words, meant):
    assert meant in v2v(*words, on=None, expect=2).error


def test_a_command_like_no_other_is_told_nothing(v2v):
    assert v2v("xyz", on=None, expect=2).error.endswith("No such command 'xyz'.\n")


def test_an_account_that_is_not_there_is_told_what_may_be_meant(v2v, keyfile):
    refused = v2v("wallet", "deposit", "1 ether", "--account", keyfile[:-1], expect=2)
    assert f"there is no account '{keyfile[:-1]}' here" in refused.error
    assert f"did you mean '{keyfile}'?" in refused.error

    refused = v2v("auction", "show", keyfile[:-1], expect=2)
    assert f"did you mean '{keyfile}'?" in refused.error


@pytest.fixture
def keyfile(monkeypatch):
    """The alias of an account that Ape is told of."""
    alias = "alice-of-the-tests"
    monkeypatch.setattr(type(ape.accounts), "aliases", property(lambda _: iter([alias])))
    return alias


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("wallet", "deposit", "-5"), "'-5' is negative"),
        (("wallet", "deposit", "-0.5 ether"), "'-0.5 ether' is negative"),
        (("auction", "start", "-7.2 kWh", "1 gwei/Wh"), "'-7.2 kWh' is negative"),
        (("auction", "start", "1 kWh", "1 gwei/Wh", "--value", "-1 ether"), "is negative"),
    ],
)
def test_a_negative_amount_is_named_as_one(v2v, provider, words, said):
    refused = v2v(*words, account=provider, expect=2)

    assert said in refused.error
    assert "No such option" not in refused.error


def test_an_unknown_option_is_still_one(v2v, provider):
    assert "No such option: --valeu" in v2v("auction", "list", "--valeu", "1", expect=2).error


@pytest.mark.parametrize("unit", ["ETH", "Eth", "eth", "ether"])
def test_ether_goes_by_all_its_names(v2v, provider, unit):
    deposited = v2v("wallet", "deposit", f"0.5 {unit}", "--json", account=provider).json

    assert deposited["amount"] == str(10**18 // 2)


# --- Who acts


def test_who_acts_is_asked_for_on_standard_error(v2v, provider):
    words = ["wallet", "deposit", "1 gwei", "--json", "--yes"]

    deposited = v2v(*words, answer=f"{provider.alias}\n")

    assert json.loads(deposited.text)["account"] == provider.address
    assert "Select an account" in deposited.error


def test_who_cannot_be_asked_is_told_the_option(folder, chain):
    words = ("v2v", "wallet", "deposit", "1 gwei")

    refused = run_ape(folder, *words, expect=2, APE_FOUNDRY_HOST=chain.provider.uri)

    assert refused.stdout == ""
    assert refused.stderr.endswith("Error: name the account that acts with --account ALIAS\n")


# --- What is over


@pytest.fixture
def over(market, clock):
    """End an auction in one way or the other."""

    def over(how, auction_id, consumer, provider):
        if how == "cancelled":
            market.cancelAuction(auction_id, RESERVE, sender=consumer)
            return
        clock.move_to(market.auctions(auction_id).closingTime)
        market.endAuction(auction_id, sender=consumer)
        if how == "ended":
            market.endConnection(auction_id, sender=consumer)
        elif how == "forfeited":
            market.forfeit(auction_id, sender=provider)

    return over


PAID = "0.004 ether was paid for 20 kWh"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("cancelled", "it was cancelled at "),
        ("ended", "its connection was settled at "),
        ("forfeited", "its provider gave the connection up at "),
    ],
)
def test_what_is_over_tells_how_and_when(v2v, over, bid_id, consumer, provider, how, words):
    over(how, bid_id, consumer, provider)

    shown = v2v("connection" if how == "ended" else "auction", "show", bid_id).text
    assert f"over: {words.removesuffix(' at ')}" in shown
    assert re.search(r"^ended +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", shown, re.MULTILINE)
    told = v2v("auction", "show", bid_id, "--json").json
    assert told["outcome"] == how
    cost, penalty = {
        "cancelled": (None, PENALTY),
        "ended": (RATE * ENERGY, 0),
        "forfeited": (0, 2 * PENALTY),
    }[how]
    assert told["cost"] == (None if cost is None else str(cost))
    assert told["penalty"] == str(penalty)

    refused = v2v("connection", "forfeit", bid_id, account=provider, expect=1).error
    assert f"is over: {words}" in refused
    assert (PAID in refused) == (how == "ended")
    assert f"by transaction {told['transaction']}" in refused
    for command in (("connection", "end"), ("auction", "cancel")):
        assert words in v2v(*command, account=consumer, expect=1).error


def test_an_auction_without_a_bid_tells_that_nobody_bid(v2v, over, auction_id, consumer, provider):
    over("unsold", auction_id, consumer, provider)

    assert "over: it ended without a bid" in v2v("auction", "show", consumer.alias).text


def test_an_auction_that_never_was_is_not_said_to_be_over_for_certain(v2v, auction_id):
    assert "this auction is over or never was" in v2v("auction", "show", "7", expect=1).error


# --- What a terminal shows


@pytest.fixture
def at(v2v):
    """Run a command as on a terminal of so many columns."""

    def at(columns, *words):
        # What Rich takes for a terminal.
        terminal = {"COLUMNS": str(columns), "FORCE_COLOR": "1", "TERM": "xterm"}
        return re.sub(r"\x1b\[[0-9;]*m", "", v2v(*words, env=terminal).text)

    return at


@pytest.mark.parametrize("columns", [60, 80])
def test_an_auction_is_whole_on_a_narrow_terminal(at, bid_id, consumer, provider, columns):
    for words in (("auction", "list"), ("auction", "show", bid_id)):
        shown = at(columns, *words)
        assert f"{consumer.address}/1" in shown
        assert f"({consumer.alias}/1)" in shown
        assert "0.0003 ether/kWh" in shown
        assert "0.0002 ether/kWh" in shown
        assert "…" not in shown
    shown = at(columns, "auction", "show", bid_id)
    assert provider.address in shown
    assert f"({provider.alias})" in shown
    assert str(bid_id) in shown


@pytest.mark.parametrize("columns", [60, 80])
def test_accounts_are_whole_on_a_narrow_terminal(at, auction_id, consumer, columns):
    for words in (("ev", "list"), ("wallet", "balance"), ("wallet", "balance", consumer.alias)):
        shown = at(columns, *words)
        assert consumer.address in shown
        assert consumer.alias in shown
        assert "0.994 ether" in shown
        assert "…" not in shown


@pytest.mark.parametrize("columns", [60, 80])
def test_a_connection_is_whole_on_a_narrow_terminal(at, connection_id, market, consumer, columns):
    shown = at(columns, "connection", "show", connection_id)

    assert f"0x{market.accessToken(connection_id).hex().removeprefix('0x')}" in shown
    assert f"{consumer.address} ({consumer.alias})" in shown.replace("\n            ", "")


# --- In one's own money


def test_amounts_are_shown_in_ones_own_money(v2v, bid_id, consumer):
    euros = ("--fiat", "EUR=3100")

    shown = v2v("auction", "show", bid_id, *euros).text
    assert "0.0003 ether/kWh (0.93 EUR/kWh)" in shown
    assert f"{RESERVE / 10**18:g} ether (18.60 EUR)" in shown
    assert "(0.62 EUR/kWh)" in v2v("auction", "list", *euros).text
    assert "(18.60 EUR)" in v2v("wallet", "balance", consumer.alias, *euros).text


def test_before_sending_too(v2v, bid_id, provider, market):
    words = ("auction", "remove-bid", bid_id, "--fiat", "EUR=3100")

    refused = v2v(*words, account=provider, answer="n\n", expect=1)

    assert "pays 0.0006 ether (1.86 EUR) out of what is locked" in refused.error


def test_for_programs_ones_own_money_changes_nothing(v2v, bid_id):
    words = ("auction", "show", bid_id, "--json")

    assert v2v(*words, "--fiat", "EUR=3100").json == v2v(*words).json


def test_what_is_no_price_is_refused(v2v):
    refused = v2v("auction", "list", "--fiat", "many", expect=2)

    assert "'many' is not a price: expected a currency and a number above 0" in refused.error


def test_a_price_of_a_token_is_refused_on_a_market_in_ether(v2v):
    refused = v2v("auction", "list", "--fiat", "EUR=0.92/USDC", expect=1)

    assert "--fiat says what one USDC costs, and this market is paid in ether" in refused.error
    assert "'EUR=1.5/ether'" in refused.error
