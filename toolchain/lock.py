"""Write the lock files anew: `make lock`, or `make lock UPGRADE=1` to move to newer versions.

They name packages, versions and hashes, and no address: where packages come from is the business
of whoever installs them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# What everybody installs, and the node that only the gas report uses.
NODE_FOLDERS = (ROOT, ROOT / "toolchain" / "ganache")
# What the set-up installs where no Node.js fits, and tools that get environments of their own.
TOOLS = ("toolchain/node.in", "toolchain/analysis/halmos.in", "toolchain/analysis/slither.in")
PROJECT = ["--overrides=toolchain/overrides.in", "--group=dev", "pyproject.toml"]
HEADER = "# Written by `make lock`; do not edit.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest allowed versions")
    upgrade = parser.parse_args().upgrade
    lock_python(ROOT / "requirements.lock", PROJECT, upgrade)
    for wanted in TOOLS:
        lock_python((ROOT / wanted).with_suffix(".lock"), [wanted], upgrade)
    for folder in NODE_FOLDERS:
        lock_node(folder, upgrade)
    return 0


def lock_python(lock: Path, sources: list[str], upgrade: bool) -> None:
    command = [str(Path(sys.executable).parent / "uv"), "--quiet", "--no-config", "pip", "compile"]
    # Without the header: it would hold this command line.
    command += ["--universal", "--python-version=3.11", "--generate-hashes", "--no-header"]
    command += [f"--output-file={lock.relative_to(ROOT)}", *sources]
    subprocess.run([*command, *(["--upgrade"] if upgrade else [])], cwd=ROOT, check=True)
    lock.write_text(HEADER + lock.read_text(encoding="utf-8"), encoding="utf-8")


def lock_node(folder: Path, upgrade: bool) -> None:
    lock = folder / "package-lock.json"
    if upgrade:
        lock.unlink(missing_ok=True)
    subprocess.run(["npm", "install", "--package-lock-only"], cwd=folder, check=True)
    content = json.loads(lock.read_text(encoding="utf-8"))
    for package in content["packages"].values():
        strip_addresses(package)
    lock.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def strip_addresses(package: dict[str, Any]) -> None:
    """Drop what npm notes about a package and does not need for installing it."""
    for key in ("deprecated", "funding", "resolved"):
        package.pop(key, None)


if __name__ == "__main__":
    sys.exit(main())
