"""An EVM inside this process: revm, by pyrevm."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from ape_v2v.evm.chains import (
    BLOCK_GAS_LIMIT,
    CHAIN_ID,
    GAS_LIMIT,
    GENESIS,
    HARDFORK,
    ZERO_ADDRESS,
    Chain,
    ChainError,
    EmittedLog,
    EvmReverted,
    Execution,
)


class PyrevmChain(Chain):
    """revm inside this process.

    All transactions share one journal: what one has touched stays warm for the next. So success,
    output and logs are those of a node, and `gas_used` is not: it is a lower bound. Every call
    adds to the journal: begin anew now and then.
    """

    _REVERT = re.compile(r"Revert { gas_used: (\d+), output: 0x([0-9a-f]*) }")
    _HALT = re.compile(r"Halt { reason: .*, gas_used: (\d+) }")

    def __init__(self, chain_id: int = CHAIN_ID, timestamp: int = GENESIS) -> None:
        try:
            # Only this class needs it, and its type stubs contradict themselves.
            pyrevm = import_module("pyrevm")
        except ImportError as error:
            raise ChainError(
                "an EVM in this process needs pyrevm: install ape-v2v[simulation], or run on an "
                "Anvil"
            ) from error

        self._pyrevm = pyrevm
        self.chain_id = chain_id
        self._evm = pyrevm.EVM(
            env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id)),
            gas_limit=GAS_LIMIT,
            spec_id=HARDFORK.upper(),
        )
        self._checkpoints: list[tuple[Any, int]] = []
        self.timestamp = timestamp

    @property
    def timestamp(self) -> int:
        return self._timestamp

    @timestamp.setter
    def timestamp(self, timestamp: int) -> None:
        self._timestamp = timestamp
        block = self._pyrevm.BlockEnv(timestamp=timestamp, basefee=0, gas_limit=BLOCK_GAS_LIMIT)
        self._evm.set_block_env(block)

    def deploy(self, sender: str, code: bytes) -> str:
        self._evm.reset_transient_storage()
        try:
            return str(self._evm.deploy(sender, code)).lower()
        except RuntimeError as error:
            raise EvmReverted(self._failure(error).output) from None

    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Execution:
        self._evm.reset_transient_storage()
        try:
            output = self._evm.message_call(sender, to, data, value)
        except RuntimeError as error:
            return self._failure(error)
        result = self._evm.result
        logs = [(log.address.lower(), *log.data) for log in result.logs]
        return Execution(
            success=True,
            output=output,
            logs=tuple(EmittedLog(address, tuple(topics), data) for address, topics, data in logs),
            gas_used=result.gas_used,
        )

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        try:
            return bytes(self._evm.message_call(sender, to, data, is_static=True))
        except RuntimeError as error:
            raise EvmReverted(self._failure(error).output) from None

    def balance(self, account: str) -> int:
        return int(self._evm.get_balance(account))

    def set_balance(self, account: str, amount: int) -> None:
        self._evm.set_balance(account, amount)

    def set_storage(self, account: str, slot: int, word: int) -> None:
        self._evm.insert_account_storage(account, slot, word)

    def snapshot(self) -> int:
        self._checkpoints.append((self._evm.snapshot(), self.timestamp))
        return len(self._checkpoints) - 1

    def revert(self, snapshot: int) -> None:
        if not 0 <= snapshot < len(self._checkpoints):
            raise ChainError(f"no snapshot {snapshot}")
        while len(self._checkpoints) > snapshot:
            checkpoint, timestamp = self._checkpoints.pop()
            self._evm.revert(checkpoint)
            self.timestamp = timestamp

    @classmethod
    def _failure(cls, error: RuntimeError) -> Execution:
        """Read what pyrevm puts into the text of an error."""
        text = str(error)
        if revert := cls._REVERT.fullmatch(text):
            return Execution(False, bytes.fromhex(revert[2]), (), int(revert[1]))
        if halt := cls._HALT.fullmatch(text):
            return Execution(False, b"", (), int(halt[1]))
        raise ChainError(text) from error
