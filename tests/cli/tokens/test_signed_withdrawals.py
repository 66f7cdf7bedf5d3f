"""`wallet sign-withdrawal` and `wallet withdraw-signed`: the one signs, another pays the gas."""

import json
from datetime import datetime

import pytest

from ape_v2v.testing.contracts import ape_token


@pytest.fixture
def withdrawal_file(v2v, tmp_path):
    """A factory of files with signed withdrawals; `changes` are made after signing."""

    def withdrawal_file(signer, amount, /, *options, name="", **changes):
        words = ("wallet", "sign-withdrawal", amount, *options, "--account", signer.alias)
        document = json.loads(v2v(*words).text) | changes
        file = tmp_path / f"{name or signer.alias.replace('::', '')}.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        return file

    return withdrawal_file


def words_of(output):
    return " ".join(output.error.split())


def test_a_withdrawal_is_signed_as_a_document(v2v, paid, provider, stranger):
    words = ("wallet", "sign-withdrawal", "3 EURT", "--to", stranger.address)
    document = v2v(*words, "--account", provider.alias).json

    assert document.pop("signature").startswith("0x")
    assert document.pop("deadline").endswith("Z")
    assert document.pop("chainId") == paid.node.chain_id
    assert document == {
        "type": "Withdrawal",
        "market": paid.address,
        "account": provider.address,
        "amount": "3000000",
        "to": stranger.address,
        "nonce": 0,
    }


def test_another_sends_what_was_signed(v2v, withdrawal_file, paid, provider, rival, stranger):
    file = withdrawal_file(provider, "3 EURT", "--to", stranger.address)
    free, held = paid.balance(provider.address), ape_token(paid).balanceOf(stranger)

    asked = v2v("wallet", "withdraw-signed", file, account=rival, answer="y\n")

    assert "pays 3 EURT out of the balance of" in asked.error
    assert "done" in asked.text
    assert ape_token(paid).balanceOf(stranger) == held + 3_000_000
    assert str(free - paid.balance(provider.address)) == "3 EURT"


def test_who_names_nobody_is_paid(v2v, withdrawal_file, paid, provider, rival):
    wallet = paid.wallet(provider.address)
    file = withdrawal_file(provider, "1 EURT")

    (shown,) = v2v("wallet", "withdraw-signed", file, "--json", account=rival).json

    assert (shown["document"], shown["done"], shown["refusal"]) == (str(file), True, None)
    assert str(paid.wallet(provider.address) - wallet) == "1 EURT"


def test_several_are_one_transaction_and_a_bad_one_does_not_stop_the_others(
    v2v, withdrawal_file, paid, consumer, provider, rival, chain, tmp_path
):
    first, third = withdrawal_file(consumer, "1 EURT"), withdrawal_file(provider, "2 EURT")
    second = tmp_path / "other.json"
    second.write_text("{}", encoding="utf-8")
    head, free = chain.blocks.height, paid.balance(provider.address)

    words = ("wallet", "withdraw-signed", first, second, third, "--json")
    shown = v2v(*words, account=rival).json

    assert chain.blocks.height == head + 1
    assert [one["document"] for one in shown] == [str(file) for file in (first, second, third)]
    assert [one["done"] for one in shown] == [True, False, True]
    assert "this is not a signed withdrawal" in shown[1]["refusal"]
    assert str(free - paid.balance(provider.address)) == "2 EURT"


def test_one_of_several_that_has_too_little_left_is_refused_by_the_market(
    v2v, withdrawal_file, provider, rival
):
    """Both are good as they are read: the second one's sequence is used by the first."""
    first = withdrawal_file(provider, "1 EURT", name="first")
    second = withdrawal_file(provider, "2 EURT", name="second")

    good, bad = v2v("wallet", "withdraw-signed", first, second, "--json", account=rival).json

    assert (good["done"], bad["done"]) == (True, False)
    assert bad["transaction"] is None


def test_none_counts_twice(v2v, withdrawal_file, paid, provider, rival):
    file = withdrawal_file(provider, "1 EURT")
    v2v("wallet", "withdraw-signed", file, account=rival)
    free = paid.balance(provider.address)

    refused = v2v("wallet", "withdraw-signed", file, account=rival, expect=1)

    assert "signed with the nonce 0, and it is 1 now: it was sent already" in words_of(refused)
    assert paid.balance(provider.address) == free


def test_one_that_was_revoked_is_refused(v2v, withdrawal_file, provider, rival):
    file = withdrawal_file(provider, "1 EURT")
    v2v("auction", "revoke-bids", account=provider)

    refused = v2v("wallet", "withdraw-signed", file, account=rival, expect=1)

    assert "or its account has revoked what it had signed" in words_of(refused)


@pytest.mark.parametrize("what", ["amount", "to", "deadline"])
def test_a_changed_value_is_refused(v2v, withdrawal_file, provider, rival, what):
    changed = {"amount": "1000001", "to": rival.address, "deadline": "2100-01-01T00:00:00Z"}
    file = withdrawal_file(provider, "1 EURT", **{what: changed[what]})

    refused = v2v("wallet", "withdraw-signed", file, account=rival, expect=1)

    assert f"the signature is not {provider.address}'s over exactly" in words_of(refused)


def test_a_changed_byte_of_the_signature_is_refused(v2v, withdrawal_file, provider, rival):
    file = withdrawal_file(provider, "1 EURT")
    document = json.loads(file.read_text(encoding="utf-8"))
    last = document["signature"][-3]
    document["signature"] = document["signature"][:-3] + ("0" if last != "0" else "1") + "1b"
    file.write_text(json.dumps(document), encoding="utf-8")

    refused = v2v("wallet", "withdraw-signed", file, account=rival, expect=1)

    assert "signature is not" in words_of(refused)


def test_one_that_has_run_out_is_refused(v2v, withdrawal_file, provider, rival, clock):
    file = withdrawal_file(provider, "1 EURT", "--valid", "1 min")
    deadline = json.loads(file.read_text(encoding="utf-8"))["deadline"]
    clock.move_to(int(datetime.fromisoformat(deadline).timestamp()) + 1)

    refused = v2v("wallet", "withdraw-signed", file, account=rival, expect=1)

    assert "the signature was valid until" in refused.error


def test_one_for_another_market_is_refused(v2v, withdrawal_file, v2v_token_market, provider, rival):
    file = withdrawal_file(provider, "1 EURT")

    other = v2v_token_market()
    refused = v2v("wallet", "withdraw-signed", file, account=rival, on=other, expect=1)

    assert f"and this one is at {other.address}" in words_of(refused)


def test_one_for_another_chain_is_refused(v2v, withdrawal_file, provider, rival):
    file = withdrawal_file(provider, "1 EURT", chainId=1)

    refused = v2v("wallet", "withdraw-signed", file, account=rival, expect=1)

    assert "the document is for chain 1" in words_of(refused)


def test_in_ether_there_are_none(v2v, withdrawal_file, v2v_market, provider, rival):
    file, ether = withdrawal_file(provider, "1 EURT"), v2v_market()

    refused = v2v("wallet", "withdraw-signed", file, account=rival, on=ether, expect=1)
    assert f"and this one is at {ether.address}" in words_of(refused)
    words = ("wallet", "sign-withdrawal", "1 ether", "--account", provider.alias)
    refused = v2v(*words, on=ether, expect=1)
    assert "this market is paid in ether" in words_of(refused)


def test_what_is_no_withdrawal_is_said_to_be_none(v2v, provider, rival, tmp_path):
    file = tmp_path / "receipt.json"
    file.write_text('{"type": "MeteringReceipt"}', encoding="utf-8")

    refused = v2v("wallet", "withdraw-signed", file, account=rival, expect=1)

    assert "this is not a signed withdrawal" in refused.error


@pytest.mark.parametrize(
    ("amount", "why"), [("5000 EURT", "and needs 5000 EURT"), ("0 EURT", "the amount is 0")]
)
def test_what_the_market_would_not_pay_is_not_signed(v2v, provider, amount, why):
    words = ("wallet", "sign-withdrawal", amount, "--account", provider.alias)

    assert why in words_of(v2v(*words, expect=1))


def test_what_is_not_there_any_more_is_not_sent(v2v, withdrawal_file, provider, rival):
    file = withdrawal_file(provider, "1000 EURT")
    v2v("wallet", "withdraw", "--all", account=provider)

    refused = v2v("wallet", "withdraw-signed", file, account=rival, expect=1)

    assert "has 0 EURT in the market and needs 1000 EURT" in words_of(refused)
