"""`ape v2v ev`: the organization registers EVs, one by one or from a file; anyone looks them up."""

import json
import re
from datetime import UTC, datetime

import pytest

from ape_v2v import Market, Money
from ape_v2v.market.interface.parameters import MAX_TEXT_BYTES
from ape_v2v.market.interface.transactions import Write, simulate
from tests.helpers.scenario import ETHER, FUNDS, ZERO_ADDRESS


@pytest.fixture
def csv_file(tmp_path):
    """Write a file of EVs."""

    def csv_file(text):
        path = tmp_path / "evs.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return csv_file


@pytest.fixture
def fleet(accounts):
    """Five accounts that are not registered."""
    return [accounts[at] for at in range(5, 10)]


@pytest.fixture
def fleet_file(csv_file, fleet):
    rows = [f"{ev.address},lorry {number}" for number, ev in enumerate(fleet)]
    return csv_file("\n".join(["address,infos", *rows]) + "\n")


# One by one


def test_the_organization_adds_an_ev(v2v, market, organization, stranger, clock):
    added = v2v(
        "ev", "add", stranger.address, "--infos", "a bus", "--json", account=organization
    ).json
    transaction = added.pop("transaction")
    assert added == {
        "address": stranger.address,
        "registered": True,
        "infos": "a bus",
        "addedAt": datetime.fromtimestamp(clock.now, UTC).isoformat(),
        "balance": "0",
        "completed": 0,
        "noShows": 0,
        "revocations": 0,
    }
    assert market.isEV(stranger)
    receipt = market.provider.get_receipt(transaction)
    assert receipt.events == [market.EVAdded(ev=stranger, infos="a bus")]


def test_an_ev_may_be_named_by_its_alias_or_without_capitals(v2v, market, organization, fleet):
    v2v("ev", "add", fleet[0].alias, account=organization)
    v2v("ev", "add", fleet[1].address.lower(), account=organization)
    assert market.isEV(fleet[0])
    assert market.isEV(fleet[1])


def test_adding_an_ev_twice_is_refused(v2v, organization, provider):
    refusal = v2v("ev", "add", provider.address, account=organization, expect=1)
    assert refusal.error == f"Error: {provider.address} is registered already\n"


def test_a_stranger_adds_nobody(v2v, market, stranger):
    refusal = v2v("ev", "add", stranger.address, account=stranger, expect=1)
    assert "is not the organization that owns the market" in refusal.error
    assert not market.isEV(stranger)


def test_the_organization_removes_an_ev(v2v, market, balance, organization, provider):
    removed = v2v("ev", "remove", provider.address, "--json", account=organization).json
    transaction = removed.pop("transaction")
    assert removed == {"address": provider.address, "registered": False}
    assert not market.isEV(provider)
    assert balance(provider) == FUNDS
    assert market.provider.get_receipt(transaction).events == [market.EVRemoved(ev=provider)]


def test_removing_who_is_no_ev_is_refused(v2v, organization, stranger):
    refusal = v2v("ev", "remove", stranger.address, account=organization, expect=1)
    assert f"{stranger.address} is not a registered EV" in refusal.error


# Looking up


def test_anyone_looks_up_an_ev(v2v, market, organization, stranger):
    market.addEV(stranger, "a bus", sender=organization)
    shown = v2v("ev", "show", stranger.address, "--json").json
    assert shown["registered"] is True
    assert shown["infos"] == "a bus"
    assert "transaction" not in shown


def test_the_latest_notes_on_an_ev_are_shown(v2v, market, organization, stranger):
    market.addEV(stranger, "a bus", sender=organization)
    market.removeEV(stranger, sender=organization)
    assert v2v("ev", "show", stranger.address, "--json").json["infos"] == "a bus"
    market.addEV(stranger, "a coach", sender=organization)
    assert v2v("ev", "show", stranger.address, "--json").json["infos"] == "a coach"


def test_an_account_that_was_never_registered_is_shown_as_that(v2v, stranger):
    shown = v2v("ev", "show", stranger.address, "--json").json
    assert shown["registered"] is False
    assert shown["infos"] is shown["addedAt"] is None
    assert re.search(r"^registered +no *$", v2v("ev", "show", "TEST::4").text, re.MULTILINE)


def test_the_list_has_who_is_registered_now(
    v2v, market, organization, consumer, provider, rival, stranger
):
    market.removeEV(provider, sender=organization)
    market.addEV(stranger, "a bus", sender=organization)
    listed = v2v("ev", "list", "--json").json
    assert [(ev["address"], ev["infos"]) for ev in listed] == [
        (consumer.address, ""),
        (rival.address, ""),
        (stranger.address, "a bus"),
    ]
    assert all(ev["registered"] for ev in listed)
    assert listed[0]["balance"] == str(FUNDS)


def test_people_see_the_list_with_whole_addresses(v2v, consumer, provider, rival):
    lines = v2v("ev", "list").text.splitlines()
    assert len(lines) == 4
    for line, ev in zip(lines[1:], (consumer, provider, rival), strict=True):
        assert line.startswith(ev.address)
        assert "1 ether" in line


def test_the_list_of_an_empty_market_is_empty(v2v, empty_market):
    assert v2v("ev", "list", "--json", on=empty_market).json == []


@pytest.mark.parametrize("command", [("list",), ("show", "TEST::4")])
def test_notes_can_neither_colour_nor_move_what_is_shown(
    v2v, market, organization, stranger, command
):
    market.addEV(stranger, "[red]a\x1b[2Jb\nc", sender=organization)
    shown = v2v("ev", *command).text
    assert "[red]a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c" in shown
    assert "\x1b" not in shown


# From a file


def test_a_file_of_evs_is_registered_in_batches(
    v2v, market, organization, fleet, fleet_file, chain
):
    height = chain.blocks.height
    added = v2v("ev", "add-many", fleet_file, "--batch-size", 2, "--json", account=organization)
    assert added.json == {
        "registered": [ev.address for ev in fleet],
        "alreadyRegistered": [],
    }
    assert chain.blocks.height == height + 3
    assert all(market.isEV(ev) for ev in fleet)
    assert "registered 4 of 5" in added.error
    infos = {ev["address"]: ev["infos"] for ev in v2v("ev", "list", "--json").json}
    assert infos[fleet[4].address] == "lorry 4"


def test_who_is_registered_already_is_left_out(v2v, market, organization, fleet, fleet_file, chain):
    market.addEV(fleet[1], "", sender=organization)
    market.addEV(fleet[3], "", sender=organization)
    added = v2v("ev", "add-many", fleet_file, "--json", account=organization)
    assert added.json == {
        "registered": [fleet[0].address, fleet[2].address, fleet[4].address],
        "alreadyRegistered": [fleet[1].address, fleet[3].address],
    }
    assert "2 of 5 EVs are registered already: left out" in added.error
    height = chain.blocks.height
    again = v2v("ev", "add-many", fleet_file, "--json", account=organization)
    assert again.json["registered"] == []
    assert chain.blocks.height == height


def test_several_batches_are_asked_about_once(v2v, market, organization, fleet, fleet_file):
    added = v2v("ev", "add-many", fleet_file, "--batch-size", 2, account=organization, answer="y\n")
    assert added.error.count("send it?") == 1
    assert "5 EVs to register, in 3 transactions: the first is shown" in added.error
    assert all(market.isEV(ev) for ev in fleet)


def test_a_no_registers_nobody(v2v, market, organization, fleet, fleet_file):
    v2v("ev", "add-many", fleet_file, account=organization, answer="n\n", expect=1)
    assert not any(market.isEV(ev) for ev in fleet)


def test_a_refusal_tells_how_many_are_registered(v2v, market, organization, stranger, fleet_file):
    refusal = v2v("ev", "add-many", fleet_file, account=stranger, expect=1)
    assert refusal.error.splitlines()[-1] == (
        f"Error: 0 of 5 EVs are registered now, then: {stranger.address} is not the organization "
        "that owns the market; when that is mended, run the command again"
    )


def test_a_file_is_finished_by_the_same_command_after_a_failure(
    v2v, market, organization, fleet, fleet_file, chain
):
    """The organization can pay for the first batch, and not for the second one."""
    provider = chain.provider
    first = [ev.address for ev in fleet[:2]], ["lorry 0", "lorry 1"]
    nothing = Money(0)
    contract = Market.at(market.address).contract
    expected = simulate(Write(contract, "addEVs", first, organization, nothing, nothing, nothing))
    provider.set_balance(organization.address, int(expected.most))
    batches = ("ev", "add-many", fleet_file, "--batch-size", 2, "--json")
    failure = v2v(*batches, account=organization, expect=1)
    assert "Error: 2 of 5 EVs are registered now, then: " in failure.error
    assert [market.isEV(ev) for ev in fleet] == [True, True, False, False, False]

    provider.set_balance(organization.address, ETHER)
    added = v2v(*batches, account=organization).json
    assert added["registered"] == [ev.address for ev in fleet[2:]]
    assert all(market.isEV(ev) for ev in fleet)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: the columns are none; expected address and infos"),
        ("ev,infos\n", "line 1: the columns are ev, infos; expected address and infos"),
        ("address\n{a}\n", "line 1: the columns are address; expected address and infos"),
        ("address,infos\n", "names no EV"),
        ("address,infos\n{a},x\n{b}\n", "line 3: expected two values, address and infos"),
        ("address,infos\n{a},a bus, red\n", "line 2: expected two values, address and infos"),
        ("address,infos\n{a},x\n0x12,y\n", "line 3: '0x12' is not an address"),
        ("address,infos\n{a},x\n,y\n", "line 3: '' is not an address"),
        ("address,infos\n{a},x\n{b},y\n{a},z\n", "line 4: {a} stands in line 2 already"),
        ("address,infos\n{a},x\n{zero},y\n", "line 3: {zero} can never be an EV"),
        ("address,infos\n{a},{long}\n", "line 2: the infos have 513 bytes, at most 512 are"),
        ('address,infos\n{a},"x\n', "is not a CSV file in UTF-8"),
    ],
)
def test_a_mistake_in_a_file_is_named_before_anything_is_sent(
    v2v, organization, fleet, csv_file, text, reason
):
    values = {
        "a": fleet[0].address,
        "b": fleet[1].address,
        "zero": ZERO_ADDRESS,
        "long": "x" * (MAX_TEXT_BYTES + 1),
    }
    path = csv_file(text.format(**values))
    nonce = organization.nonce
    refusal = v2v("ev", "add-many", path, account=organization, expect=1)
    assert refusal.error.startswith(f"Error: {path}")
    assert reason.format(**values) in refusal.error
    assert refusal.error.count("\n") == 1
    assert organization.nonce == nonce


def test_a_file_in_another_encoding_is_refused(v2v, organization, csv_file):
    path = csv_file("")
    path.write_bytes("address,infos\nTEST::5,Müller\n".encode("latin-1"))
    refusal = v2v("ev", "add-many", path, account=organization, expect=1)
    assert "is not a CSV file in UTF-8" in refusal.error


def test_a_file_that_a_spreadsheet_wrote_is_read(v2v, market, organization, fleet, csv_file):
    text = f'infos,address\r\n"a ""bus"", red",{fleet[0].address}\r\n'
    path = csv_file("\N{ZERO WIDTH NO-BREAK SPACE}" + text)
    v2v("ev", "add-many", path, account=organization)
    assert v2v("ev", "show", fleet[0].address, "--json").json["infos"] == 'a "bus", red'


def test_a_file_that_is_not_there_is_a_usage_error(v2v, organization, tmp_path):
    refusal = v2v("ev", "add-many", tmp_path / "none.csv", account=organization, expect=2)
    assert "does not exist" in refusal.error


def test_a_full_batch_with_the_longest_notes_fits_a_block(
    v2v, market, organization, csv_file, chain
):
    """EIP-7825 gives a transaction 2**24 gas."""
    notes = "é" * (MAX_TEXT_BYTES // 2)
    rows = [f"0x{at:040x},{notes}" for at in range(1, 201)]
    path = csv_file("\n".join(["address,infos", *rows]))
    added = v2v("ev", "add-many", path, "--batch-size", 200, "--json", account=organization)
    assert len(json.loads(added.text)["registered"]) == 200
    (transaction,) = chain.blocks.head.transactions
    assert transaction.receipt.gas_used < 2**24
