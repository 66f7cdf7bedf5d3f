"""An Anvil of one's own, for as long as it is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTENING = re.compile(r"Listening on (\S+)")


@contextmanager
def anvil(*arguments: str) -> Iterator[Web3]:
    """Start an Anvil on a free port, and stop it in the end.

    Args:
        arguments: As its command line has them, such as `--fork-url`.

    Raises:
        V2VError: There is no Anvil, or it does not start.
    """
    executable = shutil.which("anvil")
    if executable is None:
        raise V2VError("this takes Foundry's `anvil` on the PATH: install Foundry")
    with subprocess.Popen(
        [executable, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            web3 = Web3(HTTPProvider(f"http://{_address(process)}"))
            # Else it goes on writing into a pipe that nobody reads.
            web3.provider.make_request(RPCEndpoint("anvil_setLoggingEnabled"), [False])
            yield web3
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stdout or ():
        if match := _LISTENING.match(line):
            return match[1]
        said.append(line.strip())
    raise V2VError(f"anvil did not start: {' '.join(filter(None, said[-3:]))}")
