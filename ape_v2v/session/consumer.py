"""The consumer's side of a session: it proves who it is, acknowledges what it gets, and pays."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeVar

from ape_v2v.market.refusals import Refused
from ape_v2v.metering.meter import MeterError, wire_id
from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.progress import Progress
from ape_v2v.session.protocol import charging, handshake
from ape_v2v.session.protocol.codes import ErrorCode, LinkError, SessionError
from ape_v2v.session.protocol.signing import public_key_of
from ape_v2v.session.protocol.wire import (
    AuthorizationReq,
    AuthorizationRes,
    ChargingState,
    MeteringReceiptReq,
    MeteringReceiptRes,
    MeterValueReq,
    MeterValueRes,
    SessionSetupReq,
    SessionSetupRes,
    SessionStopReq,
    SessionStopRes,
    SettlementReq,
    SettlementRes,
    StopReason,
)
from ape_v2v.session.store import Signed, StoredSession, StoredValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape_v2v.errors import V2VError
    from ape_v2v.metering.meter import Meter
    from ape_v2v.session.onchain import Chain
    from ape_v2v.session.protocol.agreement import Outcome
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.store import Store, StoredConnection

_CHALLENGE_BYTES = 32
_HANDSHAKES = 5
_SESSIONS_PER_TOKEN = 64  # as many as an honest provider takes
_PAUSE = 0.02  # seconds, before asking again for what an honest provider would have waited for
_TRANSIENT = {
    ErrorCode.METER_FAILED,
    ErrorCode.NODE_UNAVAILABLE,
    ErrorCode.REQUEST_TIMEOUT,
    ErrorCode.TOO_MANY_REQUESTS,
}

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


class Peer(Protocol):
    """The provider, as the consumer sees it; `client.Link` is one over HTTP."""

    @property
    def url(self) -> str: ...
    def setup(self, request: SessionSetupReq) -> SessionSetupRes: ...
    def authorize(self, request: AuthorizationReq) -> AuthorizationRes: ...
    def meter_value(self, request: MeterValueReq) -> MeterValueRes: ...
    def receipt(self, request: MeteringReceiptReq) -> MeteringReceiptRes: ...
    def stop(self, request: SessionStopReq) -> SessionStopRes: ...
    def settlement(self, request: SettlementReq) -> SettlementRes: ...


@dataclass(frozen=True)
class Terms:
    """What the consumer agrees to. Times in seconds."""

    tolerance: charging.Tolerance = field(
        default_factory=lambda: charging.Tolerance(Decimal("0.02"))
    )
    limit_wh: int | None = None
    """The most that it signs for; None: what was contracted."""
    link_timeout: float = 120.0
    """How long the provider may be silent."""
    stall_timeout: float = 120.0
    """How long it may answer without a new reading: longer than it waits itself."""
    chain_interval: float = 0.5
    """How often to look at the chain at the end."""
    settlement_timeout: float = 180.0
    """How long to wait for the connection's end on the chain."""


@dataclass(frozen=True)
class Result:
    """How the session ended."""

    outcome: Outcome
    acknowledged_wh: int
    reason: StopReason | None
    problem: str | None
    """Why the consumer stopped, if something was wrong."""


class _OverError(Exception):
    """The connection has ended on the chain, whatever was going on."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Consumer:
    """One connection, on the consumer's side. Restarted, it goes on where the store says."""

    def __init__(
        self,
        *,
        chain: Chain,
        signer: Signer,
        meter: Meter,
        peer: Peer,
        store: Store,
        terms: Terms | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
        stop_requested: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Read the connection from the chain.

        Raises:
            SessionError: It is not connected, the consumer is somebody else, or the node cannot
                be asked.
        """
        self.chain = chain
        self.store = store
        self.terms = terms or Terms()
        self.agreement = chain.agreement()
        self._signer = signer
        self._meter = meter
        self._peer = peer
        self._on_progress = on_progress
        self._stop_requested = stop_requested
        self._clock = clock
        self._sleep = sleep
        self._heard = clock()
        self._problem: str | None = None
        self._node_trouble: str | None = None
        if signer.address != self.agreement.consumer:
            raise SessionError(
                ErrorCode.WRONG_ROLE,
                f"the consumer of auction {self.agreement.auction_id} is "
                f"{self.agreement.consumer}, and the account is {signer.address}",
            )
        self._meter_id = wire_id(meter.id)

    @property
    def token(self) -> bytes:
        return self.agreement.token

    @property
    def acknowledged(self) -> Signed | None:
        """The highest receipt."""
        return self.store.highest_receipt(self.token)

    def run(self) -> Result:
        """Charge until it is over, and end the connection on the chain.

        Raises:
            SessionError: The provider, or what it says, was refused before anything was signed.
            LinkError: The provider cannot be reached, and has not settled either.
        """
        try:
            if self.store.settlement(self.token) is None:
                self._charge()
            self._end()
        except _OverError as over:
            with crossing(Boundary.CONSUMER_OUTCOME_STORE):
                self.store.add_outcome(self.token, over.outcome)
            acknowledged = self.acknowledged
            connection = self.store.connection(self.token)
            return Result(
                outcome=over.outcome,
                acknowledged_wh=0 if acknowledged is None else acknowledged.energy_wh,
                reason=None if connection is None else connection.stop_reason,
                problem=self._problem,
            )
        raise AssertionError("a session ends on the chain or with an error")

    # The handshake

    def _open(self) -> StoredSession:
        """The session to go on with: the stored one, or a new one."""
        session = self.store.session(self.token)
        if session is not None and session.session_id is not None:
            return session
        if session is not None:  # its answer was lost: the same request gets it again
            request = AuthorizationReq.model_validate_json(session.authorization)
            try:
                return self._authorize(request)
            except SessionError as error:
                if error.code not in {ErrorCode.UNKNOWN_SETUP, ErrorCode.CHALLENGE_USED}:
                    raise
        return self.handshake()

    def handshake(self) -> StoredSession:
        """Begin a session with the provider."""
        handshake.check_time(self.agreement, self.chain.now())
        for attempt in range(_HANDSHAKES):
            try:
                return self._attempt()
            except SessionError as error:  # restarted between the two, or others crowd it
                if error.code is not ErrorCode.UNKNOWN_SETUP or attempt == _HANDSHAKES - 1:
                    raise
        raise AssertionError("the last attempt ends with its error")

    def _attempt(self) -> StoredSession:
        if self.store.count_sessions(self.token) >= _SESSIONS_PER_TOKEN:
            raise SessionError(
                ErrorCode.TOO_MANY_SESSIONS,
                f"{_SESSIONS_PER_TOKEN} sessions have begun with this token: the provider forgets "
                "each of them",
            )
        request = handshake.setup_request(self.agreement, secrets.token_bytes(_CHALLENGE_BYTES))
        answer = self._ask(Boundary.CONSUMER_SETUP_SEND, self._peer.setup, request)
        handshake.check_setup_answer(answer, request, self.agreement)
        message = handshake.access(self.agreement, request.challenge_evc, answer.challenge_evp)
        signature = self._signer.sign(message)
        authorization = AuthorizationReq(
            token=self.token,
            challenge_evc=request.challenge_evc,
            challenge_evp=answer.challenge_evp,
            public_key=public_key_of(message, signature).to_bytes(),
            signature=signature,
        )
        session = StoredSession(
            challenge_evc=request.challenge_evc,
            challenge_evp=answer.challenge_evp,
            token=self.token,
            authorization=authorization.text(),
            session_id=None,
            max_unacknowledged_wh=None,
        )
        with crossing(Boundary.CONSUMER_AUTHORIZATION_STORE):
            self.store.add_session(session)
        return self._authorize(authorization)

    def _authorize(self, request: AuthorizationReq) -> StoredSession:
        answer = self._ask(Boundary.CONSUMER_AUTHORIZATION_SEND, self._peer.authorize, request)
        with crossing(Boundary.CONSUMER_SESSION_STORE):
            self.store.confirm_session(
                request.challenge_evc, answer.session_id, answer.max_unacknowledged_wh
            )
        session = self.store.session_with(request.challenge_evc)
        assert session is not None, "it was stored before the request was sent"
        return session

    # The charging loop

    def _charge(self) -> None:
        self._note_connection()
        try:
            self._fetch_settlement(self._charge_in_any(self._open()))
        except (LinkError, SessionError) as error:
            if self.acknowledged is None:
                raise
            self._problem = self._problem or str(error)

    def _charge_in_any(self, session: StoredSession) -> StoredSession:
        """Charge in a session, or in a new one when the provider does not know it any more."""
        for attempt in range(_HANDSHAKES):
            try:
                self._charge_in(session)
            except SessionError as error:
                if error.code is not ErrorCode.UNKNOWN_SESSION or attempt == _HANDSHAKES - 1:
                    raise
                session = self.handshake()
            else:
                break
        return session

    def _note_connection(self) -> None:
        with crossing(Boundary.CONSUMER_CONNECTION_STORE):
            self.store.open_connection(
                self.agreement,
                "consumer",
                self._meter_id,
                self._meter.read().energy_wh,
                self._peer.url,
            )

    def _charge_in(self, session: StoredSession) -> None:
        """Acknowledge readings until no more come."""
        assert session.session_id is not None, "a session has an id once it is authorized"
        if receipt := self.acknowledged:
            self._send(session, receipt)
        if (reason := self._connection().stop_reason) is not None:
            self._stop(session, reason)  # the provider may not have heard of it
        since = self._clock()
        while True:
            if (reason := self._due_to_stop()) is not None:
                self._stop(session, reason)
            value = self._ask(
                Boundary.CONSUMER_VALUE_SEND,
                self._peer.meter_value,
                MeterValueReq(session_id=session.session_id, target_energy_wh=self.terms.limit_wh),
            )
            try:
                receipt = self._acknowledge(session, value)
            except (SessionError, MeterError) as error:
                self._problem = str(error)
                self._stop(session, StopReason.OTHER)
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
            acknowledged = self._acknowledged_wh()
            if value.state is ChargingState.CLOSED or acknowledged == self.agreement.energy_wh:
                return
            if value.state is ChargingState.STOPPING and value.energy_wh <= acknowledged:
                return

    def _acknowledge(self, session: StoredSession, value: MeterValueRes) -> Signed | None:
        """Sign for a reading that is right, unless that was done before."""
        acknowledged = self.acknowledged
        before = None if acknowledged is None else acknowledged.energy_wh
        meter_data_hash = charging.check_meter_value(value, self.agreement, before)
        own = self._own_wh()
        new = before is None or value.energy_wh > before
        receipt = None
        if new:
            self.terms.tolerance.check(
                value.energy_wh,
                own,
                session.max_unacknowledged_wh or 0,
                min(self.agreement.energy_wh, self.terms.limit_wh or self.agreement.energy_wh),
            )
            self._require_within_limit(value.energy_wh)
            message = charging.receipt(self.agreement, value.energy_wh, meter_data_hash)
            receipt = Signed(value.energy_wh, meter_data_hash, self._signer.sign(message))
            reading = StoredValue(
                energy_wh=value.energy_wh,
                meter_data_hash=meter_data_hash,
                signature=value.signature,
                record=value.meter_record,
                power_w=value.power_w,
            )
            with crossing(Boundary.CONSUMER_RECEIPT_STORE):
                self.store.add_receipt(self.token, receipt, reading)
        self._on_progress(
            Progress(
                state=value.state,
                power_w=value.power_w,
                energy_wh=value.energy_wh,
                own_wh=own,
                acknowledged_wh=self._acknowledged_wh(),
                cost=int(self.agreement.cost(self._acknowledged_wh())),
                reason=value.reason,
            )
        )
        return receipt

    def _send(self, session: StoredSession, receipt: Signed) -> bool:
        """Send a receipt; whether it still counts."""
        assert session.session_id is not None, "a session has an id once it is authorized"
        request = MeteringReceiptReq(
            session_id=session.session_id,
            energy_wh=receipt.energy_wh,
            meter_data_hash=receipt.meter_data_hash,
            signature=receipt.signature,
        )
        try:
            self._ask(Boundary.CONSUMER_RECEIPT_SEND, self._peer.receipt, request)
        except SessionError as error:
            if error.code is ErrorCode.TOKEN_CLOSED:
                return False
            if error.code is not ErrorCode.UNKNOWN_METER_VALUE:
                raise
            # It has lost that reading, in a power cut: the next one says as much and more.
        return True

    def _due_to_stop(self) -> StopReason | None:
        connection = self._connection()
        if connection.stop_reason is not None:
            return None
        if self._stop_requested():
            return StopReason.STOPPED_BY_EV
        limit = self.terms.limit_wh
        if limit is not None and self._acknowledged_wh() >= limit:
            return StopReason.COST_LIMIT
        return None

    def _stop(self, session: StoredSession, reason: StopReason) -> None:
        assert session.session_id is not None, "a session has an id once it is authorized"
        with crossing(Boundary.CONSUMER_STOP_STORE):
            self.store.stop(self.token, reason)
        request = SessionStopReq(session_id=session.session_id, reason=reason)
        self._ask(Boundary.CONSUMER_STOP_SEND, self._peer.stop, request)

    def _require_within_limit(self, energy_wh: int) -> None:
        limit = self.terms.limit_wh
        if limit is not None and energy_wh > limit:
            raise SessionError(
                ErrorCode.LIMIT_REACHED,
                f"the provider's meter says {energy_wh} Wh, and the limit for this session is "
                f"{limit} Wh: nothing above it is signed for",
            )

    # The end

    def _fetch_settlement(self, session: StoredSession) -> None:
        assert session.session_id is not None, "a session has an id once it is authorized"
        request = SettlementReq(session_id=session.session_id)
        answer = self._ask(Boundary.CONSUMER_SETTLEMENT_SEND, self._peer.settlement, request)
        acknowledged = self.acknowledged
        assert acknowledged is not None, "the provider refuses to settle nothing"
        charging.check_settlement(answer, self.agreement, acknowledged)
        settlement = Signed(answer.energy_wh, answer.meter_data_hash, answer.signature)
        with crossing(Boundary.CONSUMER_SETTLEMENT_STORE):
            self.store.stop(self.token, answer.reason)
            self.store.add_settlement(self.token, settlement)
            self.store.close_token(self.token)

    def _end(self) -> None:
        """End the connection with the settlement; without one the provider does."""
        until = self._clock() + self.terms.settlement_timeout
        while self._clock() < until:
            with self._bearing_with_the_node():
                self._require_connected()
                if settlement := self.store.settlement(self.token):
                    self._pay(settlement)
                    self._require_connected()
            self._sleep(self.terms.chain_interval)
        trouble = self._problem or self._node_trouble
        raise LinkError(
            "the connection has not ended on the chain yet"
            + (f" ({trouble})" if trouble else "")
            + ": start the same command again later; the provider has receipts for "
            f"{self._acknowledged_wh()} Wh and can settle with them"
        )

    def _pay(self, settlement: Signed) -> None:
        try:
            with crossing(Boundary.CONSUMER_END_SEND):
                self.chain.end(settlement)
        except Refused as refused:
            if refused.name != "UnexpectedState":
                raise
            # The provider was faster; once that is confirmed, the chain says so.

    def _require_connected(self) -> None:
        if outcome := self.chain.outcome(self.agreement):
            raise _OverError(outcome)
        self.chain.require_award(self.agreement)

    # Inside

    def _ask(
        self, boundary: Boundary, call: Callable[[_Request], _Answer], request: _Request
    ) -> _Answer:
        """Send a message until there is an answer, or the link has been gone for too long."""
        pause = 0.02
        while True:
            try:
                with crossing(boundary):
                    answer = call(request)
            except (LinkError, SessionError) as error:
                if isinstance(error, SessionError) and error.code not in _TRANSIENT:
                    self._heard = self._clock()
                    raise
                self._wait_for_link(error, pause)
                pause = min(2 * pause, 1.0)
            else:
                self._heard = self._clock()
                return answer

    def _wait_for_link(self, error: V2VError, pause: float) -> None:
        if self._clock() - self._heard > self.terms.link_timeout:
            raise LinkError(
                f"the provider has been out of reach for {self.terms.link_timeout:.0f} s: {error}"
            ) from error
        with self._bearing_with_the_node():
            self._require_connected()
        self._sleep(pause)

    @contextmanager
    def _bearing_with_the_node(self) -> Iterator[None]:
        """Let the node fail: the next time may be better."""
        try:
            yield
        except SessionError as error:
            if error.code is not ErrorCode.NODE_UNAVAILABLE:
                raise
            self._node_trouble = str(error)

    def _connection(self) -> StoredConnection:
        connection = self.store.connection(self.token)
        assert connection is not None, "it was stored before the handshake"
        return connection

    def _own_wh(self) -> int:
        """The own meter's energy since the session began, Wh."""
        return self._meter.read().energy_wh - self._connection().meter_start_wh

    def _acknowledged_wh(self) -> int:
        acknowledged = self.acknowledged
        return 0 if acknowledged is None else acknowledged.energy_wh
