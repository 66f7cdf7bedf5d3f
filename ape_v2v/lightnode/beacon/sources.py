"""Where a light client gets its data: the REST API of any beacon node, or a file.

Nothing is believed of them: a source that lies or is out of date is found out by what it gives,
and a source that does not answer costs the time limit.
"""

from __future__ import annotations

import time
import zlib
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

import httpx
from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex

# It refuses what is nested too deep, where Python's own reader may crash.
from pydantic_core import from_json

from ape_v2v.lightnode.beacon.reasons import LightClientError, MalformedData, SourceUnavailable
from ape_v2v.lightnode.beacon.types import read, slot_of

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v.lightnode.beacon.networks import BeaconNetwork

# A committee's update has 53 kB as JSON, everything else much less.
_MAX_UPDATE_BYTES = 128 * 1024
_NEWS = ("finality_update", "optimistic_update")
_ROOT_BYTES = 32
_GZIP_OR_ZLIB = 47  # what zlib calls it


class Source(Protocol):
    """Gives what it is asked for, or raises one of the errors of this package."""

    name: str
    received: int
    """Bytes so far, as they came over the network."""
    ahead: float | None
    """By how many seconds its clock is ahead of this machine's, if it has told the time."""

    def bootstrap(self, root: bytes) -> Any:
        """What it takes to begin with a block."""

    def updates(self, first: int, count: int) -> list[Any]:
        """The best update of each of these periods, fewer if there are not so many."""

    def news(self) -> list[Any]:
        """The newest updates: with finality, and without."""

    def finalized_root(self, slot: int | None = None) -> tuple[int, bytes]:
        """The slot and the root of the newest finalized block, or of the block in a slot."""


class BeaconApi:
    """A beacon node, by the REST API that all of them have."""

    def __init__(self, url: str, network: BeaconNetwork, timeout: float = 10.0) -> None:
        """Take a node.

        Args:
            url: As `http://127.0.0.1:5052`; a user and a password may be in it.
            network: Which its data must be of.
            timeout: Seconds until an answer has to be there as a whole.
        """
        self.received = 0
        self.ahead: float | None = None
        self._network = network
        self._timeout = timeout
        try:
            parsed = httpx.URL(url.rstrip("/"))
            self.name = parsed.host
            if parsed.scheme not in ("http", "https") or not parsed.host:
                raise httpx.InvalidURL("expected http:// or https:// and a host")
        except httpx.InvalidURL as error:
            raise SourceUnavailable(f"{url!r} is no beacon node's address: {error}") from error
        if parsed.port is not None:
            self.name += f":{parsed.port}"
        self._url = str(parsed)
        self._client = httpx.Client(timeout=timeout)

    def bootstrap(self, root: bytes) -> Any:
        answer = self._get(f"light_client/bootstrap/{to_hex(root)}", _MAX_UPDATE_BYTES)
        return self._read("bootstrap", answer)

    def updates(self, first: int, count: int) -> list[Any]:
        answer = self._get(
            f"light_client/updates?start_period={first}&count={count}", count * _MAX_UPDATE_BYTES
        )
        if not isinstance(answer, list) or len(answer) > count:
            raise MalformedData(f"{self.name} gives no list of {count} updates or fewer")
        return [self._read("update", each) for each in answer]

    def news(self) -> list[Any]:
        updates, errors = [], []
        for kind in _NEWS:
            try:
                answer = self._get(f"light_client/{kind}", _MAX_UPDATE_BYTES)
                updates.append(self._read(kind, answer))
            except LightClientError as error:
                errors.append(error)
        if not updates:
            raise errors[0]
        return updates

    def finalized_root(self, slot: int | None = None) -> tuple[int, bytes]:
        which = "finalized" if slot is None else str(slot)
        answer = self._get(f"headers/{which}", _MAX_UPDATE_BYTES)
        try:
            data = answer["data"]
            root = decode_hex(data["root"])
            number = int(data["header"]["message"]["slot"])
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedData(f"{self.name} gives no header of a block: {error!r}") from error
        if len(root) != _ROOT_BYTES or slot not in (None, number):
            raise MalformedData(f"{self.name} gives another header than the one asked for")
        return number, root

    def _read(self, kind: str, answer: Any) -> Any:
        return _read(kind, answer, self._network, self.name)

    def _get(self, path: str, most: int) -> Any:
        """Ask, and take no more bytes and no more time than there may be."""
        deadline = time.monotonic() + self._timeout
        url = f"{self._url}/eth/v1/beacon/{path}"
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        body = bytearray()
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                self._compare_clocks(response.headers.get("date"))
                if response.status_code != httpx.codes.OK:
                    raise SourceUnavailable(
                        f"{self.name} answers {response.status_code} to {path}: it does not have "
                        "this, or is no beacon node that serves light clients"
                    )
                is_packed = response.headers.get("content-encoding") == "gzip"
                unpack = zlib.decompressobj(_GZIP_OR_ZLIB)
                for chunk in response.iter_raw():
                    self.received += len(chunk)
                    # One byte more than there may be tells that there is more.
                    room = most + 1 - len(body)
                    body += unpack.decompress(chunk, room) if is_packed else chunk
                    if len(body) > most:
                        raise MalformedData(f"{self.name} answers more than {most} bytes to {path}")
                    if time.monotonic() > deadline:
                        raise SourceUnavailable(
                            f"{self.name} takes longer than {self._timeout:g} s for {path}"
                        )
            return from_json(bytes(body))
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise SourceUnavailable(
                f"{self.name} does not answer ({str(error) or type(error).__name__}): check its "
                "address, or take another one"
            ) from error
        except (ValueError, zlib.error) as error:
            raise MalformedData(f"{self.name} answers no JSON to {path}: {error}") from error

    def _compare_clocks(self, date: str | None) -> None:
        if date is None:
            return
        try:
            self.ahead = parsedate_to_datetime(date).timestamp() - time.time()
        except (ValueError, OverflowError):
            self.ahead = None


class UpdateFile:
    """A file with what a beacon node has answered, for a machine that cannot ask one.

    JSON with `bootstrap`, `updates`, `finality_update` and `optimistic_update`, each as the node
    gave it; any of them may be missing.
    """

    def __init__(self, path: Path, network: BeaconNetwork) -> None:
        self.name = str(path)
        self.received = 0
        self.ahead: float | None = None
        self._network = network
        try:
            content = from_json(path.read_bytes())
        except OSError as error:
            raise SourceUnavailable(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise MalformedData(f"{path} is no JSON: {error}") from error
        if not isinstance(content, dict):
            raise MalformedData(f"{path} is no JSON object with light client data")
        self._content = content

    def bootstrap(self, root: bytes) -> Any:
        if "bootstrap" not in self._content:
            raise SourceUnavailable(f"{self.name} has no bootstrap, of {to_hex(root)} or other")
        return self._read("bootstrap", self._content["bootstrap"])

    def updates(self, first: int, count: int) -> list[Any]:
        listed = self._content.get("updates", [])
        if not isinstance(listed, list):
            raise MalformedData(f"{self.name} has no list of updates")
        updates = [self._read("update", each) for each in listed]
        period = self._network.period
        wanted = range(first, first + count)
        return [each for each in updates if period(slot_of(each.attested_header)) in wanted]

    def news(self) -> list[Any]:
        return [self._read(kind, self._content[kind]) for kind in _NEWS if kind in self._content]

    def finalized_root(self, slot: int | None = None) -> tuple[int, bytes]:
        raise SourceUnavailable(
            f"{self.name} is a file: it cannot be asked for {slot or 'the newest block'}; name the "
            "checkpoint"
        )

    def _read(self, kind: str, answer: Any) -> Any:
        return _read(kind, answer, self._network, self.name)


def _read(kind: str, answer: Any, network: BeaconNetwork, source: str) -> Any:
    """A node's answer: the data, and of which fork they are."""
    if not isinstance(answer, dict) or not isinstance(answer.get("version"), str):
        raise MalformedData(f"{source} gives no {kind.replace('_', ' ')} with its fork's name")
    return read(kind, answer["version"], answer.get("data"), network.committee_size)
