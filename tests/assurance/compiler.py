"""The compiler as Ape and Forge use it, kept loaded, with all of its output at hand."""

import json
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any, NamedTuple, Self

import yaml

from .places import NODE_MODULES, ROOT, TOOLCHAIN

MARKET = "contracts/V2VMarket.sol"
ROOMS = "contracts/market/"
IMPORT = re.compile(r'^import\s+(?:\{[^}]*\}\s+from\s+)?"([^"]+)";', re.MULTILINE)

Sources = Mapping[str, str]


class CompilationError(Exception):
    """The sources are no program."""


class Target(NamedTuple):
    """A contract under examination."""

    name: str
    path: str
    rooms: tuple[str, ...] = ()
    """What is examined with it; interfaces have no code."""

    def has(self, source: str) -> bool:
        """Whether a source is one of those that are examined here."""
        return source == self.path or source in self.rooms


_TOKEN_LEDGER = f"{ROOMS}TokenLedger.sol"
ETHER_MARKET = Target(
    "V2VMarket",
    MARKET,
    tuple(
        f"{ROOMS}{path.name}"
        for path in sorted((ROOT / ROOMS).glob("*.sol"))
        if path.name != "TokenLedger.sol"
    ),
)
# The rooms that both markets have are examined in the first one.
TOKEN_MARKET = Target("V2VTokenMarket", "contracts/V2VTokenMarket.sol", (_TOKEN_LEDGER,))
ACCOUNT = Target("SponsoredAccount", "contracts/SponsoredAccount.sol")
TARGETS = (ETHER_MARKET, TOKEN_MARKET, ACCOUNT)


def is_of_the_market(source: str) -> bool:
    """Whether a source is one of those of the market in ether."""
    return ETHER_MARKET.has(source)


def market_sources() -> Sources:
    """The market and everything that it imports, by the names that the compiler uses."""
    return sources_of(MARKET)


@cache
def sources_of(path: str) -> Sources:
    """A contract's source and everything that it imports."""
    found: dict[str, str] = {}
    waiting = [path]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = _read(name)
        waiting += [_resolve(name, imported) for imported in IMPORT.findall(found[name])]
    return found


@cache
def settings() -> dict[str, Any]:
    """The compiler's settings for the deployable artifact, as ape-config.yaml has them."""
    solidity = yaml.safe_load((ROOT / "ape-config.yaml").read_text(encoding="utf-8"))["solidity"]
    return {
        "evmVersion": solidity["evm_version"],
        "optimizer": {"enabled": solidity["optimize"], "runs": solidity["optimization_runs"]},
    }


class Compiler:
    """A process that compiles one program after another; to be closed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", TOOLCHAIN / "solc-worker.js"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()

    def compile(self, sources: Sources, wanted: Any, **changed_settings: Any) -> dict[str, Any]:
        """The answer in standard JSON; `wanted` is its output selection.

        Raises:
            CompilationError: With the compiler's words.
        """
        task = {
            "language": "Solidity",
            "sources": {name: {"content": content} for name, content in sources.items()},
            "settings": {**settings(), **changed_settings, "outputSelection": wanted},
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise CompilationError("the compiler has stopped")
        answer: dict[str, Any] = json.loads(line)
        errors = [one for one in answer.get("errors", []) if one["severity"] == "error"]
        if errors:
            raise CompilationError(errors[0]["formattedMessage"])
        return answer

    def trees(self, sources: Sources) -> dict[str, dict[str, Any]]:
        """The syntax tree of each source."""
        answer = self.compile(sources, {"*": {"": ["ast"]}})
        return {name: source["ast"] for name, source in answer["sources"].items()}

    def creation_code(
        self, sources: Sources, *, optimized: bool, target: Target = ETHER_MARKET
    ) -> bytes:
        """The contract's code without the hash of its sources, so that equal programs are equal."""
        optimizer = settings()["optimizer"] if optimized else {"enabled": False}
        answer = self.compile(
            sources,
            {target.path: {target.name: ["evm.bytecode.object"]}},
            optimizer=optimizer,
            metadata={"appendCBOR": False},
        )
        compiled = answer["contracts"][target.path][target.name]
        return bytes.fromhex(compiled["evm"]["bytecode"]["object"])


def _read(name: str) -> str:
    folder = NODE_MODULES if name.startswith("@") else ROOT
    return (folder / name).read_text(encoding="utf-8")


def _resolve(importing: str, imported: str) -> str:
    if not imported.startswith("."):
        return imported
    parts: list[str] = list(PurePosixPath(importing).parent.parts)
    for part in PurePosixPath(imported).parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
