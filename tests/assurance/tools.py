"""Analysis tools, each in an environment of its own: what they need conflicts with Ape's."""

import hashlib
import subprocess
import sys
from pathlib import Path

from .places import BIN, ROOT, TOOLCHAIN

LOCKS = TOOLCHAIN / "analysis"
ENVIRONMENTS = ROOT / ".venv" / "analysis"


class NotInstallable(Exception):
    """A tool cannot be installed here."""


def python_of(tool: str) -> Path:
    """The Python of a tool's environment.

    Raises:
        NotInstallable: What its lock file names cannot be had here.
    """
    try:
        return executable(tool).parent / "python"
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotInstallable(f"{tool}.lock cannot be installed here: {error}") from error


def executable(tool: str) -> Path:
    """The tool's command, installed as its lock file says."""
    lock = LOCKS / f"{tool}.lock"
    environment = ENVIRONMENTS / tool
    stamp = environment / "setup.stamp"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        python = environment / "bin" / "python"
        uv: list[str | Path] = [BIN / "uv", "--quiet", "--no-config"]
        subprocess.run(
            [*uv, "venv", "--clear", "--python", sys.executable, environment], check=True
        )
        sync: list[str | Path] = ["pip", "sync", "--python", python, "--require-hashes", lock]
        subprocess.run([*uv, *sync], check=True)
        stamp.write_text(digest, encoding="utf-8")
    return environment / "bin" / tool
