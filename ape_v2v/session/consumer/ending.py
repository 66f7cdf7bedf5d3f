"""The end of a session, on the consumer's side: it pays, and looks how the connection ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ape_v2v.errors import SentAs
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.protocol.codes import ErrorCode, SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.session.port import MarketPort
    from ape_v2v.session.protocol.agreement import Agreement, ConnectionEnd
    from ape_v2v.session.store import Store
    from ape_v2v.session.terms import SessionTerms


class Over(Exception):
    """The connection has ended on the chain, whatever was going on."""

    def __init__(self, end: ConnectionEnd) -> None:
        self.end = end


class SessionEnding:
    """One connection on the chain, on the consumer's side."""

    def __init__(
        self,
        *,
        chain: MarketPort,
        agreement: Agreement,
        store: Store,
        terms: SessionTerms,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.node_trouble: str | None = None
        """What the node has failed with."""
        self._chain = chain
        self._agreement = agreement
        self._store = store
        self._terms = terms
        self._clock = clock
        self._sleep = sleep

    def look(self) -> None:
        """See that the connection goes on; a node that fails is borne with.

        Raises:
            Over: It has ended.
            SessionError: A reorganisation has taken the award back.
        """
        with self._bearing_with_the_node():
            self._require_connected()

    def await_end(self) -> None:
        """End the connection with the settlement, if there is one, and wait for it to end.

        Returns when it has not ended for too long.

        Raises:
            Over: It has ended.
            SessionError: A reorganisation has taken the award back.
            Refused: The market does not take the settlement.
        """
        until = self._clock() + self._terms.settlement_timeout
        while self._clock() < until:
            with self._bearing_with_the_node():
                self._require_connected()
                if settlement := self._store.statements.settlement(self._agreement.token):
                    self._pay(settlement)
                    self._require_connected()
            self._sleep(self._terms.chain_interval)

    def _pay(self, settlement: EnergyStatement) -> None:
        try:
            with crossing(Boundary.CONSUMER_END_SEND):
                self._chain.end(settlement)
        except Refused as refused:
            if refused.name != "UnexpectedState":
                raise
            # The provider was faster; once that is confirmed, the chain says so.

    def _require_connected(self) -> None:
        if end := self._chain.end_of(self._agreement):
            raise Over(end)
        self._chain.require_award(self._agreement)

    @contextmanager
    def _bearing_with_the_node(self) -> Iterator[None]:
        """Let the node fail: the next time may be better."""
        try:
            yield
        except SessionError as error:
            if error.code is not ErrorCode.NODE_UNAVAILABLE:
                raise
            self.node_trouble = str(error)
        except SentAs as error:  # the chain will tell, and a second try sends no other one
            self.node_trouble = str(error)
