"""The two chains keep the promises of their common interface."""

import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ape_v2v.evm.chains import GENESIS, Chain, ChainError, EmittedLog, EvmReverted
from ape_v2v.evm.inprocess import PyrevmChain
from ape_v2v.evm.node import AnvilChain

from .in_process import needs_pyrevm

SENDER = "0x" + "11" * 20
RECEIVER = "0x" + "22" * 20
ETHER = 10**18

# Programs for the EVM, by hand: they return the time, revert with what they are given, log it
# under the sender as topic, keep it in slot 0, and do what no program may.
CLOCK = "425f5260205ff3"
REVERT = "365f5f37365ffd"
LOG = "365f5f3733365fa100"
KEEP = "5f545f525f355f5560205ff3"
INVALID = "fe"


def deploy(chain: Chain, program: str) -> str:
    return chain.deploy(SENDER, creation_code(program))


def creation_code(program: str) -> bytes:
    code = bytes.fromhex(program)
    return bytes.fromhex(f"60{len(code):02x}8060095f395ff3") + code


@pytest.fixture(scope="module")
def node() -> Iterator[AnvilChain]:
    with AnvilChain() as node:
        yield node


@pytest.fixture(params=[pytest.param("in process", marks=needs_pyrevm), "node"])
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    at_the_node = request.param == "node"
    chain: Chain = request.getfixturevalue("node") if at_the_node else PyrevmChain()
    start = chain.snapshot()
    yield chain
    chain.revert(start)


def test_transactions_and_calls_see_exactly_the_second_that_is_set(chain: Chain) -> None:
    clock = deploy(chain, CLOCK)

    for second in (GENESIS, GENESIS, GENESIS + 1, GENESIS + 86_400):
        chain.timestamp = second

        assert int.from_bytes(chain.transact(SENDER, clock).output) == second
        assert int.from_bytes(chain.call(clock, b"")) == second
        assert chain.timestamp == second


def test_a_success_has_the_output_and_the_logs(chain: Chain) -> None:
    log = deploy(chain, LOG)

    receipt = chain.transact(SENDER, log, b"hello")

    topic = bytes.fromhex(SENDER[2:]).rjust(32, b"\x00")
    assert receipt.success
    assert receipt.output == b""
    assert receipt.logs == (EmittedLog(log, (topic,), b"hello"),)
    assert receipt.gas_used > 21_000


def test_a_revert_is_a_receipt_with_what_it_reverts_with(chain: Chain) -> None:
    receipt = chain.transact(SENDER, deploy(chain, REVERT), b"because")

    assert not receipt.success
    assert receipt.output == b"because"
    assert receipt.logs == ()


def test_a_halt_is_a_receipt_without_output(chain: Chain) -> None:
    receipt = chain.transact(SENDER, deploy(chain, INVALID))

    assert not receipt.success
    assert receipt.output == b""


def test_a_view_that_reverts_raises_what_it_reverts_with(chain: Chain) -> None:
    revert = deploy(chain, REVERT)

    with pytest.raises(EvmReverted) as raised:
        chain.call(revert, b"because")

    assert raised.value.output == b"because"


def test_a_call_leaves_no_trace_even_of_what_is_no_view(chain: Chain) -> None:
    keep = deploy(chain, KEEP)

    with suppress(EvmReverted):
        chain.call(keep, b"\x01" * 32)

    assert chain.transact(SENDER, keep, b"").output == bytes(32)


def test_a_deployment_that_reverts_raises(chain: Chain) -> None:
    with pytest.raises(EvmReverted):
        chain.deploy(SENDER, bytes.fromhex("5f5ffd"))


def test_ether_moves_and_gas_is_free(chain: Chain) -> None:
    chain.set_balance(SENDER, 3 * ETHER)

    chain.transact(SENDER, RECEIVER, value=ETHER)

    assert chain.balance(SENDER) == 2 * ETHER
    assert chain.balance(RECEIVER) == ETHER


def test_ether_that_is_not_there_cannot_be_sent(chain: Chain) -> None:
    chain.set_balance(SENDER, ETHER)

    with pytest.raises(ChainError):
        chain.transact(SENDER, RECEIVER, value=ETHER + 1)


def test_storage_is_what_it_is_set_to(chain: Chain) -> None:
    keep = deploy(chain, KEEP)
    first, second = b"\x01" * 32, b"\x02" * 32
    chain.transact(SENDER, keep, first)

    chain.set_storage(keep, 0, int.from_bytes(second))

    assert chain.transact(SENDER, keep, b"").output == second


def test_snapshots_bring_back_state_and_time(chain: Chain) -> None:
    keep = deploy(chain, KEEP)
    chain.set_balance(SENDER, ETHER)
    first, second = b"\x01" * 32, b"\x02" * 32
    chain.transact(SENDER, keep, first)
    outer, outer_time = chain.snapshot(), chain.timestamp
    chain.timestamp += 10
    chain.transact(SENDER, keep, second)
    inner = chain.snapshot()
    chain.timestamp += 10
    chain.transact(SENDER, RECEIVER, value=ETHER)

    chain.revert(inner)

    assert chain.timestamp == outer_time + 10
    assert chain.balance(SENDER) == ETHER
    assert chain.transact(SENDER, keep, b"").output == second

    chain.revert(outer)

    assert chain.timestamp == outer_time
    assert chain.transact(SENDER, keep, b"").output == first
    with pytest.raises(ChainError):
        chain.revert(inner)


def test_without_pyrevm_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrevm", None)

    with pytest.raises(ChainError, match="needs pyrevm"):
        PyrevmChain()


def test_without_anvil_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ChainError, match="needs Foundry's `anvil`"):
        AnvilChain()


def test_a_closed_node_is_gone_and_says_so() -> None:
    with AnvilChain() as node:
        assert node.balance(SENDER) == 0

    with pytest.raises(ChainError, match="does not answer"):
        node.balance(SENDER)


def test_a_node_is_not_reverted_while_it_has_transactions_in_its_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is sent next would be lost: the node takes it for the one that it has mined."""
    with AnvilChain() as node:
        snapshot = node.snapshot()
        node.request("evm_setAutomine", False)
        node.request("eth_sendTransaction", {"from": SENDER, "to": RECEIVER, "gasPrice": "0x0"})
        monkeypatch.setattr(node, "_PATIENCE", 0.1)
        with pytest.raises(ChainError, match=r"transactions are pending after 0\.1 s"):
            node.revert(snapshot)

        node.request("evm_mine")
        node.revert(snapshot)

        assert node.request("eth_blockNumber") == "0x0"
