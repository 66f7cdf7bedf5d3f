"""An Anvil of one's own, for as long as it is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web3 import Web3

_LISTENING = re.compile(r"Listening on (\S+)")
_SECONDS_TO_END = 5


class AnvilProcess(NamedTuple):
    """A running Anvil, and where it listens: host and port."""

    process: subprocess.Popen[str]
    address: str

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        _end(self.process)


def started(*arguments: str) -> AnvilProcess:
    """Start an Anvil on a free port; whoever does has to stop it.

    Args:
        arguments: As its command line has them, such as `--fork-url`.

    Raises:
        V2VError: There is no Anvil, or it does not start.
    """
    executable = shutil.which("anvil")
    if executable is None:
        raise V2VError("this needs Foundry's `anvil` on the PATH: install Foundry")
    process = subprocess.Popen(
        [executable, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        return AnvilProcess(process, _address(process))
    except BaseException:
        _end(process)
        raise


@contextmanager
def anvil(*arguments: str) -> Iterator[Web3]:
    """Start an Anvil on a free port, and stop it in the end.

    Raises:
        V2VError: There is no Anvil, or it does not start.
    """
    from web3 import HTTPProvider, Web3  # noqa: PLC0415 - who only starts one needs no web3
    from web3.types import RPCEndpoint  # noqa: PLC0415 - likewise

    running = started(*arguments)
    try:
        web3 = Web3(HTTPProvider(f"http://{running.address}"))
        # Else it goes on writing into a pipe that nobody reads.
        web3.provider.make_request(RPCEndpoint("anvil_setLoggingEnabled"), [False])
        yield web3
    finally:
        running.stop()


def _address(process: subprocess.Popen[str]) -> str:
    """Wait until it says where it listens."""
    said = []
    for line in process.stdout or ():
        if match := _LISTENING.match(line):
            return match[1]
        said.append(line.strip())
    raise V2VError(f"anvil did not start: {' '.join(filter(None, said[-3:]))}")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
