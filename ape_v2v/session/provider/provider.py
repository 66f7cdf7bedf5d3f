"""The provider of one connection: what it answers, and what it can be told to do.

Each method for a message takes what was received and gives what is to be sent, or raises a
`SessionError` and changes nothing. Any thread may call it.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.progress import SessionProgress
from ape_v2v.session.protocol import charging
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
from ape_v2v.session.provider.admissions import Admissions
from ape_v2v.session.provider.delivery import Delivery
from ape_v2v.session.provider.readings import Readings
from ape_v2v.session.provider.standing import ProviderStanding
from ape_v2v.session.terms import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.metering.meter import EnergySource, Meter
    from ape_v2v.session.port import MarketPort
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.store import Store, StoredConnection


class Provider:
    """One connection, on the provider's side. Restarted, it goes on where the store says."""

    def __init__(
        self,
        *,
        chain: MarketPort,
        signer: Signer,
        meter: Meter,
        source: EnergySource,
        store: Store,
        limits: Limits | None = None,
        on_progress: Callable[[SessionProgress], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the connection from the chain.

        Raises:
            SessionError: It is not connected, the provider is somebody else, the node cannot be
                asked, or a session that goes on has no reading or another register's. One that
                has fallen is no error here: what is acknowledged has to be settled.
            MeterError: The meter is not the one that the session began with.
        """
        self.chain = chain
        self.limits = limits = limits or Limits()
        self.signer = signer
        self.store = store
        self.agreement = chain.agreement()
        if signer.address != self.agreement.provider:
            raise SessionError(
                ErrorCode.WRONG_ROLE,
                f"the provider of auction {self.agreement.auction_id} is "
                f"{self.agreement.provider}, and the account is {signer.address}",
            )
        self.standing = ProviderStanding(self.agreement, store)
        self.delivery = Delivery(
            meter=meter,
            source=source,
            standing=self.standing,
            store=store,
            limits=limits,
            clock=clock,
        )
        self.admissions = Admissions(
            chain=chain,
            standing=self.standing,
            delivery=self.delivery,
            store=store,
            signer=signer,
            limits=limits,
            clock=clock,
        )
        self._readings = Readings(self.standing, self.delivery, store, signer, limits)
        self._on_progress = on_progress
        self._clock = clock
        self._lock = threading.RLock()
        self._polls = 0
        self._last_contact = clock()
        with self._lock:
            self.delivery.take_up()

    @property
    def connection(self) -> StoredConnection | None:
        """What is stored of the connection; None before the first authorization."""
        return self.standing.connection

    @property
    def state(self) -> ChargingState | None:
        """Where the session stands; None before the first authorization."""
        return self.standing.state

    @property
    def acknowledged(self) -> EnergyStatement | None:
        """The highest receipt."""
        return self.standing.acknowledged

    # Messages

    def setup(self, request: SessionSetupReq) -> SessionSetupRes:
        """Show who this is; the same request again gets the same answer."""
        with self._lock:
            return self.admissions.setup(request)

    def authorize(self, request: AuthorizationReq) -> AuthorizationRes:
        """Admit the consumer; the same request again gets the same answer."""
        with self._lock:
            if answer := self.admissions.repeated(request):
                return answer
            answer = self.admissions.authorize(request)
            self._touch()
            with suppress(SessionError):  # the meter fails: the next reading tells
                self.delivery.go_on()
            return answer

    def meter_value(self, request: MeterValueReq) -> MeterValueRes:
        """Wait for the next reading, and sign it."""
        until = self._clock() + self.limits.poll
        with self._lock:
            self._polls += 1
            number = self._polls
        while True:
            with self._lock:
                self._hear(request.session_id)
                self.delivery.target_wh = request.target_energy_wh
                # Who asks again has given up on the answer to the earlier request.
                timed_out = self._clock() >= until or number != self._polls
                if answer := self._readings.next(timed_out=timed_out):
                    return answer
            time.sleep(self.limits.meter_interval)

    def receipt(self, request: MeteringReceiptReq) -> MeteringReceiptRes:
        """Store a receipt and deliver on; one that is not the highest changes nothing."""
        token = self.agreement.token
        with self._lock:
            self.admissions.require_session(request.session_id)
            reading = self.store.statements.reading(token, request.energy_wh)
            receipt = charging.check_receipt(request, self.agreement, reading)
            self._touch()
            highest = self.acknowledged
            if highest is not None:
                before = (highest.energy_wh, highest.last)
                if (receipt.energy_wh, receipt.last) <= before:
                    return MeteringReceiptRes(acknowledged_wh=highest.energy_wh)
            before_wh = 0 if highest is None else highest.energy_wh
            if receipt.energy_wh > before_wh or not receipt.last:
                self.standing.require_open()  # one that only says that it is the last may be later
            if not receipt.energy_wh and receipt.last:
                self._require_nothing_flowed()
            with crossing(Boundary.PROVIDER_RECEIPT_STORE):
                self.store.statements.add_receipt(receipt)
            if receipt.energy_wh == self.agreement.energy_wh:
                self.close(StopReason.ENERGY_LIMIT)
            with suppress(SessionError):  # the meter fails: the next reading tells
                self.delivery.go_on()
                self._tell(receipt)
            return MeteringReceiptRes(acknowledged_wh=receipt.energy_wh)

    def stop(self, request: SessionStopReq) -> SessionStopRes:
        """Deliver nothing more, as the consumer wants it."""
        with self._lock:
            self._hear(request.session_id)
            reason = self.stop_charging(request.reason)
            state = self.state
            assert state is not None, "a session has a state"
            return SessionStopRes(state=state, reason=reason)

    def settlement(self, request: SettlementReq) -> SettlementRes:
        """Close the token, and state what is to be paid; the same again gets the same answer."""
        with self._lock:
            self._hear(request.session_id)
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

    def has_session(self, session_id: bytes) -> bool:
        """Whether this is the id of the last session."""
        return self.admissions.has_session(session_id)

    # What happens by itself

    def stop_charging(self, reason: StopReason) -> StopReason:
        """Deliver nothing more; the last of it can still be acknowledged.

        Returns:
            Why it stopped: the first reason stays.
        """
        with self._lock:
            self.delivery.stop()
            return self.standing.stop(reason)

    def close(self, reason: StopReason) -> StopReason:
        """Never deliver anything on this token again.

        Returns:
            Why it stopped: the first reason stays.
        """
        with self._lock:
            reason = self.stop_charging(reason)
            self.standing.close()
            return reason

    def rest(self) -> None:
        """Deliver nothing while nobody looks after it; a restarted provider delivers again."""
        with self._lock:
            self.delivery.stop()

    def due_to_stop(self) -> StopReason | None:
        """Why the session has to stop now, if it has to."""
        with self._lock:
            if self.state is not ChargingState.CHARGING:
                return None
            if self._clock() - self._last_contact > self.limits.link_timeout:
                return StopReason.TIMEOUT
            if self.delivery.register.fault is not None:
                return StopReason.OTHER
            return StopReason.SOC_LIMIT if self.delivery.stalled() else None

    def unacknowledged_wh(self) -> int:
        """What was delivered and has no receipt, Wh."""
        with self._lock:
            return self.delivery.unacknowledged_wh()

    # Inside

    def _require_nothing_flowed(self) -> None:
        """Refuse to part for nothing with who has got something, or still may."""
        if self.state is ChargingState.CHARGING:
            said = "energy may flow: stop first"
        elif energy := self.delivery.energy(self.delivery.read()):
            said = f"{energy} Wh have flowed: acknowledge the last reading"
        else:
            return
        raise SessionError(ErrorCode.UNKNOWN_METER_VALUE, f"0 Wh are not the last reading; {said}")

    def _hear(self, session_id: bytes) -> None:
        self.admissions.require_session(session_id)
        self._touch()

    def _touch(self) -> None:
        self._last_contact = self._clock()

    def _tell(self, receipt: EnergyStatement) -> None:
        connection = self.connection
        assert connection is not None, "a receipt belongs to a connection"
        reading = self.delivery.read()
        energy = self.delivery.energy(reading)
        self._on_progress(
            SessionProgress(
                state=connection.state,
                power_w=reading.power_w,
                energy_wh=energy,
                own_wh=energy,
                acknowledged_wh=receipt.energy_wh,
                cost=int(self.agreement.cost(receipt.energy_wh)),
                reason=connection.stop_reason,
            )
        )

    def _settlement(self) -> EnergyStatement:
        if settlement := self.store.statements.settlement(self.agreement.token):
            return settlement
        receipt = self.acknowledged
        assert receipt is not None, "nothing is settled without a receipt"
        message = charging.settlement(self.agreement, receipt.energy_wh, receipt.meter_data_hash)
        settlement = charging.sign(self.agreement, message, self.signer)
        with crossing(Boundary.PROVIDER_SETTLEMENT_STORE):
            self.store.statements.add_settlement(settlement)
        return settlement
