"""A car that trades: it looks how things stand, decides, writes that down, and does it.

All that it goes by is on the chain, in the sessions' store and in its file. So a process that was
killed at any moment is started again, and takes up where they say that it stands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ape_v2v.car.battery import Battery
from ape_v2v.car.choice import Act, Choice
from ape_v2v.car.consumer import ConsumerCar
from ape_v2v.car.provider import ProviderCar
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.line.patience import Patience
from ape_v2v.errors import V2VError
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol.codes import ErrorCode, SessionError

if TYPE_CHECKING:
    import threading
    from typing import Self

    from ape.api import AccountAPI

    from ape_v2v.car.choice import CarWatch
    from ape_v2v.car.journal import Journal
    from ape_v2v.car.settings import CarSettings
    from ape_v2v.market.market import Market
    from ape_v2v.session.store import Store

_LOOK_SECONDS = 1.0


class Car:
    """One car, on one side of the market."""

    def __init__(
        self,
        settings: CarSettings,
        market: Market,
        account: AccountAPI,
        *,
        store: Store,
        journal: Journal,
        watch: CarWatch,
        pause: float = _LOOK_SECONDS,
    ) -> None:
        """Put a car together; it does nothing yet.

        Args:
            settings: Its file.
            market: Where it trades.
            account: Who it is. It signs without being asked.
            store: What it keeps of its sessions.
            journal: Where its decisions are written.
            watch: Whoever watches.
            pause: Seconds between two looks.

        Raises:
            WrongCurrency: Its file has amounts in another currency than the market.
            V2VError: It counts gas, and what ether costs in the market's token is not said.
        """
        self.market = market.lasting()
        self.account = account
        self.settings = settings = settings.paid_in(market.currency)
        self._store = store
        self._journal = journal
        self._watch = watch
        self._pause = pause
        self.battery = Battery(settings, store, journal)
        side = ConsumerCar if settings.consumer is not None else ProviderCar
        self._side = side(
            settings=settings,
            market=self.market,
            account=account,
            store=store,
            journal=journal,
            battery=self.battery,
            decide=self._decide,
            watch=watch,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._side.close()

    def look(self) -> Choice:
        """What it would do now, and why; it does nothing.

        Raises:
            NodeError: The node does not answer.
            MeterError: The battery's gauge gives no reading.
        """
        self._take_up()
        return self._side.choose()

    def proposals(self) -> list[Choice]:
        """What a provider would bid now in each open auction, and why not where it would not."""
        return self._side.proposals()

    def run(self, stop: threading.Event) -> Choice:
        """Trade until there is nothing left to do, or until told to stop.

        Returns:
            The last decision.
        """
        patience = Patience(math.inf, stop, self._watch.tell)
        while not stop.is_set():
            try:
                choice = self.look()
                self._decide(choice)
                if choice.act is Act.END:
                    return choice
                if choice.act is not Act.WAIT:
                    self._do(choice, stop)
                if choice.act in {Act.WAIT, Act.OFFER}:
                    stop.wait(self._pause)
            except NodeError as error:
                if not stop.is_set():
                    patience.failed(error)
                continue
            except V2VError as error:
                if _is_of_the_node(error):
                    self._watch.tell(str(error))
                else:
                    self._decide(Choice(Act.FAILED, str(error)))
                stop.wait(self.settings.retry.total_seconds())
                continue
            patience.succeeded()
        end = Choice(Act.END, "told to stop: the next start takes up what is under way")
        self._decide(end)
        return end

    def _do(self, choice: Choice, stop: threading.Event) -> None:
        if (done := self._side.do(choice, stop)) is not None:
            self._decide(Choice(Act.DONE, done, choice.auction_id))

    def _decide(self, choice: Choice) -> None:
        if self._journal.note(choice):
            self._watch.decided(choice)

    def _take_up(self) -> None:
        """Note how the connections ended that have ended while nobody looked."""
        connections = self._store.connections
        for kept in connections.all():
            agreement = kept.agreement
            if agreement.market != self.market.address or connections.end(agreement.token):
                continue
            chain = MarketChain(self.market.connection(agreement.auction_id), self.account)
            if end := chain.end_of(agreement):
                connections.add_end(agreement.token, end)


def _is_of_the_node(error: V2VError) -> bool:
    return isinstance(error, SessionError) and error.code is ErrorCode.NODE_UNAVAILABLE
