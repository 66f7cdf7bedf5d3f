"""Pythons that fit: what `pyproject.toml` allows, with what a virtual environment needs.

`python -m toolchain.pythons` lists one of each version on this machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from toolchain.commands import ROOT, SetupError, run, say
from toolchain.environment import Environment, install_uv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolchain.commands import Command

# Debian has the module ensurepip in a package of its own.
PROBE = """
import sys
import ensurepip, venv
print(sys.implementation.name, *sys.version_info[:2])
"""
# Seconds: a Python that needs longer to start is none, and a download of 30 MB has come by then.
PATIENCE = 30
PATIENCE_DOWNLOAD = 300


def supported() -> list[str]:
    """Return the versions that the project runs on, as `3.12`.

    The oldest first: the older a Python, the more of the packages have wheels for it.
    """
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    match = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', text, re.MULTILINE)
    assert match is not None
    return [f"3.{minor}" for minor in range(int(match[1]), int(match[2]))]


def fitting() -> Path:
    """Return the Python that runs this if it fits, or else one that is found or installed.

    Raises:
        SetupError: There is none, and none could be installed.
    """
    this = Path(sys.executable)
    if version(this) in supported():
        return this
    wanted = f"Python {supported()[0]} to {supported()[-1]}"
    reason = "is not one of them"
    if f"3.{sys.version_info[1]}" in supported():
        reason = "lacks the module ensurepip (Debian's package python3-venv)"
    found = first(on_path)
    if found is None:
        with uv() as command:
            found = first(partial(known_to_uv, command))
            if found is None and command is not None:
                say(f"no {wanted} is on this machine: trying to install one with uv")
                found = install(command)
    if found is None:
        raise SetupError(
            f"{wanted} is needed, {this} {reason}, and no other was found or could be downloaded: "
            "install one, or name it: make setup PYTHON=/path/to/python"
        )
    say(f"{this} {reason} ({wanted}): using {found}")
    return found


def on_this_machine() -> dict[str, Path]:
    """Return one Python of each version that is supported and there, by its version."""
    with uv() as command:

        def anywhere(wanted: str) -> Iterator[Path]:
            yield from on_path(wanted)
            yield from known_to_uv(command, wanted)

        found = {wanted: one(wanted, anywhere) for wanted in supported()}
    return {wanted: python for wanted, python in found.items() if python is not None}


def first(place: Callable[[str], Iterator[Path]]) -> Path | None:
    """Return the first Python that fits among what a place has under each version's name."""
    return next(filter(None, (one(wanted, place) for wanted in supported())), None)


def one(wanted: str, place: Callable[[str], Iterator[Path]]) -> Path | None:
    """Return a Python of this version, or None if the place has none that works."""
    return next((python for python in place(wanted) if version(python) == wanted), None)


def install(command: Path) -> Path | None:
    """Let uv download a Python for this user, and return it, or None if it cannot."""
    wanted = supported()[0]
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(
            [command, "--no-config", "python", "install", wanted],
            check=True,
            timeout=PATIENCE_DOWNLOAD,
        )
    return one(wanted, partial(known_to_uv, command))


def version(python: Path) -> str | None:
    """Return the version of a CPython that can make a virtual environment, as `3.12`."""
    answer = heard([python, "-c", PROBE]).split()
    if answer[:1] != ["cpython"]:
        return None
    return ".".join(answer[1:])


def on_path(wanted: str) -> Iterator[Path]:
    """Yield what bears the version's name on the PATH, and what pyenv has behind its shims."""
    for entry in os.get_exec_path():
        folder = Path(entry)
        for name in (f"python{wanted}", "python3"):
            if (folder / name).is_file():
                yield folder / name
        if folder.name == "shims":
            yield from sorted(folder.parent.glob(f"versions/{wanted}.*/bin/python{wanted}"))


def known_to_uv(command: Path | None, wanted: str) -> Iterator[Path]:
    """Yield what uv has installed for this user."""
    if command is not None:
        find = ["python", "find", "--managed-python", "--no-python-downloads", wanted]
        if answer := heard([command, "--quiet", "--no-config", *find]).strip():
            yield Path(answer)


@contextmanager
def uv() -> Iterator[Path | None]:
    """Lend uv: the one on the PATH, or else one that this Python's pip installs for a moment."""
    if there := shutil.which("uv"):
        yield Path(there)
        return
    with tempfile.TemporaryDirectory() as folder:
        passing = Environment(Path(folder) / "uv")
        try:
            run([sys.executable, "-m", "venv", passing.folder])
            install_uv(passing)
        except SetupError:
            yield None
        else:
            yield passing.uv


def heard(command: Command) -> str:
    """Return what a command says to its standard output: nothing if it fails."""
    try:
        answer = subprocess.run(
            command, capture_output=True, check=False, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


if __name__ == "__main__":
    for name, path in on_this_machine().items():
        print(name, path)
