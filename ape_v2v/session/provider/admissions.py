"""Who may begin a session with the provider: set-ups, authorizations, and the session's id."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.protocol import charging, handshake
from ape_v2v.session.protocol.charging import SignedReading
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.wire import AuthorizationRes, MeterStart, SessionSetupRes
from ape_v2v.session.store import Handshake

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.session.port import MarketPort
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.protocol.wire import AuthorizationReq, SessionSetupReq
    from ape_v2v.session.provider.delivery import Delivery
    from ape_v2v.session.provider.standing import ProviderStanding
    from ape_v2v.session.store import Store
    from ape_v2v.session.terms import Limits

_CHALLENGE_BYTES = 32
_SESSION_ID_BYTES = 16


class Admissions:
    """The handshakes of one connection, on the provider's side."""

    def __init__(
        self,
        *,
        chain: MarketPort,
        standing: ProviderStanding,
        delivery: Delivery,
        store: Store,
        signer: Signer,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self.pending = handshake.PendingSetups(limits.pending_setups, limits.setup_lifetime, clock)
        self._chain = chain
        self._standing = standing
        self._delivery = delivery
        self._store = store
        self._signer = signer
        self._limits = limits
        self._clock = clock
        self._agreement_read = clock()

    def setup(self, request: SessionSetupReq) -> SessionSetupRes:
        """Show who this is; the same request again gets the same answer."""
        agreement = self._standing.agreement
        handshake.check_setup(request, agreement)
        self._standing.require_open()
        if self._store.handshakes.with_challenge(request.challenge_evc):
            raise _challenge_used()
        if pending := self.pending.find(request.challenge_evc):
            return pending.answer
        self._refresh_agreement()
        handshake.check_time(agreement, self._chain.now())
        meter = self._delivery.meter_id, self._delivery.start_wh
        evp = secrets.token_bytes(_CHALLENGE_BYTES)
        message = handshake.challenge(agreement, request, evp, meter)
        answer = SessionSetupRes(
            challenge_evp=evp,
            meter_id=meter[0],
            meter_start_wh=meter[1],
            signature=self._signer.sign(message),
        )
        self.pending.add(request, answer)
        return answer

    def repeated(self, request: AuthorizationReq) -> AuthorizationRes | None:
        """The answer to a request that has been answered before, if this is one."""
        agreement = self._standing.agreement
        handshake.check_token(request.token, agreement)
        self._standing.require_open()
        used = self._store.handshakes.with_challenge(request.challenge_evc)
        if used is None:
            return None
        current = self._store.handshakes.last(agreement.token) == used
        if used.authorization != request.text() or not current:
            raise _challenge_used()
        return self._admission(used)

    def authorize(self, request: AuthorizationReq) -> AuthorizationRes:
        """Admit the consumer, whose challenges have not been used before."""
        agreement = self._standing.agreement
        pending = self.pending.find(request.challenge_evc)
        if pending is None or pending.answer.challenge_evp != request.challenge_evp:
            raise SessionError(
                ErrorCode.UNKNOWN_SETUP,
                "no set-up with these challenges waits for an authorization: begin anew",
            )
        handshake.check_time(agreement, self._chain.now())
        handshake.check_authorization(request, agreement)
        if self._store.handshakes.count(agreement.token) >= self._limits.sessions_per_token:
            raise SessionError(
                ErrorCode.TOO_MANY_SESSIONS,
                f"{self._limits.sessions_per_token} sessions have begun with this token",
            )
        session = Handshake(
            challenge_evc=request.challenge_evc,
            challenge_evp=request.challenge_evp,
            token=agreement.token,
            authorization=request.text(),
            session_id=secrets.token_bytes(_SESSION_ID_BYTES),
            max_unacknowledged_wh=self._limits.max_unacknowledged_wh,
        )
        meter = pending.answer.meter_id, pending.answer.meter_start_wh
        start = self._start_reading(meter[1])
        with crossing(Boundary.PROVIDER_AUTHORIZATION_STORE):
            self._store.authorize(agreement, meter, session, start)
        self.pending.take(request.challenge_evc)
        return self._admission(session)

    def require_session(self, session_id: bytes) -> None:
        """Refuse a message of any session but the last one."""
        if not self.has_session(session_id):
            raise SessionError(
                ErrorCode.UNKNOWN_SESSION, "there is no such session, or a later one replaced it"
            )

    def has_session(self, session_id: bytes) -> bool:
        """Whether this is the id of the last session."""
        session = self._store.handshakes.last(self._standing.agreement.token)
        if session is None or session.session_id is None:
            return False
        return secrets.compare_digest(session.session_id, session_id)

    def _start_reading(self, start_wh: int) -> SignedReading | None:
        """The meter's reading before anything flows; None if it says another, or none, just now."""
        try:
            reading = self._delivery.read()
        except SessionError:  # the next reading tells
            return None
        if reading.energy_wh != start_wh:
            return None
        agreement = self._standing.agreement
        message = charging.meter_value(agreement, 0, reading.meter_data_hash)
        return SignedReading(charging.sign(agreement, message, self._signer), reading.record, 0)

    def _admission(self, session: Handshake) -> AuthorizationRes:
        assert session.session_id is not None, "the provider gives every session an id"
        assert session.max_unacknowledged_wh is not None, "and says how far it delivers"
        start = self._store.statements.reading(session.token, 0)
        return AuthorizationRes(
            session_id=session.session_id,
            max_unacknowledged_wh=session.max_unacknowledged_wh,
            start=None
            if start is None
            else MeterStart(meter_record=start.record, signature=start.statement.signature),
        )

    def _refresh_agreement(self) -> None:
        """Look at the chain again, if that was long ago."""
        if self._clock() - self._agreement_read < self._limits.agreement_age:
            return
        agreement = self._chain.agreement()
        handshake.check_token(agreement.token, self._standing.agreement)
        self._agreement_read = self._clock()


def _challenge_used() -> SessionError:
    return SessionError(
        ErrorCode.CHALLENGE_USED, "this challenge has been used: begin anew, with another one"
    )
