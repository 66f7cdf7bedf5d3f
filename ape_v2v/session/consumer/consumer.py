"""The consumer of one connection: the charging loop, from the handshake to the payment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.metering.meter import MeterError
from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.consumer.acknowledging import Acknowledging
from ape_v2v.session.consumer.admission import HANDSHAKES, Admission
from ape_v2v.session.consumer.asking import PatientPeer
from ape_v2v.session.consumer.ending import Over, SessionEnding
from ape_v2v.session.progress import SessionProgress
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.codes import ErrorCode, LinkError, SessionError
from ape_v2v.session.protocol.wire import (
    CONSUMERS_WISH,
    ChargingState,
    MeteringReceiptReq,
    MeterValueReq,
    MeterValueRes,
    SessionStopReq,
    SettlementReq,
    StopReason,
)
from ape_v2v.session.terms import SessionTerms

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.metering.meter import Meter
    from ape_v2v.session.consumer.asking import Peer
    from ape_v2v.session.port import MarketPort
    from ape_v2v.session.protocol.agreement import ConnectionEnd
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.store import Handshake, Store

_BROKEN_METER = {
    ErrorCode.ENERGY_DECREASED,
    ErrorCode.ENERGY_IMPLAUSIBLE,
    ErrorCode.METER_REPLACED,
}
_PAUSE = 0.02  # seconds, before asking again for what an honest provider would have waited for


@dataclass(frozen=True)
class Result:
    """How the session ended."""

    end: ConnectionEnd
    acknowledged_wh: int
    reason: StopReason | None
    problem: str | None
    """Why the consumer stopped, if something was wrong."""


class Consumer:
    """One connection, on the consumer's side. Restarted, it goes on where the store says."""

    def __init__(
        self,
        *,
        chain: MarketPort,
        signer: Signer,
        meter: Meter,
        peer: Peer,
        store: Store,
        terms: SessionTerms | None = None,
        on_progress: Callable[[SessionProgress], None] = lambda _: None,
        stop_requested: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Read the connection from the chain.

        Raises:
            SessionError: It is not connected, the consumer is somebody else, or the node cannot
                be asked.
        """
        self.store = store
        self.terms = terms = terms or SessionTerms()
        self.agreement = agreement = chain.agreement()
        if signer.address != agreement.consumer:
            raise SessionError(
                ErrorCode.WRONG_ROLE,
                f"the consumer of auction {agreement.auction_id} is "
                f"{agreement.consumer}, and the account is {signer.address}",
            )
        self._ending = SessionEnding(
            chain=chain, agreement=agreement, store=store, terms=terms, clock=clock, sleep=sleep
        )
        self._peer = PatientPeer(peer, terms.link_timeout, self._ending.look, clock, sleep)
        self._receipts = Acknowledging(
            agreement=agreement,
            signer=signer,
            meter=meter,
            store=store,
            terms=terms,
            clock=clock,
            sleep=sleep,
        )
        self._admission = Admission(
            chain=chain,
            agreement=agreement,
            signer=signer,
            peer=self._peer,
            store=store,
            note_start=self._receipts.note_start,
        )
        self._on_progress = on_progress
        self._stop_requested = stop_requested
        self._clock = clock
        self._sleep = sleep
        self._problem: str | None = None

    @property
    def token(self) -> bytes:
        return self.agreement.token

    @property
    def acknowledged(self) -> EnergyStatement | None:
        """The highest receipt."""
        return self._receipts.last

    def handshake(self) -> Handshake:
        """Begin a session with the provider."""
        return self._admission.begin()

    def run(self) -> Result:
        """Charge until it is over, and end the connection on the chain.

        Raises:
            SessionError: The provider, or what it says, was refused before anything was signed.
            LinkError: The provider cannot be reached, and has not settled either.
        """
        try:
            if self.store.statements.settlement(self.token) is None:
                self._charge()
            self._ending.await_end()
        except Over as over:
            with crossing(Boundary.CONSUMER_OUTCOME_STORE):
                self.store.connections.add_end(self.token, over.end)
            connection = self.store.connections.get(self.token)
            return Result(
                end=over.end,
                acknowledged_wh=self._receipts.energy_wh,
                reason=None if connection is None else connection.stop_reason,
                problem=self._problem,
            )
        trouble = self._problem or self._ending.node_trouble
        raise LinkError(
            "the connection has not ended on the chain yet"
            + (f" ({trouble})" if trouble else "")
            + ": start the same command again later; the provider has receipts for "
            f"{self._receipts.energy_wh} Wh and can settle with them"
        )

    def _charge(self) -> None:
        self._receipts.begin(self._peer.url)
        try:
            session = self._charge_in_any(self._admission.resumed())
            if self._agrees_to_end(session):
                self._fetch_settlement(session)
        except (LinkError, SessionError) as error:
            if self.acknowledged is None:
                raise
            self._problem = self._problem or str(error)

    def _charge_in_any(self, session: Handshake) -> Handshake:
        """Charge in a session, or in a new one when the provider does not know it any more."""
        for attempt in range(HANDSHAKES):
            try:
                self._charge_in(session)
            except SessionError as error:
                if error.code is not ErrorCode.UNKNOWN_SESSION or attempt == HANDSHAKES - 1:
                    raise
                session = self.handshake()
            else:
                break
        return session

    def _agrees_to_end(self, session: Handshake) -> bool:
        """Whether to end here; if that is before all is delivered, sign that it is the last.

        Only what the consumer itself wanted: else the provider could leave whenever it liked, and
        would lose nothing.
        """
        end = self._receipts.end
        if end is None:
            return False
        if end.last or end.energy_wh == self.agreement.energy_wh:
            return True
        if self._receipts.connection.stop_reason not in CONSUMERS_WISH:
            return False
        if not end.energy_wh and self._problem is not None:
            return False  # who cannot be read may have delivered something
        self._send(session, self._receipts.sign_last(end))
        return True

    def _charge_in(self, session: Handshake) -> None:
        """Acknowledge readings until no more come."""
        if receipt := self.acknowledged:
            self._send(session, receipt)
        if (reason := self._receipts.connection.stop_reason) is not None:
            self._stop(session, reason)  # the provider may not have heard of it
        since = self._clock()
        while True:
            if (reason := self._due_to_stop()) is not None:
                self._stop(session, reason)
            if (value := self._next_value(session)) is None:
                return
            try:
                receipt = self._acknowledge(session, value)
            except (SessionError, MeterError) as error:
                self._refuse(session, error)
                return
            if receipt is not None and not self._send(session, receipt):
                return
            if receipt is not None:
                since = self._clock()
            elif self._clock() - since > self.terms.stall_timeout:
                self._problem = (
                    f"the provider has had no new reading for {self.terms.stall_timeout:.0f} s"
                )
                self._stop(session, StopReason.TIMEOUT)
                return
            else:
                self._sleep(_PAUSE)
            acknowledged = self._receipts.energy_wh
            if value.state is ChargingState.CLOSED or acknowledged == self.agreement.energy_wh:
                return
            if value.state is ChargingState.STOPPING and value.energy_wh <= acknowledged:
                return

    def _refuse(self, session: Handshake, error: SessionError | MeterError) -> None:
        """Stop at a reading that is not signed for; if it is the first, there is no more to do."""
        self._problem = str(error)
        self._stop(session, StopReason.OTHER)
        if self.acknowledged is None:
            raise _nothing_signed(error) from error

    def _next_value(self, session: Handshake) -> MeterValueRes | None:
        """The provider's next reading; None when its meter is broken, and none will come."""
        request = MeterValueReq(session_id=_id(session), target_energy_wh=self.terms.limit_wh)
        try:
            return self._peer.meter_value(request)
        except SessionError as error:
            if error.code not in _BROKEN_METER:
                raise
            self._problem = f"the provider's meter: {error}"
            return None

    def _acknowledge(self, session: Handshake, value: MeterValueRes) -> EnergyStatement | None:
        receipt, own = self._receipts.acknowledge(session, value)
        acknowledged = self._receipts.energy_wh
        self._on_progress(
            SessionProgress(
                state=value.state,
                power_w=value.power_w,
                energy_wh=value.energy_wh,
                own_wh=own,
                acknowledged_wh=acknowledged,
                cost=int(self.agreement.cost(acknowledged)),
                reason=value.reason,
            )
        )
        if value.reason is not None and value.reason not in CONSUMERS_WISH:
            self._note_stop(value.reason)  # the provider's, which never says what is wished here
        return receipt

    def _send(self, session: Handshake, receipt: EnergyStatement) -> bool:
        """Send a receipt; whether it still counts."""
        request = MeteringReceiptReq(
            session_id=_id(session),
            energy_wh=receipt.energy_wh,
            meter_data_hash=receipt.meter_data_hash,
            last=receipt.last,
            signature=receipt.signature,
        )
        try:
            self._peer.receipt(request)
        except SessionError as error:
            if error.code is ErrorCode.TOKEN_CLOSED:
                return False
            if error.code is not ErrorCode.UNKNOWN_METER_VALUE:
                raise
            # It has lost that reading, in a power cut: the next one says as much and more.
        return True

    def _due_to_stop(self) -> StopReason | None:
        if self._receipts.connection.stop_reason is not None:
            return None
        if self._stop_requested():
            return StopReason.STOPPED_BY_EV
        limit = self.terms.limit_wh
        if limit is not None and self._receipts.energy_wh >= limit:
            return StopReason.COST_LIMIT
        return None

    def _stop(self, session: Handshake, reason: StopReason) -> None:
        self._note_stop(reason)
        self._peer.stop(SessionStopReq(session_id=_id(session), reason=reason))

    def _note_stop(self, reason: StopReason) -> None:
        with crossing(Boundary.CONSUMER_STOP_STORE):
            self.store.connections.stop(self.token, reason)

    def _fetch_settlement(self, session: Handshake) -> None:
        answer = self._peer.settlement(SettlementReq(session_id=_id(session)))
        acknowledged = self.acknowledged
        assert acknowledged is not None, "the provider refuses to settle nothing"
        settlement = charging.check_settlement(answer, self.agreement, acknowledged)
        with crossing(Boundary.CONSUMER_SETTLEMENT_STORE):
            self.store.connections.stop(self.token, answer.reason)
            self.store.statements.add_settlement(settlement)
            self.store.connections.close(self.token)


def _nothing_signed(error: SessionError | MeterError) -> SessionError:
    """What it means that the very first reading is refused."""
    code = error.code if isinstance(error, SessionError) else ErrorCode.METER_FAILED
    return SessionError(
        code,
        f"the first reading was refused, so nothing is signed and nobody can be paid: {error}. To "
        'part for nothing, sign for "0 Wh" with `ape v2v connection sign-receipt --last`, and let '
        "the provider hand it in; left as it is, the connection expires and costs both a penalty",
    )


def _id(session: Handshake) -> bytes:
    assert session.session_id is not None, "a session has an id once it is authorized"
    return session.session_id
