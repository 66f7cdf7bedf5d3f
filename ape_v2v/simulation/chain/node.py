"""A node whose chain is an EVM in this process: clients ask it as they ask any other."""

from __future__ import annotations

from collections import namedtuple
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ape_v2v.chain.line.faults import NodeError, Reverted
from ape_v2v.chain.node import Network, Node
from ape_v2v.evm import chains
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.access import MarketContract
from ape_v2v.market.interface.events import checksummed
from ape_v2v.market.interface.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape_v2v.evm.chains import Chain

_REVERTED = 3
"""The code of JSON-RPC for it."""
_NETWORK = Network("simulated", is_dev=True, is_local=True)


class SimulatedNode(Node):
    """Answers from a `Chain`, at once and without a network."""

    def __init__(self, chain: Chain) -> None:
        super().__init__("http://localhost", network=_NETWORK)
        self.chain = chain
        self.height = 0
        """The latest block's number."""
        self.base_fee = 0
        """Of the next block, wei per gas."""
        self.tip = 0
        """What it proposes to offer on top, wei per gas."""
        self.next_time: Callable[[], int] = lambda: chain.timestamp + 1
        """When the next block is made, as far as is known now."""
        self.known: dict[Any, Any] = {}
        """What views have given since the state changed last."""
        self.waiting: dict[str, int] = {}
        """By lower-case account: its transactions that no block has yet."""
        self._answers: dict[str, Callable[..., Any]] = {
            "eth_blockNumber": lambda: hex(self.height),
            "eth_call": self._call,
            "eth_chainId": lambda: hex(chain.chain_id),
            "eth_gasPrice": lambda: hex(self.base_fee + self.tip),
            "eth_getBalance": lambda account, _: hex(chain.balance(account)),
            "eth_getBlockByNumber": self._block,
            "eth_getTransactionCount": self._count,
            "eth_maxPriorityFeePerGas": lambda: hex(self.tip),
        }

    def request(self, method: str, parameters: Sequence[Any] = ()) -> Any:
        """Answer, as a node does.

        Raises:
            NodeError: The simulation has no such method, or a call reverts.
        """
        try:
            answer = self._answers[method]
        except KeyError:
            raise NodeError(f"a simulated node has no {method}") from None
        return answer(*parameters)

    def batch(
        self, calls: Sequence[tuple[str, Sequence[Any]]], *, errors: bool = False
    ) -> list[Any]:
        """Answer several questions."""
        return self.one_by_one(calls, errors=errors)

    def _call(self, call: dict[str, str], _: str) -> str:
        data = bytes.fromhex(call["data"][2:])
        try:
            return f"0x{self.chain.call(call['to'], data).hex()}"
        except chains.EvmReverted as error:
            raise Reverted("execution reverted", _REVERTED, f"0x{error.output.hex()}") from None

    def _block(self, which: str, _: bool) -> dict[str, str]:
        pending = which == "pending"
        number = self.height + pending
        return {
            "number": hex(number),
            "hash": f"0x{number:064x}",
            "timestamp": hex(self.next_time() if pending else self.chain.timestamp),
            "baseFeePerGas": hex(self.base_fee),
            "gasLimit": hex(chains.BLOCK_GAS_LIMIT),
        }

    def _count(self, account: str, which: str) -> str:
        return hex(self.waiting.get(account.lower(), 0) if which == "pending" else 0)


class SimulatedContract(MarketContract):
    """The market's contract, asked without JSON, and once for as long as nothing changes.

    Where time goes: a general decoder takes a hundred times as long as the EVM. A test compares.
    """

    node: SimulatedNode

    def view(self, name: str, *arguments: Any, block: int | str = "latest") -> Any:
        """What a view gives now.

        Raises:
            Refused: It reverts.
        """
        key = (name, arguments)
        if key in (known := self.node.known):
            return known[key]
        read = _reader(self.artifact, name, len(arguments))
        if read is None:
            answer = super().view(name, *arguments, block=block)
        else:
            answer = read(self.words(name, *arguments))
        known[key] = answer
        return answer

    def words(self, name: str, *arguments: Any) -> bytes:
        """What a view gives now, not decoded.

        Raises:
            Refused: It reverts.
        """
        try:
            return self.node.chain.call(self.address, _question(self.artifact, name, arguments))
        except chains.EvmReverted as error:
            raise refusal(error.output, "execution reverted", self.currency) from None


@lru_cache(maxsize=2**14)
def _question(of: str, name: str, arguments: tuple[Any, ...]) -> bytes:
    return artifact.interface(of).call_data(name, *arguments)


@cache
def _reader(of: str, name: str, arity: int) -> Callable[[bytes], Any] | None:
    """How what a view returns is read; None where it is not a row of words."""
    (abi,) = [
        item
        for item in artifact.contract_type(of).view_methods
        if item.name == name and len(item.inputs) == arity
    ]
    (output,) = abi.outputs if len(abi.outputs) == 1 else (None,)
    if output is None:
        return None
    parts = output.components or [output]
    readers = [_WORDS.get(part.canonical_type.rstrip("0123456789")) for part in parts]
    if None in readers:
        return None
    words = [(at * 32, reader) for at, reader in enumerate(readers) if reader is not None]
    if not output.components:
        at, only = words[0]
        return lambda data: only(data[at : at + 32])
    struct = namedtuple(name, [str(part.name) for part in parts])  # type: ignore[misc]
    return lambda data: struct(*[reader(data[at : at + 32]) for at, reader in words])


_WORDS: dict[str, Callable[[bytes], Any]] = {
    "address": lambda word: checksummed(word[12:]),
    "bool": any,
    "bytes": bytes,
    "uint": int.from_bytes,
}
"""By a type without its size: how a word of it is read."""
