"""The virtual environment, and the Python packages in it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from toolchain.commands import ROOT, run, say

if TYPE_CHECKING:
    from toolchain.commands import Command

REQUIREMENTS = ROOT / "requirements.lock"


@dataclass(frozen=True)
class Environment:
    """A virtual environment: `.venv`, or another one for another Python."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        return self.bin / "python"

    @property
    def uv(self) -> Path:
        return self.bin / "uv"

    @property
    def stamp(self) -> Path:
        """Holds the clone's path once all is installed: what is installed has that path in it."""
        return self.folder / "setup.stamp"

    @property
    def packages(self) -> Path:
        # The scheme of environments: Debian's own Python has another one for itself.
        paths = {"base": str(self.folder), "platbase": str(self.folder)}
        return Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))

    @property
    def variables(self) -> dict[str, str]:
        """What its commands find around them: one another first."""
        path = os.pathsep.join([str(self.bin), os.environ.get("PATH", os.defpath)])
        return {**os.environ, "PATH": path}

    @property
    def uv_command(self) -> Command:
        # Without the settings of whoever calls: what is installed is the lock file's business.
        return [self.uv, "--quiet", "--no-config"]

    def create(self) -> None:
        """Make it with the Python that runs this, unless it is there, and put uv into it."""
        if not self._is_usable():
            say(f"{self.folder.name} with Python {platform.python_version()}")
            command = [sys.executable, "-m", "venv", "--clear", "--prompt", "ape-v2v"]
            run([*command, self.folder])
        install_uv(self)

    def install(self, *locks: Path) -> None:
        """Install what the lock files say and nothing else, and the project itself."""
        say("Python packages")
        # The project and a few packages are built: what builds them is what the lock file lists.
        target: Command = ["--python", self.python, "--build-constraints", REQUIREMENTS]
        sync: Command = ["pip", "sync", *target, "--require-hashes", *locks]
        if sys.dont_write_bytecode:
            # A minute, saved by each command that would else compile what it imports.
            sync.append("--compile-bytecode")
        run([*self.uv_command, *sync])
        # Reinstalled every time, so that changed entry points take effect.
        project: Command = ["--no-deps", "--reinstall-package=ape-v2v", "--editable", ROOT]
        run([*self.uv_command, "pip", "install", *target, *project])

    def _is_usable(self) -> bool:
        """Tell whether it runs, is of the Python that runs this, and was made at this path."""
        if self.stamp.is_file() and self.stamp.read_text(encoding="utf-8") != f"{ROOT}\n":
            return False
        probe = "import pip, platform; print(platform.python_version())"
        try:
            answer = subprocess.run(
                [self.python, "-c", probe], capture_output=True, check=False, text=True
            )
        except OSError:
            return False
        return answer.returncode == 0 and answer.stdout.strip() == platform.python_version()


def install_uv(environment: Environment) -> None:
    """Install uv with pip: it installs the rest in a tenth of the time that pip would need."""
    lock = environment.folder / "uv.lock"
    lock.write_text(locked("uv"), encoding="utf-8")
    pip: Command = [environment.python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run([*pip, "install", "--no-deps", "--require-hashes", "--requirement", lock])


def locked(package: str) -> str:
    """Return what the lock file says of one of its packages, hashes included."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{package}=="))
    rest = takewhile(lambda line: line.startswith(" "), lines[start + 1 :])
    return "".join([lines[start], *rest])
