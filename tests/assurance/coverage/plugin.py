"""A pytest plugin: what the node executes of every contract under examination, test by test.

Every transaction and every call that Ape sends to the node is traced there, and the trace says
which instructions of which contract were executed, and which way each conditional jump went.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from web3.providers.rpc import HTTPProvider

# For each contract the places in its code: 1 executed, 2 a jump not taken, 4 a jump taken.
TRACER = """{
  seen: {},
  step: function (log) {
    var contract = toHex(log.contract.getAddress());
    var places = this.seen[contract] || (this.seen[contract] = {});
    var how = 1;
    if (log.op.toNumber() === 87) how = log.stack.peek(1).toString() === "0" ? 2 : 4;
    var place = log.getPC();
    places[place] = (places[place] || 0) | how;
  },
  fault: function () {},
  result: function () { return this.seen; }
}"""

# Seconds until a transaction is in a block.
PATIENCE = 30

# What an account has in the place of code when it delegates (EIP-7702), before the address.
POINTER = "0xef0100"

Executed = dict[str, dict[int, int]]
"""By contract and kind of code, creation or runtime, and by place in it."""


class Collector:
    """Traces what goes through an `HTTPProvider`."""

    def __init__(self, creation_codes: Mapping[str, str]) -> None:
        self._creation_codes = creation_codes
        self._names: dict[str, str] = {}
        self._send = HTTPProvider.make_request
        self.executed: Executed = {}
        self.begin()

    def begin(self) -> None:
        """Start a new test."""
        self.executed = defaultdict(lambda: defaultdict(int))

    def method(self) -> Callable[[HTTPProvider, Any, Any], Any]:
        """For `HTTPProvider.make_request`: a function, as only those are bound to their object."""

        def make_request(provider: HTTPProvider, method: Any, params: Any) -> Any:
            return self._request(provider, method, params)

        return make_request

    def _request(self, provider: HTTPProvider, method: Any, params: Any) -> Any:
        if method in {"eth_call", "eth_estimateGas"}:
            block = params[1] if len(params) > 1 else "latest"
            created = self._created(params[0].get("to"), params[0].get("data", ""))
            self._trace(provider, "debug_traceCall", params[0], block, created=created)
        answer = self._send(provider, method, params)
        if method in {"eth_sendTransaction", "eth_sendRawTransaction"} and "result" in answer:
            self._trace_transaction(provider, answer["result"])
        return answer

    def _trace_transaction(self, provider: HTTPProvider, transaction_hash: str) -> None:
        receipt = self._receipt(provider, transaction_hash)
        sent = self._ask(provider, "eth_getTransactionByHash", transaction_hash)
        created = self._created(sent["to"], sent["input"])
        self._trace(provider, "debug_traceTransaction", transaction_hash, created=created)
        if created and receipt["status"] == "0x1":
            address = receipt["contractAddress"].lower()
            self._names[address] = created

    def _created(self, to: str | None, data: str) -> str | None:
        """Which of the contracts is created."""
        if to:
            return None
        return next(
            (name for name, code in self._creation_codes.items() if data.startswith(code)), None
        )

    def _receipt(self, provider: HTTPProvider, transaction_hash: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if receipt := self._ask(provider, "eth_getTransactionReceipt", transaction_hash):
                return receipt
        raise RuntimeError(f"no receipt of {transaction_hash} within {PATIENCE} s")

    def _trace(self, provider: HTTPProvider, *request: Any, created: str | None) -> None:
        seen = self._ask(provider, *request, {"tracer": TRACER})
        for contract, places in seen.items():
            name, kind = self._name(provider, contract), "runtime"
            if created and name is None and self._is_new(provider, contract, request[0]):
                name, kind = created, "creation"
            if name is not None:
                for place, how in places.items():
                    self.executed[f"{name} {kind}"][int(place)] |= how

    def _is_new(self, provider: HTTPProvider, contract: str, how: str) -> bool:
        """Whether it is the contract that is being created: a constructor may call others."""
        before = "latest"
        if how == "debug_traceTransaction":
            before = hex(int(self._ask(provider, "eth_blockNumber"), 16) - 1)
        return self._ask(provider, "eth_getCode", contract, before) == "0x"

    def _name(self, provider: HTTPProvider, contract: str) -> str | None:
        """Which of the contracts this one is, or delegates to."""
        if contract in self._names:
            return self._names[contract]
        code = str(self._ask(provider, "eth_getCode", contract, "latest"))
        if code.startswith(POINTER):
            return self._names.get("0x" + code.removeprefix(POINTER))
        return None

    def _ask(self, provider: HTTPProvider, method: Any, *params: Any) -> Any:
        answer = self._send(provider, method, list(params))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


class CoveragePlugin:
    def __init__(self, creation_codes: Mapping[str, str], output: Path) -> None:
        self._collector = Collector(creation_codes)
        self._output = output
        self._tests: dict[str, Executed] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._collector.begin()
        yield
        self._tests[item.nodeid] = self._collector.executed

    def pytest_sessionstart(self) -> None:
        HTTPProvider.make_request = self._collector.method()  # type: ignore[method-assign]

    def pytest_sessionfinish(self) -> None:
        self._output.write_text(json.dumps(self._tests), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    codes = json.loads(Path(os.environ["V2V_COVERAGE_CODE"]).read_text(encoding="utf-8"))
    output = Path(os.environ["V2V_COVERAGE_OUTPUT"])
    config.pluginmanager.register(CoveragePlugin(codes, output))
