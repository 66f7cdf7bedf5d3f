"""Deploying: what is refused before anything is sent, and what is recorded afterwards."""

import json
import re
import shutil
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest
import yaml
from eth_utils.address import is_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v import (
    ConfigurationError,
    DeploymentError,
    Market,
    Money,
    Parameters,
    Refused,
)
from ape_v2v.chain.networks import connected_node
from ape_v2v.chain.node import Node
from ape_v2v.config import Fees
from ape_v2v.deployment import (
    Plan,
    Records,
    Settings,
    default_market,
    deploy,
    plan,
    recorded_block,
    records,
    settings,
    take_up,
)
from ape_v2v.testing.assertions import rollback
from tests.helpers.processes import ROOT, project_folder, run_ape
from tests.helpers.scenario import ZERO_ADDRESS

DEFAULTS = Settings(chain_id=None, organization=None, parameters=Parameters())
SOMEBODY = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.fixture
def history(tmp_path):
    """An empty record of deployments."""
    return Records(tmp_path / "records" / "ethereum-local.json")


@pytest.fixture
def sends_nothing(organization):
    """The organization's nonce and balance are as they were."""
    before = organization.nonce, organization.balance
    yield
    assert (organization.nonce, organization.balance) == before


# The settings of a network


@pytest.fixture
def load(tmp_path):
    """Load settings from a text."""

    def load(text):
        path = tmp_path / "ethereum-sepolia.yaml"
        path.write_text(text, encoding="utf-8")
        return Settings.load(path)

    return load


def test_a_file_says_everything(load):
    text = f"""
        chain_id: 11155111
        organization: "{SOMEBODY}"
        parameters:
          bondBps: 5000
          awardWindow: 30 min
        gas:
          max_fee: 30 gwei
          priority_fee: 1 gwei
          confirmations: 3
    """
    assert load(text) == Settings(
        chain_id=11_155_111,
        organization=SOMEBODY,
        parameters=Parameters(bondBps=5_000, awardWindow=1_800),
        fees=Fees(max_fee=Money(30 * 10**9), priority_fee=Money(10**9), confirmations=3),
    )


def test_what_a_file_leaves_out_is_the_default(load):
    assert load("chain_id: any") == DEFAULTS
    assert load("chain_id: any\norganization:\nparameters:") == DEFAULTS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected chain_id, organization, currency, parameters and gas"),
        ("- chain_id", "expected chain_id, organization, currency, parameters and gas"),
        ("chain_id: {", "is not YAML"),
        (
            "chain_id: any\nowner: x",
            "unknown setting 'owner'; expected chain_id, organization, c",
        ),
        ("chain_id: any\n1: x\nowner: x", "unknown setting '1'"),
        ("parameters: {}", "chain_id is missing; it takes a number, or 'any'"),
        ("chain_id: true", "chain_id is missing; it takes a number, or 'any'"),
        ("chain_id: 1.5", "chain_id is missing; it takes a number, or 'any'"),
        ("chain_id: sepolia", "chain_id is 'sepolia', not a number nor 'any'"),
        (f"chain_id: any\norganization: {SOMEBODY}", r"organization is \d+, not an address with a"),
        ("chain_id: any\norganization: treasury", "organization is 'treasury', not an address"),
        (
            "chain_id: any\norganization: '0x5FbDB2315678afecb367f032d93F642f64180aa4'",
            "organization is '0x5FbDB2315678afecb367f032d93F642f64180aa4', not an address with a",
        ),
        ("chain_id: any\nparameters: 5", "parameters is 5, not names with values"),
        ("chain_id: any\nparameters: [bondBps]", r"parameters is \['bondBps'\], not names with"),
        ("chain_id: any\nparameters: {bond: 1}", "unknown parameter 'bond'"),
        (
            "chain_id: any\nparameters: {bondBps: 70000}",
            "bondBps is 70000: it takes a whole number",
        ),
        ("chain_id: any\ngas: 5", "gas is 5, not names with values"),
        ("chain_id: any\ngas: {max_fee: 5}", r"gas\.max_fee: "),
        ("chain_id: any\ngas: {max_fee: 5 kWh}", r"gas\.max_fee: '5 kWh' is not an amount"),
        ("chain_id: any\ngas: {tip: 1 gwei}", r"gas\.tip: "),
        ("chain_id: any\ngas: {confirmations: -1}", r"gas\.confirmations: "),
        (
            "chain_id: any\ngas: {max_fee: 1 gwei, priority_fee: 2 gwei}",
            "gas: priority_fee of .* is above max_fee of .*: the priority fee is part of it",
        ),
        ("chain_id: any\nparameters: {awardWindow: 1 m}", "awardWindow: '1 m' is not a duration"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_the_file(load, text, reason):
    with pytest.raises(ConfigurationError, match=rf"ethereum-sepolia\.yaml.*{reason}"):
        load(text)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not YAML"):
        Settings.load(path)


def test_a_missing_file_says_what_it_is_for(tmp_path):
    with pytest.raises(ConfigurationError, match="is missing: it says what to deploy on this net"):
        Settings.load(tmp_path / "ethereum-sepolia.yaml")


ISSUED_BY_CIRCLE = {
    "arbitrum-sepolia": 1,
    "base-sepolia": 2,
    "ethereum-sepolia": 2,
    "optimism-sepolia": 1,
}


@pytest.mark.parametrize("name", ISSUED_BY_CIRCLE)
def test_the_tokens_that_settings_offer_can_be_taken_as_they_stand(name):
    text = (ROOT / "deployments" / f"{name}.yaml").read_text(encoding="utf-8")
    offered = re.findall(r"^# (currency: .*)$", text, re.MULTILINE)
    assert len(offered) == ISSUED_BY_CIRCLE[name]
    for line in offered:
        settings = yaml.safe_load(text.replace(f"# {line}", line))
        assert is_checksum_address(settings["currency"])


@pytest.mark.parametrize(
    "path", sorted((ROOT / "deployments").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_files_of_this_project_are_in_order(path):
    loaded = Settings.load(path)
    assert (loaded.chain_id is None) == (path.stem == "ethereum-local")


def test_a_local_chain_needs_no_file(tmp_path):
    assert settings(tmp_path) == DEFAULTS


def test_a_local_chain_may_have_a_file(tmp_path):
    (tmp_path / "deployments").mkdir()
    path = tmp_path / "deployments" / "ethereum-local.yaml"
    path.write_text("chain_id: any\nparameters: {bondBps: 2000}", encoding="utf-8")
    assert settings(tmp_path).parameters.bondBps == 2_000


def test_a_file_that_is_named_has_to_be_there(tmp_path):
    with pytest.raises(ConfigurationError, match=r"other\.yaml is missing"):
        settings(tmp_path, tmp_path / "other.yaml")


# What is refused


@pytest.mark.usefixtures("sends_nothing")
def test_settings_for_another_chain_are_refused(organization, history):
    elsewhere = Settings(chain_id=11_155_111, organization=None, parameters=Parameters())
    with pytest.raises(
        DeploymentError,
        match="the settings are for chain 11155111, and ethereum-local is connected to chain 31337",
    ):
        deploy(organization, elsewhere, history)
    assert history.all() == []


def test_a_second_deployment_is_refused(organization, history):
    first, _ = deploy(organization, DEFAULTS, history)
    nonce = organization.nonce
    with pytest.raises(
        DeploymentError, match=rf"a market stands at {first.address} since .*--again"
    ):
        deploy(organization, DEFAULTS, history)
    assert organization.nonce == nonce
    assert len(history.all()) == 1


def test_another_market_is_deployed_when_that_is_wanted(organization, history):
    first, first_record = deploy(organization, DEFAULTS, history)
    second, second_record = deploy(organization, DEFAULTS, history, again=True)
    assert first.address != second.address
    assert history.all() == history.standing() == [first_record, second_record]


def test_a_market_that_is_gone_stands_in_nobodys_way(organization, history):
    with rollback():
        _, gone = deploy(organization, DEFAULTS, history)
    organization.transfer(organization, 0)  # else the next market takes the same address
    assert history.all() == [gone]
    assert history.standing() == []
    _, record = deploy(organization, DEFAULTS, history)
    assert history.standing() == [record]


@pytest.mark.usefixtures("sends_nothing")
def test_a_place_that_cannot_be_written_to_is_found_out_in_time(organization, tmp_path):
    (tmp_path / "records").write_text("a file, and no folder", encoding="utf-8")
    with pytest.raises(DeploymentError, match=f"cannot write to {tmp_path / 'records'}: "):
        deploy(organization, DEFAULTS, Records(tmp_path / "records" / "ethereum-local.json"))


@pytest.mark.usefixtures("sends_nothing")
@pytest.mark.parametrize("text", ["{", '{"address": "0x"}', '[{"address": "0x"}]', '["x"]'])
def test_a_record_that_cannot_be_read_is_not_written_over(organization, history, text):
    history.path.parent.mkdir()
    history.path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"ethereum-local\.json is not a list of deploy"):
        deploy(organization, DEFAULTS, history)
    assert history.path.read_text(encoding="utf-8") == text


@pytest.mark.usefixtures("sends_nothing")
def test_a_constructor_that_refuses_leaves_no_record(organization, history):
    nobody = Settings(chain_id=None, organization=ZERO_ADDRESS, parameters=Parameters())
    with pytest.raises(Refused, match=f"{ZERO_ADDRESS} cannot own a market"):
        deploy(organization, nobody, history)
    assert history.all() == []
    assert list(history.path.parent.iterdir()) == []


def test_who_cannot_pay_is_told_what_it_costs(organization, history, chain):
    chain.provider.set_balance(organization.address, 1)
    with pytest.raises(
        DeploymentError,
        match=r"has 1 wei in its wallet, .* of about 0\.0.* ether, at most 0\.0.*: fund it",
    ):
        deploy(organization, DEFAULTS, history)
    assert history.all() == []


@pytest.mark.usefixtures("sends_nothing")
def test_who_does_not_confirm_sends_nothing(organization, history):
    class No(Exception):
        """Somebody said no."""

    def no(_cost):
        raise No

    with pytest.raises(No):
        deploy(organization, DEFAULTS, history, confirm=no)
    assert history.all() == []


def test_a_folder_that_goes_away_before_the_deployment_is_found_out(organization, history):
    nonce = organization.nonce
    with pytest.raises(DeploymentError, match=r"cannot write to .*, so nothing was sent"):
        deploy(
            organization, DEFAULTS, history, confirm=lambda _: shutil.rmtree(history.path.parent)
        )
    assert organization.nonce == nonce


def test_a_record_that_cannot_be_written_in_the_end_names_the_market(organization, history):
    """A folder takes the record's place between the question and the deployment."""
    with pytest.raises(
        DeploymentError, match=r"the market stands at 0x.*could not be written"
    ) as no:
        deploy(organization, DEFAULTS, history, confirm=lambda _: history.path.mkdir())
    address = str(no.value).split()[4].rstrip(",")
    assert Market.at(address).organization == organization.address

    history.path.rmdir()
    assert take_up(history).address == address
    assert [record.address for record in history.all()] == [address]


# What is recorded


def test_the_record_is_what_the_chain_says(organization, history, chain):
    parameters = Parameters(bondBps=5_000, awardWindow=1_800)
    before = organization.balance
    market, record = deploy(
        organization,
        Settings(chain_id=31_337, organization=SOMEBODY, parameters=parameters),
        history,
    )
    receipt = chain.provider.get_receipt(record.transaction)
    assert record.contract == "V2VMarket"
    assert record.address == market.address == receipt.contract_address
    assert (record.network, record.chain_id) == ("ethereum-local", 31_337)
    assert record.block == receipt.block_number == chain.blocks.height
    assert datetime.fromisoformat(record.timestamp) == datetime.fromtimestamp(
        chain.blocks.head.timestamp, UTC
    )
    assert record.deployer == receipt.sender == organization.address
    assert record.organization == market.organization == SOMEBODY
    assert record.parameters == market.parameters.as_dict() == parameters.as_dict()
    assert (record.gas_used, record.gas_price) == (receipt.gas_used, receipt.gas_price)
    assert record.cost == record.gas_used * record.gas_price == before - organization.balance
    assert record.compiler == "solc 0.8.37"
    assert record.code_hash == to_hex(keccak(chain.provider.get_code(market.address)))


def test_the_record_is_kept_as_json(organization, history):
    _, record = deploy(organization, DEFAULTS, history)
    assert json.loads(history.path.read_text(encoding="utf-8")) == [asdict(record)]
    assert [path.name for path in history.path.parent.iterdir()] == ["ethereum-local.json"]


def test_the_plan_is_told_before(organization, history):
    told: list[Plan] = []
    balance, nonce = organization.balance, organization.nonce
    _, record = deploy(organization, DEFAULTS, history, confirm=told.append)
    (decided,) = told
    assert (decided.deployer, decided.nonce) == (organization.address, nonce)
    assert decided.balance == Money(balance)
    assert decided.address == record.address
    assert (decided.organization, decided.organization_is_contract) == (organization, False)
    assert decided.parameters == DEFAULTS.parameters
    assert int(decided.cost) == pytest.approx(record.cost, rel=0.3)
    assert record.cost <= int(decided.most) == decided.gas_limit * decided.price.max_fee


def test_a_plan_knows_a_multisig_from_an_account(organization, history, empty_market):
    wanted = Settings(None, empty_market.address, Parameters())
    assert plan(organization, wanted, history).organization_is_contract


# The market to use


def test_the_market_to_use_is_the_last_one_deployed(organization, tmp_path):
    deploy(organization, DEFAULTS, records(tmp_path))
    second, _ = deploy(organization, DEFAULTS, records(tmp_path), again=True)
    assert default_market(tmp_path) == second.address


@pytest.fixture
def in_a_project(tmp_path):
    """A node of a network whose project is an empty folder."""
    node = connected_node()
    return Node(node.url, network=replace(node.network, project=tmp_path))


def test_a_market_began_in_the_block_of_its_record(organization, tmp_path, in_a_project):
    market, record = deploy(organization, DEFAULTS, records(tmp_path))
    assert recorded_block(market.address, in_a_project) == record.block


def test_a_record_of_a_chain_that_is_gone_tells_no_block(organization, tmp_path, in_a_project):
    with rollback():
        market, _ = deploy(organization, DEFAULTS, records(tmp_path))
    assert recorded_block(market.address, in_a_project) is None


def test_without_a_market_the_ways_to_one_are_told(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no market is known on ethereum-local: .*deploy"):
        default_market(tmp_path)


# The commands


@pytest.fixture
def ape(chain, tmp_path):
    """Run `ape …` in a project with the settings and the script, on the session's chain."""
    project_folder(tmp_path, "deployments/ethereum-local.yaml", "scripts/deploy.py")

    def ape(*arguments, expect=0):
        return run_ape(tmp_path, *arguments, expect=expect, APE_FOUNDRY_HOST=chain.provider.uri)

    return ape


def test_the_script_and_the_command_deploy_the_same(ape, tmp_path, clock):
    start = clock.now + 100
    with rollback():
        clock.next_block_at(start)
        ape("run", "deploy", "--account", "TEST::0", "--yes")
        (by_script,) = records(tmp_path).all()
    records(tmp_path).path.unlink()
    clock.next_block_at(start)
    answer = ape("v2v", "market", "deploy", "--account", "TEST::0", "--yes", "--json")
    (by_command,) = records(tmp_path).all()
    assert by_script == by_command
    assert json.loads(answer.stdout) == asdict(by_command)


@pytest.mark.parametrize("command", [["run", "deploy"], ["v2v", "market", "deploy"]])
def test_a_command_refuses_in_one_line(ape, tmp_path, command):
    (tmp_path / "deployments" / "ethereum-local.yaml").write_text("chain_id: 1")
    answer = ape(*command, "--account", "TEST::0", "--yes", expect=1)
    error = answer.stderr.splitlines()[-1]
    assert error.removeprefix("ERROR:").removeprefix("Error:").strip() == (
        "the settings are for chain 1, and ethereum-local is connected to chain 31337: choose the "
        "network that the settings are for"
    )
    assert "Traceback" not in answer.stderr
