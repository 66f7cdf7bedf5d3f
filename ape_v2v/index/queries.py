"""What is asked of a store: rows of its tables as the types of `ape_v2v.index.views`.

Nothing is decoded here, and no event is read, unless another reader has kept more than this one may
show.
"""

from __future__ import annotations

from collections import namedtuple
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select

from ape_v2v.currency import ETHER
from ape_v2v.index.storage import schema
from ape_v2v.index.storage.selection import EVERYTHING, earlier
from ape_v2v.index.views import (
    AuctionSummary,
    ChargeRecord,
    Cursor,
    Outcome,
    Page,
    Registration,
)
from ape_v2v.market.interface.events import checksummed, decoded
from ape_v2v.market.interface.records import moment
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Table

    from ape_v2v.currency import Currency
    from ape_v2v.index.storage.selection import Selection
    from ape_v2v.index.storage.store import EventStore
    from ape_v2v.market.interface.events import Event

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_RUNNING = (Outcome.OPEN.value, Outcome.CONNECTED.value)
_KEYS = {schema.AUCTIONS: "id", schema.CONNECTIONS: "id", schema.REGISTRATIONS: "account"}


class Queries:
    """What may be asked of one store, as of a block; None is everything that is kept."""

    def __init__(self, store: EventStore, currency: Currency = ETHER) -> None:
        self._store = store
        self._currency = currency

    def registrations(self, last: int | None) -> list[Registration]:
        """Every account that was ever registered, by its latest registration."""
        rows = _rows(self._store, schema.REGISTRATIONS, EVERYTHING, last)
        return [_registration(row) for row in rows]

    def auctions(self, selection: Selection, last: int | None) -> list[AuctionSummary]:
        """Every auction of an account, or with an id, by its start."""
        currency = self._currency
        return [
            _summary(row, currency) for row in _rows(self._store, schema.AUCTIONS, selection, last)
        ]

    def running(self, last: int | None) -> list[AuctionSummary]:
        """Every auction that is open or connected, by its start."""
        rows = _rows(self._store, schema.AUCTIONS, EVERYTHING, last, outcomes=_RUNNING)
        return [_summary(row, self._currency) for row in rows if row.outcome in _RUNNING]

    def newest_auctions(
        self,
        selection: Selection,
        last: int | None,
        *,
        outcomes: Sequence[str],
        before: Cursor | None,
        limit: int,
    ) -> Page[AuctionSummary]:
        """So many of the auctions of an account or with outcomes, the newest first."""
        table = schema.AUCTIONS
        query = select(table).where(
            table.c.market == self._store.market, *_conditions(table, selection)
        )
        if last is not None:  # an auction that began later is not known yet
            query = query.where(table.c.block <= last)
        if outcomes:
            query = query.where(table.c.outcome.in_(outcomes))
        if before is not None:
            query = query.where(earlier(table.c, before))
        query = query.order_by(table.c.block.desc(), table.c.log_index.desc()).limit(limit)
        with self._store.database.reading() as connection:
            rows = list(connection.execute(query))
        return _page([_summary(row, self._currency) for row in rows], rows, limit)

    def newest_events(
        self, selection: Selection, *, before: Cursor | None, limit: int
    ) -> Page[Event]:
        """So many of the events that are wanted, the newest first."""
        logs = self._store.newest(selection, before, limit)
        return _page([decoded(log) for log in logs], logs, limit)

    def records(self, selection: Selection, last: int | None) -> list[ChargeRecord]:
        """Every connection that has ended, as far as its end is wanted, by that."""
        currency = self._currency
        return [
            _record(row, currency)
            for row in _rows(self._store, schema.CONNECTIONS, selection, last)
        ]


def _page(items: list[Any], places: Sequence[Any], limit: int) -> Page[Any]:
    full = len(items) == limit
    return Page(items, Cursor(places[-1].block, places[-1].log_index) if full else None)


def _rows(
    store: EventStore,
    table: Table,
    selection: Selection,
    last: int | None,
    outcomes: Sequence[str] = (),
) -> list[Any]:
    query = select(table).where(table.c.market == store.market, *_conditions(table, selection))
    if outcomes:
        query = query.where(table.c.outcome.in_(outcomes))
    query = query.order_by(table.c.block, table.c.log_index)
    with store.database.reading() as connection:
        rows: list[Any] = list(connection.execute(query))
    return rows if last is None else _as_of(store, table, selection, last, rows)


def _as_of(
    store: EventStore, table: Table, selection: Selection, last: int, rows: list[Any]
) -> list[Any]:
    """Rows as they were at a block, where another reader has kept more."""
    checkpoint = store.position.checkpoint
    if checkpoint is None or checkpoint.block <= last:
        return rows
    touched, projections = store.as_of(last)
    keys = touched.evs if table is schema.REGISTRATIONS else touched.auctions
    form = cast("Any", namedtuple("form", list(table.c.keys())))
    earlier = [
        form(**row, market=store.market) for row in getattr(projections, table.name).values()
    ]
    key = _KEYS[table]
    rows = [row for row in rows if getattr(row, key) not in keys]
    rows += [row for row in earlier if _is_wanted(table, selection, row)]
    return sorted(rows, key=lambda row: (row.block, row.log_index))


def _conditions(table: Table, selection: Selection) -> list[ColumnElement[bool]]:
    """What `_is_wanted` says, for the database."""
    conditions: list[ColumnElement[bool]] = []
    if selection.account is not None:
        consumer, provider = table.c.consumer, table.c.provider
        conditions.append((consumer == selection.account) | (provider == selection.account))
    if selection.auction is not None:
        conditions.append(table.c.id == selection.auction)
    if table is schema.CONNECTIONS:
        conditions.append(table.c.block.is_not(None))
        for column, limits in (
            (table.c.block, selection.blocks),
            (table.c.ended_at, selection.times),
        ):
            since, until = limits
            if since is not None:
                conditions.append(column >= since)
            if until is not None:
                conditions.append(column < until)
    return conditions


def _is_wanted(table: Table, selection: Selection, row: Any) -> bool:
    if selection.account is not None and selection.account not in (row.consumer, row.provider):
        return False
    if selection.auction is not None and selection.auction != row.id:
        return False
    if table is not schema.CONNECTIONS:
        return True
    return (
        row.block is not None
        and _is_within(row.block, selection.blocks)
        and _is_within(row.ended_at, selection.times)
    )


def _is_within(value: int, limits: tuple[int | None, int | None]) -> bool:
    since, until = limits
    return (since is None or value >= since) and (until is None or value < until)


def _registration(row: Any) -> Registration:
    return Registration(
        address=checksummed(row.account),
        infos=row.infos.decode(),
        added_at=moment(row.added_at),
        removed_at=None if row.removed_at is None else moment(row.removed_at),
    )


def _summary(row: Any, currency: Currency) -> AuctionSummary:
    # There are many: taken apart at once, not by names.
    (
        _market,
        id_,
        _block,
        _log_index,
        consumer,
        energy,
        max_rate,
        started_at,
        closing_time,
        validity,
        details,
        bids,
        removals,
        provider,
        rate,
        outcome,
    ) = row
    return AuctionSummary(
        int.from_bytes(id_),
        checksummed(consumer),
        Energy(energy),
        Rate(int(max_rate), currency),
        moment(started_at),
        moment(closing_time),
        timedelta(seconds=validity),
        details.decode(),
        bids,
        removals,
        None if provider is None else checksummed(provider),
        None if rate is None else Rate(int(rate), currency),
        _OUTCOMES[outcome],
    )


def _record(row: Any, currency: Currency) -> ChargeRecord:
    return ChargeRecord(
        auction_id=int.from_bytes(row.id),
        consumer=checksummed(row.consumer),
        provider=checksummed(row.provider),
        token=row.token,
        connected_at=moment(row.connected_at),
        ended_at=moment(row.ended_at),
        contracted=Energy(row.contracted),
        energy=Energy(row.energy),
        rate=Rate(int(row.rate), currency),
        cost=Money(int(row.cost), currency),
        outcome=_OUTCOMES[row.outcome],
        penalty=Money(int(row.penalty), currency),
        meter_data_hash=row.meter_data_hash,
        block=row.block,
        transaction=f"0x{row.transaction.hex()}",
    )
