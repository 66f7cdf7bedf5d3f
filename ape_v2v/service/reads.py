"""`/api/v1`: what a market is, what runs in it, and what has happened."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

from eth_utils.address import is_hex_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import JSONResponse

from ape_v2v.errors import V2VError
from ape_v2v.index.views import Cursor, Outcome
from ape_v2v.market.interface import access
from ape_v2v.market.interface.events import checksummed
from ape_v2v.market.interface.states import State
from ape_v2v.service import shapes
from ape_v2v.service.shapes import ProblemAnswer, as_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ape_v2v.index.board import Listing
    from ape_v2v.index.views import AuctionSummary
    from ape_v2v.market.interface.events import Event
    from ape_v2v.service.watch import Snapshot, WatchedMarket

PREFIX = "/api/v1"
VERSION = "1"

_LONGEST_ID = 58
"""Digits of the largest auction id: an address and a number of 32 bits."""
_LARGEST_ID = 2**192 - 1

CursorText = Annotated[
    str | None, Query(description="Where a page before this one ended.", max_length=40)
]
Running = Literal["open", "connected"]
Limit = Annotated[int, Query(ge=1, le=200, description="How many, at most.")]
AuctionId = Annotated[str, Path(pattern=r"^[0-9]+$", max_length=_LONGEST_ID)]
AccountPath = Annotated[str, Path(pattern=r"^0[xX][0-9a-fA-F]{40}$")]
KnownTag = Annotated[str | None, Header(alias="If-None-Match", max_length=200)]


class NotReady(V2VError):
    """The market has not been looked at yet."""


class NotFound(V2VError):
    """There is no such thing."""


class Reads:
    """Answers out of one watched market."""

    def __init__(self, watch: WatchedMarket) -> None:
        self._watch = watch
        self._history = watch.history
        self._market = watch.market

    @cached_property
    def _fixed(self) -> dict[str, Any]:
        """What never changes; asked of the node once."""
        node = self._market.node
        code = access.code(node, self._market.address)
        parameters = self._market.parameters
        return {
            "version": VERSION,
            "chainId": node.chain_id,
            "network": node.network.name,
            "isLocal": node.network.is_local,
            "market": self._market.address,
            "currency": self._market.currency.as_json(),
            "codeHash": to_hex(keccak(code)),
            "confirmations": self._history.confirmations,
            "parameters": asdict(parameters),
        }

    def config(self) -> dict[str, Any]:
        return self._fixed | {"head": self._head(self._snapshot)}

    def running(self, state: Running | None) -> dict[str, Any]:
        snapshot = self._snapshot
        return {
            "head": self._head(snapshot),
            "auctions": [
                self._listing(listing)
                for listing in snapshot.running
                if state is None or listing.info.state.shown == state
            ],
        }

    def past(
        self, account: str | None, outcomes: list[Outcome], cursor: str | None, limit: int
    ) -> dict[str, Any]:
        page = self._history.newest_auctions(account, outcomes, before=_cursor(cursor), limit=limit)
        return {
            "auctions": [_summary(item) for item in page.items],
            "next": page.next and str(page.next),
        }

    def auction(self, auction_id: int) -> dict[str, Any]:
        found = self._history.auctions(auction=auction_id)
        if not found:
            raise NotFound(
                f"the market {self._market.address} has no auction {auction_id}: check the id, or "
                "wait for its block"
            )
        running = [one for one in self._snapshot.running if one.info.id == auction_id]
        return {
            "auction": _summary(found[0]),
            "running": self._listing(running[0]) if running else None,
            "events": self._told(self._history.events(auction=auction_id)),
        }

    def activity(self, account: str, cursor: str | None, limit: int) -> dict[str, Any]:
        page = self._history.newest_events(account, before=_cursor(cursor), limit=limit)
        return {
            "events": self._told(page.items),
            "next": page.next and str(page.next),
        }

    def _told(self, events: Iterable[Event]) -> list[dict[str, Any]]:
        currency = self._market.currency
        return [event.as_json(currency) for event in events]

    def evs(self) -> dict[str, Any]:
        return {
            "evs": [
                {"address": ev.address, "infos": ev.infos, "addedAt": ev.added_at.isoformat()}
                for ev in self._history.evs()
            ]
        }

    @property
    def tag(self) -> str:
        """Names the state of the market that answers are about."""
        return self._snapshot.tag

    @property
    def _snapshot(self) -> Snapshot:
        snapshot = self._watch.snapshot
        if snapshot is None:
            raise NotReady("the market's history is being read: try again in a moment")
        return snapshot

    def _head(self, snapshot: Snapshot) -> dict[str, Any]:
        return {
            "number": snapshot.head.number,
            "hash": to_hex(snapshot.head.hash),
            "timestamp": snapshot.head.timestamp,
            "ageSeconds": int(snapshot.age),
            "behind": snapshot.behind,
        }

    def _listing(self, listing: Listing) -> dict[str, Any]:
        info = listing.info
        bids_wanted = info.state is State.OPEN and info.closing_time > self._now
        highest = info.highest_rate(self._market.parameters.minDecrementBps)
        return info.as_json() | {
            "reserve": info.reserve.as_json(),
            "highestRate": highest.as_json() if highest and bids_wanted else None,
            "details": listing.details.model_dump(mode="json", by_alias=True, exclude_none=True),
            "text": listing.text,
        }

    @property
    def _now(self) -> datetime:
        """The chain's time."""
        return datetime.fromtimestamp(self._snapshot.head.timestamp, UTC)


def _summary(auction: AuctionSummary) -> dict[str, Any]:
    return {
        "auctionId": auction.id,
        "consumer": auction.consumer,
        "energyWh": int(auction.energy),
        "maxRate": int(auction.max_rate),
        "startedAt": auction.started_at.isoformat(),
        "closingTime": auction.closing_time.isoformat(),
        "validity": int(auction.validity.total_seconds()),
        "bids": auction.bids,
        "removals": auction.removals,
        "provider": auction.provider,
        "rate": None if auction.rate is None else int(auction.rate),
        "outcome": str(auction.outcome),
        "text": auction.details,
    }


def router(reads: Reads) -> APIRouter:
    """The requests, as OpenAPI describes them."""
    routes = APIRouter(
        prefix=PREFIX,
        responses={
            422: {"model": ProblemAnswer, "description": "Something in the request is wrong."},
            503: {"model": ProblemAnswer, "description": "Not ready, or the node does not answer."},
        },
    )
    unknown: dict[int | str, dict[str, Any]] = {
        404: {"model": ProblemAnswer, "description": "There is no such thing."}
    }
    unchanged: dict[int | str, dict[str, Any]] = {
        304: {"description": "Nothing has changed since the answer of this tag."}
    }

    @routes.get("/config", response_model=shapes.ConfigAnswer)
    def get_config() -> Response:
        """The market, its rules, and the latest block that was seen."""
        return _json(reads.config())

    @routes.get("/auctions", response_model=shapes.RunningAnswer, responses=unchanged)
    def get_running(
        state: Annotated[Running | None, Query(description="Only these.")] = None,
        known: KnownTag = None,
    ) -> Response:
        """The auctions that run, by their close."""
        return _tagged(f'"{reads.tag}-{state or ""}"', known, lambda: reads.running(state))

    @routes.get("/auctions/past", response_model=shapes.PastAnswer)
    def get_past(
        account: Annotated[
            str | None,
            Query(pattern=r"^0[xX][0-9a-fA-F]{40}$", description="In which this one took part."),
        ] = None,
        outcome: Annotated[
            list[Outcome] | None, Query(description="With one of these.", max_length=8)
        ] = None,
        cursor: CursorText = None,
        limit: Limit = 50,
    ) -> Response:
        """Every auction, over or not, the newest first, so many at a time."""
        named = None if account is None else _account(account)
        return _json(reads.past(named, outcome or [], cursor, limit))

    @routes.get("/auctions/{auction_id}", response_model=shapes.AuctionAnswer, responses=unknown)
    def get_auction(auction_id: AuctionId) -> Response:
        """One auction, and all that has happened in it."""
        if int(auction_id) > _LARGEST_ID:
            raise NotFound(f"no auction has the id {auction_id}: it is too large")
        return _json(reads.auction(int(auction_id)))

    @routes.get("/accounts/{account}/activity", response_model=shapes.ActivityAnswer)
    def get_activity(
        account: AccountPath, cursor: CursorText = None, limit: Limit = 50
    ) -> Response:
        """What has happened to an account, the newest first, so many at a time."""
        return _json(reads.activity(_account(account), cursor, limit))

    @routes.get("/evs", response_model=shapes.EVsAnswer, responses=unchanged)
    def get_evs(known: KnownTag = None) -> Response:
        """The registered EVs, with the organization's notes."""
        return _tagged(f'"{reads.tag}-evs"', known, reads.evs)

    return routes


def _cursor(text: str | None) -> Cursor | None:
    return None if text is None else Cursor.parse(text)


def _account(text: str) -> str:
    if not is_hex_address(text):  # the paths' pattern has seen to it
        raise V2VError(f"{text!r} is no address: expected 0x and 40 hexadecimal digits")
    return str(checksummed(text.lower()))


def _json(answer: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(as_texts(answer), headers={"Cache-Control": "no-cache"} | (headers or {}))


def _tagged(tag: str, known: str | None, answer: Callable[[], dict[str, Any]]) -> Response:
    """The answer, or that the one which the asker has is still right."""
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if known is not None and tag in {item.strip() for item in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return _json(answer(), headers)
