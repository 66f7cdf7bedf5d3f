"""Set up everything the project needs, inside this clone and nowhere else.

Python packages go to `.venv`, Node packages to `node_modules`, each exactly as its lock file says.
Then `.venv` is made to find the compiler and the local chain, so that after
`source .venv/bin/activate` the commands `ape`, `anvil` and `forge` work with nothing else set.

Run by `make setup`, as `python -m toolchain.install .venv`, with any Python from 3.9 on: where it
is not one that the project runs on, another one is found and goes on from there.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys

from toolchain import node, pythons
from toolchain.commands import ROOT, SetupError, run_quietly, say
from toolchain.environment import REQUIREMENTS, Environment


def main(folder: str) -> int:
    try:
        python = pythons.fitting()
        if str(python) != sys.executable:
            os.execv(python, [str(python), "-m", "toolchain.install", folder])
        set_up(Environment(ROOT / folder))
    except SetupError as error:
        sys.stdout.flush()
        print(f"\nsetup: {error}", file=sys.stderr)
        return 1
    say(f"ready; next: source {folder}/bin/activate")
    return 0


def set_up(environment: Environment) -> None:
    environment.create()
    locks = [REQUIREMENTS]
    node.remove(environment)
    if reason := node.lacking(environment):
        say(f"{reason}: installing Node.js into {environment.folder.name}")
        node.install(environment)
        locks.append(node.LOCK)
    node_packages = node.start_packages(environment)
    try:
        environment.install(*locks)
    finally:
        node.finish_packages(node_packages)
    link_solc(environment)
    link_foundry(environment)
    environment.stamp.write_text(f"{ROOT}\n", encoding="utf-8")


# --- Compiler and local chain ---------------------------------------------------------------------


def link_solc(environment: Environment) -> None:
    """Let py-solc-x find the compiler that package-lock.json pins."""
    package = json.loads((node.MODULES / "solc" / "package.json").read_text(encoding="utf-8"))
    version = package["version"]
    folder = environment.folder / "solcx"
    folder.mkdir(exist_ok=True)
    for outdated in folder.iterdir():
        outdated.unlink()
    executable = folder / f"solc-v{version}"
    executable.symlink_to(os.path.relpath(ROOT / "toolchain" / "solc.js", folder))
    answer = run_quietly(
        [executable, "--version"], "the compiler does not start", environment.variables
    )
    if f"Version: {version}+" not in answer:
        raise SetupError(f"the compiler is not {version}; it says:\n{answer}")

    # Read at every start of the environment's Python, so that it holds without activation too.
    (environment.packages / "ape_v2v_toolchain.pth").write_text(
        "import os, sys; "
        'os.environ.setdefault("SOLCX_BINARY_PATH", os.path.join(sys.prefix, "solcx"))\n',
        encoding="utf-8",
    )


def link_foundry(environment: Environment) -> None:
    """Put the pinned `anvil` and `forge` beside it; elsewhere rely on those of the PATH."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    here = f"{platform.system().lower()}-{machine}"
    for tool in ("anvil", "forge"):
        link = environment.bin / tool
        if link.is_symlink():
            link.unlink()
        binary = node.MODULES / "@foundry-rs" / f"{tool}-{here}" / "bin" / tool
        if binary.is_file():
            link.symlink_to(os.path.relpath(binary, environment.bin))
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


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
