"""Which events are wanted, and how they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ape_v2v.chain.line.answered import Log
from ape_v2v.index.storage import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Row, Select

PAGE = 5_000
"""Events that are read at once."""

_LOG = [
    schema.LOGS.c[name]
    for name in (
        "block",
        "log_index",
        "block_hash",
        "transaction",
        "timestamp",
        "topics",
        "data",
    )
]


@dataclass(frozen=True)
class Selection:
    """Which events are wanted; None: any."""

    names: Sequence[str] = ()
    """Of these kinds; none: of any."""
    account: bytes | None = None
    """That name this account, or are about an auction of which it is the consumer."""
    auction_id: int | None = None
    blocks: tuple[int | None, int | None] = (None, None)
    """From the first one up to, and without, the second one."""
    times: tuple[int | None, int | None] = (None, None)
    """Seconds since 1970: likewise."""

    @property
    def auction(self) -> bytes | None:
        """The auction's id as the tables have it."""
        return None if self.auction_id is None else self.auction_id.to_bytes(32)


EVERYTHING = Selection()


def page(market: int, selection: Selection, after: tuple[int, int]) -> Select[Any]:
    """The next events after a place on the chain, in the chain's order, of a market."""
    query, place = _wanted(market, selection)
    block, log_index = after
    query = query.where(place.block >= block, (place.block > block) | (place.log_index > log_index))
    return query.order_by(place.block, place.log_index).limit(PAGE)


def newest(
    market: int, selection: Selection, before: tuple[int, int] | None, limit: int
) -> Select[Any]:
    """The last events before a place on the chain, the newest first, of a market."""
    query, place = _wanted(market, selection)
    if before is not None:
        query = query.where(earlier(place, before))
    return query.order_by(place.block.desc(), place.log_index.desc()).limit(limit)


def earlier(place: Any, than: tuple[int, int]) -> ColumnElement[bool]:
    """Before a place on the chain."""
    block, log_index = than
    return (place.block <= block) & ((place.block < block) | (place.log_index < log_index))


def _wanted(market: int, selection: Selection) -> tuple[Select[Any], Any]:
    """The events that are wanted, and the columns that say where on the chain they are."""
    logs, involved = schema.LOGS.c, schema.INVOLVED.c
    place: Any = logs
    query = select(*_LOG)
    if selection.account is not None:
        place = involved  # an account's own list is short
        query = query.join_from(
            schema.INVOLVED,
            schema.LOGS,
            (logs.market == involved.market)
            & (logs.block == involved.block)
            & (logs.log_index == involved.log_index),
        ).where(involved.account == selection.account)
    query = query.where(place.market == market)
    if selection.names:
        query = query.where(logs.event.in_(selection.names))
    if selection.auction is not None:
        query = query.where(logs.auction == selection.auction)
    for column, (since, until) in (
        (place.block, selection.blocks),
        (logs.timestamp, selection.times),
    ):
        if since is not None:
            query = query.where(column >= since)
        if until is not None:
            query = query.where(column < until)
    return query, place


def log(row: Row[Any]) -> Log:
    """What `page` gives, as a log."""
    return Log(*tuple(row))
