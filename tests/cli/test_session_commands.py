"""`ape v2v session`: what the commands take, say and store; the sides are tested apart."""

import json
import signal

import pytest

from ape_v2v.session.store import Store

CONTRACTED = 20_000
PATIENCE = 60  # seconds


@pytest.fixture
def cable(tmp_path):
    return tmp_path / "cable"


@pytest.fixture
def stores(tmp_path):
    return tmp_path / "provider.sqlite", tmp_path / "consumer.sqlite"


def test_a_session_from_the_command_line(
    v2v, chain, connection_id, consumer, provider, cable, stores, start_side
):
    trusted = "0x" + bytes(chain.blocks.head.hash).hex()
    served = start_side(
        "serve", connection_id, "--account", provider.alias, "--cable", cable,
        "--store", stores[0], "--speed", 5_000, "--max-unacknowledged", "2 kWh",
        "--trusted-block", trusted,
    )  # fmt: skip
    serving = json.loads(served.stdout.readline())
    assert serving["event"] == "serving"
    assert serving["url"].startswith("http://127.0.0.1:")  # loopback unless told otherwise
    assert serving["auctionId"] == str(connection_id)

    *progress, end = v2v(
        "session", "charge", serving["url"], "--cable", cable, "--store", stores[1],
        "--limit", "10 kWh", "--loss", "0.01", "--json", "--account", consumer.alias,
    ).json_lines  # fmt: skip

    assert {line["event"] for line in progress} == {"progress"}
    assert progress[-1]["acknowledgedWh"] == 10_000
    assert progress[-1]["cost"] == str(10_000 * 200 * 10**9)
    assert 9_800 < progress[-1]["ownEnergyWh"] < 10_000
    assert (end["event"], end["how"], end["energyWh"]) == ("ended", "agreed", 10_000)
    assert (end["sender"], end["reason"]) == (consumer.address, "CostLimitReached")
    *_, ended = [json.loads(line) for line in served.stdout]
    assert served.wait(PATIENCE) == 0
    assert ended == end

    shown = v2v("session", "show", "--store", stores[1], "--json").json
    assert [(entry["role"], entry["state"]) for entry in shown] == [("consumer", "Settled")]
    assert (shown[0]["acknowledgedWh"], shown[0]["contractedWh"]) == (10_000, CONTRACTED)
    assert "CostLimitReached" in v2v("session", "show", "--store", stores[0]).text
    # What is exported is checked without a node, and what was changed is found out.
    file = stores[0].with_name("evidence.json")
    assert "wrote" in v2v("session", "export", "--store", stores[1], "--out", file).text
    assert v2v("session", "verify", file, "--json", on=None).json["ok"]
    asked = start_side("verify", file, on=None)
    assert json.loads(asked.stdout.readline())["chainAsked"]
    assert asked.wait(PATIENCE) == 0
    assert "the chain was not asked" in v2v("session", "verify", file, on=None).text
    text = file.read_text("utf-8")
    file.write_text(text.replace('"energyWh": "10000"', '"energyWh": "10001"'), "utf-8")
    assert file.read_text("utf-8") != text
    assert "is not what it says" in v2v("session", "verify", file, expect=1, on=None).error
    table = v2v("session", "export", "--store", stores[0], "--format", "csv").text
    assert table.splitlines()[-1].split(",")[1] == "10000"
    assert (
        "SAFE XML"
        in v2v("session", "export", "--store", stores[0], "--format", "safe", expect=1).error
    )
    chart = v2v("session", "show", "--store", stores[0], "--auction", connection_id).text
    assert "power of" in chart
    assert "kW │" in chart
    # Once more, either way: it is over, and that is no error.
    words = ("--store", stores[1], "--json", "--account", consumer.alias)
    again = v2v("session", "resume", connection_id, *words)
    assert again.json == end
    again = v2v("session", "charge", serving["url"], "--cable", cable, *words)
    assert again.json == end


def test_keys_sign_a_whole_session_for_both_sides(
    v2v, market, connection_id, consumer, provider, stranger, cable, stores, start_side, tmp_path
):
    """The accounts sign once each: one for a key of its program's own, one earlier for a car's."""
    key = tmp_path / "key.json"
    words = ("sign-key", connection_id, stranger.address, "--account", consumer.alias)
    key.write_text(v2v("connection", *words).text, "utf-8")
    served = start_side(
        "serve", connection_id, "--account", provider.alias, "--cable", cable, "--session-key",
        "--store", stores[0], "--speed", 5_000, "--max-unacknowledged", "2 kWh",
    )  # fmt: skip
    url = json.loads(served.stdout.readline())["url"]

    *_, end = v2v(
        "session", "charge", url, "--cable", cable, "--store", stores[1], "--session-key", key,
        "--limit", "10 kWh", "--json", "--account", stranger.alias,
    ).json_lines  # fmt: skip

    assert (end["how"], end["energyWh"]) == ("agreed", 10_000)
    assert served.wait(PATIENCE) == 0
    token = Store(stores[0]).connections.all()[0].agreement.token
    statements = Store(stores[0]).statements
    for signed in (statements.highest_receipt(token), statements.settlement(token)):
        assert signed is not None
        assert len(signed.signature) == 130
    assert market.evs(provider).completed == market.evs(consumer).completed == 1
    assert end["sender"] == stranger.address


def test_a_key_of_another_account_signs_nothing(
    v2v, connection_id, consumer, rival, stranger, cable, stores, tmp_path
):
    key = tmp_path / "key.json"
    words = ("sign-key", connection_id, stranger.address, "--account", consumer.alias)
    key.write_text(v2v("connection", *words).text, "utf-8")
    output = v2v(
        "session", "charge", "http://127.0.0.1:1", "--cable", cable, "--store", stores[1],
        "--session-key", key, "--account", rival.alias, expect=1,
    )  # fmt: skip
    assert f"the key that was chosen is {stranger.address}" in output.error


def test_the_wrong_account_serves_nothing(v2v, connection_id, rival, cable, stores):
    output = v2v(
        "session", "serve", connection_id, "--cable", cable, "--store", stores[0],
        "--account", rival.alias, expect=1,
    )  # fmt: skip
    assert f"the account is {rival.address}" in output.error


@pytest.fixture
def start_both(connection_id, consumer, provider, cable, stores, start_side):
    """Start both sides of a session that takes its time, and wait until energy is acknowledged."""

    def start():
        served = start_side(
            "serve", connection_id, "--account", provider.alias, "--cable", cable,
            "--store", stores[0], "--speed", 200,
        )  # fmt: skip
        charging = start_side(
            "charge", json.loads(served.stdout.readline())["url"], "--account", consumer.alias,
            "--cable", cable, "--store", stores[1],
        )  # fmt: skip
        while json.loads(charging.stdout.readline())["acknowledgedWh"] == 0:
            pass
        return served, charging

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("side", "reason", "how"), [(0, "Local", "short"), (1, "StoppedByEV", "agreed")]
)
def test_whoever_is_told_to_stop_ends_the_session_in_order(start_both, side, reason, how, number):
    both = served, charging = start_both()

    both[side].send_signal(number)

    *_, ended = [json.loads(line) for line in charging.stdout]
    *_, same = [json.loads(line) for line in served.stdout]
    assert [process.wait(PATIENCE) for process in both] == [0, 0]
    assert same == ended
    assert (ended["how"], ended["reason"]) == (how, reason)
    assert 0 < ended["energyWh"] < CONTRACTED


def test_a_provider_to_whom_nobody_has_come_is_stopped(
    connection_id, provider, cable, stores, start_side
):
    served = start_side(
        "serve", connection_id, "--account", provider.alias, "--cable", cable,
        "--store", stores[0],
    )  # fmt: skip
    assert json.loads(served.stdout.readline())["event"] == "serving"
    served.send_signal(signal.SIGINT)
    assert served.wait(PATIENCE) == 130  # as after any Ctrl-C
    assert served.stdout.read() == ""


def test_an_auction_that_is_not_connected_has_no_session(v2v, bid_id, provider, cable, stores):
    output = v2v(
        "session", "serve", bid_id, "--cable", cable, "--store", stores[0],
        "--account", provider.alias, expect=1,
    )  # fmt: skip
    assert "is not connected" in output.error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name the simulated cable with --cable"),
        (("--ocmf", "records"), "--ocmf takes --ocmf-serial and --ocmf-key with it"),
        (("--cable", "cable", "--tls-key", "key.pem"), "or neither"),
    ],
)
def test_half_of_the_options_are_refused(v2v, connection_id, provider, stores, words, said):
    output = v2v(
        "session", "serve", connection_id, *words, "--store", stores[0],
        "--account", provider.alias, expect=2,
    )  # fmt: skip
    assert said in output.error


@pytest.mark.parametrize(
    ("host", "warned"),
    [("0.0.0.0", True), ("vehicle.example", True), ("127.0.0.1", False), ("localhost", False)],
)
def test_an_open_link_without_tls_is_warned_of(
    v2v, bid_id, provider, cable, stores, host, warned
):  # an auction that is not connected: nothing listens
    output = v2v(
        "session", "serve", bid_id, "--cable", cable, "--store", stores[0], "--host", host,
        "--account", provider.alias, expect=1,
    )  # fmt: skip
    assert ("warning: without TLS" in output.error) == warned


def test_a_trusted_block_that_does_not_know_the_connection_stops_it(
    v2v, chain, connection_id, provider, cable, stores
):
    before = "0x" + bytes(chain.blocks[0].hash).hex()
    output = v2v(
        "session", "serve", connection_id, "--cable", cable, "--store", stores[0],
        "--trusted-block", before, "--account", provider.alias, expect=1,
    )  # fmt: skip
    assert "trusted block" in output.error
    assert Store(stores[0]).connections.started() == []


def test_where_there_is_no_session_none_is_resumed(v2v, connection_id, consumer, stores):
    output = v2v("session", "resume", "--store", stores[1], "--account", consumer.alias, expect=1)
    assert "has no session to go on with" in output.error


def test_where_there_is_no_store_nothing_is_shown(v2v, consumer, stores):
    output = v2v("session", "show", "--store", stores[1], expect=1)
    assert "there is no store" in output.error
    assert not stores[1].exists()
    v2v("session", "show", expect=2)
