"""What both sides of the market have in common: how a car looks at the chain, and acts on it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ape_v2v.car.choice import Act
from ape_v2v.chain.writing.broadcasting import has_unmined
from ape_v2v.market.interface.records import NO_MONEY
from ape_v2v.session.running import Watch
from ape_v2v.units import Money

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from ape.api import AccountAPI

    from ape_v2v.car.battery import Battery
    from ape_v2v.car.choice import CarWatch, Choice
    from ape_v2v.car.journal import Journal
    from ape_v2v.car.settings import CarSettings
    from ape_v2v.market.interface.parameters import Parameters
    from ape_v2v.market.market import Market
    from ape_v2v.session.running import SessionEnd
    from ape_v2v.session.store import Store, StoredConnection


class CarSide:
    """One side of the market, as a car takes part in it."""

    def __init__(
        self,
        *,
        settings: CarSettings,
        market: Market,
        account: AccountAPI,
        store: Store,
        journal: Journal,
        battery: Battery,
        decide: Callable[[Choice], None],
        watch: CarWatch,
    ) -> None:
        self.settings = settings
        self.market = market
        self.account = account
        self.store = store
        self.journal = journal
        self.battery = battery
        self.decide = decide
        self.watch = watch

    def choose(self) -> Choice:
        """What to do now, and why."""
        raise NotImplementedError

    def proposals(self) -> list[Choice]:
        """What would be bid now."""
        return []

    def do(self, choice: Choice, stop: threading.Event) -> str | None:  # noqa: ARG002 - sessions do
        """Do what was chosen.

        Returns:
            What has become of it, in words, if there is something to tell.

        Raises:
            V2VError: It could not be done.
        """
        auction_id = choice.auction_id
        if choice.act is Act.WITHDRAW:
            assert choice.amount is not None, "it says how much"
            self.market.withdraw(choice.amount, sender=self.account)
            return f"{choice.amount} are paid out"
        if auction_id is None:
            return None
        if choice.act is Act.EXPIRE:
            self.market.connection(auction_id).expire(sender=self.account)
            return "it is expired: each side has lost a penalty"
        if choice.act is Act.CANCEL:
            self.market.auction(auction_id).cancel(choice.amount or NO_MONEY, sender=self.account)
            return "it is cancelled"
        if choice.act in {Act.AWARD, Act.TAKE_BACK}:
            connection = self.market.auction(auction_id).end(sender=self.account)
            return "the reserve is free again" if connection is None else "it is connected"
        return None

    def close(self) -> None:
        """Give back what is open."""

    @cached_property
    def rules(self) -> Parameters:
        """The market's parameters, which never change."""
        return self.market.parameters

    @property
    def waits_for(self) -> bool:
        """Whether a transaction of the account is in no block yet."""
        return has_unmined(self.market.node, self.account.address)

    @property
    def now(self) -> datetime:
        """The time by this machine's clock."""
        return datetime.now(UTC)

    def session_of(self, auction_id: int) -> StoredConnection | None:
        """The session of a running connection, if it has begun."""
        for kept in self.store.connections.all():
            agreement = kept.agreement
            if (agreement.market, agreement.auction_id) == (
                self.market.address,
                auction_id,
            ) and self.store.connections.end(agreement.token) is None:
                return kept
        return None

    def is_acknowledged(self, session: StoredConnection | None) -> bool:
        """Whether there is a receipt in a session."""
        if session is None:
            return False
        return self.store.statements.highest_receipt(session.agreement.token) is not None

    def session_watch(self, stopped: Callable[[], bool]) -> Watch:
        """Whoever watches a session of this car; `stopped` says whether it shall stop."""
        return Watch(progress=self.watch.progress, trouble=self.watch.tell, stop_requested=stopped)


def in_words(ended: SessionEnd) -> str:
    """How a session ended."""
    end = ended.on_chain
    why = f" ({ended.problem})" if ended.problem else ""
    if end is None:
        return f"nothing was settled{why}"
    reason = f", {ended.reason}" if ended.reason else ""
    paid = Money(end.cost, ended.agreement.paid_in)
    return f"{end.how}: {end.energy_wh} Wh for {paid}{reason}{why}"
