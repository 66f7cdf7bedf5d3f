"""Analysis tools, each in an environment of its own: what they need conflicts with Ape's."""

import hashlib
import subprocess
import sys
from pathlib import Path

from .places import BIN, ROOT, TOOLCHAIN

LOCKS = TOOLCHAIN / "analysis"
ENVIRONMENTS = ROOT / ".venv" / "analysis"


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
