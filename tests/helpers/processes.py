"""Running `ape` as a process of its own, in a project of its own."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers import forked_call

ROOT = Path(__file__).resolve().parents[2]
APE = Path(sys.executable).with_name("ape")

CONFIG = """
default_ecosystem: ethereum
ethereum:
  local:
    default_provider: foundry
foundry:
  host: auto
"""

LIVE_NETWORK = """
networks:
  custom:
    - name: pilot
      ecosystem: ethereum
      base_ecosystem_plugin: ethereum
      chain_id: 31337
node:
  ethereum:
    pilot:
      uri: {uri}
"""


def project_folder(folder: Path, *files: str) -> Path:
    """Make a folder a project with a local chain, and copy files of this repository into it."""
    (folder / "ape-config.yaml").write_text(CONFIG, encoding="utf-8")
    for name in files:
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    return folder


def add_live_network(folder: Path, uri: str) -> str:
    """Give a project a network that is no development chain, and return its choice."""
    with (folder / "ape-config.yaml").open("a", encoding="utf-8") as config:
        config.write(LIVE_NETWORK.format(uri=uri))
    return "ethereum:pilot:node"


def run_ape(
    folder: Path, *arguments: object, expect: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `ape …` in a folder, and expect this exit code.

    Args:
        folder: The project.
        arguments: What follows `ape`.
        expect: The exit code.
        **environment: Variables besides our own; `APE_FOUNDRY_HOST` is the chain to use.
    """
    answer = subprocess.run(
        [*forked_command(), *map(str, arguments)],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == expect, answer.stdout + answer.stderr
    return answer


def forked_command(program: Path = APE) -> list[str]:
    """What to call instead of `ape`, or another program that imports as much, to save its start."""
    return [sys.executable, "-IS", forked_call.__file__, _forking(), str(program)]


def tool(file: Path, command: list[str]) -> None:
    """Make a program that calls this command with the arguments that it gets."""
    words = " ".join(f'"{word}"' for word in command)
    file.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    file.chmod(0o755)


@functools.cache
def _forking() -> str:
    """Start the server that forks, for as long as these tests run; its address."""
    folder = Path(tempfile.mkdtemp(prefix="forked-"))
    address = folder / "calls"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.forking", address], cwd=ROOT, stdin=subprocess.PIPE
    )

    def end() -> None:
        assert server.stdin is not None
        server.stdin.close()
        server.wait(timeout=60)
        shutil.rmtree(folder)

    atexit.register(end)
    limit = time.monotonic() + 120
    while not address.exists():
        assert server.poll() is None, "the server that forks has ended"
        assert time.monotonic() < limit, "the server that forks does not start"
        time.sleep(0.05)
    return str(address)
