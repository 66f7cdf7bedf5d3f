"""A chain that remembers what was done on it, so that it can be done on another one."""

from dataclasses import replace
from typing import NamedTuple

from ape_v2v.testing.chains import ZERO_ADDRESS, Chain, Receipt


class Transaction(NamedTuple):
    timestamp: int
    sender: str
    to: str | None
    """None for a deployment."""
    data: bytes
    value: int
    outcome: Receipt | str
    """What became of it; of a deployment, the address. Without the gas."""


class RecordingChain(Chain):
    """Passes everything on to the chain that it is made with."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.chain_id = chain.chain_id
        self.endowments: dict[str, int] = {}
        self.program: list[Transaction] = []

    @property
    def timestamp(self) -> int:
        return self._chain.timestamp

    @timestamp.setter
    def timestamp(self, timestamp: int) -> None:
        self._chain.timestamp = timestamp

    def deploy(self, sender: str, code: bytes) -> str:
        address = self._chain.deploy(sender, code)
        self.program.append(Transaction(self.timestamp, sender, None, code, 0, address))
        return address

    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Receipt:
        receipt = self._chain.transact(sender, to, data, value)
        outcome = replace(receipt, gas_used=0)
        self.program.append(Transaction(self.timestamp, sender, to, data, value, outcome))
        return receipt

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        return self._chain.call(to, data, sender)

    def balance(self, account: str) -> int:
        return self._chain.balance(account)

    def set_balance(self, account: str, amount: int) -> None:
        self._chain.set_balance(account, amount)
        self.endowments[account] = amount

    def snapshot(self) -> int:
        return self._chain.snapshot()

    def revert(self, snapshot: int) -> None:
        self._chain.revert(snapshot)

    def close(self) -> None:
        self._chain.close()

    def repeated_on(self, chain: Chain) -> list[Transaction]:
        """Do the same on another chain: what comes of it there."""
        there = RecordingChain(chain)
        for account, amount in self.endowments.items():
            there.set_balance(account, amount)
        for timestamp, sender, to, data, value, _ in self.program:
            there.timestamp = timestamp
            if to is None:
                there.deploy(sender, data)
            else:
                there.transact(sender, to, data, value)
        return there.program
