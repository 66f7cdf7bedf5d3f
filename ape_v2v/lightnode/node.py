"""A node before an untrusted one: what it answers is proven, or it does not answer.

    node = ProvingNode(untrusted, lambda: client.head(HeadKind.FINALIZED).header, chain_id)
    node.request("eth_call", [{"to": market, "data": "0x…"}, "latest"])

It is asked as any node is. What sends transactions is passed on, and nothing that the other node
says of them is believed later.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex

from ape_v2v.chain.line.faults import NodeError, Reverted
from ape_v2v.chain.node import Node
from ape_v2v.lightnode import evm, transactions
from ape_v2v.lightnode.answers import Answer, Quantity, parsed
from ape_v2v.lightnode.beacon.reasons import LightClientError
from ape_v2v.lightnode.blocks import ancestor, logs_in
from ape_v2v.lightnode.faults import InvalidReceipts, NotProvable, ProofError, UnknownBlock
from ape_v2v.lightnode.header import Header, fields_of
from ape_v2v.lightnode.state import ProvenState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape_v2v.lightnode.blocks import ProvenLog

PASSED_ON = frozenset(
    {
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "eth_sendRawTransaction",
        "web3_clientVersion",
    }
)
"""What it takes to send a transaction: of no use for believing anything."""

_NOBODY = "0x" + "00" * 20
_MOST_BLOCKS_WITH_LOGS = 100


class Unproven(NodeError, ProofError):
    """The node did not prove what it was asked for: so it is taken for not answered."""


class ProvingNode(Node):
    """Answers JSON-RPC by proofs, and passes on only what sends transactions."""

    def __init__(
        self,
        node: Node,
        head: Callable[[], Header],
        chain_id: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Stand before a node.

        Args:
            node: Asked for proofs.
            head: Gives the newest trusted block; asked whenever the newest one is meant.
            chain_id: Of the chain that the head is of.
            clock: This machine's: what is called pending is at this time.
        """
        super().__init__(node.url, timeout=node.timeout, network=node.network)
        self._rpc = node.request
        self._head = head
        self._chain_id = chain_id
        self._clock = clock
        self._state: ProvenState | None = None
        self._answers: dict[str, Callable[..., Any]] = {
            "eth_blockNumber": lambda: hex(self._head().number),
            "eth_call": self._call,
            "eth_chainId": lambda: hex(chain_id),
            "eth_getBalance": lambda who, block: hex(self._at(block).account(who).balance),
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getCode": lambda who, block: to_hex(self._at(block).code(who)),
            "eth_getLogs": self._logs,
            "eth_getStorageAt": self._storage,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionCount": self._nonce,
            "net_version": lambda: str(chain_id),
        }

    def request(self, method: str, parameters: Sequence[Any] = ()) -> Any:
        """Answer.

        Raises:
            Reverted: The contract that is called refuses.
            Unproven: It cannot be proven.
            NodeError: The node cannot be asked.
        """
        if method in PASSED_ON:
            return self._rpc(method, parameters)
        try:
            if method not in self._answers:
                raise NotProvable(
                    f"what {method} gives cannot be proven: do without a light node, with a node "
                    "that you trust"
                )
            return self._answers[method](*parameters)
        except evm.CallReverted as refusal:
            raise Reverted("execution reverted", data=to_hex(refusal.output)) from None
        except (ProofError, LightClientError) as error:
            raise Unproven(str(error)) from error

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]], *, errors: bool = False) -> Any:
        """One after the other: most of it is worked out here."""
        return self.one_by_one(calls, errors=errors)

    def _newest(self) -> ProvenState:
        head = self._head()
        if self._state is None or self._state.header != head:
            self._state = ProvenState(self._rpc, head)
        return self._state

    def _at(self, block: Any) -> ProvenState:
        """The state of a block, by what JSON-RPC calls it."""
        newest = self._newest()
        if _is_newest(block) or _number(block) == newest.header.number:
            return newest
        return ProvenState(self._rpc, ancestor(self._rpc, newest, _number(block)))

    def _call(self, call: dict[str, Any], block: Any = "latest", *_: Any) -> str:
        if call.get("to") is None:
            raise NotProvable("the creation of a contract is not executed here")
        state = self._at(block)
        pending = block == "pending"
        return to_hex(
            evm.call(
                state,
                call["to"],
                decode_hex(call.get("data") or call.get("input") or "0x"),
                sender=call.get("from") or _NOBODY,
                value=int(call.get("value", "0x0"), 16),
                timestamp=int(self._clock()) if pending else None,
                chain_id=self._chain_id,
            )
        )

    def _storage(self, who: str, slot: str, block: Any = "latest") -> str:
        return to_hex(self._at(block).slot(who, int(slot, 16)).to_bytes(32, "big"))

    def _nonce(self, who: str, block: Any = "latest") -> Any:
        if block == "pending":  # what is in a pool is in no state, and of use for sending only
            return self._rpc("eth_getTransactionCount", [who, block])
        return hex(self._at(block).account(who).nonce)

    def _block_by_number(self, block: Any, full: bool = False) -> dict[str, Any]:
        found = self._block_by_hash(to_hex(self._at(block).header.hash), full)
        if block == "pending":
            later = {"number": int(found["number"], 16) + 1, "timestamp": int(self._clock())}
            return found | {name: hex(value) for name, value in later.items()} | {"hash": None}
        return found

    def _block_by_hash(self, hash_: str, full: bool = False) -> dict[str, Any]:
        """The header; transactions are left out, which nothing here proves."""
        del full
        answer = self._rpc("eth_getBlockByHash", [hash_, False])
        if answer is None:
            raise UnknownBlock(f"the node does not have the block {hash_}: ask another node")
        header = Header.trusted(answer, decode_hex(hash_))
        if self._at(hex(header.number)).header.hash != header.hash:
            raise NotProvable(f"block {hash_} is not one of the chain that is trusted")
        return fields_of(answer) | {"hash": hash_, "transactions": [], "uncles": [], "size": "0x0"}

    def _transaction(self, hash_: str) -> dict[str, Any] | None:
        """What it does, which follows from its hash. In which block it is does not."""
        answer = self._rpc("eth_getTransactionByHash", [hash_])
        return None if answer is None else transactions.proven(answer, decode_hex(hash_))

    def _logs(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """Logs that have happened. That there are no others is not proven."""
        newest = self._newest()
        if "blockHash" in wanted:
            raise NotProvable("logs are proven by the numbers of their blocks: name these")
        first, last = (
            newest.header.number if _is_newest(block) else min(_number(block), newest.header.number)
            for block in (wanted.get("fromBlock", "latest"), wanted.get("toBlock", "latest"))
        )
        answer = self._rpc(
            "eth_getLogs", [wanted | {"fromBlock": hex(first), "toBlock": hex(last)}]
        )
        said: list[_LogPlace] = parsed(list[_LogPlace], answer, "a list of logs")
        numbers = sorted({place.block_number for place in said} & set(range(first, last + 1)))
        if len(numbers) > _MOST_BLOCKS_WITH_LOGS:
            raise NotProvable(
                f"there are logs in {len(numbers)} blocks: ask for fewer blocks at once"
            )
        found = []
        for number in numbers:
            block = ancestor(self._rpc, newest, number)
            fitting = [log for log in logs_in(self._rpc, block) if _fits(log, wanted)]
            if not fitting:
                raise InvalidReceipts(
                    f"the node says that block {number} has a log, and it is proven that it has "
                    "none: the node lies; ask another one"
                )
            found += fitting
        return [log.as_answer() for log in found]


class _LogPlace(Answer):
    """What is taken from a log that a node only says there is."""

    block_number: Quantity


def _is_newest(block: Any) -> bool:
    return block in ("latest", "pending", "safe", "finalized", None)


def _number(block: Any) -> int:
    number: int = parsed(Quantity, block, "the number of a block")
    return number


def _fits(log: ProvenLog, wanted: dict[str, Any]) -> bool:
    """Whether a log is what was asked for, as JSON-RPC has it."""
    addresses = wanted.get("address", [])
    if isinstance(addresses, str):
        addresses = [addresses]
    if addresses and log.address not in map(decode_hex, addresses):
        return False
    topics = wanted.get("topics", [])
    if len(topics) > len(log.topics):
        return False
    for topic, choices in zip(log.topics, topics, strict=False):
        listed = [choices] if isinstance(choices, str) else choices
        if listed and topic not in map(decode_hex, listed):
            return False
    return True
