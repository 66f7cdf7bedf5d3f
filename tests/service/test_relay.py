"""So much of the node, about the market, and no more."""

import pytest

from tests.helpers.world import ALICE, BOB


@pytest.fixture
def ask(quiet_client):
    def ask(method, *parameters):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        answer = quiet_client.post("/rpc", json=body)
        assert answer.status_code == 200
        return answer.json()

    return ask


def test_a_page_reads_the_chain_and_the_market(ask, quiet_world):
    assert int(ask("eth_blockNumber")["result"], 16) == quiet_world.height
    call = {
        "to": quiet_world.address,
        "data": "0x" + quiet_world.interface.call_data("active").hex(),
    }
    assert int(ask("eth_call", call, "latest")["result"], 16) == 1
    assert ask("eth_getLogs", {"address": quiet_world.address, "fromBlock": "0x0"})["result"]


def test_a_page_learns_why_the_market_refuses(ask, quiet_world):
    data = quiet_world.interface.call_data("withdraw", 10**20, ALICE)
    call = {"from": ALICE, "to": quiet_world.address, "data": "0x" + data.hex()}
    error = ask("eth_call", call, "latest")["error"]
    assert error["data"].startswith("0x")
    assert len(error["data"]) > 10


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("eth_call", [{"to": BOB, "data": "0x"}, "latest"]),
        ("eth_call", [{"data": "0x6001"}, "latest"]),
        ("eth_call", []),
        ("eth_estimateGas", [{"to": BOB}]),
        ("eth_getLogs", [{}]),
        ("eth_getLogs", [{"address": []}]),
        ("eth_getLogs", [{"address": [BOB]}]),
        ("eth_getCode", [BOB, "latest"]),
    ],
)
def test_a_question_about_others_is_refused(ask, method, parameters):
    assert "about the market and its token only" in ask(method, *parameters)["error"]["message"]


def test_another_state_of_the_chain_is_not_played_through(ask, quiet_world):
    call = {"to": quiet_world.address, "data": "0x"}
    answer = ask("eth_call", call, "latest", {quiet_world.address: {"code": "0x60"}})
    assert answer["error"]["code"] == -32602


@pytest.mark.parametrize(
    "method", ["eth_sendTransaction", "anvil_setBalance", "personal_sign", "eth_accounts", ""]
)
def test_what_a_page_does_not_need_is_not_offered(ask, method):
    assert ask(method)["error"]["code"] == -32601


@pytest.mark.parametrize("body", [b"{", b"7", b"[]", b"[1]", b"[" * 9_000, b"{}", b"\xff"])
def test_what_is_no_call_is_answered_with_an_error(quiet_client, body):
    answer = quiet_client.post("/rpc", content=body)
    assert answer.status_code == 200
    content = answer.json()
    assert "error" in (content[0] if isinstance(content, list) else content)


def test_several_questions_at_once_are_answered_in_their_order(quiet_client, quiet_world):
    calls = [
        {"jsonrpc": "2.0", "id": "a", "method": "eth_chainId", "params": []},
        {"jsonrpc": "2.0", "id": "b", "method": "eth_accounts", "params": []},
        {"jsonrpc": "2.0", "id": "c", "method": "eth_blockNumber", "params": []},
    ]
    first, second, third = quiet_client.post("/rpc", json=calls).json()
    assert (first["id"], first["result"]) == ("a", "0x7a69")
    assert second["error"]["code"] == -32601
    assert int(third["result"], 16) == quiet_world.height
    assert "error" in quiet_client.post("/rpc", json=calls * 20).json()
