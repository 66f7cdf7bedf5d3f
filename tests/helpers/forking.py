"""`ape` as a process of its own, without the seconds of its start.

`python -m tests.helpers.forking SOCKET` is a server. It imports what `ape` does, and forks for each
call (`forked_call`): what is called has an environment, a folder and streams of its own, and ends
as any process does. The server ends when its standard input does.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from typing import Any, NoReturn

from tests.helpers.forked_call import LENGTH, received

IMPORTED = (
    "ape._cli",
    "ape_accounts.accounts",
    "ape_ethereum.ecosystem",
    "ape_ethereum.provider",
    "ape_etherscan.client",
    "ape_etherscan.explorer",
    "ape_foundry.provider",
    "ape_node.provider",
    "ape_solidity.compiler",
    "ape_test.accounts",
    "eth_account",
    "web3",
)
"""What takes long; everything of `ape_v2v._cli` besides."""


def serve(path: str) -> dict[str, Any] | None:
    """Answer calls; in a process that was forked for one, return what it has to run."""
    import_all()
    gc.freeze()  # what is there already is not looked through by those that are forked
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those ended that wait
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        while True:
            ready, _, _ = select.select([door.fileno(), sys.stdin.fileno()], [], [])
            if sys.stdin.fileno() in ready:
                return None
            line, _ = door.accept()
            if os.fork() == 0:
                door.close()
                return answer(line)
            line.close()


def answer(line: socket.socket) -> dict[str, Any]:
    """In a process of its own, wait for the program; in that one, return what it is."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(line, LENGTH.size, 3)
    (length,) = LENGTH.unpack(head)
    request: dict[str, Any] = json.loads(received(line, length))
    child = os.fork()
    if child == 0:
        line.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return request
    for stream in streams:
        os.close(stream)
    line.sendall(LENGTH.pack(child))
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([ended, line.fileno()], [], [])
    if ended not in ready:  # whoever called is gone
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        line.sendall(LENGTH.pack(code if code >= 0 else 128 - code))
    os._exit(0)


def import_all() -> None:
    """What every command needs, once."""
    for name in IMPORTED:
        importlib.import_module(name)
    package = importlib.import_module("ape_v2v._cli")
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)


def become(request: dict[str, Any]) -> NoReturn:
    """Run the program, as if Python had been started with it."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    time.tzset()
    tempfile.tempdir = None
    # What Python has found out of a stream need not be so of the one in its place.
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
    sys.argv = [request["program"], *request["arguments"]]
    sys.path[0] = os.path.dirname(request["program"])  # noqa: PTH120 - as Python does
    code: object = 0
    try:
        runpy.run_path(request["program"], run_name="__main__")
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # whatever it is: Python would print it, and end
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
    # As Python ends, but for taking apart, one by one, all that was imported.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    if (asked := serve(sys.argv[1])) is not None:
        become(asked)
