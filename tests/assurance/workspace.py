"""A copy of the project in which the contracts may be changed, to run the contract tests on."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .places import BIN, COPIES, ROOT

# The tests that talk to a market through Ape.
CONTRACT_TESTS = tuple(
    f"tests/contracts/test_{name}.py"
    for name in (
        "auction",
        "bidding",
        "connection",
        "ledger",
        "market",
        "registry",
        "signatures",
        "signed_bids",
    )
)
BESIDE_THE_MARKET = tuple(
    f"tests/contracts/test_{name}.py"
    for name in ("token_ledger", "sponsored_account", "sponsored_trades")
)
"""Those of the market in a token, and of what accounts delegate to."""
_COPIED = ("ape-config.yaml", "pyproject.toml", "contracts", "tests")
_LINKED = ("node_modules", "ape_v2v", "benchmarks", "demo")


class Workspace:
    """A folder with the project in it, made anew."""

    def __init__(self, name: str) -> None:
        self.path = COPIES / name
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        for entry in _COPIED:
            copy = shutil.copytree if (ROOT / entry).is_dir() else shutil.copy
            copy(ROOT / entry, self.path / entry)
        for entry in _LINKED:
            (self.path / entry).symlink_to(ROOT / entry)

    def write(self, source: str, text: str) -> None:
        (self.path / source).write_text(text, encoding="utf-8")

    def do_not_optimize(self) -> None:
        """Compile so that each instruction belongs to one place in the sources."""
        config = self.path / "ape-config.yaml"
        text = config.read_text(encoding="utf-8")
        assert "  optimize: true\n" in text
        config.write_text(text.replace("optimize: true", "optimize: false"), encoding="utf-8")
        # It may be larger than a contract can be.
        node = self.path / "bin" / "anvil"
        node.parent.mkdir()
        node.write_text(
            f'#!/bin/sh\nexec "{BIN / "anvil"}" --disable-code-size-limit "$@"\n', encoding="utf-8"
        )
        node.chmod(0o755)

    def compile(self) -> None:
        self._ape("compile", "--force").check_returncode()

    def test(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run tests there; what they print is in the answer."""
        return self._ape("test", *arguments, environment=environment)

    def _ape(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(self.path / "bin"), str(BIN), os.environ["PATH"]))
        return subprocess.run(
            [BIN / "ape", *arguments],
            cwd=self.path,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(self.path), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
