"""Running `ape` as a process of its own, in a project of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

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
        [Path(sys.executable).with_name("ape"), *map(str, arguments)],
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
