"""A chain behind one small interface, for what runs very many transactions.

`inprocess.PyrevmChain` executes in this process, some hundred times as fast as a node.
`node.AnvilChain` is a node of its own that speaks plain JSON-RPC. Neither needs Ape, accounts with
keys, or gas money: anybody can be the sender, and gas costs nothing.

    with PyrevmChain() as chain:
        market = chain.deploy(organization, code)
        chain.timestamp += 60
        execution = chain.transact(consumer, market, data)

Addresses are lower-case hexadecimal strings, as eth_abi gives them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ZERO_ADDRESS = "0x" + "00" * 20
CHAIN_ID = 31_337
HARDFORK = "osaka"
# The most that one transaction may ask for (EIP-7825).
GAS_LIMIT = 2**24
BLOCK_GAS_LIMIT = 30_000_000
GENESIS = 1_750_000_000


@dataclass(frozen=True, slots=True)
class EmittedLog:
    """An event as the chain has it: not decoded."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a transaction. `output` is what was returned, or what it reverted with."""

    success: bool
    output: bytes
    logs: tuple[EmittedLog, ...]
    gas_used: int


class ChainError(Exception):
    """The chain could not carry out what it was asked to; no transaction has run."""


class EvmReverted(Exception):
    """A view or a deployment reverted."""

    def __init__(self, output: bytes) -> None:
        super().__init__(f"0x{output.hex()}")
        self.output = output


class Chain(ABC):
    """What a test needs of a chain. Every transaction is executed at `timestamp`, to the second."""

    chain_id: int
    timestamp: int

    @abstractmethod
    def deploy(self, sender: str, code: bytes) -> str:
        """Deploy creation code with its arguments; returns the address, or raises `EvmReverted`."""

    @abstractmethod
    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Execution:
        """Execute a transaction; a revert is an execution like any other."""

    @abstractmethod
    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        """Ask a view: leaves no trace. Returns the output, or raises `EvmReverted`."""

    @abstractmethod
    def balance(self, account: str) -> int:
        """The ether of an account, wei."""

    @abstractmethod
    def set_balance(self, account: str, amount: int) -> None:
        """Give an account so much ether, wei."""

    def set_storage(self, account: str, slot: int, word: int) -> None:  # noqa: ARG002 - who can, will
        """Write a word into an account's storage, as no transaction could; not every chain can."""
        raise ChainError(f"{type(self).__name__} cannot set storage")

    @abstractmethod
    def snapshot(self) -> int:
        """Remember the present state, its timestamp included."""

    @abstractmethod
    def revert(self, snapshot: int) -> None:
        """Go back to a snapshot; it and all later ones are used up."""

    def close(self) -> None:  # noqa: B027 - most chains have nothing to give back
        """Give back what the chain has taken of the machine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
