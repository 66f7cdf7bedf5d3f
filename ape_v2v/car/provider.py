"""A car that sells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from ape_v2v import deployment
from ape_v2v.bidding.autobidder import Action, Autobidder, proposals
from ape_v2v.car.choice import Act, Choice
from ape_v2v.car.selling import SellerStanding, choose_as_provider, is_dead, policy_of
from ape_v2v.car.side import CarSide, in_words
from ape_v2v.index.board import Board
from ape_v2v.index.history import History
from ape_v2v.market.interface.parameters import BPS
from ape_v2v.market.interface.states import State
from ape_v2v.session.running import run_provider
from ape_v2v.session.settings import ServeSettings
from ape_v2v.session.terms import Limits, SessionPatience
from ape_v2v.units import Energy

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from ape_v2v.bidding.autobidder import Decision
    from ape_v2v.car.settings import ProviderSettings
    from ape_v2v.index.board import Listing

_ACTS = {
    Action.BID: Act.BID,
    Action.SENT: Act.BID,
    Action.REFUSED: Act.FAILED,
    Action.WON: Act.DONE,
    Action.LOST: Act.DONE,
    Action.OVER: Act.DONE,
}


class ProviderCar(CarSide):
    """Bids for what suits it, serves, collects, and keeps its reserve."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._history: History | None = None
        self._board: Board | None = None
        self._bidder: Autobidder | None = None
        self._standing: SellerStanding | None = None
        policy_of(self.offers, Energy(0), 0).require_for(self.market.currency)

    @property
    def offers(self) -> ProviderSettings:
        assert self.settings.provider is not None, "it is a provider's file"
        return self.settings.provider

    def close(self) -> None:
        if self._history is not None:
            self._history.close()

    def choose(self) -> Choice:
        self._standing = self._stands(self._running())
        return choose_as_provider(self.settings, self.rules, self._standing)

    def proposals(self) -> list[Choice]:
        listings = self._running()
        bidder = self._bidder_now(self._stands(listings))
        return [_as_choice(decision) for decision in proposals(bidder, listings)]

    def do(self, choice: Choice, stop: threading.Event) -> str | None:
        if choice.act is Act.OFFER:
            self._bid(stop)
            return None
        if choice.act is Act.SERVE:
            assert choice.auction_id is not None, "it was won"
            return self._serve(choice.auction_id, stop)
        return super().do(choice, stop)

    def _running(self) -> Sequence[Listing]:
        """The auctions as they stand at the latest block."""
        if self._board is None:
            market = self.market
            recorded = partial(deployment.recorded_block, market.address, market.node)
            self._history = History(
                market, confirmations=0, recorded=recorded, tell=self.watch.tell
            )
            self._board = Board(self._history)
        self._board.refresh()
        return self._board.running()

    def _stands(self, listings: Sequence[Listing]) -> SellerStanding:
        waits_for = self.waits_for
        address = self.account.address
        engaged = [listing.info for listing in listings if listing.info.provider == address]
        sessions = {info.id: self.session_of(info.id) for info in engaged}
        return SellerStanding(
            now=self.now,
            chain_now=self.market.now,
            engaged=engaged,
            acknowledged=frozenset(
                auction for auction, kept in sessions.items() if self.is_acknowledged(kept)
            ),
            closed=frozenset(
                auction
                for auction, kept in sessions.items()
                if kept is not None and kept.closed_at is not None
            ),
            free=self.market.balance(address),
            spare=self.battery.spare(self.offers.reserve),
            percent=self.battery.percent(),
            is_counted=self.battery.is_counted,
            waits_for=waits_for,
            registered=self.market.is_ev(address),
        )

    def _bidder_now(self, standing: SellerStanding) -> Autobidder:
        dead = sum(is_dead(info, standing) for info in standing.engaged)
        policy = policy_of(self.offers, standing.spare, dead)
        if self._bidder is None:
            self._bidder = Autobidder(
                self.market,
                self.account,
                policy,
                lambda decision: self.decide(_as_choice(decision)),
                self.watch.tell,
            )
        self._bidder.policy = policy
        return self._bidder

    def _bid(self, stop: threading.Event) -> None:
        assert self._standing is not None, "it has looked before"
        bidder = self._bidder_now(self._standing)
        self._deposit_for(self._running(), bidder)
        bidder.catch_up(self._running, stop)

    def _deposit_for(self, listings: Sequence[Listing], bidder: Autobidder) -> None:
        """Deposit what the next bond lacks, where that is allowed."""
        assert self._standing is not None, "it has looked before"
        free, now = self._standing.free, self._standing.chain_now
        bonds = [
            self.market.money(int(listing.info.reserve) * self.rules.bondBps // BPS)
            for listing in listings
            if listing.info.state is State.OPEN
            and now < listing.info.closing_time
            and listing.info.consumer != self.account.address
            and bidder.policy.filters.passes(listing)
        ]
        short = [bond - free for bond in bonds if bond > free]
        affordable = [amount for amount in short if amount <= self.settings.balance.deposit_at_most]
        if len(short) < len(bonds) or not affordable:
            return
        amount = min(affordable)
        self.decide(Choice(Act.DEPOSIT, f"{free} are free, and a bond takes {amount} more"))
        self.market.pay_in(amount, sender=self.account)

    def _serve(self, auction_id: int, stop: threading.Event) -> str:
        link, offers = self.settings.link, self.offers
        certificate = None
        if link.tls_certificate is not None and link.tls_key is not None:
            certificate = (link.tls_certificate, link.tls_key)
        settings = ServeSettings(
            equipment=self.settings.session_equipment(),
            host=link.host,
            port=link.port,
            certificate=certificate,
            limits=Limits(
                max_unacknowledged_wh=int(offers.max_unacknowledged),
                link_timeout=link.timeout.total_seconds(),
            ),
            patience=SessionPatience(for_the_consumer=offers.patience.total_seconds()),
        )
        connection = self.market.connection(auction_id)
        watch = self.session_watch(stop.is_set)
        # Not in the main thread: there the service would take the signals, which are the car's.
        with ThreadPoolExecutor(1, "session") as thread:
            ended = thread.submit(
                run_provider, connection, self.account, self.store, settings, watch
            ).result()
        return in_words(ended)


def _as_choice(decision: Decision) -> Choice:
    rate = "" if decision.rate is None else f" {decision.rate}"
    said = f"{decision.action.value}{rate}" + (f": {decision.reason}" if decision.reason else "")
    return Choice(_ACTS.get(decision.action, Act.WAIT), said, decision.auction_id)
