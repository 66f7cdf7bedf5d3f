"""An autobidder: bids as its policy says, for as long as it is let.

    bidder = Autobidder(market, account, Policy(floor=Rate.parse("0.0002 ether/kWh")))
    bidder.run(lambda: [Listing(auction.info)], stop)

It never bids below its floor, against itself, beyond its policy's caps, without the balance for the
bond, or while a transaction of its account is in no block yet. What it does and what it leaves it
reports as decisions, each of them once. A node that fails is asked again, with longer and longer
pauses, until it answers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ape_v2v.bidding import asking
from ape_v2v.bidding.pace import Pace
from ape_v2v.bidding.policy import BID_GAS, Policy, offer
from ape_v2v.chain import blocks
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.line.patience import Patience
from ape_v2v.chain.writing.broadcasting import has_unmined
from ape_v2v.errors import SentAs, V2VError
from ape_v2v.market.interface.records import in_currency, moment
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from ape.api import AccountAPI

    from ape_v2v.bidding.openings import SignedOpenings
    from ape_v2v.bidding.policy import BidTerms
    from ape_v2v.index.board import Listing
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.market.market import Market
    from ape_v2v.units import Rate

POLL_SECONDS = 2.0


class Action(StrEnum):
    """What an autobidder did about an auction, or saw of it."""

    BID = "bid"
    SIGNED = "signed"
    """Its opening is signed, for others to place."""
    REFUSED = "refused"
    """Its bid was refused: mostly because somebody was faster."""
    SENT = "sent"
    """Its bid was sent, and is in no block yet."""
    WAITS = "waits"
    """It does not bid for now, and why."""
    LEADS = "leads"
    """Its bid stands after the close: now it is up to the consumer."""
    WON = "won"
    LOST = "lost"
    OVER = "over"
    """Cancelled, or connected and ended since it last looked."""


@dataclass(frozen=True)
class Decision:
    """One decision on one auction."""

    auction_id: int
    action: Action
    rate: Rate | None
    """The bid that was placed or refused, else the standing one."""
    reason: str = ""
    transaction: str | None = None

    def as_json(self, now: datetime) -> dict[str, Any]:
        """For programs, with the time of the decision."""
        return {
            "timestamp": now.isoformat(),
            "auctionId": str(self.auction_id),
            "decision": self.action.value,
            "rate": None if self.rate is None else self.rate.as_json(),
            "reason": self.reason,
            "transaction": self.transaction,
            **({} if self.rate is None else in_currency(self.rate)),
        }


@dataclass
class Summary:
    """What an autobidder has done."""

    bids: int = 0
    refused: int = 0
    leading: list[int] = field(default_factory=list)
    """The open auctions in which its bid stood when it last looked."""
    won: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    reason: str = ""
    """Why it has stopped."""

    def as_json(self, now: datetime) -> dict[str, Any]:
        """For programs, with the time at which it stopped."""
        return {
            "timestamp": now.isoformat(),
            "decision": "stopped",
            "reason": self.reason,
            "bids": self.bids,
            "refused": self.refused,
            "leading": [str(auction_id) for auction_id in self.leading],
            "won": [str(auction_id) for auction_id in self.won],
            "lost": [str(auction_id) for auction_id in self.lost],
        }


class Autobidder:
    """Bids for one account."""

    def __init__(
        self,
        market: Market,
        account: AccountAPI,
        policy: Policy,
        report: Callable[[Decision], None] = lambda _: None,
        tell: Callable[[str], None] = lambda _: None,
        *,
        openings: SignedOpenings | None = None,
    ) -> None:
        """Prepare to bid.

        Args:
            market: The market.
            account: A registered EV. It signs without being asked.
            policy: How far to go.
            report: Told each decision.
            tell: Told in a sentence what it waits for, and why.
            openings: Signs openings for others to place; None places them by itself.

        Raises:
            NodeError: The node does not answer.
        """
        self.market = market.lasting()
        self.account = account
        self.policy = policy
        self.summary = Summary()
        self._report = report
        self._tell_trouble = tell
        self._openings = openings
        self._parameters = market.parameters
        self._reported: dict[int, Decision] = {}
        self._entered: set[int] = set()
        """The auctions that it has bid in, as long as their outcome is open."""
        self._now = 0
        self._head, self._next_close = b"", 0.0
        self._pace = Pace()
        self._is_waiting = False
        """Whether a transaction of the account is in no block yet."""

    def run(
        self,
        running: Callable[[], Sequence[Listing]],
        stop: threading.Event,
        *,
        interval: float = POLL_SECONDS,
        lasting: bool = False,
    ) -> Summary:
        """Bid until told to stop, or until nothing more can be done.

        Args:
            running: Reads the auctions to bid in, and others that the account is engaged in.
            stop: Set it to stop; a transaction under way is waited for.
            interval: Seconds between two looks for a new block; fewer where blocks come faster.
            lasting: Wait for new auctions when there is none left to bid in.
        """
        self._head, self._next_close = b"", 0.0
        patience = Patience(math.inf, stop, self._tell_trouble)
        while not stop.is_set():
            try:
                ended = self._look(running, stop, lasting=lasting)
            except NodeError as error:
                self._head = b""  # look again as soon as it answers
                if not stop.is_set():
                    patience.failed(error)
                continue
            patience.succeeded()
            if ended:
                return self._stopped(ended)
            stop.wait(min(interval, self._pace.pause))
        return self._stopped("told to stop")

    def _look(
        self, running: Callable[[], Sequence[Listing]], stop: threading.Event, *, lasting: bool
    ) -> str:
        """Bid if there is a new block; returns why there is nothing more to do, if so."""
        block = blocks.block(self.market.node)
        self._pace.saw(block)
        # Auctions also close between two blocks.
        if block.hash == self._head and self.market.now.timestamp() < self._next_close:
            return ""
        if not self.market.is_ev(self.account.address):
            return f"{self.account.address} is not a registered EV"
        listings = self.catch_up(running, stop)
        self._head = block.hash
        if not lasting and not self._is_waiting and not any(map(self._is_promising, listings)):
            return "nothing more can be done"
        closes = (item.info.closing_time.timestamp() for item in listings)
        self._next_close = min((at for at in closes if at > self._now), default=math.inf)
        return ""

    def catch_up(
        self, running: Callable[[], Sequence[Listing]], stop: threading.Event
    ) -> Sequence[Listing]:
        """Bid wherever that is possible now.

        Returns:
            The auctions as they stand after it.
        """
        listings = running()
        while self.step(listings) and not stop.is_set():
            listings = running()
        return listings

    def step(self, listings: Sequence[Listing]) -> bool:
        """Place or sign at most one bid, where the highest rate is accepted; report what is new.

        Args:
            listings: The auctions as they stand now.

        Returns:
            Whether it did: then they stand otherwise.
        """
        self._now = int(self.market.now.timestamp())
        leads = [item.info for item in listings if self._leads(item.info)]
        self.summary.leading = [info.id for info in leads if info.state is State.OPEN]
        self._report_outcomes([item.info for item in listings])
        engaged = leads + [item.info for item in listings if self._is_offered(item)]
        promising = [
            item.info for item in listings if item.info not in engaged and self._is_promising(item)
        ]
        # It may be a bid; another one on top of it would be for nothing, or one too many.
        self._is_waiting = bool(promising) and has_unmined(self.market.node, self.account.address)
        if not promising or self._is_waiting:
            return False
        try:
            terms = self._terms(engaged)
        except NodeError:
            raise
        except V2VError as error:  # gas costs more than the configuration allows
            for info in promising:
                self._decide(info, Action.WAITS, str(error))
            return False
        offers = []
        for info in promising:
            found = offer(self.policy, info, terms, self._gas_of_a_bid(info))
            if found.rate is None:
                self._decide(info, Action.WAITS, found.reason)
            else:
                offers.append((found.rate, info))
        for rate, info in sorted(offers, key=lambda item: -int(item[0])):
            if len(engaged) >= self.policy.max_auctions:
                self._decide(info, Action.WAITS, f"engaged in {len(engaged)}, the most allowed")
            elif self._bid(info, rate):
                return True
        return False

    def _terms(self, engaged: Iterable[AuctionInfo]) -> BidTerms:
        """What bidding takes now."""
        price = asking.gas_price(self.market.node) if self.policy.counts_gas else 0
        balance = self.market.balance(self.account.address)
        return asking.terms(self._parameters, balance, engaged, price)

    def _is_promising(self, listing: Listing) -> bool:
        """Whether it may still come to bid there; after a removal bids start from the top again."""
        info = listing.info
        return (
            info.state is State.OPEN
            and self._now < info.closing_time.timestamp()
            and info.consumer != self.account.address
            and info.max_rate >= self.policy.floor
            and self.policy.filters.passes(listing)
        )

    def _leads(self, info: AuctionInfo) -> bool:
        return info.provider == self.account.address

    def _is_offered(self, listing: Listing) -> bool:
        """Whether others may place its opening there."""
        if self._openings is None or not self._is_promising(listing):
            return False
        decrement = self._parameters.minDecrementBps
        return self._openings.is_out(listing.info, moment(self._now), decrement)

    def _gas_of_a_bid(self, info: AuctionInfo) -> int:
        signs = self._openings is not None and self._openings.may_open(info)
        return 0 if signs else BID_GAS

    def _bid(self, info: AuctionInfo, rate: Rate) -> bool:
        transaction, action = None, Action.BID
        try:
            if self._openings is not None and self._openings.may_open(info):
                now = moment(self._now)
                self._openings.sign(self.market, info, rate, self.account, now)
                action = Action.SIGNED
            else:
                bid = self.market.auction(info.id).place_bid(rate, sender=self.account, seen=info)
                transaction = bid.txn_hash
        except Refused as error:
            self.summary.refused += 1
            self._decide(info, Action.REFUSED, str(error), rate)
            return False
        except SentAs as error:
            self._entered.add(info.id)
            self._decide(info, Action.SENT, str(error), rate, error.transaction)
            return False
        except NodeError:
            raise
        except V2VError as error:  # too little ether, say: that may change
            self._decide(info, Action.WAITS, str(error))
            return False
        self._entered.add(info.id)
        if action is Action.BID:
            self.summary.bids += 1
            self.summary.leading.append(info.id)
        self._decide(info, action, "", rate, transaction)
        return True

    def _report_outcomes(self, infos: Iterable[AuctionInfo]) -> None:
        """Report what has become of the auctions that it has bid in."""
        known = {info.id: info for info in infos}
        for auction_id in sorted(self._entered):
            info = known.get(auction_id)
            if info is None:
                self._tell(Decision(auction_id, Action.OVER, None))
            elif info.state is State.OPEN and self._now < info.closing_time.timestamp():
                continue
            elif info.state is State.OPEN and self._leads(info):
                self._decide(info, Action.LEADS, "bidding is closed: the consumer has to end it")
                continue
            elif self._leads(info):
                self.summary.won.append(auction_id)
                self._decide(info, Action.WON)
            else:
                self.summary.lost.append(auction_id)
                self._decide(info, Action.LOST)
            self._entered.remove(auction_id)

    def _decide(
        self,
        info: AuctionInfo,
        action: Action,
        reason: str = "",
        rate: Rate | None = None,
        transaction: str | None = None,
    ) -> None:
        self._tell(Decision(info.id, action, rate or info.rate, reason, transaction))

    def _tell(self, decision: Decision) -> None:
        if self._reported.get(decision.auction_id) != decision:
            self._reported[decision.auction_id] = decision
            self._report(decision)

    def _stopped(self, reason: str) -> Summary:
        self.summary.reason = reason
        return self.summary


def proposals(bidder: Autobidder, listings: Sequence[Listing]) -> list[Decision]:
    """What a bidder would bid now where it does not lead, or why it would not; it does nothing."""
    bidder._now = int(bidder.market.now.timestamp())
    terms = bidder._terms([item.info for item in listings if bidder._leads(item.info)])
    proposed = []
    for item in listings:
        info = item.info
        if info.state is not State.OPEN or bidder._leads(info):
            continue
        if not bidder._is_promising(item):
            why = "it does not pass the filters, or its maximum rate is below the floor"
            proposed.append(Decision(info.id, Action.WAITS, info.rate, why))
            continue
        found = offer(bidder.policy, info, terms)
        action = Action.WAITS if found.rate is None else Action.BID
        proposed.append(Decision(info.id, action, found.rate or info.rate, found.reason))
    return proposed
