"""A stand-in for the Etherscan v2 API that really verifies, on this machine.

What is posted is compiled with the pinned compiler, with no other file in reach, and has to come
out as what created the contract on the node, constructor arguments included.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

import solcx

if TYPE_CHECKING:
    from collections.abc import Callable

    from web3 import Web3

SOLC = "0.8.37"
KEY = "a-key-of-the-stand-in"
NOT_VERIFIED = "Contract source code not verified"

Form = dict[str, str]


@cache
def _compiler_version() -> str:
    """The pinned compiler's version with its commit: `0.8.37+commit.…`."""
    solc = str(solcx.install.get_executable(SOLC))
    told = subprocess.run([solc, "--version"], check=True, capture_output=True, text=True).stdout
    (version,) = re.findall(r"\d+\.\d+\.\d+\+commit\.[0-9a-f]{8}", told)
    return version


@dataclass
class Answer:
    """What the API answers with: always HTTP 200."""

    result: Any
    ok: bool = True

    @property
    def body(self) -> bytes:
        message = "OK" if self.ok else "NOTOK"
        status = "1" if self.ok else "0"
        return json.dumps({"status": status, "message": message, "result": self.result}).encode()


class Mismatch(Exception):
    """Why a contract is not verified."""


@dataclass
class Etherscan:
    """Listens on `url`, and knows one chain by its node."""

    node: Web3
    meddle: Callable[[Form], Form] = lambda form: form
    """What happens to what is posted on its way here."""
    verified: dict[str, Form] = field(default_factory=dict)
    """What is published, by address."""
    posted: list[Form] = field(default_factory=list)
    _outcomes: dict[str, str] = field(default_factory=dict)
    _compiled: ClassVar[dict[str, Any]] = {}
    """What sources compile to, whichever explorer they were sent to."""

    @cached_property
    def chain_id(self) -> int:
        return self.node.eth.chain_id

    # What it is asked

    def respond(self, path: str, posted: str) -> tuple[int, bytes]:
        query = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
        return 200, self.answer(query | dict(parse_qsl(posted, keep_blank_values=True))).body

    def answer(self, form: Form) -> Answer:
        if form.get("chainid") != str(self.chain_id):
            return Answer("Missing or unsupported chainid parameter", ok=False)
        if form.get("apikey") != KEY:
            return Answer("Missing/Invalid API Key", ok=False)
        actions = {
            ("account", "txlist"): self._transactions,
            ("contract", "getsourcecode"): self._source,
            ("contract", "verifysourcecode"): self._verify,
            ("contract", "checkverifystatus"): self._status,
        }
        action = actions.get((form.get("module", ""), form.get("action", "")))
        return action(form) if action else Answer("Error! Missing Or invalid Action name", ok=False)

    def _transactions(self, form: Form) -> Answer:
        creation = self._creation(form["address"])
        return Answer(
            [{"hash": creation["hash"].to_0x_hex(), "input": creation["input"].to_0x_hex()}]
        )

    def _source(self, form: Form) -> Answer:
        published = self.verified.get(form["address"])
        if published is None:
            return Answer([{"SourceCode": "", "ABI": NOT_VERIFIED}])
        output = self._output(published)
        return Answer(
            [
                {
                    "SourceCode": "{" + published["sourceCode"] + "}",
                    "ABI": json.dumps(output["abi"]),
                    "ContractName": published["contractname"].rpartition(":")[2],
                    "CompilerVersion": published["compilerversion"],
                    "OptimizationUsed": published["optimizationUsed"],
                    "Runs": published["runs"],
                    "ConstructorArguments": published["constructorArguements"],
                    "EVMVersion": published["evmversion"],
                    "Proxy": "0",
                }
            ]
        )

    def _verify(self, form: Form) -> Answer:
        form = self.meddle(form)
        self.posted.append(form)
        address = form["contractaddress"]
        if address in self.verified:
            return Answer("Contract source code already verified", ok=False)
        guid = f"job{len(self._outcomes)}"
        try:
            self._compare(form)
        except Mismatch as reason:
            self._outcomes[guid] = f"Fail - Unable to verify: {reason}"
        else:
            self.verified[address] = form
            self._outcomes[guid] = "Pass - Verified"
        return Answer(guid)

    def _status(self, form: Form) -> Answer:
        outcome = self._outcomes.get(form["guid"], "Error! Unknown UID")
        return Answer(outcome, ok=outcome.startswith("Pass"))

    # How it verifies

    def _compare(self, form: Form) -> None:
        if form["codeformat"] != "solidity-standard-json-input":
            raise Mismatch(f"the code format is {form['codeformat']}")
        if form["compilerversion"] != f"v{_compiler_version()}":
            raise Mismatch(f"the compiler is {form['compilerversion']}")
        output = self._output(form)
        evm = output["evm"]
        creation = bytes.fromhex(evm["bytecode"]["object"] + form["constructorArguements"])
        if creation != bytes(self._creation(form["contractaddress"])["input"]):
            raise Mismatch("the creation code and its arguments are others on the chain")
        code = bytearray(
            self.node.eth.get_code(self.node.to_checksum_address(form["contractaddress"]))
        )
        for places in evm["deployedBytecode"]["immutableReferences"].values():
            for place in places:
                end = place["start"] + place["length"]
                code[place["start"] : end] = bytes(place["length"])
        if bytes(code) != bytes.fromhex(evm["deployedBytecode"]["object"]):
            raise Mismatch("the code at the address is another one")

    def _output(self, form: Form) -> Any:
        source = form["sourceCode"]
        compiled = self._compiled.get(source) or self._compile(form)
        self._compiled[source] = compiled
        path, _, name = form["contractname"].partition(":")
        try:
            return compiled["contracts"][path][name]
        except KeyError as error:
            raise Mismatch(f"there is no {form['contractname']}") from error

    def _compile(self, form: Form) -> Any:
        standard = json.loads(form["sourceCode"])
        standard["settings"]["outputSelection"] = {"*": {"*": ["abi", "evm"]}}
        with tempfile.TemporaryDirectory() as empty:
            try:
                return solcx.compile_standard(standard, solc_version=SOLC, base_path=empty)
            except solcx.exceptions.SolcError as error:
                raise Mismatch("it does not compile") from error

    def _creation(self, address: str) -> Any:
        for number in range(self.node.eth.block_number + 1):
            for receipt in self.node.eth.get_block_receipts(number):
                if receipt["contractAddress"] == address:
                    return self.node.eth.get_transaction(receipt["transactionHash"])
        raise Mismatch("nothing was created at the address")

    # The line

    def __enter__(self) -> Self:
        explorer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer("")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def _answer(self, posted: str) -> None:
                status, body = explorer.respond(self.path, posted)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def listed(self) -> dict[str, str]:
        """The chain's entry in the list that ape-etherscan asks for."""
        return {
            "chainname": "stand-in",
            "chainid": str(self.chain_id),
            "blockexplorer": self.url,
            "apiurl": f"{self.url}/v2/api?chainid={self.chain_id}",
        }


class Sourcify(Etherscan):
    """The same for Sourcify's API, version 2; it finds the constructor's arguments itself."""

    def respond(self, path: str, posted: str) -> tuple[int, bytes]:
        _, version, what, *rest = urlsplit(path).path.split("/")
        assert version == "v2"
        if what == "contract":
            found = self.verified.get(rest[1])
            if found is None:
                return 404, b"{}"
            return 200, json.dumps(self._contract(found) | {"match": "exact_match"}).encode()
        if not posted:
            return 200, json.dumps(self._job(rest[0])).encode()
        return self._submit(rest[1], json.loads(posted))

    def _submit(self, address: str, posted: Any) -> tuple[int, bytes]:
        code = posted["stdJsonInput"]
        creation = bytes(self._creation(address)["input"])
        form = {
            "codeformat": "solidity-standard-json-input",
            "compilerversion": f"v{posted['compilerVersion']}",
            "contractaddress": address,
            "contractname": posted["contractIdentifier"],
            "sourceCode": json.dumps(code),
        }
        length = len(bytes.fromhex(self._output(form)["evm"]["bytecode"]["object"]))
        form |= {"constructorArguements": creation[length:].hex()}
        guid = self._verify(form).result
        return 202, json.dumps({"verificationId": guid}).encode()

    def _job(self, guid: str) -> dict[str, Any]:
        outcome = self._outcomes[guid]
        job: dict[str, Any] = {"isJobCompleted": True, "verificationId": guid}
        if outcome.startswith("Pass"):
            found = self._contract(self.posted[-1])
            return job | {"contract": found | {"match": "exact_match"}}
        return job | {"error": {"customCode": "no_match", "message": outcome}}

    def _contract(self, form: Form) -> dict[str, Any]:
        return {
            "chainId": str(self.chain_id),
            "address": form["contractaddress"],
            "abi": self._output(form)["abi"],
            "compilation": {
                "language": "Solidity",
                "compilerVersion": form["compilerversion"],
                "name": form["contractname"].rpartition(":")[2],
            },
        }
