"""What has happened in a market, read from its events.

    with History(market) as history:
        history.refresh()
        for event in history.events(ev=alice, names=["BidPlaced"]):
            print(event.timestamp, event.args["rate"])
        for record in history.charge_records():
            print(record.energy, record.cost)

Events are read in chunks of blocks and kept, so that the next `refresh` only asks for new blocks.
Blocks that a reorganisation has replaced are read again.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from eth_utils.conversions import to_hex

from ape_v2v.chain.faults import NodeError
from ape_v2v.config import Configuration
from ape_v2v.errors import V2VError
from ape_v2v.index import views
from ape_v2v.index.store import Checkpoint, EventStore, Position
from ape_v2v.market import events
from ape_v2v.market.events import Event, Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ape_v2v.chain.node import Node
    from ape_v2v.deployment import Record
    from ape_v2v.index.views import AuctionSummary, ChargeRecord, Registration
    from ape_v2v.market.market import Market

Moment: TypeAlias = "int | datetime"
"""A block by its number, or a time."""
Progress: TypeAlias = "Callable[[int, int], None]"
"""Told how many blocks of how many have been read."""

POLL_SECONDS = 2.0

# A range grows again after so many chunks: doubling it at once would make every second request of
# a provider with a fixed limit fail.
_PATIENCE = 8
_MAX_REORGS = 20
_PARALLEL_REQUESTS = 8
# Who follows is told of events that a reorganisation took back, so far down.
_REMEMBERED_BLOCKS = 256


class History:
    """The events of one market, and what follows from them."""

    def __init__(
        self,
        market: Market,
        *,
        cache: Path | bool = True,
        confirmations: int | None = None,
        block_range: int | None = None,
        start_block: int | None = None,
    ) -> None:
        """Open what is kept of a market's events; `refresh` reads what is new.

        Args:
            market: The market.
            cache: The folder where events are kept between runs. True is `v2v` in Ape's data
                folder, and on a development chain, which is forgotten, the same as False: in
                memory.
            confirmations: Blocks that must lie on top of what is read. Configured; 0 on a
                development chain, which makes no block of its own accord.
            block_range: Blocks asked for at once, at most. Configured.
            start_block: Where the market's history begins, or any earlier block. Configured, else
                as the record of the deployment has it, else the node is asked.

        Raises:
            ConfigurationError: The cache cannot be used.
        """
        config = Configuration.current()
        is_dev = market.node.network.is_dev
        self.market = market
        self._request = market.node.request
        self.confirmations = (
            confirmations if confirmations is not None else 0 if is_dev else config.confirmations
        )
        self.max_range = block_range or config.block_range
        self._range = self.max_range  # what the provider is known to accept
        self._successes = 0
        # The last block that may be shown; None: all that is kept.
        self._confirmed: int | None = None
        if cache is True:
            cache = market.node.network.folder or False
        self._store = EventStore(self._file(cache) if isinstance(cache, Path) else None)
        if start_block is not None or not self._store.begun:
            self._store.begin_at(self._first_block() if start_block is None else start_block)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    @property
    def read_to(self) -> int | None:
        """The last block that has been read; None before the first."""
        checkpoint = self._store.position.checkpoint
        if checkpoint is None:
            return None
        if self._confirmed is None:
            return checkpoint.block
        return min(checkpoint.block, self._confirmed)

    def refresh(self, progress: Progress = lambda _done, _total: None) -> None:
        """Read what is new, up to the confirmed blocks, and again what was reorganised.

        Raises:
            NodeError: The node does not answer, or refuses even single blocks.
        """
        for _ in range(_MAX_REORGS):
            target = self._target()
            if self._read_up_to(target, progress):
                self._confirmed = target
                return
            self._rewind(self._store.position)
        raise NodeError(
            "the node's blocks change while they are read: try again, or read with more "
            "confirmations"
        )

    def events(
        self,
        names: Iterable[str] = (),
        ev: str | None = None,
        auction: int | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> Iterator[Event]:
        """What has been read, in the chain's order, as far as it fits all filters.

        Args:
            names: Of these kinds; none: of any.
            ev: That name this account in any role, or are about an auction of which it is the
                consumer.
            auction: About the auction with this id.
            since: From this block or time on.
            until: Before this block or time.

        Raises:
            V2VError: There is no such event.
        """
        return self._select(0, names, ev, auction, since, until)

    def evs(self, *, removed: bool = False) -> list[Registration]:
        """The registered EVs with the organization's notes, by when they were registered.

        Args:
            removed: Also those whose registration has ended.
        """
        registrations = views.registrations(self.events(["EVAdded", "EVRemoved"]))
        return [item for item in registrations if removed or item.removed_at is None]

    def auctions(self, ev: str | None = None, auction: int | None = None) -> list[AuctionSummary]:
        """Every auction since the market's start block, over or not, by when it was started.

        Args:
            ev: Those of which this account is the consumer, or in which it leads or won.
            auction: The one with this id.
        """
        found = views.auctions(self.events(views.AUCTION_EVENTS, auction=auction))
        return [item for item in found if _is_among(ev, item.consumer, item.provider)]

    def charge_records(
        self,
        ev: str | None = None,
        auction: int | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> list[ChargeRecord]:
        """A record of every finished connection, by its end.

        Args:
            ev: Those in which this account was consumer or provider.
            auction: That of the auction with this id.
            since: Ended from this block or time on.
            until: Ended before this block or time.
        """
        # Without `since`: the award may lie before it.
        records = views.charge_records(
            self.events(views.CHARGE_EVENTS, auction=auction, until=until)
        )
        return [
            record
            for record in records
            if _is_among(ev, record.consumer, record.provider) and _is_after(since, record)
        ]

    def follow(
        self,
        interval: float = POLL_SECONDS,
        stop: threading.Event | None = None,
        **filters: Any,
    ) -> Iterator[tuple[Event, bool]]:
        """What has been read, and then what happens, as far as it fits the filters.

        Args:
            interval: Seconds between two questions to the node.
            stop: Ends it when it is set.
            **filters: Those of `events`.

        Yields:
            An event, and whether a reorganisation has taken it back: then it has been there
            before.
        """
        stop = stop or threading.Event()
        floor = 0
        known: dict[tuple[str, int], Event] = {}
        while True:
            current = {event.key: event for event in self._select(floor, **filters)}
            for key in known.keys() - current.keys():
                yield known[key], True
            for key, event in current.items():
                if key not in known:
                    yield event, False
            floor = max(floor, (self.read_to or 0) - _REMEMBERED_BLOCKS)
            known = {key: event for key, event in current.items() if event.block >= floor}
            if stop.wait(interval):
                return
            self.refresh()

    def _select(  # noqa: PLR0917 - the filters of `events`
        self,
        floor: int,
        names: Iterable[str] = (),
        ev: str | None = None,
        auction: int | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> Iterator[Event]:
        """The events that fit the filters, from the block `floor` on."""
        kinds = list(names)
        if unknown := sorted(set(kinds) - set(events.names())):
            raise V2VError(
                f"there is no event {unknown[0]!r}: expected one of {', '.join(events.names())}"
            )
        logs = self._store.logs(
            topics=events.topics(kinds) if kinds else (),
            account=None if ev is None else _bytes(ev),
            auction_id=auction,
            blocks=(max(floor, _block(since) or 0), self._before(_block(until))),
            times=(_seconds(since), _seconds(until)),
        )
        return map(events.decoded, logs)

    def _before(self, until: int | None) -> int | None:
        """The end of what may be shown: what is kept may have too few confirmations."""
        if self._confirmed is None:
            return until
        end = self._confirmed + 1
        return end if until is None else min(until, end)

    def _read_up_to(self, target: int, progress: Progress) -> bool:
        """Read up to a block, in chunks.

        Returns:
            Whether what is kept is on the chain: if not, there was a reorganisation.
        """
        first = self._store.position.next_block
        while (position := self._store.position).next_block <= target:
            # In this order: as long as a checkpoint's hash is the chain's, so is what was read
            # after it, and so was the checkpoint before it.
            reached = self._checkpoint(min(target, position.next_block + self._range - 1))
            if reached is None or not self._is_canonical(position.checkpoint):
                return False
            if self._read(position, reached):
                progress(reached.block - first + 1, target - first + 1)
        return self._is_canonical(position.checkpoint)

    def _read(self, position: Position, reached: Checkpoint) -> bool:
        """Read one chunk, unless the node refuses it: then the next one is smaller."""
        first, last = position.next_block, reached.block
        try:
            logs = self._logs(first, last)
        except NodeError as error:
            # Every provider says in its own words that it is too much: so few blocks, so few
            # results, so few bytes, so few seconds.
            if first == last:
                raise NodeError(f"the node refuses the events of block {first}: {error}") from error
            self._range = max(1, (last - first + 1) // 2)
            self._successes = 0
            return False
        added = self._store.append(position, logs, reached)
        self._successes += 1
        if self._successes >= _PATIENCE:
            self._range = min(self.max_range, self._range * 2)
            self._successes = 0
        return added

    def _logs(self, first: int, last: int) -> list[Log]:
        wanted = {
            "address": self.market.address,
            "topics": [[to_hex(topic) for topic in events.topics()]],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        found = self._request("eth_getLogs", [wanted])
        # Not every node says when it was.
        unknown = {int(log["blockNumber"], 16) for log in found if "blockTimestamp" not in log}
        with ThreadPoolExecutor(_PARALLEL_REQUESTS) as pool:
            times = dict(zip(unknown, pool.map(self._timestamp, unknown), strict=True))
        return [_log(log, times) for log in found]

    def _target(self) -> int:
        """The last block with enough confirmations."""
        return int(self._request("eth_blockNumber", []), 16) - self.confirmations

    def _checkpoint(self, block: int) -> Checkpoint | None:
        header = self._request("eth_getBlockByNumber", [hex(block), False])
        return None if header is None else Checkpoint(block, _bytes(header["hash"]))

    def _is_canonical(self, checkpoint: Checkpoint | None) -> bool:
        return checkpoint is None or self._checkpoint(checkpoint.block) == checkpoint

    def _rewind(self, position: Position) -> None:
        """Forget what is not on the chain any more."""
        checkpoints = self._store.checkpoints()
        stale = bisect_left(checkpoints, True, key=lambda item: not self._is_canonical(item))
        self._store.rewind(position, checkpoints[stale - 1] if stale else None)

    def _file(self, folder: Path) -> Path:
        # A local chain has the same id and the same addresses every time, but not the same genesis.
        genesis = self._checkpoint(0)
        if genesis is None:
            raise NodeError("the node has no block 0: it cannot be told which chain this is")
        chain_id = self.market.node.chain_id
        return folder / f"{chain_id}-{genesis.hash.hex()[:16]}-{self.market.address}.sqlite"

    def _first_block(self) -> int:
        """Where the market's history begins, as exactly as is known."""
        address, node = self.market.address, self.market.node
        settings = Configuration.current().markets.get(node.network.name)
        if settings and settings.start_block and settings.address == address:
            return settings.start_block
        for record in _records(node):
            if record.address == address:
                receipt = self._request("eth_getTransactionReceipt", [record.transaction])
                # It may be the record of a local chain that is gone.
                if receipt and int(receipt["blockNumber"], 16) == record.block:
                    return record.block
        head = self._target()
        if head <= self.max_range:
            return 0
        try:
            found = bisect_left(range(head), True, key=self._has_code)
        except NodeError:  # it does not keep old state
            return 0
        # Some nodes take what they do not keep for empty; a market reports its first owner at once.
        return found if self._logs(found, found) else 0

    def _timestamp(self, block: int) -> int:
        header = self._request("eth_getBlockByNumber", [hex(block), False])
        if header is None:
            raise NodeError(f"the node has lost block {block} while it was read")
        return int(header["timestamp"], 16)

    def _has_code(self, block: int) -> bool:
        return self._request("eth_getCode", [self.market.address, hex(block)]) != "0x"


def _records(node: Node) -> list[Record]:
    """What was deployed on this network from the project that Ape works in."""
    if node.network.project is None:
        return []
    from ape_v2v import deployment  # noqa: PLC0415 - loads Ape

    return deployment.records(node.network.project, node).all()


def _log(log: dict[str, Any], times: dict[int, int]) -> Log:
    block = int(log["blockNumber"], 16)
    return Log(
        block=block,
        log_index=int(log["logIndex"], 16),
        block_hash=_bytes(log["blockHash"]),
        transaction=_bytes(log["transactionHash"]),
        timestamp=int(log["blockTimestamp"], 16) if "blockTimestamp" in log else times[block],
        topics=b"".join(map(_bytes, log["topics"])),
        data=_bytes(log["data"]),
    )


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _block(moment: Moment | None) -> int | None:
    return moment if isinstance(moment, int) else None


def _seconds(moment: Moment | None) -> int | None:
    # A block's time is a whole second: from 12:00:00.5 on is from 12:00:01 on.
    return math.ceil(moment.timestamp()) if isinstance(moment, datetime) else None


def _is_among(ev: str | None, *accounts: str | None) -> bool:
    return ev is None or ev.lower() in [account.lower() for account in accounts if account]


def _is_after(since: Moment | None, record: ChargeRecord) -> bool:
    if isinstance(since, datetime):
        return record.ended_at >= since
    return since is None or record.block >= since
