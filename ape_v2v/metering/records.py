"""Where a meter's records come from: a file that grows, or a stream such as a serial line.

One record a line. A line counts once its end has arrived, so half a record is never read.
"""

from __future__ import annotations

import os
import select
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ape_v2v.metering.meter import MeterError

if TYPE_CHECKING:
    from io import RawIOBase
    from typing import BinaryIO

MAX_RECORD_BYTES = 64 * 1024

_PATIENCE = 5.0  # seconds
_PAUSE = 0.02  # seconds between two looks for a first record


class RecordError(MeterError):
    """A record cannot be used: not signed by the meter, or not a good reading."""


class Records(Protocol):
    """Something that a meter writes its records to."""

    def latest(self) -> bytes:
        """The last whole record.

        Raises:
            MeterError: There is none, or none can be got.
        """


class RecordFile:
    """A file to which a meter, or what reads it out, appends."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    def latest(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - 2 * MAX_RECORD_BYTES))
                tail = file.read()
        except OSError as error:
            raise MeterError(f"the meter's records cannot be read: {error}") from error
        lines, _, _ = tail.rpartition(b"\n")
        record = lines.rstrip().rpartition(b"\n")[2].strip()
        return _checked(record, str(self._path))


class RecordStream:
    """A stream of records, as from a serial line or a named pipe.

    `latest` reads what has arrived and waits for the very first record only.
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
        self._record: bytes | None = None

    def latest(self) -> bytes:
        try:
            self._read_what_is_there()
        except OSError as error:
            raise MeterError(f"{self._name} cannot be read: {error}") from error
        if self._record is None:
            raise MeterError(
                f"{self._name} has given no record within {self._patience} s: check that the "
                "meter is on and writes one record a line"
            )
        return _checked(self._record, self._name)

    def _read_what_is_there(self) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            if chunk := self._chunk():
                self._take(chunk)
            elif self._record is not None or time.monotonic() >= deadline:
                return
            else:  # a pipe that nobody writes to yet is at its end at once
                time.sleep(_PAUSE)

    def _take(self, chunk: bytes) -> None:
        *whole, self._begun = (self._begun + chunk).split(b"\n")
        if records := [line.strip() for line in whole if line.strip()]:
            self._record = records[-1]
        if len(self._begun) > MAX_RECORD_BYTES:  # then it is refused, whatever its end
            self._begun = self._begun[: MAX_RECORD_BYTES + 1]

    def _chunk(self) -> bytes:
        try:
            descriptor = self._stream.fileno()
        except OSError:  # as io.UnsupportedOperation is
            return self._stream.read(MAX_RECORD_BYTES) or b""
        ready, _, _ = select.select([descriptor], [], [], 0)
        return os.read(descriptor, MAX_RECORD_BYTES) if ready else b""


def records_at(path: Path | str, *, patience: float = _PATIENCE) -> Records:
    """The records at a path: a file, or a named pipe or serial device that is read as a stream.

    Raises:
        MeterError: There is nothing at the path, or it cannot be opened.
    """
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISREG(mode):
            return RecordFile(path)
        # Without waiting for somebody to open the other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        return RecordStream(
            os.fdopen(descriptor, "rb", buffering=0), name=str(path), patience=patience
        )
    except OSError as error:
        raise MeterError(f"the meter's records cannot be opened: {error}") from error


def _checked(record: bytes, name: str) -> bytes:
    if not record:
        raise MeterError(
            f"{name} holds no whole record yet: expected one record a line, each with its end"
        )
    if len(record) > MAX_RECORD_BYTES:
        raise MeterError(
            f"a record in {name} has more than {MAX_RECORD_BYTES} bytes: this is no meter's"
        )
    return record
