"""The provider's side of a session: it admits the consumer, delivers against receipts, and closes.

Each method for a message takes what was received and gives what is to be sent, or raises a
`SessionError` and changes nothing. Any thread may call it.
"""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ape_v2v.metering.meter import MeterError, wire_id
from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.progress import Progress
from ape_v2v.session.protocol import charging, handshake
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
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
    from collections.abc import Callable

    from ape_v2v.metering.meter import Meter, Reading
    from ape_v2v.session.onchain import Chain
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.store import Store, StoredConnection

_CHALLENGE_BYTES = 32
_SESSION_ID_BYTES = 16


class EnergySource(Protocol):
    """What lets energy flow. It counts by itself, from wherever it began."""

    @property
    def delivered_wh(self) -> int:
        """All that it has delivered, Wh, rounded down."""

    def allow(self, up_to_wh: int) -> None:
        """Deliver until it has delivered so much in all, and not beyond."""

    def stop(self) -> None:
        """Deliver nothing more until it is allowed to again."""


@dataclass(frozen=True)
class Limits:
    """What the provider bears. Times in seconds."""

    max_unacknowledged_wh: int = 100
    """How far to deliver without a receipt: the most that a dishonest consumer can take."""
    link_timeout: float = 120.0
    """How long the consumer may be silent before the session is closed."""
    poll: float = 5.0
    """How long a request for the next reading waits for one."""
    meter_interval: float = 0.02
    """How often the meter is read meanwhile."""
    stall_timeout: float = 60.0
    """How long no energy may flow, though it is allowed to, before the session is closed."""
    pending_setups: int = 8
    setup_lifetime: float = 30.0
    sessions_per_token: int = 64
    """How often one consumer may begin anew: each time costs room in the store."""
    agreement_age: float = 5.0
    """How old what the chain says may be when a session is set up."""

    @property
    def increment_wh(self) -> int:
        """How much energy is worth a reading: receipts come in before the limit is reached."""
        return max(1, self.max_unacknowledged_wh // 2)


class Provider:
    """One connection, on the provider's side. Restarted, it goes on where the store says."""

    def __init__(
        self,
        *,
        chain: Chain,
        signer: Signer,
        meter: Meter,
        source: EnergySource,
        store: Store,
        limits: Limits | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the connection from the chain.

        Raises:
            SessionError: It is not connected, the provider is somebody else, or the node cannot
                be asked.
            MeterError: The meter gives no reading, or is not the one that the session began with.
        """
        self.chain = chain
        self.limits = limits or Limits()
        self._signer = signer
        self._meter = meter
        self._source = source
        self.store = store
        self._on_progress = on_progress
        self._clock = clock
        self._lock = threading.RLock()
        self._setups = handshake.PendingSetups(
            self.limits.pending_setups, self.limits.setup_lifetime, clock
        )
        self.agreement = chain.agreement()
        self._agreement_read = clock()
        if signer.address != self.agreement.provider:
            raise SessionError(
                ErrorCode.WRONG_ROLE,
                f"the provider of auction {self.agreement.auction_id} is "
                f"{self.agreement.provider}, and the account is {signer.address}",
            )
        self._meter_id = wire_id(meter.id)
        self._require_same_meter()
        self._polls = 0
        self._target_wh: int | None = None
        self._last_contact = clock()
        self._last_flow = (-1, clock())
        with self._lock:
            self._deliver()

    # What is asked for

    @property
    def connection(self) -> StoredConnection | None:
        """What is stored of the connection; None before the first authorization."""
        return self.store.connection(self.agreement.token)

    @property
    def state(self) -> ChargingState | None:
        """Where the session stands; None before the first authorization."""
        connection = self.connection
        if connection is None:
            return None
        if connection.closed_at is not None:
            return ChargingState.CLOSED
        return ChargingState.STOPPING if connection.stop_reason else ChargingState.CHARGING

    @property
    def acknowledged(self) -> Signed | None:
        """The highest receipt."""
        return self.store.highest_receipt(self.agreement.token)

    # Messages

    def setup(self, request: SessionSetupReq) -> SessionSetupRes:
        """Show who this is; the same request again gets the same answer."""
        with self._lock:
            handshake.check_setup(request, self.agreement)
            self._require_open()
            if self.store.session_with(request.challenge_evc):
                raise _challenge_used()
            if pending := self._setups.find(request.challenge_evc):
                return pending.answer
            self._refresh_agreement()
            handshake.check_time(self.agreement, self.chain.now())
            meter = self._meter_id, self._start_wh()
            evp = secrets.token_bytes(_CHALLENGE_BYTES)
            message = handshake.challenge(self.agreement, request, evp, meter)
            answer = SessionSetupRes(
                challenge_evp=evp,
                meter_id=meter[0],
                meter_start_wh=meter[1],
                signature=self._signer.sign(message),
            )
            self._setups.add(request, answer)
            return answer

    def authorize(self, request: AuthorizationReq) -> AuthorizationRes:
        """Admit the consumer; the same request again gets the same answer."""
        token = self.agreement.token
        with self._lock:
            handshake.check_token(request.token, self.agreement)
            self._require_open()
            if used := self.store.session_with(request.challenge_evc):
                current = self.store.session(token) == used
                if used.authorization != request.text() or not current:
                    raise _challenge_used()
                return _admission(used)
            pending = self._setups.find(request.challenge_evc)
            if pending is None or pending.answer.challenge_evp != request.challenge_evp:
                raise SessionError(
                    ErrorCode.UNKNOWN_SETUP,
                    "no set-up with these challenges waits for an authorization: begin anew",
                )
            handshake.check_time(self.agreement, self.chain.now())
            handshake.check_authorization(request, self.agreement)
            if self.store.count_sessions(token) >= self.limits.sessions_per_token:
                raise SessionError(
                    ErrorCode.TOO_MANY_SESSIONS,
                    f"{self.limits.sessions_per_token} sessions have begun with this token",
                )
            session = StoredSession(
                challenge_evc=request.challenge_evc,
                challenge_evp=request.challenge_evp,
                token=token,
                authorization=request.text(),
                session_id=secrets.token_bytes(_SESSION_ID_BYTES),
                max_unacknowledged_wh=self.limits.max_unacknowledged_wh,
            )
            meter = pending.answer.meter_id, pending.answer.meter_start_wh
            with crossing(Boundary.PROVIDER_AUTHORIZATION_STORE):
                self.store.authorize(self.agreement, meter, session)
            self._setups.take(request.challenge_evc)
            self._touch()
            return _admission(session)

    def meter_value(self, request: MeterValueReq) -> MeterValueRes:
        """Wait for the next reading, and sign it."""
        until = self._clock() + self.limits.poll
        with self._lock:
            self._polls += 1
            number = self._polls
        while True:
            with self._lock:
                self._require_session(request.session_id)
                self._touch()
                self._target_wh = request.target_energy_wh
                # Who asks again has given up on the answer to the earlier request.
                timed_out = self._clock() >= until or number != self._polls
                if answer := self._next_value(timed_out=timed_out):
                    return answer
            time.sleep(self.limits.meter_interval)

    def receipt(self, request: MeteringReceiptReq) -> MeteringReceiptRes:
        """Store a receipt and deliver on; one that is not the highest changes nothing."""
        token = self.agreement.token
        with self._lock:
            self._require_session(request.session_id)
            value = self.store.value(token, request.energy_wh)
            charging.check_receipt(request, self.agreement, value)
            self._touch()
            highest = self.acknowledged
            if highest is not None and request.energy_wh <= highest.energy_wh:
                return MeteringReceiptRes(acknowledged_wh=highest.energy_wh)
            self._require_open()
            receipt = Signed(request.energy_wh, request.meter_data_hash, request.signature)
            with crossing(Boundary.PROVIDER_RECEIPT_STORE):
                self.store.add_receipt(token, receipt)
            if receipt.energy_wh == self.agreement.energy_wh:
                self.close(StopReason.ENERGY_LIMIT)
            with suppress(SessionError):  # the meter fails: the next reading tells
                self._deliver()
                self._tell(receipt)
            return MeteringReceiptRes(acknowledged_wh=receipt.energy_wh)

    def stop(self, request: SessionStopReq) -> SessionStopRes:
        """Deliver nothing more, as the consumer wants it."""
        with self._lock:
            self._require_session(request.session_id)
            self._touch()
            reason = self.stop_charging(request.reason)
            state = self.state
            assert state is not None, "a session has a state"
            return SessionStopRes(state=state, reason=reason)

    def settlement(self, request: SettlementReq) -> SettlementRes:
        """Close the token, and state what is to be paid; the same again gets the same answer."""
        with self._lock:
            self._require_session(request.session_id)
            self._touch()
            if self.acknowledged is None:
                raise SessionError(
                    ErrorCode.NOTHING_ACKNOWLEDGED,
                    "there is no receipt to settle: acknowledge the first reading",
                )
            reason = self.close(StopReason.STOPPED_BY_EV)
            settlement = self._settlement()
            return SettlementRes(
                energy_wh=settlement.energy_wh,
                meter_data_hash=settlement.meter_data_hash,
                signature=settlement.signature,
                reason=reason,
            )

    # What happens by itself

    def stop_charging(self, reason: StopReason) -> StopReason:
        """Deliver nothing more; the last of it can still be acknowledged.

        Returns:
            Why it stopped: the first reason stays.
        """
        with self._lock:
            self._source.stop()
            connection = self.connection
            if connection is not None and connection.stop_reason is not None:
                return connection.stop_reason
            with crossing(Boundary.PROVIDER_STOP_STORE):
                self.store.stop(self.agreement.token, reason)
            return reason

    def close(self, reason: StopReason) -> StopReason:
        """Never deliver anything on this token again.

        Returns:
            Why it stopped: the first reason stays.
        """
        with self._lock:
            reason = self.stop_charging(reason)
            if self.state is not ChargingState.CLOSED:
                with crossing(Boundary.PROVIDER_CLOSE_STORE):
                    self.store.close_token(self.agreement.token)
            return reason

    def rest(self) -> None:
        """Deliver nothing while nobody looks after it; a restarted provider delivers again."""
        with self._lock:
            self._source.stop()

    def due_to_stop(self) -> StopReason | None:
        """Why the session has to stop now, if it has to."""
        with self._lock:
            if self.state is not ChargingState.CHARGING:
                return None
            if self._clock() - self._last_contact > self.limits.link_timeout:
                return StopReason.TIMEOUT
            energy, since = self._last_flow
            acknowledged = self.acknowledged
            if acknowledged is None or acknowledged.energy_wh < energy:
                return None  # it is the consumer that is waited for
            if self._clock() - since > self.limits.stall_timeout:
                return StopReason.SOC_LIMIT
            return None

    def silent_for(self) -> float:
        """How long ago the consumer was heard, seconds."""
        return self._clock() - self._last_contact

    def unacknowledged_wh(self) -> int:
        """What was delivered and has no receipt, Wh."""
        with self._lock:
            acknowledged = self.acknowledged
            return self._energy(self._meter.read()) - (
                acknowledged.energy_wh if acknowledged else 0
            )

    # Inside

    def _tell(self, receipt: Signed) -> None:
        connection, state = self.connection, self.state
        assert connection is not None, "a receipt belongs to a connection"
        assert state is not None, "and a connection has a state"
        reading = self._read()
        energy = self._energy(reading)
        self._on_progress(
            Progress(
                state=state,
                power_w=reading.power_w,
                energy_wh=energy,
                own_wh=energy,
                acknowledged_wh=receipt.energy_wh,
                cost=int(self.agreement.cost(receipt.energy_wh)),
                reason=connection.stop_reason,
            )
        )

    def _settlement(self) -> Signed:
        token = self.agreement.token
        if settlement := self.store.settlement(token):
            return settlement
        receipt = self.acknowledged
        assert receipt is not None, "nothing is settled without a receipt"
        message = charging.settlement(self.agreement, receipt.energy_wh, receipt.meter_data_hash)
        settlement = Signed(receipt.energy_wh, receipt.meter_data_hash, self._signer.sign(message))
        with crossing(Boundary.PROVIDER_SETTLEMENT_STORE):
            self.store.add_settlement(token, settlement)
        return settlement

    def _next_value(self, *, timed_out: bool) -> MeterValueRes | None:
        """The reading to give out now, if it is worth one."""
        state = self.state
        assert state is not None, "a session has a state"
        last = self.store.last_value(self.agreement.token)
        if state is ChargingState.CLOSED and last is not None:
            return self._value_answer(last, 0, state)
        reading = self._read()
        energy = self._energy(reading)
        if energy != self._last_flow[0]:
            self._last_flow = (energy, self._clock())
        if last is not None and energy <= last.energy_wh:  # nothing new; the answer may be lost
            receipt = self.acknowledged
            told = receipt is not None and receipt.energy_wh >= last.energy_wh
            if told and state is ChargingState.CHARGING and not timed_out:
                self._deliver()
                return None
            return self._value_answer(last, reading.power_w, state)
        receipt = self.acknowledged
        acknowledged = 0 if receipt is None else receipt.energy_wh
        due = (
            last is None
            or timed_out
            or state is ChargingState.STOPPING
            or energy - acknowledged >= self.limits.increment_wh
            or energy == self._most_wh
        )
        if not due:
            self._deliver()
            return None
        return self._value_answer(self._sign_value(energy, reading), reading.power_w, state)

    def _sign_value(self, energy_wh: int, reading: Reading) -> StoredValue:
        message = charging.meter_value(self.agreement, energy_wh, reading.meter_data_hash)
        value = StoredValue(
            energy_wh=energy_wh,
            meter_data_hash=reading.meter_data_hash,
            signature=self._signer.sign(message),
            record=reading.record,
            power_w=reading.power_w,
        )
        with crossing(Boundary.PROVIDER_VALUE_STORE):
            self.store.add_value(self.agreement.token, value)
        return value

    def _value_answer(
        self, value: StoredValue, power_w: int, state: ChargingState
    ) -> MeterValueRes:
        connection = self.connection
        return MeterValueRes(
            energy_wh=value.energy_wh,
            meter_record=value.record,
            signature=value.signature,
            power_w=power_w,
            state=state,
            reason=None if connection is None else connection.stop_reason,
        )

    def _deliver(self) -> None:
        """Let energy flow up to what the receipts allow."""
        receipt = self.acknowledged
        if receipt is None or self.state is not ChargingState.CHARGING:
            self._source.stop()
            return
        limit = min(receipt.energy_wh + self.limits.max_unacknowledged_wh, self._most_wh)
        # The source counts by itself. It is asked first: what flows until the meter is read then
        # counts against the limit.
        delivered = self._source.delivered_wh
        self._source.allow(delivered + max(0, limit - self._energy(self._read())))

    def _read(self) -> Reading:
        try:
            return self._meter.read()
        except MeterError as error:
            self._source.stop()
            raise SessionError(ErrorCode.METER_FAILED, str(error)) from error

    def _energy(self, reading: Reading) -> int:
        return charging.session_energy(reading.energy_wh, self._start_wh(), self._most_wh)

    @property
    def _most_wh(self) -> int:
        """More is not delivered, and not paid: what was contracted, or what the consumer wants."""
        contracted = self.agreement.energy_wh
        return contracted if self._target_wh is None else min(self._target_wh, contracted)

    def _start_wh(self) -> int:
        connection = self.connection
        return self._read().energy_wh if connection is None else connection.meter_start_wh

    def _touch(self) -> None:
        self._last_contact = self._clock()

    def _require_open(self) -> None:
        if self.state is ChargingState.CLOSED:
            raise SessionError(
                ErrorCode.TOKEN_CLOSED, "this access token is closed: its session has ended"
            )

    def _require_session(self, session_id: bytes) -> None:
        session = self.store.session(self.agreement.token)
        if session is None or session.session_id is None:
            known = False
        else:
            known = secrets.compare_digest(session.session_id, session_id)
        if not known:
            raise SessionError(
                ErrorCode.UNKNOWN_SESSION, "there is no such session, or a later one replaced it"
            )

    def _require_same_meter(self) -> None:
        connection = self.connection
        if connection is not None and connection.meter_id != self._meter_id:
            raise MeterError(
                f"this session began with the meter {connection.meter_id.rstrip(bytes(1))!r}, and "
                f"this is {self._meter.id!r}: go on with that one"
            )

    def _refresh_agreement(self) -> None:
        """Look at the chain again, if that was long ago."""
        if self._clock() - self._agreement_read < self.limits.agreement_age:
            return
        agreement = self.chain.agreement()
        handshake.check_token(agreement.token, self.agreement)
        self._agreement_read = self._clock()


def _admission(session: StoredSession) -> AuthorizationRes:
    assert session.session_id is not None, "the provider gives every session an id"
    assert session.max_unacknowledged_wh is not None, "and says how far it delivers"
    return AuthorizationRes(
        session_id=session.session_id, max_unacknowledged_wh=session.max_unacknowledged_wh
    )


def _challenge_used() -> SessionError:
    return SessionError(
        ErrorCode.CHALLENGE_USED, "this challenge has been used: begin anew, with another one"
    )
