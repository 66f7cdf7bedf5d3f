"""Set up everything the project needs, inside this clone and nowhere else.

Python packages go to `.venv`, Node packages to `node_modules`, each exactly as its lock file says.
Then `.venv` is made to find the compiler and the local chain, so that after
`source .venv/bin/activate` the commands `ape`, `anvil` and `forge` work with nothing else set.

Run by `make setup`. Only the standard library is used, and the syntax is old enough for Python 3.7
to get as far as saying that it is too old.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Command = list[str | Path]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_BIN = VENV / "bin"
VENV_PYTHON = VENV_BIN / "python"
VENV_STAMP = VENV / "setup.stamp"
NODE_MODULES = ROOT / "node_modules"
NODE_STAMP = NODE_MODULES / "setup.stamp"
REQUIREMENTS = ROOT / "requirements.lock"

MINIMUM_PYTHON = (3, 11)
FIRST_UNSUPPORTED_PYTHON = (3, 14)
MINIMUM_NODE = 20


class SetupError(Exception):
    """Something that only the person at the keyboard can put right."""


def main() -> int:
    try:
        check_python()
        check_node()
        node_packages = start_node_packages()
        try:
            install_python_packages()
        finally:
            finish_node_packages(node_packages)
        link_solc()
        link_foundry()
    except SetupError as error:
        print(f"\nsetup: {error}", file=sys.stderr)
        return 1
    # The Makefile compares this with the clone's path: a clone that was moved must be set up again,
    # because the commands in `.venv` carry the path they were installed under.
    VENV_STAMP.write_text(f"{ROOT}\n", encoding="utf-8")
    say("ready; next: source .venv/bin/activate")
    return 0


# --- What must be there already -------------------------------------------------------------------


def check_python() -> None:
    version = sys.version_info[:2]
    if not MINIMUM_PYTHON <= version < FIRST_UNSUPPORTED_PYTHON:
        raise SetupError(
            f"Python {dotted(version)} cannot be used: it takes {dotted(MINIMUM_PYTHON)} or newer, "
            f"before {dotted(FIRST_UNSUPPORTED_PYTHON)}.\n"
            f"       Name another one: make setup PYTHON=python{dotted(MINIMUM_PYTHON)}"
        )
    try:
        import ensurepip  # noqa: F401, PLC0415
    except ImportError:
        raise SetupError(
            "This Python cannot make a virtual environment with pip (the module ensurepip is "
            "missing).\n       On Debian and Ubuntu, install the package python3-venv."
        ) from None


def check_node() -> None:
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise SetupError(
                f"{tool} is not on the PATH: the compiler and the local chain come as Node "
                f"packages.\n       Install Node.js {MINIMUM_NODE} or newer, with npm."
            )
    answer = run_quietly(["node", "--version"], "node does not start").strip()
    match = re.match(r"v(\d+)\.", answer)
    if match is None or int(match.group(1)) < MINIMUM_NODE:
        raise SetupError(f"Node.js {answer} is too old: it takes {MINIMUM_NODE} or newer.")


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


# --- Node packages --------------------------------------------------------------------------------


def start_node_packages() -> subprocess.Popen[str] | None:
    """Start `npm ci`, to run while the Python packages are installed."""
    if NODE_STAMP.is_file() and NODE_STAMP.read_text(encoding="utf-8") == node_fingerprint():
        return None
    say("Node packages: compiler, local chain, Solidity libraries, linter")
    return subprocess.Popen(
        ["npm", "ci"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish_node_packages(process: subprocess.Popen[str] | None) -> None:
    if process is None:
        return
    output, _ = process.communicate()
    if process.returncode != 0:
        print(output, file=sys.stderr)
        raise SetupError("npm ci failed; its own words are above.")
    # Where the clone is in a folder for temporary files, Ape copies all files of the library among
    # the contracts, and lists no more than 500 there: with the library's own build output, some of
    # ours would be left out without a word.
    shutil.rmtree(NODE_MODULES / "@openzeppelin" / "contracts" / "build", ignore_errors=True)
    NODE_STAMP.write_text(node_fingerprint(), encoding="utf-8")


def node_fingerprint() -> str:
    digest = hashlib.sha256()
    for name in (".npmrc", "package.json", "package-lock.json"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


# --- Python packages ------------------------------------------------------------------------------


def install_python_packages() -> None:
    if not usable_venv():
        say(f".venv with Python {platform.python_version()}")
        run([sys.executable, "-m", "venv", "--clear", "--prompt", "ape-v2v", VENV])

    say("Python packages")
    # uv first, with pip: it installs the rest in a tenth of the time that pip would take.
    bootstrap = VENV / "bootstrap.lock"
    bootstrap.write_text(locked("uv"), encoding="utf-8")
    pip: Command = [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    run([*pip, "--no-deps", "--require-hashes", "--requirement", bootstrap])

    if sys.version_info[:2] >= (3, 13):
        say("numpy 1.26 has no wheel for this Python: building it takes a C compiler and minutes")
    uv: Command = [VENV_BIN / "uv", "--quiet", "--no-config", "pip"]
    # The project and a few packages are built here: what builds them is what the lock file lists.
    target: Command = ["--python", VENV_PYTHON, "--build-constraints", REQUIREMENTS]
    # Compiled now: where Python may not write beside its modules, every command would do it anew.
    run([*uv, "sync", *target, "--require-hashes", "--compile-bytecode", REQUIREMENTS])
    # Reinstalled every time, so that changed entry points take effect.
    project: Command = ["--no-deps", "--reinstall-package=ape-v2v", "--editable", ROOT]
    run([*uv, "install", *target, *project])


def usable_venv() -> bool:
    """Tell whether `.venv` runs, is of the Python that is asked for, and was made at this path."""
    if VENV_STAMP.is_file() and VENV_STAMP.read_text(encoding="utf-8") != f"{ROOT}\n":
        return False
    probe = "import pip, platform; print(platform.python_version())"
    try:
        answer = subprocess.run(
            [VENV_PYTHON, "-c", probe], capture_output=True, check=False, text=True
        )
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == platform.python_version()


def locked(package: str) -> str:
    """Return what the lock file says of one of its packages, hashes included."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{package}=="))
    rest = takewhile(lambda line: line.startswith(" "), lines[start + 1 :])
    return "".join([lines[start], *rest])


# --- Compiler and local chain ---------------------------------------------------------------------


def link_solc() -> None:
    """Let py-solc-x find the compiler that package-lock.json pins."""
    package = json.loads((NODE_MODULES / "solc" / "package.json").read_text(encoding="utf-8"))
    version = package["version"]
    folder = VENV / "solcx"
    folder.mkdir(exist_ok=True)
    for outdated in folder.iterdir():
        outdated.unlink()
    executable = folder / f"solc-v{version}"
    executable.symlink_to(os.path.relpath(ROOT / "toolchain" / "solc.js", folder))
    answer = run_quietly([executable, "--version"], "the compiler does not start")
    if f"Version: {version}+" not in answer:
        raise SetupError(f"the compiler is not {version}; it says:\n{answer}")

    # Read at every start of the environment's Python, so that it holds without activation too.
    # The scheme of environments: Debian's own Python has another one for itself.
    paths = {"base": str(VENV), "platbase": str(VENV)}
    site_packages = Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
    (site_packages / "ape_v2v_toolchain.pth").write_text(
        "import os, sys; "
        'os.environ.setdefault("SOLCX_BINARY_PATH", os.path.join(sys.prefix, "solcx"))\n',
        encoding="utf-8",
    )


def link_foundry() -> None:
    """Put the pinned `anvil` and `forge` into `.venv`; elsewhere rely on those of the PATH."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    here = f"{platform.system().lower()}-{machine}"
    for tool in ("anvil", "forge"):
        link = VENV_BIN / tool
        if link.is_symlink():
            link.unlink()
        binary = NODE_MODULES / "@foundry-rs" / f"{tool}-{here}" / "bin" / tool
        if binary.is_file():
            link.symlink_to(os.path.relpath(binary, VENV_BIN))
            run_quietly([link, "--version"], f"the pinned {tool} does not start")
            continue
        found = shutil.which(tool)
        if found is None:
            raise SetupError(
                f"{tool} is missing: package-lock.json has none for {here}, and none is on the "
                f"PATH.\n       Install Foundry {foundry_version(tool)} "
                "(https://github.com/foundry-rs/foundry), then run make setup again."
            )
        say(f"package-lock.json has no {tool} for {here}; using {found}")


def foundry_version(tool: str) -> str:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    return str(package["optionalDependencies"][f"@foundry-rs/{tool}-linux-amd64"])


# --- Helpers --------------------------------------------------------------------------------------


def say(message: str) -> None:
    print(f"setup: {message}", flush=True)


def run(command: Command) -> None:
    answer = subprocess.run(command, cwd=ROOT, check=False)
    if answer.returncode != 0:
        words = " ".join(shlex.quote(str(word)) for word in command)
        raise SetupError(f"this failed, with the words above: {words}")


def run_quietly(command: Command, complaint: str) -> str:
    try:
        answer = subprocess.run(
            command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        raise SetupError(f"{complaint}: {error}") from None
    if answer.returncode != 0:
        raise SetupError(f"{complaint}: {answer.stdout.strip()}")
    return answer.stdout


if __name__ == "__main__":
    sys.exit(main())
