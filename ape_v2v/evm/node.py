"""A chain that is a node: an Anvil of its own, by plain JSON-RPC."""

from __future__ import annotations

import http.client
import json
import time
import weakref
from typing import Any

from ape_v2v.errors import V2VError
from ape_v2v.evm.anvil import started
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


class AnvilChain(Chain):
    """A node: an Anvil of its own on a free port, stopped by `close` and at the latest at exit."""

    # Seconds: longer than the slowest start and the slowest transaction.
    _PATIENCE = 30
    # The states that it keeps: enough to trace the last transaction.
    _STATES = 8

    def __init__(self, chain_id: int = CHAIN_ID, timestamp: int = GENESIS) -> None:
        self.chain_id = chain_id
        self.timestamp = timestamp
        self._snapshots: list[tuple[str, int]] = []
        try:
            anvil = started(*self._options())
        except V2VError as error:
            raise ChainError(str(error)) from error
        self._stop = weakref.finalize(self, anvil.stop)
        try:
            self.url = f"http://{anvil.address}"
            self._http = http.client.HTTPConnection(anvil.address, timeout=self._PATIENCE)
            # Else it writes a line for every request, until the pipe that nobody reads is full.
            self.request("anvil_setLoggingEnabled", False)
        except BaseException:
            self._stop()
            raise

    def deploy(self, sender: str, code: bytes) -> str:
        receipt, output = self._send({"from": sender, "data": _hex(code)})
        if receipt["status"] != "0x1":
            raise EvmReverted(output)
        return str(receipt["contractAddress"])

    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Execution:
        transaction = {"from": sender, "to": to, "data": _hex(data), "value": hex(value)}
        receipt, output = self._send(transaction)
        return Execution(
            success=receipt["status"] == "0x1",
            output=output,
            logs=tuple(
                EmittedLog(
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
            raise EvmReverted(_bytes(answer["error"]["data"]))
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


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(data: str) -> bytes:
    return bytes.fromhex(data.removeprefix("0x"))
