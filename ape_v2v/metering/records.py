"""Where a meter's records come from: a file that grows, or a stream such as a serial line.

One record a line. A line counts once its end has arrived, so half a record is never read.
"""

from __future__ import annotations

import os
import select
import stat
import termios
import time
import tty
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ape_v2v.metering.meter import MAX_RECORD_BYTES, MeterError

if TYPE_CHECKING:
    from io import RawIOBase
    from typing import BinaryIO

_BACKLOG_BYTES = 128 * 1024
"""How much of a file is looked at when it is opened."""
_LINE_BYTES = 1024 * 1024
"""A line that is longer is never whole."""
_PATIENCE = 5.0  # seconds
_PAUSE = 0.02  # seconds between two looks for a first record


class RecordError(MeterError):
    """A record cannot be used: not signed by the meter, or not a good reading."""


class RecordSource(Protocol):
    """Something that a meter writes its records to."""

    def arrived(self) -> list[bytes]:
        """The whole records that have come since the last call, oldest first.

        The first call gives what is there, of a long file its end.

        Raises:
            MeterError: None has come yet, or none can be got.
        """


class RecordFile:
    """A file to which a meter, or what reads it out, appends."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._read_up_to: int | None = None

    def arrived(self) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                begin = self._read_up_to
                if begin is None or begin > size:  # just opened, or begun anew by who writes it
                    begin = max(0, size - _BACKLOG_BYTES)
                file.seek(begin)
                text = file.read(size - begin)
        except OSError as error:
            raise MeterError(f"the meter's records cannot be read: {error}") from error
        whole, end, _ = text.rpartition(b"\n")
        records = [line.strip() for line in whole.split(b"\n") if line.strip()]
        if begin and self._read_up_to != begin:
            records = records[1:] or records  # the first one may have begun before
        if not records and self._read_up_to is None:
            raise _none_yet(str(self._path))
        self._read_up_to = begin + len(whole) + len(end)
        return records


class RecordStream:
    """A stream of records, as from a serial line or a named pipe.

    `arrived` waits for the very first record only.
    """

    def __init__(
        self,
        stream: BinaryIO | RawIOBase,
        *,
        name: str = "the meter's stream",
        patience: float = _PATIENCE,
    ) -> None:
        """Take a stream.

        Args:
            stream: Binary. With a file descriptor it may block; without one, `read` has to return
                at once.
            name: For errors.
            patience: How long to wait for the first record, s.
        """
        self._stream = stream
        self._name = name
        self._patience = patience
        self._begun = b""
        self._any = False

    def arrived(self) -> list[bytes]:
        try:
            records = self._read_what_is_there()
        except OSError as error:
            raise MeterError(f"{self._name} cannot be read: {error}") from error
        self._any = self._any or bool(records)
        if not self._any:
            raise MeterError(
                f"{self._name} has given no record within {self._patience} s: check that the "
                "meter is on and writes one record a line"
            )
        return records

    def _read_what_is_there(self) -> list[bytes]:
        deadline = time.monotonic() + self._patience
        records: list[bytes] = []
        while True:
            if chunk := self._chunk():
                records += self._take(chunk)
            elif self._any or records or time.monotonic() >= deadline:
                return records
            else:  # a pipe that nobody writes to yet is at its end at once
                time.sleep(_PAUSE)

    def _take(self, chunk: bytes) -> list[bytes]:
        *whole, self._begun = (self._begun + chunk).split(b"\n")
        if len(self._begun) > _LINE_BYTES:  # it will be refused, whatever its end
            self._begun = self._begun[: MAX_RECORD_BYTES + 1]
        return [line.strip() for line in whole if line.strip()]

    def _chunk(self) -> bytes:
        try:
            descriptor = self._stream.fileno()
        except OSError:  # as io.UnsupportedOperation is
            return self._stream.read(MAX_RECORD_BYTES) or b""
        ready, _, _ = select.select([descriptor], [], [], 0)
        return os.read(descriptor, MAX_RECORD_BYTES) if ready else b""


def records_at(
    path: Path | str, *, patience: float = _PATIENCE, baud: int | None = None
) -> RecordSource:
    """The records at a path: a file, or a named pipe or serial device that is read as a stream.

    Args:
        path: Where.
        patience: How long to wait for a stream's first record, s.
        baud: How fast a serial line is, bit/s: it is set up so. None leaves the line as it is.

    Raises:
        MeterError: There is nothing at the path, it cannot be opened, or is no serial line.
    """
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISREG(mode) and baud is None:
            return RecordFile(path)
        # Without waiting for somebody to open the other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        stream = os.fdopen(descriptor, "rb", buffering=0)
        if baud is not None:
            _set_up_line(descriptor, str(path), baud)
        return RecordStream(stream, name=str(path), patience=patience)
    except (OSError, ValueError) as error:
        raise MeterError(f"the meter's records cannot be opened: {error}") from error


def _set_up_line(descriptor: int, name: str, baud: int) -> None:
    """Have a serial line carry 8 bits as they are, at some speed.

    Raises:
        MeterError: It is no serial line, or has no such speed.
    """
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise MeterError(f"no serial line has {baud} baud: expected 9600, 19200, 115200 or so")
    try:
        tty.setraw(descriptor)
        settings = termios.tcgetattr(descriptor)
        settings[tty.CFLAG] |= termios.CLOCAL | termios.CREAD
        settings[tty.ISPEED] = settings[tty.OSPEED] = speed
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    except termios.error as error:
        raise MeterError(f"{name} is no serial line ({error.args[-1]}): name its device") from error


def require_length(record: bytes) -> None:
    """Refuse a record that no message of a session can carry.

    Raises:
        RecordError: It is too long.
    """
    if len(record) > MAX_RECORD_BYTES:
        raise RecordError(
            f"a record of the meter has {len(record)} bytes, and a session's messages carry at "
            f"most {MAX_RECORD_BYTES}: have the meter write shorter ones, with fewer readings each"
        )


def _none_yet(name: str) -> MeterError:
    return MeterError(
        f"{name} holds no whole record yet: expected one record a line, each with its end"
    )
