"""Keeping the tables of a store current, when events are added and when some are taken back."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, select

from ape_v2v.index.storage import schema
from ape_v2v.index.storage.projections import (
    REGISTERING,
    Projections,
    account,
    auction_key,
    consumer_key,
)
from ape_v2v.index.storage.selection import Selection, log, page
from ape_v2v.market.interface import events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Table

    from ape_v2v.chain.line.answered import Log
    from ape_v2v.index.storage.projections import Args, Row

_AT_ONCE = 500
"""Rows that are asked for by their keys at once."""
_BEGINNING = (-1, -1)


class Decoded(NamedTuple):
    """A log, and what it says."""

    log: Log
    kind: events.Kind
    args: Args

    @classmethod
    def of(cls, item: Log) -> Decoded:
        kind = events.kind(item)
        return cls(item, kind, kind.args(item.topics, item.data))


@dataclass(frozen=True)
class Touched:
    """Whose rows some events change."""

    auctions: set[bytes]
    evs: set[bytes]


def add(connection: Connection, market: int, logs: Sequence[Log]) -> None:
    """Add events that come after all that are kept."""
    found = [Decoded.of(item) for item in logs]
    put(connection, schema.LOGS, [_log_row(market, item) for item in found])
    put(connection, schema.INVOLVED, [row for item in found for row in _involved(market, item)])
    touched = Touched(
        {auction_key(item.log) for item in found if events.AUCTION_ID in item.args},
        {account(item.args["ev"]) for item in found if item.kind.name in REGISTERING},
    )
    rows = Projections(
        _rows(connection, market, schema.AUCTIONS, "id", touched.auctions),
        _rows(connection, market, schema.CONNECTIONS, "id", touched.auctions),
        _rows(connection, market, schema.REGISTRATIONS, "account", touched.evs),
    )
    _write(connection, market, _projected(rows, found))


def take_back(connection: Connection, market: int, last: int) -> None:
    """Forget the events after a block, and what followed from them."""
    touched = touched_after(connection, market, last)
    for table in (schema.LOGS, schema.INVOLVED):
        connection.execute(delete(table).where(table.c.market == market, table.c.block > last))
    for table, key, keys in (
        (schema.AUCTIONS, "id", touched.auctions),
        (schema.CONNECTIONS, "id", touched.auctions),
        (schema.REGISTRATIONS, "account", touched.evs),
    ):
        _remove(connection, market, table, key, keys)
    _write(connection, market, replayed(connection, market, touched, last))


def touched_after(connection: Connection, market: int, last: int) -> Touched:
    """Whose rows the events after a block have changed."""
    logs = schema.LOGS.c
    after = (logs.market == market, logs.block > last)
    auctions = select(logs.auction).where(*after, logs.auction.is_not(None)).distinct()
    registering = select(logs.topics).where(*after, logs.event.in_(REGISTERING))
    return Touched(
        {row.auction for row in connection.execute(auctions)},
        {row.topics[44:64] for row in connection.execute(registering)},
    )


def replayed(connection: Connection, market: int, touched: Touched, last: int) -> Projections:
    """The rows of some auctions and EVs as the events up to a block have left them."""
    up_to = (None, last + 1)
    logs = []
    for id_ in touched.auctions:
        selection = Selection(auction_id=int.from_bytes(id_), blocks=up_to)
        logs += _logs(connection, market, selection)
    for ev in touched.evs:
        selection = Selection(names=REGISTERING, account=ev, blocks=up_to)
        logs += _logs(connection, market, selection)
    logs.sort(key=lambda item: (item.block, item.log_index))
    return _projected(Projections(), map(Decoded.of, logs))


def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, if there are any; all of them have the same columns."""
    if not rows:
        return
    # The library's own way converts each value of each row, which takes longer than all the rest.
    statement = insert(table).compile(dialect=connection.dialect, column_keys=list(rows[0]))
    values: list[Any] = list(rows)
    if statement.positiontup is not None:
        values = list(map(itemgetter(*statement.positiontup), rows))
    connection.exec_driver_sql(str(statement), values)


def _logs(connection: Connection, market: int, selection: Selection) -> list[Log]:
    # An auction has few events, and so have the registrations of an EV: all of them are on a page.
    return [log(row) for row in connection.execute(page(market, selection, _BEGINNING))]


def _log_row(market: int, item: Decoded) -> Row:
    found = item.log
    return {
        "market": market,
        "block": found.block,
        "log_index": found.log_index,
        "block_hash": found.block_hash,
        "transaction": found.transaction,
        "timestamp": found.timestamp,
        "event": item.kind.name,
        "auction": auction_key(found) if events.AUCTION_ID in item.args else None,
        "topics": found.topics,
        "data": found.data,
    }


def _involved(market: int, item: Decoded) -> Iterator[Row]:
    accounts = {account(item.args[name]) for name in item.kind.accounts}
    if events.AUCTION_ID in item.args:
        accounts.add(consumer_key(item.log))
    block, log_index = item.log.block, item.log.log_index
    for one in accounts:
        yield {"market": market, "account": one, "block": block, "log_index": log_index}


def _projected(rows: Projections, found: Iterable[Decoded]) -> Projections:
    for item in found:
        rows.apply(item.kind.name, item.args, item.log)
    return rows


def _write(connection: Connection, market: int, rows: Projections) -> None:
    """Write rows in the place of those that are there."""
    for table, key, found in (
        (schema.AUCTIONS, "id", rows.auctions),
        (schema.CONNECTIONS, "id", rows.connections),
        (schema.REGISTRATIONS, "account", rows.registrations),
    ):
        _remove(connection, market, table, key, found)
        put(connection, table, [{**row, "market": market} for row in found.values()])


def _rows(
    connection: Connection, market: int, table: Table, key: str, keys: Iterable[bytes]
) -> dict[bytes, Row]:
    found = {}
    for some in _portions(keys):
        query = select(table).where(table.c.market == market, table.c[key].in_(some))
        for row in connection.execute(query).mappings():
            found[row[key]] = dict(row)
    return found


def _remove(
    connection: Connection, market: int, table: Table, key: str, keys: Iterable[bytes]
) -> None:
    for some in _portions(keys):
        connection.execute(delete(table).where(table.c.market == market, table.c[key].in_(some)))


def _portions(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    found = sorted(keys)
    for at in range(0, len(found), _AT_ONCE):
        yield found[at : at + _AT_ONCE]
