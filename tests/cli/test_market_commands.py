"""`ape v2v market`, and what all commands have in common."""

import re

import click
import pytest

from ape_v2v._cli import cli
from ape_v2v.units import Money
from tests.helpers.commands import commands
from tests.helpers.processes import add_live_network, project_folder, run_ape
from tests.helpers.scenario import FUNDS, PARAMETERS, RESERVE

NOBODY = "0x52908400098527886E0F7030069857D2E4169EE7"


# Reading


def test_a_stranger_sees_the_market(v2v, market, organization):
    assert v2v("market", "show", "--json").json == {
        "address": market.address,
        "network": "ethereum-local",
        "organization": organization.address,
        "pendingOrganization": None,
        "active": True,
        "numberOfEVs": 3,
        "holdings": str(3 * FUNDS),
        "burnt": "0",
    }


def test_people_see_the_same_in_their_units(v2v, market, organization):
    shown = v2v("market", "show").text
    assert market.address in shown
    assert re.search(r"^holds +3 ether *$", shown, re.MULTILINE)
    assert re.search(r"^state +open *$", shown, re.MULTILINE)


def test_a_stranger_sees_an_ownership_on_offer(v2v, market, organization, stranger):
    market.transferOwnership(stranger, sender=organization)
    assert v2v("market", "show", "--json").json["pendingOrganization"] == stranger.address


def test_a_stranger_sees_the_rules(v2v):
    assert v2v("market", "parameters", "--json").json == PARAMETERS
    shown = v2v("market", "parameters").text
    assert re.search(r"^penaltyBps +10 % *$", shown, re.MULTILINE)
    assert re.search(r"^settlementWindow +1 d *$", shown, re.MULTILINE)


def test_reading_asks_for_no_account(v2v):
    refusal = v2v("market", "show", "--account", "TEST::0", expect=2)
    assert "No such option: --account" in refusal.error


# Writing


def test_the_organization_closes_and_opens_the_market(v2v, market, organization):
    assert v2v("market", "close", "--json", account=organization).json["active"] is False
    assert not market.active()
    assert v2v("market", "open", account=organization).text == "the market is open\n"
    assert market.active()


def test_closing_twice_does_not_open_the_market(v2v, market, organization):
    v2v("market", "close", account=organization)
    nonce = organization.nonce
    v2v("market", "close", account=organization)
    assert not market.active()
    assert organization.nonce == nonce


def test_a_stranger_cannot_close_the_market(v2v, market, stranger):
    refusal = v2v("market", "close", account=stranger, expect=1)
    assert refusal.error == (
        f"Error: {stranger.address} is not the organization that owns the market\n"
    )
    assert refusal.text == ""
    assert market.active()


def test_what_will_happen_is_said_and_asked(v2v, market, organization):
    closing = v2v("market", "close", account=organization, answer="y\n")
    assert f"setActive on market {market.address}\n" in closing.error
    assert f"  by {organization.address} ({organization.alias})\n" in closing.error
    assert re.search(r"^  costs about 0\.\d+ ether \([\d,]+ gas\)$", closing.error, re.MULTILINE)
    assert "send it? [y/N]" in closing.error
    assert not market.active()


def test_a_no_sends_nothing(v2v, market, organization):
    nonce = organization.nonce
    refusal = v2v("market", "close", account=organization, answer="n\n", expect=1)
    assert "Aborted!" in refusal.error
    assert market.active()
    assert organization.nonce == nonce


def test_what_is_sent_and_locked_is_said(v2v, consumer):
    deposit = v2v("wallet", "deposit", "2 gwei", account=consumer, answer="n\n", expect=1)
    assert f"  sends {Money(2 * 10**9)} into the market\n" in deposit.error
    start = v2v(
        "auction", "start", "20 kWh", "300 gwei/Wh", account=consumer, answer="n\n", expect=1
    )
    assert f"  locks {Money(RESERVE)} until it is over\n" in start.error


def test_what_would_be_refused_is_not_asked(v2v, stranger):
    refusal = v2v("market", "close", account=stranger, answer="y\n", expect=1)
    assert "send it?" not in refusal.error


# Another organization


def test_the_market_goes_to_another_organization_in_two_steps(v2v, market, organization, stranger):
    offer = v2v("market", "transfer", stranger.address, "--json", account=organization).json
    assert (offer["organization"], offer["pendingOrganization"]) == (organization, stranger)
    assert v2v("market", "show", "--json").json["pendingOrganization"] == stranger.address
    taken = v2v("market", "accept", "--json", account=stranger).json
    assert (taken["organization"], taken["pendingOrganization"]) == (stranger, None)
    assert market.owner() == stranger


def test_an_offer_says_what_a_multisig_sends(v2v, market, organization, stranger):
    told = v2v("market", "transfer", stranger.address, account=organization).text
    assert f"a multisig sends 0x79ba5097 to {market.address}" in told


def test_an_offer_is_withdrawn(v2v, market, organization, stranger):
    v2v("market", "transfer", stranger.address, account=organization)
    v2v("market", "transfer", "--withdraw", account=organization)
    assert v2v("market", "show", "--json").json["pendingOrganization"] is None
    refusal = v2v("market", "accept", account=stranger, expect=1)
    assert "is offered to nobody, not to" in refusal.error
    assert market.owner() == organization


def test_only_who_it_is_offered_to_accepts(v2v, market, organization, stranger, rival):
    v2v("market", "transfer", stranger.address, account=organization)
    refusal = v2v("market", "accept", account=rival, expect=1)
    assert f"is offered to {stranger.address}, not to {rival.address}" in refusal.error


def test_only_the_organization_offers_the_market(v2v, market, stranger):
    refusal = v2v("market", "transfer", stranger.address, account=stranger, expect=1)
    assert "is not the organization that owns the market" in refusal.error


@pytest.mark.parametrize("words", [(), (NOBODY, "--withdraw")])
def test_an_offer_names_one_address(v2v, organization, words):
    refusal = v2v("market", "transfer", *words, account=organization, expect=2)
    assert "transfer takes either an address, or --withdraw" in refusal.error


# Deploying


def test_a_dry_run_tells_programs_what_it_would_do_and_has_done(v2v, organization, chain):
    nonce, height = organization.nonce, chain.blocks.height
    told = v2v(
        "market", "deploy", "--dry-run", "--again", "--json", account=organization, on=None
    ).json
    assert told["plan"]["deployer"] == organization.address
    assert told["plan"]["parameters"] == told["rehearsal"]["parameters"] == PARAMETERS
    assert told["plan"]["address"] == told["rehearsal"]["address"]
    assert int(told["plan"]["most"]) >= int(told["rehearsal"]["cost"]) > 0
    assert (organization.nonce, chain.blocks.height) == (nonce, height)


# Verification, as far as a local network goes


def test_without_a_record_nothing_is_verified(v2v, project, organization, stranger):
    # By the stranger: this clone's own records may hold one of the organization at any address.
    other = stranger.deploy(project.V2VMarket, organization, tuple(PARAMETERS.values()))
    refusal = v2v("market", "verify", expect=1, on=other)
    assert f"has no market at {other.address} that stands on this network" in refusal.error


# The market


def test_another_market_is_named(v2v, empty_market):
    shown = v2v("market", "show", "--json", on=empty_market).json
    assert shown["address"] == empty_market.address
    assert shown["numberOfEVs"] == 0


def test_an_address_without_a_market_is_refused(v2v):
    refusal = v2v("market", "show", "--market", NOBODY, on=None, expect=1)
    assert refusal.error == (
        f"Error: no contract at {NOBODY} on ethereum-local: check the address and the network\n"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0x5FbDB2315678afecb367f032d93F642f64180aa4", "fails its checksum"),
        ("0x5290", "is not an address: expected 0x and 40 digits, or the alias of an account"),
        ("nobody", "is not an address: expected 0x and 40 digits, or the alias of an account"),
        ("", "is not an address: expected 0x and 40 digits, or the alias of an account"),
        ("TEST::99", "Index '99' is not valid"),
        ("TEST::x", "Cannot reference test account by 'TEST::x'"),
        ("3", "is not an address"),
    ],
)
def test_what_is_no_address_is_refused(v2v, text, reason):
    refusal = v2v("market", "show", "--market", text, on=None, expect=2)
    assert "Invalid value for '--market'" in refusal.error
    assert reason in refusal.error


def test_a_node_that_does_not_answer_is_told_in_one_line(tmp_path):
    network = add_live_network(project_folder(tmp_path), "http://127.0.0.1:1")
    answer = run_ape(tmp_path, "v2v", "market", "show", "--network", network, expect=1)
    assert answer.stderr == (
        "Error: no node at http://127.0.0.1:1: check your connection to the network, and the "
        "node's address for ethereum:pilot in ape-config.yaml\n"
    )
    assert answer.stdout == ""


# The whole


TOPICS = cli.list_commands(click.Context(cli))


def test_every_command_of_every_topic_has_help_and_output_for_programs(v2v):
    for words, command in commands():
        text = v2v(*words, "--help", on=None).text
        assert "--json" in text, words
        assert command.help, f"{' '.join(words)} does not say what it does"


def test_help_lists_every_topic(v2v):
    text = v2v("--help", on=None).text
    for topic in TOPICS:
        assert re.search(rf"^  {topic} ", text, re.MULTILINE)


def test_a_topic_that_is_none_is_refused(v2v):
    assert "No such command 'nonsense'" in v2v("nonsense", on=None, expect=2).error
