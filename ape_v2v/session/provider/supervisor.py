"""The end of a session on the chain: whichever side gets there first, and the other sees it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ape_v2v.errors import V2VError
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.wire import CONSUMERS_WISH, ChargingState, StopReason
from ape_v2v.session.terms import SessionPatience

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from ape_v2v.session.port import MarketPort
    from ape_v2v.session.protocol.agreement import Agreement, ConnectionEnd
    from ape_v2v.session.provider.provider import Provider
    from ape_v2v.session.store import Store


def past_end(
    chain: MarketPort, store: Store, auction_id: int
) -> tuple[Agreement, ConnectionEnd] | None:
    """What the store knows of an auction whose connection is over, or the chain says of it."""
    for connection in store.connections.all():
        agreement = connection.agreement
        if agreement.auction_id != auction_id:
            continue
        if end := store.connections.end(agreement.token) or chain.end_of(agreement):
            store.connections.add_end(agreement.token, end)
            return agreement, end
    return None


def agreed(
    chain: MarketPort, store: Store, auction_id: int
) -> tuple[Agreement, ConnectionEnd | None]:
    """What was agreed on an auction and, if its connection is over, how it ended.

    The other side may end it between the two questions: then the first one is asked again.

    Raises:
        SessionError: The auction is not connected, and the store knows of no connection of it.
    """
    if past := past_end(chain, store, auction_id):
        return past
    try:
        return chain.agreement(), None
    except SessionError as error:
        if error.code is not ErrorCode.NOT_CONNECTED:
            raise
        if past := past_end(chain, store, auction_id):
            return past
        raise


class Supervisor:
    """What the provider does without being asked: stop, close, settle."""

    def __init__(
        self,
        provider: Provider,
        patience: SessionPatience | None = None,
        report: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        stop_requested: Callable[[], bool] = lambda: False,
    ) -> None:
        """Look after a provider; `report` gets a sentence about what could not be done yet."""
        self._provider = provider
        self._patience = patience or SessionPatience()
        self._report = report
        self._clock = clock
        self._stop_requested = stop_requested
        self._stopping_since: float | None = None
        self._chain_at = float("-inf")
        self.end: ConnectionEnd | None = None
        self.problem: SessionError | None = None
        """Why nothing can come of it, or not now."""

    def run(self, stop: Event) -> None:
        """Go on until the session is over, or nothing more can come of it, or `stop` is set."""
        while not stop.is_set() and not self.step():
            stop.wait(self._patience.between_looks)

    def step(self) -> bool:
        """Do what is due.

        Returns:
            Whether there is nothing left to do.
        """
        try:
            return self._step()
        except V2VError as error:  # the node, the meter or the account: it may be better soon
            self._report(str(error))
            return False

    def _step(self) -> bool:
        provider = self._provider
        if self._stop_requested():
            if provider.state is None:
                return True  # nobody has come
            if provider.state is ChargingState.CHARGING:
                provider.stop_charging(StopReason.LOCAL)
        if reason := provider.due_to_stop():
            provider.stop_charging(reason)
            if reason in {StopReason.TIMEOUT, StopReason.OTHER}:  # nobody to wait for, or no meter
                provider.close(reason)
        state = provider.state
        if state is ChargingState.STOPPING:
            self._close_in_time()
        if self._clock() - self._chain_at < self._patience.between_looks_at_the_chain:
            return False
        self._chain_at = self._clock()
        return self._look_at_the_chain()

    def _close_in_time(self) -> None:
        if self._stopping_since is None:
            self._stopping_since = self._clock()
        waited = self._clock() - self._stopping_since
        provider = self._provider
        if waited > self._patience.for_the_last_receipt or self._is_all_acknowledged():
            provider.close(StopReason.LOCAL)  # the first reason stays

    def _is_all_acknowledged(self) -> bool:
        provider = self._provider
        connection = provider.connection
        if provider.acknowledged is None and (
            connection is not None and connection.stop_reason in CONSUMERS_WISH
        ):
            return False  # it may part for nothing, and sign that too
        return not provider.unacknowledged_wh()

    def _look_at_the_chain(self) -> bool:
        provider = self._provider
        agreement = provider.agreement
        if end := provider.chain.end_of(agreement):
            self._over(end)
            return True
        now = provider.chain.now()
        state = provider.state
        if self._award_is_taken_back():
            # The energy could never be paid. Who has receipts waits: that award may come back.
            provider.stop_charging(StopReason.OTHER)
            return state is None or now >= agreement.expires_at
        late = now >= agreement.settle_by
        if state is None:
            return now >= agreement.valid_until  # nobody has come, and nobody can come any more
        if state is not ChargingState.CLOSED:
            if late:
                provider.close(StopReason.TIME_LIMIT)
            return False
        if provider.acknowledged is None:
            return True  # there is nothing to collect
        if late or self._consumer_had_its_time():
            self._settle()
        return False

    def _award_is_taken_back(self) -> bool:
        self.problem = None
        try:
            self._provider.chain.require_award(self._provider.agreement)
        except SessionError as error:
            if error.code is not ErrorCode.AWARD_TAKEN_BACK:
                raise
            self.problem = error
            self._report(str(error))
        return self.problem is not None

    def _consumer_had_its_time(self) -> bool:
        connection = self._provider.connection
        assert connection is not None, "who has closed a token has a connection"
        assert connection.closed_at is not None, "and knows when it was closed"
        if connection.stop_reason not in CONSUMERS_WISH and not self._is_agreed():
            return True  # it does not end what it has not wished to end
        return time.time() - connection.closed_at >= self._patience.for_the_consumer

    def _is_agreed(self) -> bool:
        """Whether the consumer ends here too: then it may do so itself."""
        receipt = self._provider.acknowledged
        assert receipt is not None, "this was looked at before"
        return receipt.last or receipt.energy_wh == self._provider.agreement.energy_wh

    def _settle(self) -> None:
        receipt = self._provider.acknowledged
        assert receipt is not None, "nothing is settled without a receipt"
        try:
            with crossing(Boundary.PROVIDER_SETTLE_SEND):
                self._provider.chain.settle(receipt)
        except Refused as refused:
            if refused.name != "UnexpectedState":
                raise SessionError(ErrorCode.NOT_CONNECTED, str(refused)) from refused
            # The consumer was faster; once that is confirmed, the chain says so.
        self._chain_at = float("-inf")

    def _over(self, end: ConnectionEnd) -> None:
        provider = self._provider
        if provider.connection is not None:
            provider.close(StopReason.EV_DISCONNECTED)
            with crossing(Boundary.PROVIDER_OUTCOME_STORE):
                provider.store.connections.add_end(provider.agreement.token, end)
        self.end = end
