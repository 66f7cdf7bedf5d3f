"""What the parts of the set-up share: where the clone is, running a command, and failing.

The modules that `install.py` imports run in the Python that is there, 3.9 or newer, with nothing
but the standard library.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    Command = list[str | Path]

ROOT = Path(__file__).resolve().parent.parent


class SetupError(Exception):
    """Something that only the person at the keyboard can put right."""


def say(message: str) -> None:
    print(f"setup: {message}", flush=True)


def run(command: Command) -> None:
    """Run a command in the clone; its words go to the terminal."""
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        words = " ".join(shlex.quote(str(word)) for word in command)
        raise SetupError(f"this failed, with the words above: {words}")


def run_quietly(command: Command, complaint: str, env: Mapping[str, str] | None = None) -> str:
    """Return what a command says. If it fails, that goes into the error, after the complaint."""
    try:
        answer = subprocess.run(
            command,
            check=False,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except OSError as error:
        raise SetupError(f"{complaint}: {error}") from None
    if answer.returncode != 0:
        raise SetupError(f"{complaint}: {answer.stdout.strip()}")
    return answer.stdout
