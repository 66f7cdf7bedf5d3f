"""What is done on a chain, taken down so that it can be done again, there or elsewhere."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ape_v2v.evm.chains import ZERO_ADDRESS, Chain, EvmReverted, Execution
from ape_v2v.evm.inprocess import PyrevmChain


class Step(NamedTuple):
    """Something done on a chain: a method's name and arguments, and the outcome."""

    timestamp: int
    method: str
    arguments: tuple[Any, ...]
    outcome: Any


Program = Sequence[Step]


class Recorder(Chain):
    """Passes everything on to a chain, and takes it down."""

    def __init__(self, chain: Chain | None = None) -> None:
        self._chain = chain or PyrevmChain()
        self.chain_id = self._chain.chain_id
        self.program: list[Step] = []
        self._snapshots: list[int] = []

    @property
    def timestamp(self) -> int:
        return self._chain.timestamp

    @timestamp.setter
    def timestamp(self, timestamp: int) -> None:
        self._chain.timestamp = timestamp

    def deploy(self, sender: str, code: bytes) -> str:
        outcome = self._do("deploy", sender, code)
        if isinstance(outcome, EvmReverted):
            raise outcome
        return str(outcome)

    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Execution:
        receipt = self._chain.transact(sender, to, data, value)
        arguments = (sender, to, data, value)
        self.program.append(Step(self.timestamp, "transact", arguments, _seen(receipt)))
        return receipt

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        outcome = self._do("call", to, data, sender)
        if isinstance(outcome, EvmReverted):
            raise outcome
        return bytes(outcome)

    def balance(self, account: str) -> int:
        return int(self._do("balance", account))

    def set_balance(self, account: str, amount: int) -> None:
        self._do("set_balance", account, amount)

    def set_storage(self, account: str, slot: int, word: int) -> None:
        self._do("set_storage", account, slot, word)

    def snapshot(self) -> int:
        # Counted from here, so that they are the same ones on another chain.
        self._snapshots.append(self._chain.snapshot())
        number = len(self._snapshots) - 1
        self.program.append(Step(self.timestamp, "snapshot", (), number))
        return number

    def revert(self, snapshot: int) -> None:
        timestamp = self.timestamp
        self._chain.revert(self._snapshots[snapshot])
        del self._snapshots[snapshot:]
        self.program.append(Step(timestamp, "revert", (snapshot,), None))

    def _do(self, method: str, *arguments: Any) -> Any:
        outcome = outcome_of(self._chain, method, arguments)
        self.program.append(Step(self.timestamp, method, arguments, comparable(outcome)))
        return outcome


def transactions(program: Program) -> Program:
    """The steps that change a chain, without those that only ask it."""
    return [step for step in program if step.method not in {"call", "balance"}]


def repeated(program: Program, chain: Chain) -> Program:
    """Do the same on another chain: what comes of it there."""
    there = Recorder(chain)
    for timestamp, method, arguments, _ in program:
        there.timestamp = timestamp
        with suppress(EvmReverted):
            getattr(there, method)(*arguments)
    return there.program


def outcome_of(chain: Chain, method: str, arguments: tuple[Any, ...]) -> Any:
    """What a call returns, or the revert that it ends with."""
    try:
        return getattr(chain, method)(*arguments)
    except EvmReverted as reverted:
        return reverted


def comparable(outcome: Any) -> Any:
    """What of an outcome has to be the same: in a receipt, what the property tests look at."""
    if isinstance(outcome, Execution):
        return _seen(outcome)
    if isinstance(outcome, EvmReverted):
        return "reverted", outcome.output
    return outcome


def _seen(receipt: Execution) -> Any:
    """What the property tests look at in a receipt: not the gas."""
    return receipt.success, receipt.output, receipt.logs
