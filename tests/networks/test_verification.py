"""Verification: our own, and that of explorers that compile what they are sent."""

import json
from dataclasses import replace

import ape
import pytest
import requests
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from web3.types import RPCEndpoint

from ape_v2v import Parameters, VerificationError
from ape_v2v.config import Fees
from ape_v2v.deployment import Records, Settings, deploy
from ape_v2v.deployment.publishing import publish
from ape_v2v.deployment.verification import compile_market, verify
from tests.helpers.live import SEPOLIA
from tests.networks.explorers import KEY

PARAMETERS = Parameters(bondBps=5_000, awardWindow=1_800)
SETTINGS = Settings(None, None, PARAMETERS, Fees(confirmations=0))


@pytest.fixture(scope="module")
def compiled():
    return compile_market(ape.project)


@pytest.fixture
def record(sepolia, organization, tmp_path):
    _, record = deploy(organization, SETTINGS, Records(tmp_path / "records" / "x.json"))
    return record


@pytest.fixture
def with_code(sepolia, record):
    """Change bytes of the code at the market's address, and make the record agree."""

    def change(start, value):
        code = bytearray(sepolia.eth.get_code(record.address))
        code[start : start + len(value)] = value
        sepolia.provider.make_request(
            RPCEndpoint("anvil_setCode"), [record.address, to_hex(bytes(code))]
        )
        return replace(record, code_hash=to_hex(keccak(bytes(code))))

    return change


# --- Our own


def test_a_market_is_what_its_sources_compile_to(record, compiled):
    verdict = verify(record, compiled)
    assert verdict.exact
    assert verdict.immutables["_BOND_BPS"] == to_hex((5_000).to_bytes(32, "big"))
    assert int(verdict.immutables["_cachedThis"], 16) == int(record.address, 16)
    assert set(verdict.immutables) == set(compiled.immutables)
    assert len(compiled.immutables) == 14


def test_a_parameter_in_the_code_that_the_record_does_not_name_is_found(compiled, with_code):
    tampered = with_code(compiled.immutables["_BOND_BPS"][0], (20_000).to_bytes(32, "big"))
    with pytest.raises(VerificationError, match="the code has several values for _BOND_BPS"):
        verify(tampered, compiled)
    tampered = with_code(compiled.immutables["_BOND_BPS"][1], (20_000).to_bytes(32, "big"))
    with pytest.raises(VerificationError, match=r"_BOND_BPS in the code .* is 0x0+4e20, and by"):
        verify(tampered, compiled)


def test_code_that_was_changed_is_found(compiled, with_code):
    tampered = with_code(100, b"\xfe")
    with pytest.raises(VerificationError, match="is not what these sources compile to"):
        verify(tampered, compiled)


def test_other_comments_are_told_from_other_code(compiled, with_code):
    found = verify(with_code(len(compiled.runtime) - 40, bytes(8)), compiled)
    assert not found.exact


def test_code_that_is_not_the_recorded_one_is_found(record, compiled, with_code):
    with_code(100, b"\xfe")
    with pytest.raises(VerificationError, match="and the record says"):
        verify(record, compiled)


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": Parameters(bondBps=5_001, awardWindow=1_800).as_dict()},
        {"organization": "0x52908400098527886E0F7030069857D2E4169EE7"},
    ],
)
def test_a_record_of_other_arguments_is_found(record, compiled, change):
    with pytest.raises(VerificationError, match="did not create the market with the organization"):
        verify(replace(record, **change), compiled)


def test_a_record_of_another_chain_is_found(record, compiled):
    with pytest.raises(VerificationError, match="the record is of chain 1, and"):
        verify(replace(record, chain_id=1), compiled)


def test_an_address_without_code_is_found(record, compiled, organization):
    with pytest.raises(VerificationError, match=f"there is no code at {organization.address}"):
        verify(replace(record, address=organization.address), compiled)


def test_other_sources_are_found(record, compiled):
    creation = bytearray(compiled.creation)
    creation[1_000] ^= 1
    with pytest.raises(VerificationError, match="did not create what these sources compile to"):
        verify(record, replace(compiled, creation=bytes(creation)))


def test_an_immutable_that_nobody_accounts_for_is_found(record, compiled):
    more = compiled.immutables | {"_SECRET_DOOR": compiled.immutables["_BOND_BPS"]}
    with pytest.raises(VerificationError, match="nothing says what _SECRET_DOOR in the code"):
        verify(record, replace(compiled, immutables=more))


def test_a_folder_without_the_sources_cannot_verify(tmp_path):
    with (
        ape.Project.create_temporary_project() as elsewhere,
        pytest.raises(VerificationError, match=r"V2VMarket\.sol is missing: .* in a clone"),
    ):
        compile_market(elsewhere)


# --- Etherscan


def test_the_sources_are_published_once(record, etherscan):
    first = publish(record.address)
    assert (first.explorer, first.already) == ("etherscan", False)
    assert first.url == f"{etherscan.url}/address/{record.address}"
    assert set(etherscan.verified) == {record.address}

    posted = etherscan.verified[record.address]
    sources = json.loads(posted["sourceCode"])["sources"]
    path = ape.project.path / "contracts" / "V2VMarket.sol"
    assert sources["contracts/V2VMarket.sol"]["content"] == path.read_text("utf-8")

    again = publish(record.address)
    assert again == replace(first, already=True)
    assert len(etherscan.posted) == 1


def test_a_publication_that_fails_is_an_error_and_can_be_repeated(record, etherscan):
    etherscan.meddle = lambda form: form | {"constructorArguements": "00" * 224}
    with pytest.raises(
        VerificationError, match=rf"not taken the sources of V2VMarket at {record.address}: .*other"
    ):
        publish(record.address)
    assert etherscan.verified == {}

    etherscan.meddle = lambda form: form
    assert not publish(record.address).already
    assert set(etherscan.verified) == {record.address}

    # What is posted by hand, after something was changed in what has just been taken.
    for changed, reason in tampered(etherscan.verified.pop(record.address)):
        guid = ask(etherscan, changed)["result"]
        outcome = ask(
            etherscan, {"module": "contract", "action": "checkverifystatus", "guid": guid}
        )
        assert outcome["status"] == "0"
        assert outcome["result"] == f"Fail - Unable to verify: {reason}"
    assert etherscan.verified == {}


def tampered(form):
    """Publications that are wrong in one thing each, and how the stand-in sees that."""
    standard = json.loads(form["sourceCode"])
    other = "the creation code and its arguments are others on the chain"

    def source(change):
        copy = json.loads(form["sourceCode"])
        change(copy)
        return form | {"sourceCode": json.dumps(copy)}

    def raise_limit(copy):
        rules = copy["sources"]["contracts/market/Rules.sol"]
        assert "5_000" in rules["content"]
        rules["content"] = rules["content"].replace("5_000", "6_000")

    yield source(raise_limit), other
    yield source(lambda copy: copy["settings"]["optimizer"].update(runs=200)), other
    yield (
        form | {"compilerversion": "v0.8.36+commit.00000000"},
        ("the compiler is v0.8.36+commit.00000000"),
    )
    yield (
        form | {"contractname": "contracts/V2VMarket.sol:Market"},
        ("there is no contracts/V2VMarket.sol:Market"),
    )
    assert standard["settings"]["optimizer"]["runs"] == 150


def ask(explorer, form):
    query = {"chainid": explorer.chain_id, "apikey": KEY}
    return requests.post(f"{explorer.url}/v2/api", params=query, data=form, timeout=60).json()


def test_etherscan_is_not_asked_without_a_key(record, etherscan, monkeypatch):
    monkeypatch.delenv("ETHERSCAN_API_KEY")
    with pytest.raises(VerificationError, match="set ETHERSCAN_API_KEY to yours"):
        publish(record.address)


def test_a_key_that_etherscan_does_not_know_is_reported(record, etherscan, monkeypatch):
    monkeypatch.setenv("ETHERSCAN_API_KEY", "another")
    with pytest.raises(VerificationError, match=r"etherscan has not taken .*Invalid API Key"):
        publish(record.address)


def test_an_explorer_that_does_not_answer_is_reported(record, etherscan, monkeypatch):
    monkeypatch.setattr(etherscan, "url", "http://127.0.0.1:1")
    with pytest.raises(VerificationError, match="etherscan has not taken the sources"):
        publish(record.address)


# --- Sourcify


def test_the_sources_are_published_on_sourcify_once(record, sourcify):
    sourcify.meddle = lambda form: form | {"compilerversion": "v0.8.36+commit.00000000"}
    with pytest.raises(VerificationError, match=r"sourcify has not .* the compiler is v0\.8\.36"):
        publish(record.address, "sourcify")
    assert sourcify.verified == {}

    sourcify.meddle = lambda form: form
    first = publish(record.address, "sourcify")
    assert first.url == f"{sourcify.url}/{SEPOLIA}/{record.address}"
    assert not first.already
    assert set(sourcify.verified) == {record.address}
    assert publish(record.address, "sourcify") == replace(first, already=True)


def test_nothing_is_published_from_a_local_network(market):
    with pytest.raises(VerificationError, match="no explorer sees it"):
        publish(market.address)
