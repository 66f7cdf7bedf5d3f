"""What has happened in a market, read from its events.

    with History(market) as history:
        history.refresh()
        for event in history.events(ev=alice, names=["BidPlaced"]):
            print(event.timestamp, event.args["rate"])
        for record in history.charge_records():
            print(record.energy, record.cost)

Events are read in chunks of blocks and kept, so that the next `refresh` only asks for new blocks.
Blocks that a reorganisation has replaced are read again. What has become of auctions, connections
and EVs is kept beside the events, and read without them.
"""

from __future__ import annotations

import math
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.logs import PATIENCE_SECONDS, LogReader
from ape_v2v.config import Configuration
from ape_v2v.errors import V2VError
from ape_v2v.market.interface import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ape_v2v.index.storage.selection import Selection
    from ape_v2v.index.storage.store import EventStore
    from ape_v2v.index.views import (
        AuctionSummary,
        ChargeRecord,
        Cursor,
        Outcome,
        Page,
        Registration,
    )
    from ape_v2v.market.interface.events import Event
    from ape_v2v.market.market import Market

Moment: TypeAlias = "int | datetime"
"""A block by its number, or a time."""
Progress: TypeAlias = "Callable[[int, int], None]"
"""Told how many blocks of how many have been read."""

POLL_SECONDS = 2.0


def _silence(_text: str) -> None:
    pass


def _unrecorded() -> None:
    return None


class History:
    """The events of one market, and what follows from them."""

    def __init__(
        self,
        market: Market,
        *,
        cache: Path | str | bool = True,
        confirmations: int | None = None,
        block_range: int | None = None,
        start_block: int | None = None,
        recorded: Callable[[], int | None] = _unrecorded,
        patience: float = PATIENCE_SECONDS,
        tell: Callable[[str], None] = _silence,
    ) -> None:
        """Open what is kept of a market's events; `refresh` reads what is new.

        Args:
            market: The market; its node is asked.
            cache: Where events are kept between runs: a folder, or the URL of a PostgreSQL
                database. True is as configured, else `v2v` in Ape's data folder; on a development
                chain, which is forgotten, and with False they are kept in memory.
            confirmations: Blocks that must lie on top of what is read. Configured; 0 on a
                development chain, which makes no block of its own accord.
            block_range: Blocks asked for at once, at most. Configured.
            start_block: Where the market's history begins, or any earlier block. Configured, else
                what is recorded, else the node is asked.
            recorded: Asked once where the history begins, if nothing else says so.
            patience: Seconds of a node's trouble after which `refresh` gives up.
            tell: Told in a sentence what is waited for, after a while.

        Raises:
            ConfigurationError: The cache cannot be used.
            NodeError: The node does not answer.
        """
        # The database's library loads when a history is opened, not with every command.
        from ape_v2v.index.catching_up import CatchUp  # noqa: PLC0415
        from ape_v2v.index.queries import Queries  # noqa: PLC0415

        configuration = Configuration.current()
        is_dev = market.node.network.is_dev
        self.market = market
        self._reader = LogReader(
            market.node,
            market.address,
            [events.topics()],
            max_range=block_range or configuration.block_range,
            patience=patience,
            tell=tell,
        )
        if confirmations is None:
            confirmations = 0 if is_dev else configuration.confirmations
        self._store = self._open(cache)
        self._queries = Queries(self._store, market.currency)
        self._catch_up = CatchUp(self._reader, self._store, confirmations)
        if start_block is not None or not self._store.begun:
            begun = self._first_block(recorded) if start_block is None else start_block
            self._store.begin_at(begun)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    @property
    def confirmations(self) -> int:
        """Blocks that must lie on top of what is read."""
        return self._catch_up.confirmations

    @property
    def read_to(self) -> int | None:
        """The last block that has been read; None before the first."""
        checkpoint = self._store.position.checkpoint
        if checkpoint is None:
            return None
        confirmed = self._catch_up.confirmed
        return checkpoint.block if confirmed is None else min(checkpoint.block, confirmed)

    @property
    def behind(self) -> str | None:
        """After `refresh`, in a sentence, why the last events may be missing; None: none is."""
        return self._catch_up.behind

    def refresh(self, progress: Progress = lambda _done, _total: None) -> None:
        """Read what is new, up to the confirmed blocks, and again what was reorganised.

        A node that is behind is waited for, and takes nothing back of what was read: see `behind`.

        Raises:
            NodeError: The node does not answer, or refuses even single blocks.
        """
        self._catch_up.run(progress)

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
        kinds = list(names)
        if unknown := sorted(set(kinds) - set(events.names())):
            raise V2VError(
                f"there is no event {unknown[0]!r}: expected one of {', '.join(events.names())}"
            )
        selection = _selection(
            ev, auction, since=since, before=self._before(until), until=until, names=kinds
        )
        return map(events.decoded, self._store.logs(selection))

    def newest_events(
        self,
        ev: str | None = None,
        auction: int | None = None,
        *,
        before: Cursor | None = None,
        limit: int,
    ) -> Page[Event]:
        """As `events`, so many at a time, the newest first.

        Args:
            ev: As `events` has it.
            auction: Likewise.
            before: Where the page before this one says that this one begins.
            limit: How many, at most.
        """
        selection = _selection(ev, auction, before=self._before(None))
        return self._queries.newest_events(selection, before=before, limit=limit)

    def newest_auctions(
        self,
        ev: str | None = None,
        outcomes: Iterable[Outcome] = (),
        *,
        before: Cursor | None = None,
        limit: int,
    ) -> Page[AuctionSummary]:
        """As `auctions`, so many at a time, the newest first.

        Args:
            ev: As `auctions` has it.
            outcomes: With one of these outcomes; none: with any.
            before: Where the page before this one says that this one begins.
            limit: How many, at most.
        """
        return self._queries.newest_auctions(
            _selection(ev, None),
            self._catch_up.confirmed,
            outcomes=[str(outcome) for outcome in outcomes],
            before=before,
            limit=limit,
        )

    def evs(self, *, removed: bool = False) -> list[Registration]:
        """The registered EVs with the organization's notes, by when they were registered.

        Args:
            removed: Also those whose registration has ended.
        """
        found = self._queries.registrations(self._catch_up.confirmed)
        return [item for item in found if removed or item.removed_at is None]

    def auctions(self, ev: str | None = None, auction: int | None = None) -> list[AuctionSummary]:
        """Every auction since the market's start block, over or not, by when it was started.

        Args:
            ev: Those of which this account is the consumer, or in which it leads or won.
            auction: The one with this id.
        """
        return self._queries.auctions(_selection(ev, auction), self._catch_up.confirmed)

    def running(self) -> list[AuctionSummary]:
        """The auctions that are open or connected, as far as has been read, by their start."""
        return self._queries.running(self._catch_up.confirmed)

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
        selection = _selection(ev, auction, since=since, before=_block(until), until=until)
        return self._queries.records(selection, self._catch_up.confirmed)

    def follow(
        self,
        interval: float = POLL_SECONDS,
        stop: threading.Event | None = None,
        **filters: Any,
    ) -> Iterator[tuple[Event, bool]]:
        """What has been read, and then what happens, as far as it fits the filters.

        It goes on whatever the node does, and tells what it waits for.

        Args:
            interval: Seconds between two questions to the node.
            stop: Ends it when it is set.
            **filters: Those of `events`.

        Yields:
            An event, and whether a reorganisation has taken it back: then it has been there
            before.
        """
        from ape_v2v.index.following import follow  # noqa: PLC0415 - as above

        self._reader.stop = stop = stop or threading.Event()
        return follow(self, interval, stop, self._reader.tell, filters)

    def _before(self, until: Moment | None) -> int | None:
        """The end of what may be shown: what is kept may have too few confirmations."""
        block, confirmed = _block(until), self._catch_up.confirmed
        if confirmed is None:
            return block
        return confirmed + 1 if block is None else min(block, confirmed + 1)

    def _open(self, cache: Path | str | bool) -> EventStore:
        from ape_v2v.index.storage.store import EventStore  # noqa: PLC0415 - as above

        node, address = self.market.node, self.market.address
        place = node.network.folder if isinstance(cache, bool) and cache else cache
        if not place or isinstance(place, bool):
            return EventStore(None, chain_id=0, genesis=b"", address=address)
        # A local chain has the same id and the same addresses every time, but not the same genesis.
        genesis = self._reader.block(0)
        if genesis is None:
            raise NodeError("the node has no block 0: it cannot be told which chain this is")
        if isinstance(place, Path):
            place /= f"{node.chain_id}-{genesis.hash.hex()[:16]}-{address}.sqlite"
        return EventStore(place, chain_id=node.chain_id, genesis=genesis.hash, address=address)

    def _first_block(self, recorded: Callable[[], int | None]) -> int:
        """Where the market's history begins, as exactly as is known."""
        from ape_v2v.index.beginning import first_block  # noqa: PLC0415 - once for each market

        return first_block(self.market, self._reader, recorded)


def _selection(
    ev: str | None,
    auction: int | None,
    *,
    since: Moment | None = None,
    before: int | None = None,
    until: Moment | None = None,
    names: Sequence[str] = (),
) -> Selection:
    from ape_v2v.index.storage.selection import Selection  # noqa: PLC0415 - as above

    return Selection(
        names=names,
        account=None if ev is None else bytes.fromhex(ev[2:]),
        auction_id=auction,
        blocks=(_block(since), before),
        times=(_seconds(since), _seconds(until)),
    )


def _block(moment: Moment | None) -> int | None:
    return moment if isinstance(moment, int) else None


def _seconds(moment: Moment | None) -> int | None:
    # A block's time is a whole second: from 12:00:00.5 on is from 12:00:01 on.
    return math.ceil(moment.timestamp()) if isinstance(moment, datetime) else None
