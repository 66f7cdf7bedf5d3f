"""Calls a program that a server of `forking` runs: python -IS forked_call.py SOCKET PROGRAM ...

It is started for each command of a test, and imports no more than it must.
"""

import json
import os
import signal
import socket
import struct
import sys

LENGTH = struct.Struct(">I")


def call(path: str, program: str, *arguments: str) -> int:
    """Have a Python program run in this folder and environment, and return its exit code.

    Ctrl-C and SIGTERM are passed on, and what is called does not outlive its caller.
    """
    request = {
        "program": program,
        "arguments": arguments,
        "folder": os.getcwd(),  # noqa: PTH109 - pathlib takes as long as all of the rest
        "environment": dict(os.environ),
    }
    body = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        socket.send_fds(line, [LENGTH.pack(len(body))], [0, 1, 2])
        line.sendall(body)
        (process,) = LENGTH.unpack(received(line, LENGTH.size))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda got, _: os.kill(process, got))
        (code,) = LENGTH.unpack(received(line, LENGTH.size))
        return int(code)


def received(line: socket.socket, length: int) -> bytes:
    """So many bytes."""
    body = b""
    while len(body) < length:
        part = line.recv(length - len(body))
        if not part:
            raise EOFError("the other side is gone")
        body += part
    return body


if __name__ == "__main__":
    sys.exit(call(*sys.argv[1:]))
