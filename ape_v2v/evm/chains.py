"""Two chains behind one small interface, for tests that run very many transactions.

`PyrevmChain` executes in this process, some hundred times as fast as a node. `AnvilChain` is a
node of its own that speaks plain JSON-RPC. Neither needs Ape, accounts with keys, or gas money:
anybody can be the sender, and gas costs nothing.

    with PyrevmChain() as chain:
        market = chain.deploy(organization, code)
        chain.timestamp += 60
        receipt = chain.transact(consumer, market, data)

Addresses are lower-case hexadecimal strings, as eth_abi gives them.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import time
import weakref
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

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
class Log:
    """An event as the chain has it: not decoded."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction. `output` is what was returned, or what it reverted with."""

    success: bool
    output: bytes
    logs: tuple[Log, ...]
    gas_used: int


class ChainError(Exception):
    """The chain could not carry out what it was asked to; no transaction has run."""


class Reverted(Exception):
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
        """Deploy creation code with its arguments and return the address, or raise `Reverted`."""

    @abstractmethod
    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Receipt:
        """Execute a transaction; a revert is a receipt like any other."""

    @abstractmethod
    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        """Ask a view: execute without leaving a trace. Returns the output, or raises `Reverted`."""

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
            raise ChainError("PyrevmChain needs pyrevm: install it, or use AnvilChain") from error

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
            raise Reverted(self._failure(error).output) from None

    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Receipt:
        self._evm.reset_transient_storage()
        try:
            output = self._evm.message_call(sender, to, data, value)
        except RuntimeError as error:
            return self._failure(error)
        result = self._evm.result
        logs = [(log.address.lower(), *log.data) for log in result.logs]
        return Receipt(
            success=True,
            output=output,
            logs=tuple(Log(address, tuple(topics), data) for address, topics, data in logs),
            gas_used=result.gas_used,
        )

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        try:
            return bytes(self._evm.message_call(sender, to, data, is_static=True))
        except RuntimeError as error:
            raise Reverted(self._failure(error).output) from None

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
    def _failure(cls, error: RuntimeError) -> Receipt:
        """Read what pyrevm puts into the text of an error."""
        text = str(error)
        if revert := cls._REVERT.fullmatch(text):
            return Receipt(False, bytes.fromhex(revert[2]), (), int(revert[1]))
        if halt := cls._HALT.fullmatch(text):
            return Receipt(False, b"", (), int(halt[1]))
        raise ChainError(text) from error


class AnvilChain(Chain):
    """A node: an Anvil of its own on a free port, stopped by `close` and at the latest at exit."""

    # Seconds: longer than the slowest start and the slowest transaction.
    _PATIENCE = 30
    # The states that it keeps: enough to trace the last transaction.
    _STATES = 8

    def __init__(self, chain_id: int = CHAIN_ID, timestamp: int = GENESIS) -> None:
        executable = shutil.which("anvil")
        if executable is None:
            raise ChainError("AnvilChain needs Foundry's `anvil` on the PATH")

        self.chain_id = chain_id
        self.timestamp = timestamp
        self._snapshots: list[tuple[str, int]] = []
        self._anvil = subprocess.Popen(
            [executable, "--port=0", *self._options()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._stop = weakref.finalize(self, self._stop_process, self._anvil)
        try:
            port = self._port()
            self.url = f"http://127.0.0.1:{port}"
            self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=self._PATIENCE)
            # Else it writes a line for every request, until the pipe that nobody reads is full.
            self.request("anvil_setLoggingEnabled", False)
        except BaseException:
            self._stop()
            raise

    def deploy(self, sender: str, code: bytes) -> str:
        receipt, output = self._send({"from": sender, "data": _hex(code)})
        if receipt["status"] != "0x1":
            raise Reverted(output)
        return str(receipt["contractAddress"])

    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Receipt:
        transaction = {"from": sender, "to": to, "data": _hex(data), "value": hex(value)}
        receipt, output = self._send(transaction)
        return Receipt(
            success=receipt["status"] == "0x1",
            output=output,
            logs=tuple(
                Log(
                    log["address"],
                    tuple(_bytes(topic) for topic in log["topics"]),
                    _bytes(log["data"]),
                )
                for log in receipt["logs"]
            ),
            gas_used=int(receipt["gasUsed"], 16),
        )

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        transaction = {"from": sender, "to": to, "data": _hex(data), "gas": hex(GAS_LIMIT)}
        at_that_time = {"time": hex(self.timestamp)}
        answer = self._answer("eth_call", transaction, "latest", {}, at_that_time)
        if "error" in answer and "data" in answer["error"]:
            raise Reverted(_bytes(answer["error"]["data"]))
        return _bytes(self._result(answer))

    def balance(self, account: str) -> int:
        return int(self.request("eth_getBalance", account, "latest"), 16)

    def set_balance(self, account: str, amount: int) -> None:
        self.request("anvil_setBalance", account, hex(amount))

    def set_storage(self, account: str, slot: int, word: int) -> None:
        self.request("anvil_setStorageAt", account, hex(slot), f"0x{word:064x}")

    def snapshot(self) -> int:
        self._snapshots.append((self.request("evm_snapshot"), self.timestamp))
        return len(self._snapshots) - 1

    def revert(self, snapshot: int) -> None:
        if not 0 <= snapshot < len(self._snapshots):
            raise ChainError(f"no snapshot {snapshot}")
        self._await_empty_pool()
        remembered, self.timestamp = self._snapshots[snapshot]
        del self._snapshots[snapshot:]
        if not self.request("evm_revert", remembered):
            raise ChainError(f"Anvil has no snapshot {remembered}")

    def close(self) -> None:
        self._http.close()
        self._stop()

    def request(self, method: str, *parameters: object) -> Any:
        """Ask the node anything by JSON-RPC, and return the result."""
        return self._result(self._answer(method, *parameters))

    def receipt(self, transaction_hash: str) -> dict[str, Any]:
        """Wait for a transaction to be in a block: a busy node is late."""
        deadline = time.monotonic() + self._PATIENCE
        while time.monotonic() < deadline:
            receipt: dict[str, Any] | None
            if receipt := self.request("eth_getTransactionReceipt", transaction_hash):
                return receipt
        raise ChainError(f"no receipt of {transaction_hash} within {self._PATIENCE} s")

    def _await_empty_pool(self) -> None:
        """Wait until the node has taken what it has mined out of its pool.

        It shows a block before that. Whoever reverts in between, and sends another transaction
        with the same nonce, loses that one instead.
        """
        deadline = time.monotonic() + self._PATIENCE
        while time.monotonic() < deadline:
            if all(int(count, 16) == 0 for count in self.request("txpool_status").values()):
                return
        raise ChainError(f"transactions are pending after {self._PATIENCE} s: mine them first")

    def _send(self, transaction: dict[str, str]) -> tuple[dict[str, Any], bytes]:
        """Execute a transaction, and return its receipt and its output."""
        self.request("evm_setNextBlockTimestamp", self.timestamp)
        free = {**transaction, "gas": hex(GAS_LIMIT), "gasPrice": "0x0"}
        transaction_hash = self.request("eth_sendTransaction", free)
        receipt = self.receipt(transaction_hash)
        trace = self.request("debug_traceTransaction", transaction_hash, {"tracer": "callTracer"})
        return receipt, _bytes(trace.get("output", "0x"))

    def _answer(self, method: str, *parameters: object) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        headers = {"Content-Type": "application/json"}
        try:
            self._http.request("POST", "/", json.dumps(body), headers)
            answer: dict[str, Any] = json.loads(self._http.getresponse().read())
        except (OSError, http.client.HTTPException) as error:
            raise ChainError(f"Anvil does not answer {method}: {error!r}") from error
        return answer

    @staticmethod
    def _result(answer: dict[str, Any]) -> Any:
        if "error" in answer:
            raise ChainError(str(answer["error"]))
        return answer["result"]

    def _options(self) -> list[str]:
        return [
            f"--chain-id={self.chain_id}",
            f"--hardfork={HARDFORK}",
            f"--timestamp={self.timestamp}",
            f"--gas-limit={BLOCK_GAS_LIMIT}",
            f"--prune-history={self._STATES}",
            "--accounts=0",
            "--auto-impersonate",
            "--block-base-fee-per-gas=0",
            "--disable-default-create2-deployer",
            "--disable-min-priority-fee",
        ]

    def _port(self) -> int:
        """Wait until Anvil says where it listens."""
        output = []
        for line in self._anvil.stdout or ():
            output.append(line)
            if listening := re.match(r"Listening on \S+:(\d+)$", line):
                return int(listening[1])
        raise ChainError("Anvil did not start:\n" + "".join(output))

    @staticmethod
    def _stop_process(anvil: subprocess.Popen[str]) -> None:
        anvil.terminate()
        try:
            anvil.wait(timeout=5)
        except subprocess.TimeoutExpired:
            anvil.kill()
            anvil.wait()
        if anvil.stdout is not None:
            anvil.stdout.close()


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(data: str) -> bytes:
    return bytes.fromhex(data.removeprefix("0x"))
