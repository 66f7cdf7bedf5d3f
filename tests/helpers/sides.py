"""Both sides of a session, each a process of its own, as a user would start it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers.processes import forked_command


@contextmanager
def sides(chain: Any, market: Any, folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """What starts `ape v2v session …`, or another topic's command; in the end all of them end."""
    started = []

    def start(*words: object, topic: str = "session", on: Any = market) -> subprocess.Popen[str]:
        command = [
            *forked_command(), "v2v", topic, *words, "--json",
            "--network", "ethereum:local:foundry",
            *([] if on is None else ["--market", on.address]),
        ]  # fmt: skip
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=os.environ | {"APE_FOUNDRY_HOST": chain.provider.uri},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
