"""A node that charges what the EVM charged when the paper was measured."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import weakref
from typing import TYPE_CHECKING, Any

from requests.exceptions import RequestException
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from ape_v2v.errors import V2VError
from ape_v2v.evm.chains import GAS_LIMIT, GENESIS, ZERO_ADDRESS, Chain, ChainError, Execution

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = "toolchain/ganache/node_modules/ganache/dist/node/cli.js"
HARDFORK = "muirGlacier"
EVM_VERSION = "istanbul"
"""What the compiler calls the instructions of that fork."""


def is_installed(project: Path) -> bool:
    """Whether `make ganache` has been run in the project."""
    return (project / _PROGRAM).is_file()


class GanacheChain(Chain):
    """Ganache, the paper's own private chain, at the fork of May 2020.

    Raises:
        V2VError: It is not installed.
    """

    chain_id = 1_337
    # Seconds: longer than the slowest start.
    _PATIENCE = 60

    def __init__(self, project: Path, timestamp: int = GENESIS) -> None:
        node = shutil.which("node")
        if node is None or not is_installed(project):
            raise V2VError(
                "the node that charges the prices of 2020 is not installed: run `make ganache` in "
                "the project, or leave it out with --without-2020"
            )
        self.timestamp = timestamp
        self._known: set[str] = set()
        port = _free_port()
        self._process = subprocess.Popen(
            [
                node,
                str(project / _PROGRAM),
                f"--chain.hardfork={HARDFORK}",
                f"--chain.chainId={self.chain_id}",
                "--chain.allowUnlimitedContractSize=true",
                "--wallet.totalAccounts=1",
                f"--server.port={port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stop = weakref.finalize(self, _stop_process, self._process)
        self._http = HTTPProvider(f"http://127.0.0.1:{port}")
        self._await_start()

    def deploy(self, sender: str, code: bytes) -> str:
        return str(self._send({"from": sender, "data": f"0x{code.hex()}"})["contractAddress"])

    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Execution:
        receipt = self._send(
            {"from": sender, "to": to, "data": f"0x{data.hex()}", "value": hex(value)}
        )
        return Execution(True, b"", (), int(receipt["gasUsed"], 16))

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        transaction = {"from": sender, "to": to, "data": f"0x{data.hex()}"}
        return bytes.fromhex(self.request("eth_call", transaction, "latest").removeprefix("0x"))

    def balance(self, account: str) -> int:
        return int(self.request("eth_getBalance", account, "latest"), 16)

    def set_balance(self, account: str, amount: int) -> None:
        self.request("evm_setAccountBalance", account, hex(amount))

    def snapshot(self) -> int:
        return int(self.request("evm_snapshot"), 16)

    def revert(self, snapshot: int) -> None:
        self.request("evm_revert", hex(snapshot))

    def close(self) -> None:
        self._stop()

    def request(self, method: str, *parameters: object) -> Any:
        """Ask the node anything by JSON-RPC, and return the result."""
        answer = self._http.make_request(RPCEndpoint(method), parameters)
        if "error" in answer:
            raise ChainError(f"{method}: {answer['error']}")
        return answer["result"]

    def _send(self, transaction: dict[str, str]) -> dict[str, Any]:
        sender = transaction["from"]
        if sender not in self._known:
            self.request("evm_addAccount", sender, "")
            self.request("personal_unlockAccount", sender, "", 0)
            self._known.add(sender)
        self.request("evm_setTime", hex(self.timestamp * 1_000))
        free = {**transaction, "gas": hex(GAS_LIMIT), "gasPrice": "0x0"}
        # It answers when the transaction is in a block, and with an error when it has reverted.
        receipt: dict[str, Any] = self.request(
            "eth_getTransactionReceipt", self.request("eth_sendTransaction", free)
        )
        return receipt

    def _await_start(self) -> None:
        deadline = time.monotonic() + self._PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.request("web3_clientVersion")
            except RequestException:
                time.sleep(0.1)
            else:
                return
        self._stop()
        raise ChainError("Ganache did not start")


def _free_port() -> int:
    """A port that was free a moment ago: Ganache cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
