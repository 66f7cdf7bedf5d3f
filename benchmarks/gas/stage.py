"""Where scenarios play: people with keys, and a contract whose calls are counted."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_account import Account
from eth_utils.crypto import keccak

from ape_v2v.errors import V2VError
from ape_v2v.evm.node import AnvilChain
from ape_v2v.market.interface import messages
from benchmarks.gas.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eip712 import EIP712Message
    from eth_account.signers.local import LocalAccount

    from ape_v2v.evm.contracts import Interface
    from benchmarks.gas.ganache import GanacheChain

ETHER = 10**18
_FUNDS = 10**6 * ETHER


class ScenarioError(V2VError):
    """A call of a scenario did not do what it should."""


@cache
def person(name: str) -> LocalAccount:
    """Somebody with a key: the same in every run, so that the gas is the same too."""
    account: LocalAccount = Account.from_key(keccak(text=f"gas report: {name}"))
    return account


@dataclass(frozen=True)
class Call:
    """A call that was made."""

    method: str
    gas: int
    data: bytes
    slots: Slots | None
    """What it did to the storage; None where nobody has asked."""


@dataclass
class Stage:
    """A contract on a chain of its own."""

    chain: AnvilChain | GanacheChain
    interface: Interface
    trace: bool = True
    """Whether to ask what each call did to the storage: it takes longer."""
    creation: int = 0
    """What it took to create the contract, gas."""
    address: str = ""
    calls: list[Call] = field(default_factory=list)
    """All calls since the last `scene` began."""
    _paid: set[str] = field(default_factory=set)

    def deploy(self, sender: LocalAccount, *arguments: Any) -> None:
        code = self.interface.creation_code(*arguments)
        self._pay(sender)
        self.address = self.chain.deploy(sender.address.lower(), code)
        self.creation = self.last_gas()

    def call(self, sender: LocalAccount, method: str, *arguments: Any, value: int = 0) -> Call:
        """Make a call that must go through.

        Raises:
            ScenarioError: It reverted.
        """
        data = self.interface.call_data(method, *arguments)
        self._pay(sender)
        self.chain.timestamp += 1  # no two things happen in the same second
        receipt = self.chain.transact(sender.address.lower(), self.address, data, value)
        if not receipt.success:
            reason = self.interface.failure(receipt.output)
            raise ScenarioError(f"{method} reverted with {reason.name}{reason.values}")
        slots = None
        if self.trace and isinstance(self.chain, AnvilChain):
            slots = Slots.changed_by(self.chain, self._last()["transactionHash"], self.address)
        call = Call(method, receipt.gas_used, data, slots)
        self.calls.append(call)
        return call

    def view(self, method: str, *arguments: Any) -> Any:
        output = self.chain.call(self.address, self.interface.call_data(method, *arguments))
        return self.interface.output(method, len(arguments), output)

    def sign(self, signer: LocalAccount, message: type[EIP712Message], **fields: Any) -> bytes:
        """A signature for this contract on this chain: r, s, v."""
        domain = messages.domain(self.address, self.chain.chain_id)
        typed = message(**fields, eip712_domain=domain)  # type: ignore[call-arg]
        return bytes(signer.sign_message(typed.signable_message).signature)

    @contextmanager
    def scene(self) -> Iterator[list[Call]]:
        """Play something, and undo it on the chain afterwards; gives the calls as they are made."""
        snapshot = self.chain.snapshot()
        timestamp = self.chain.timestamp
        outer, self.calls = self.calls, []
        paid = set(self._paid)
        try:
            yield self.calls
        finally:
            self.calls, self._paid = outer, paid
            self.chain.revert(snapshot)
            self.chain.timestamp = timestamp

    def last_gas(self) -> int:
        """What the latest transaction has used."""
        return int(self._last()["gasUsed"], 16)

    def _pay(self, account: LocalAccount) -> None:
        address = account.address.lower()
        if address not in self._paid:
            self.chain.set_balance(address, _FUNDS)
            self._paid.add(address)

    def _last(self) -> dict[str, Any]:
        """The receipt of the latest transaction."""
        block = self.chain.request("eth_getBlockByNumber", "latest", False)
        receipt: dict[str, Any] = self.chain.request(
            "eth_getTransactionReceipt", block["transactions"][-1]
        )
        return receipt
