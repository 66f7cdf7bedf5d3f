"""One market, watched for all who ask: a thread reads what is new, and tells who listens."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ape_v2v.chain import blocks
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.index.board import Board
from ape_v2v.index.following import Lookout, Sight
from ape_v2v.service.shapes import as_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ape_v2v.chain.blocks import Block
    from ape_v2v.currency import Currency
    from ape_v2v.index.board import Listing
    from ape_v2v.index.history import History
    from ape_v2v.market.interface.events import Event

POLL_SECONDS = 1.0
STALE_SECONDS = 30.0
"""A head that was seen longer ago may hide that the node has stopped."""
HEARTBEAT_SECONDS = 10.0
"""A page is told the head so often, whether or not there is a new one."""

_MOST_WAITING = 512
_ID_HASH = 8

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """How the market stands at one block."""

    head: Block
    read_to: int | None
    """The last block whose events have been read."""
    running: tuple[Listing, ...]
    """The auctions that are open or connected, by their close."""
    behind: str | None
    """In a sentence, why the last events may be missing."""
    seen_at: float
    """When it was read, on the clock of `time.monotonic`."""

    @property
    def age(self) -> float:
        """Seconds since it was read."""
        return time.monotonic() - self.seen_at

    @property
    def tag(self) -> str:
        """A name that another state of the market does not have."""
        return f"{self.head.number}-{self.head.hash.hex()[:16]}"


@dataclass(frozen=True)
class Notice:
    """One message to those who listen, as it goes over the line."""

    name: str
    data: dict[str, Any]
    id: str | None = None

    def encoded(self) -> bytes:
        """As a stream of events has it."""
        lines = [f"event: {self.name}"]
        if self.id is not None:
            lines.append(f"id: {self.id}")
        lines.append(f"data: {json.dumps(as_texts(self.data), separators=(',', ':'))}")
        return ("\n".join(lines) + "\n\n").encode()


def event_id(event: Event) -> str:
    """What a page remembers as the last event that it has seen: BLOCK-LOG-HASH8."""
    return f"{event.block}-{event.log_index}-{event.block_hash[2 : 2 + _ID_HASH]}"


def told(event: Event, currency: Currency) -> Notice:
    """What those who listen are told of an event of a market that is paid in this currency."""
    return Notice("auction", event.as_json(currency), event_id(event))


class Listener:
    """Who listens: messages wait for it, so many and no more."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)

    async def next(self) -> bytes | None:
        """The next messages; None when it is over, or when it was too slow."""
        return await self._waiting.get()

    def tell(self, messages: bytes | None) -> None:
        """Put messages in its queue, from any thread."""
        self._loop.call_soon_threadsafe(self._put, messages)

    def _put(self, messages: bytes | None) -> None:
        if self._waiting.full():  # it is told to come again, and then reads all anew
            self._waiting.get_nowait()
            messages = None
        self._waiting.put_nowait(messages)


class WatchedMarket:
    """What is known of one market, kept current by a thread of its own."""

    def __init__(self, history: History, *, interval: float = POLL_SECONDS) -> None:
        """Name the history; `with` begins to read.

        Args:
            history: Of the market that is watched.
            interval: Seconds between two looks at the node.
        """
        self.history = history
        self.market = history.market
        self.interval = interval
        self.failures = 0
        """How many looks at the node have failed."""
        self._board = Board(history)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._snapshot: Snapshot | None = None
        self._following = Lookout(history, {"since": 0})
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.hush()
        self._thread.join()

    @property
    def snapshot(self) -> Snapshot | None:
        """How the market stood at the last look; None before the first."""
        return self._snapshot

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def listen(self) -> Listener:
        """Be told from now on, in the running event loop; `leave` ends it."""
        listener = Listener()
        with self._lock:
            self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Be told no more."""
        with self._lock:
            self._listeners.discard(listener)

    def hush(self) -> None:
        """Tell all who listen that it is over."""
        with self._lock:
            listeners, self._listeners = self._listeners, set()
        for listener in listeners:
            listener.tell(None)

    def head(self) -> Notice | None:
        """What those who listen are told of the latest block; None before the first look."""
        snapshot = self._snapshot
        if snapshot is None:
            return None
        return Notice(
            "head",
            {
                "number": snapshot.head.number,
                "hash": f"0x{snapshot.head.hash.hex()}",
                "timestamp": snapshot.head.timestamp,
                "ageSeconds": int(snapshot.age),
                "behind": snapshot.behind,
            },
        )

    def _run(self) -> None:
        self._begin()
        said = 0.0
        while not self._stop.is_set():
            before = self._snapshot
            try:
                look = self._look()
            except NodeError as error:
                self.failures += 1
                _logger.warning("the node does not give what is new: %s", error)
                look = None
            except Exception:
                self.failures += 1
                _logger.exception("a look at the market failed; the next one follows")
                look = None
            changed = before is None or self._snapshot is None or self._is_another(before)
            if look is not None and (changed or time.monotonic() - said >= HEARTBEAT_SECONDS):
                self._tell(look)
                said = time.monotonic()
            elif look is None and time.monotonic() - said >= HEARTBEAT_SECONDS:
                self._tell(Sight([], []))  # the head's age shows how long ago it was seen
                said = time.monotonic()
            self._stop.wait(self.interval)

    def _is_another(self, before: Snapshot) -> bool:
        return self._snapshot is not None and before.tag != self._snapshot.tag

    def _begin(self) -> None:
        """What was read in an earlier run is no news."""
        for _ in self._following.past():
            if self._stop.is_set():
                return

    def _look(self) -> Sight:
        # First the head: an answer may know more than the block whose name it bears, and not less.
        head = blocks.block(self.market.node)
        look = self._following.look()
        before = self._snapshot
        unchanged = before is not None and before.head == head and not (look.new or look.removed)
        running = before.running if before is not None and unchanged else self._board.running()
        self._snapshot = Snapshot(
            head=head,
            read_to=self.history.read_to,
            running=tuple(running),
            behind=self.history.behind,
            seen_at=time.monotonic(),
        )
        return look

    def _tell(self, look: Sight) -> None:
        messages: list[Notice] = []
        if look.removed:
            first = min(event.block for event in look.removed)
            messages.append(Notice("reorg", {"from": first}))
        messages += [told(event, self.market.currency) for event in look.new]
        if (head := self.head()) is not None:
            messages.append(head)
        self._send(messages)

    def _send(self, messages: Iterable[Notice]) -> None:
        encoded = b"".join(message.encoded() for message in messages)
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener.tell(encoded)
            except RuntimeError:  # its event loop has ended
                self.leave(listener)
