"""An autobidder: underbids rivals by just what is required, down to a floor.

    bidder = Autobidder(market, account, Policy(floor=Rate.parse("0.0002 ether/kWh")))
    bidder.run(lambda: [Listing(auction.info)], stop)

It never bids below its floor, against itself, or without the balance for the bond. What it does
and what it leaves it reports as decisions, each of them once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ape_v2v.chain import blocks
from ape_v2v.errors import V2VError
from ape_v2v.index.board import EVERYTHING
from ape_v2v.market.refusals import Refused
from ape_v2v.market.states import State

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from ape.api import AccountAPI

    from ape_v2v.index.board import Filters, Listing
    from ape_v2v.market.market import Market
    from ape_v2v.market.records import AuctionInfo
    from ape_v2v.units import Rate

POLL_SECONDS = 2.0


class Action(StrEnum):
    """What an autobidder did about an auction, or saw of it."""

    BID = "bid"
    REFUSED = "refused"
    """Its bid was refused: mostly because somebody was faster."""
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
        }


@dataclass(frozen=True)
class Policy:
    """How far an autobidder goes.

    Raises:
        V2VError: It could never bid so.
    """

    floor: Rate
    """The lowest rate that it bids."""
    start_rate: Rate | None = None
    """The highest that it bids where no bid stands; None: the consumer's maximum rate."""
    max_auctions: int = 1
    """In how many it leads or delivers at a time, at most."""
    filters: Filters = EVERYTHING

    def __post_init__(self) -> None:
        if not self.floor:
            raise V2VError("the floor is 0: it is at least 1 wei/Wh")
        if self.start_rate is not None and self.start_rate < self.floor:
            raise V2VError(
                f"the start rate of {self.start_rate} is below the floor of {self.floor}: raise "
                "the one or lower the other"
            )


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
    ) -> None:
        """Prepare to bid.

        Args:
            market: The market.
            account: A registered EV. It signs without being asked.
            policy: How far to go.
            report: Told each decision.
        """
        self.market = market
        self.account = account
        self.policy = policy
        self.summary = Summary()
        self._report = report
        self._min_decrement_bps = market.parameters.minDecrementBps
        self._reported: dict[int, Decision] = {}
        self._entered: set[int] = set()
        """The auctions that it has bid in, as long as their outcome is open."""
        self._now = 0

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
            interval: Seconds between two looks for a new block.
            lasting: Wait for new auctions when there is none left to bid in.
        """
        head, next_close = b"", 0.0
        while not stop.is_set():
            block = blocks.block(self.market.node)
            # Auctions also close between two blocks.
            if block.hash != head or blocks.next_timestamp(self.market.node) >= next_close:
                head = block.hash
                if not self.market.ev(self.account.address).registered:
                    return self._stopped(f"{self.account.address} is not a registered EV")
                listings = self.catch_up(running, stop)
                if not lasting and not any(map(self._is_promising, listings)):
                    return self._stopped("nothing more can be done")
                closes = (item.info.closing_time.timestamp() for item in listings)
                next_close = min((at for at in closes if at > self._now), default=float("inf"))
            stop.wait(interval)
        return self._stopped("told to stop")

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
        """Place at most one bid, where the highest rate is accepted, and report what is new.

        Args:
            listings: The auctions as they stand now.

        Returns:
            Whether a bid was placed: then they stand otherwise.
        """
        self._now = blocks.next_timestamp(self.market.node)
        engaged = [item.info for item in listings if self._leads(item.info)]
        self.summary.leading = [info.id for info in engaged if info.state is State.OPEN]
        self._report_outcomes([item.info for item in listings])
        offers = []
        for listing in listings:
            info = listing.info
            if self._leads(info) or not self._is_promising(listing):
                continue
            rate = self._next_rate(info)
            if rate is None:
                self._decide(info, Action.WAITS, "a bid would have to be below the floor")
            else:
                offers.append((rate, info))
        for rate, info in sorted(offers, key=lambda offer: -int(offer[0])):
            if len(engaged) >= self.policy.max_auctions:
                self._decide(info, Action.WAITS, f"engaged in {len(engaged)}, the most allowed")
            elif self._affords(info) and self._bid(info, rate):
                return True
        return False

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

    def _next_rate(self, info: AuctionInfo) -> Rate | None:
        """The highest rate that is accepted and wanted; None below the floor."""
        rate = info.highest_rate(self._min_decrement_bps)
        if info.rate is None and self.policy.start_rate is not None:
            rate = min(info.max_rate, self.policy.start_rate)
        return rate if rate is not None and rate >= self.policy.floor else None

    def _affords(self, info: AuctionInfo) -> bool:
        balance = self.market.balance(self.account.address)
        bond = self.market.auction(info.id).bond
        if balance < bond:
            reason = f"the bond is {bond}, and {balance} are free: deposit {bond - balance} more"
            self._decide(info, Action.WAITS, reason)
        return balance >= bond

    def _bid(self, info: AuctionInfo, rate: Rate) -> bool:
        try:
            receipt = self.market.auction(info.id).place_bid(rate, sender=self.account)
        except Refused as error:
            self.summary.refused += 1
            self._decide(info, Action.REFUSED, str(error), rate)
            return False
        self.summary.bids += 1
        self.summary.leading.append(info.id)
        self._entered.add(info.id)
        self._decide(info, Action.BID, "", rate, receipt.txn_hash)
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
