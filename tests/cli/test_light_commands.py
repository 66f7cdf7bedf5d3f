"""`ape v2v light`, and `--light` at other commands: what is shown is proven, or nothing is."""

import json
import threading

import pytest
from ape import config
from eth_utils.conversions import to_hex

from ape_v2v import Parameters, deployment
from ape_v2v._cli import verification
from ape_v2v._cli.shared import context
from ape_v2v.chain.networks import connected_node
from ape_v2v.chain.node import Node
from ape_v2v.config import Configuration, Fees, LightSettings
from ape_v2v.deployment.verification import compile_market
from tests.helpers.lying_node import lying_node
from tests.lightnode.beacon.anvil import Garage
from tests.lightnode.beacon.node import beacon_node
from tests.lightnode.lies import LIES

# Of the lies, so many at least concern what a command asks; the others change nothing.
LEAST_REFUSED = {"auction": 17, "connection": 12, "market": 12}


@pytest.fixture
def rpc(chain, monkeypatch):
    """The RPC node that the commands ask: honest until a test makes it lie."""
    with lying_node(chain.provider.uri) as proxy:
        network = connected_node().network
        monkeypatch.setattr(context, "connected_node", lambda: Node(proxy.url, network=network))
        yield proxy


@pytest.fixture
def garage(rpc, chain):
    return Garage(rpc.honest, chain.chain_id)


@pytest.fixture
def beacon(garage):
    with beacon_node(garage.served) as node:
        yield node


@pytest.fixture
def light(garage, beacon, tmp_path, monkeypatch):
    """The settings of a light node, with a folder of its own."""
    settings = LightSettings(
        sources=[beacon.url],
        checkpoint=to_hex(garage.served.checkpoint.root),
        chain=str(garage.settings(tmp_path / "garage.yaml")),
    )
    monkeypatch.setitem(Configuration.current().light, "ethereum-local", settings)
    monkeypatch.setattr(config, "DATA_FOLDER", tmp_path / "ape")
    return settings


@pytest.fixture
def proven(v2v, light, garage):
    """Runs a command after the light node has followed to Anvil's newest block."""
    v2v("light", "sync", on=None)

    def run(*arguments, **settings):
        garage.sign()
        return v2v(*arguments, **settings)

    return run


def test_a_light_node_follows_to_the_head_and_says_how_far_it_is(v2v, light, garage, chain):
    output = v2v("light", "sync", "--json", on=None)
    head = chain.blocks.head
    assert output.json["finalized"]["blockHash"] == "0x" + bytes(head.hash).hex()
    assert output.json["periods"] == 1
    status = v2v("light", "status", "--json", on=None).json
    assert status["optimistic"]["block"] == head.number
    assert status["optimistic"]["signers"] == 32
    assert "signed by 32" in v2v("light", "status", on=None).text


def test_an_auction_is_shown_proven(proven, v2v, market, bid_id, rpc):
    said = v2v("auction", "show", bid_id, "--json").json
    shown = proven("auction", "show", bid_id, "--light", "--json")
    by = shown.json.pop("provenBy")
    assert by["head"] == "finalized"
    assert "proven by finalized block" in shown.error
    assert {**shown.json, "provenBy": None} == {**said, "provenBy": None}


def test_a_connection_is_shown_proven_by_the_latest_block(proven, v2v, market, connection_id):
    said = v2v("connection", "show", connection_id, "--json").json
    shown = proven("connection", "show", connection_id, "--light-latest", "--json").json
    assert shown.pop("provenBy")["head"] == "optimistic"
    assert shown == said


@pytest.fixture(scope="module")
def compiled(project):
    return compile_market(project)


@pytest.fixture
def recorded(compiled, organization, tmp_path, monkeypatch):
    """A market that has been deployed with a record, and its sources compiled once."""
    records = deployment.Records(tmp_path / "records" / "ethereum-local.json")
    monkeypatch.setattr(deployment, "records", lambda *_: records)
    monkeypatch.setattr(verification, "compile_market", lambda *_: compiled)
    settings = deployment.Settings(None, None, Parameters(), Fees(confirmations=0))
    deployed, _ = deployment.deploy(organization, settings, records)
    return deployed


def test_a_market_is_verified_by_its_proven_code(proven, recorded, rpc):
    rpc.asked.clear()
    shown = proven("market", "verify", "--check-only", "--light", "--json", on=recorded).json
    assert shown["exact"]
    assert shown["provenBy"]["head"] == "finalized"
    assert "eth_getProof" in rpc.asked


# Lies


@pytest.fixture(params=["auction", "connection", "market"])
def command(request, connection_id):
    """A command that takes `--light`, what else it takes, and how many lies concern it."""
    if request.param == "market":
        recorded = request.getfixturevalue("recorded")
        return ("market", "verify", "--check-only"), {"on": recorded}, LEAST_REFUSED["market"]
    return (request.param, "show", connection_id), {}, LEAST_REFUSED[request.param]


def test_no_lie_of_the_node_is_shown_as_proven(command, proven, v2v, light, rpc):
    words, settings, least = command
    truth = proven(*words, "--light", "--json", **settings).json
    light.sources.clear()  # the head is young enough for all that follows
    refused = 0
    for lie, (method, tell) in LIES.items():
        rpc.lies = {method: tell}
        shown = v2v(*words, "--light", "--json", expect=None, **settings)
        if shown.code:
            assert shown.text == "", lie
            refused += 1
        else:
            assert shown.json.items() <= truth.items(), lie
    rpc.lies = {}
    assert refused >= least
    assert v2v(*words, "--light", "--json", **settings).json == truth


# What is not there


def test_without_a_checkpoint_nothing_is_shown(v2v, light, market, bid_id):
    output = v2v("auction", "show", bid_id, "--light", expect=1)
    assert "has no checkpoint to begin with: name the root of a recent" in output.error
    assert output.text == ""


def test_what_is_not_in_the_proven_block_yet_is_not_shown(
    proven, v2v, market, garage, bid_id, consumer
):
    garage.sign()
    market.cancelAuction(bid_id, 2**128 - 1, sender=consumer)
    assert v2v("auction", "show", bid_id, "--light", "--json").json["state"] == "open"
    garage.sign()
    assert "over or never was" in v2v("auction", "show", bid_id, "--light", expect=1).error


def test_a_beacon_node_that_is_silent_does_no_harm_for_a_while(bid_id, proven, v2v, beacon):
    beacon.lies["light_client"] = lambda _: None
    shown = proven("auction", "show", bid_id, "--light")
    assert "warning: no source leads to the newest block" in shown.error
    assert "proven by finalized block" in shown.error


def test_another_contract_than_the_market_is_not_believed(proven, rpc, market, bid_id):
    code = rpc.honest("eth_getCode", market.address, "latest")
    rpc.honest("anvil_setCode", market.address, code + "00")
    rpc.honest("evm_mine")
    output = proven("auction", "show", bid_id, "--light", expect=1)
    assert "is not the market of this version" in output.error


def test_a_network_without_a_beacon_chain_is_refused_by_its_name(v2v, bid_id):
    output = v2v("auction", "show", bid_id, "--light", expect=1)
    assert "no beacon chain is known for ethereum-local, chain 31337" in output.error


# A session, on proven state alone


def test_a_session_charges_on_what_is_proven(
    proven, v2v, garage, rpc, connection_id, consumer, provider, start_side, tmp_path
):
    cable, stop = tmp_path / "cable", threading.Event()
    served = start_side(
        "serve", connection_id, "--account", provider.alias, "--cable", cable,
        "--store", tmp_path / "provider.sqlite", "--speed", 20_000, "--max-unacknowledged", "5 kWh",
    )  # fmt: skip
    serving = json.loads(served.stdout.readline())

    def sign():
        while not stop.wait(0.7):
            garage.sign()

    signing = threading.Thread(target=sign)
    signing.start()
    rpc.asked.clear()
    try:
        *_, end = proven(
            "session", "charge", serving["url"], "--cable", cable, "--json", "--light-latest",
            "--store", tmp_path / "consumer.sqlite", "--account", consumer.alias,
        ).json_lines  # fmt: skip
    finally:
        stop.set()
        signing.join()
    assert (end["how"], end["sender"]) == ("agreed", consumer.address)
    assert "eth_call" not in rpc.asked
