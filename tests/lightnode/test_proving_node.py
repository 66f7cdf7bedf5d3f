"""A node that proves what it answers, before one that lies: no lie comes through."""

import json

import pytest
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.chain.line.faults import Reverted
from ape_v2v.lightnode.node import Unproven
from tests.lightnode.conftest import proving


@pytest.fixture
def view(node, market):
    """Calls one of the market's views, through the proving node."""

    def view(name, *arguments, sender=None):
        handler = getattr(market, name)
        data = handler.encode_input(*arguments)
        call = {"to": market.address, "data": to_hex(data)}
        return node.request("eth_call", [call | ({"from": sender} if sender else {}), "latest"])

    return view


def test_each_view_returns_what_the_contract_returns(view, rpc, market, connection_id, consumer):
    cases = [
        ("auctions", connection_id),
        ("accessToken", connection_id),
        ("reserve", connection_id),
        ("bond", connection_id),
        ("penalty", connection_id),
        ("evs", consumer.address),
        ("isEV", consumer.address),
        ("currentAuctionId", consumer.address),
        ("parameters",),
        ("owner",),
        ("active",),
        ("numberOfEVs",),
        ("eip712Domain",),
    ]
    for name, *arguments in cases:
        data = to_hex(getattr(market, name).encode_input(*arguments))
        said = rpc.honest("eth_call", {"to": market.address, "data": data}, "latest")
        assert view(name, *arguments) == said, name
    assert "eth_call" not in rpc.asked


def test_a_refusal_is_the_contracts_own(view, market, connection_id):
    with pytest.raises(Reverted) as refusal:
        view("endAuction", connection_id)
    assert refusal.value.output[:4] == keccak(text="UnexpectedState(uint256,uint8,uint8)")[:4]


def test_what_a_transaction_would_do_is_tried_on_proven_state(
    view, market, connection_id, consumer
):
    assert view("endConnection", connection_id, sender=consumer.address) == "0x"


def test_balances_codes_slots_and_numbers_are_proven(node, rpc, market, consumer, connection_id):
    for method, *parameters in (
        ("eth_getBalance", consumer.address, "latest"),
        ("eth_getBalance", "0x" + "77" * 20, "latest"),
        ("eth_getCode", market.address, "latest"),
        ("eth_getCode", consumer.address, "latest"),
        ("eth_getStorageAt", market.address, "0x0", "latest"),
        ("eth_getTransactionCount", consumer.address, "latest"),
        ("eth_blockNumber",),
        ("eth_chainId",),
        ("net_version",),
    ):
        assert node.request(method, parameters) == rpc.honest(method, *parameters), method
    asked = {"eth_getProof", "eth_getCode", "eth_getBlockByNumber"}
    assert set(rpc.asked) <= asked


def test_a_block_is_its_header_alone(node, rpc, market):
    block = node.request("eth_getBlockByNumber", ["latest", True])
    said = rpc.honest("eth_getBlockByNumber", "latest", False)
    assert block["transactions"] == []
    assert {name: said[name] for name in ("hash", "stateRoot", "timestamp", "number")} == {
        name: block[name] for name in ("hash", "stateRoot", "timestamp", "number")
    }
    assert node.request("eth_getBlockByHash", [said["hash"], False]) == block


def test_an_earlier_block_is_proven_by_the_newest(
    node, rpc, market, connection_id, consumer, chain
):
    number = chain.blocks.head.number
    market.endConnection(connection_id, sender=consumer)
    chain.mine(3)
    call = {"to": market.address, "data": to_hex(market.auctions.encode_input(connection_id))}
    assert node.request("eth_call", [call, hex(number)]) == rpc.honest(
        "eth_call", call, hex(number)
    )
    assert node.request("eth_call", [call, "latest"]) == rpc.honest("eth_call", call, "latest")
    with pytest.raises(Unproven, match="only the 8191 blocks before it"):
        node.request("eth_call", [call, hex(number + 100)])


def test_pending_is_the_time_of_this_machine(rpc, trusted, chain, market):
    node = proving(rpc, trusted, chain, clock=lambda: 2e9)
    assert (
        int(node.request("eth_getBlockByNumber", ["pending", False])["timestamp"], 16)
        == 2_000_000_000
    )


# Events


@pytest.fixture
def logs(node, market):
    def logs(**wanted):
        return node.request(
            "eth_getLogs", [{"address": market.address, "fromBlock": "0x0"} | wanted]
        )

    return logs


def test_events_are_proven_by_their_receipts(logs, rpc, market, connection_id, consumer, chain):
    market.endConnection(connection_id, sender=consumer)
    chain.mine(2)
    topic = to_hex(keccak(text="AuctionEnded(uint256)"))
    auction = to_hex(connection_id.to_bytes(32))
    for wanted, least in (
        ({}, 5),
        ({"topics": [None, auction]}, 4),
        ({"topics": [[topic, "0x" + "11" * 32]]}, 0),
        ({"topics": [None, [auction]], "fromBlock": hex(chain.blocks.head.number - 2)}, 1),
        ({"address": [market.address], "topics": [None, None]}, 4),
    ):
        asked = {"address": market.address, "fromBlock": "0x0", "toBlock": "latest"} | wanted
        said = rpc.honest("eth_getLogs", asked)
        assert logs(**wanted) == said
        assert len(said) >= least


def test_a_transaction_is_what_its_hash_says(node, rpc, market, consumer, connection_id):
    receipt = market.endConnection(connection_id, sender=consumer)
    said = rpc.honest("eth_getTransactionByHash", receipt.txn_hash)
    proven = node.request("eth_getTransactionByHash", [receipt.txn_hash])
    parties = {"from": consumer.address, "to": market.address.lower()}
    assert proven == {name: said[name] for name in proven} | parties
    assert node.request("eth_getTransactionByHash", ["0x" + "11" * 32]) is None


# What is not proven


@pytest.mark.parametrize(
    "method", ["debug_traceCall", "eth_getBlockReceipts", "txpool_content", "eth_accounts"]
)
def test_what_has_no_proof_is_not_answered(node, rpc, method):
    with pytest.raises(Unproven, match=f"what {method} gives cannot be proven"):
        node.request(method, [])
    assert rpc.asked == []


def test_json_that_is_nested_too_deep_is_an_error_and_no_crash(node, rpc, market):
    """The EVM's library lets Python recurse as deep as its stack is, and deeper."""
    with pytest.raises(RecursionError):
        json.loads("[" * 1_000_000)
