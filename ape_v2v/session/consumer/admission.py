"""How the consumer begins a session: the handshake, and the one to go on with after a crash."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ape_v2v.market.interface.fields import SIGNATURE_BYTES
from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.protocol import handshake
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import public_key_of
from ape_v2v.session.protocol.wire import AuthorizationReq
from ape_v2v.session.store import Handshake, PeerMeter
from ape_v2v.session.terms import SESSIONS_PER_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.session.consumer.asking import PatientPeer
    from ape_v2v.session.port import MarketPort
    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.protocol.wire import MeterStart, SessionSetupRes
    from ape_v2v.session.store import Store

_CHALLENGE_BYTES = 32
HANDSHAKES = 5
"""How often to try."""


class Admission:
    """The sessions of one connection, on the consumer's side."""

    def __init__(
        self,
        *,
        chain: MarketPort,
        agreement: Agreement,
        signer: Signer,
        peer: PatientPeer,
        store: Store,
        note_start: Callable[[MeterStart, PeerMeter | None], None],
    ) -> None:
        """Begin sessions; `note_start` keeps where the provider's meter begins, or refuses it."""
        self._note_start = note_start
        self._chain = chain
        self._agreement = agreement
        self._signer = signer
        self._peer = peer
        self._handshakes = store.handshakes

    def resumed(self) -> Handshake:
        """The session to go on with: the stored one, or a new one."""
        session = self._handshakes.last(self._agreement.token)
        if session is not None and session.session_id is not None:
            return session
        if session is not None:  # its answer was lost: the same request gets it again
            request = AuthorizationReq.model_validate_json(session.authorization)
            try:
                return self._authorize(request)
            except SessionError as error:
                if error.code not in {ErrorCode.UNKNOWN_SETUP, ErrorCode.CHALLENGE_USED}:
                    raise
        return self.begin()

    def begin(self) -> Handshake:
        """Begin a session with the provider."""
        handshake.check_time(self._agreement, self._chain.now())
        for attempt in range(HANDSHAKES):
            try:
                return self._attempt()
            except SessionError as error:  # restarted between the two, or others crowd it
                if error.code is not ErrorCode.UNKNOWN_SETUP or attempt == HANDSHAKES - 1:
                    raise
        raise AssertionError("the last attempt ends with its error")

    def _attempt(self) -> Handshake:
        agreement = self._agreement
        if self._handshakes.count(agreement.token) >= SESSIONS_PER_TOKEN:
            raise SessionError(
                ErrorCode.TOO_MANY_SESSIONS,
                f"{SESSIONS_PER_TOKEN} sessions have begun with this token: the provider forgets "
                "each of them",
            )
        request = handshake.setup_request(agreement, secrets.token_bytes(_CHALLENGE_BYTES))
        answer = self._peer.setup(request)
        handshake.check_setup_answer(answer, request, agreement)
        self._require_same_meter(answer)
        message = handshake.access(agreement, request.challenge_evc, answer.challenge_evp)
        signature = self._signer.sign(message)
        authorization = AuthorizationReq(
            token=agreement.token,
            challenge_evc=request.challenge_evc,
            challenge_evp=answer.challenge_evp,
            # Its own, or of the key that it has chosen, whose signature comes first.
            public_key=public_key_of(message, signature[:SIGNATURE_BYTES]).to_bytes(),
            signature=signature,
        )
        session = Handshake(
            challenge_evc=request.challenge_evc,
            challenge_evp=answer.challenge_evp,
            token=agreement.token,
            authorization=authorization.text(),
            session_id=None,
            max_unacknowledged_wh=None,
            meter=PeerMeter(answer.meter_id, answer.meter_start_wh),
        )
        with crossing(Boundary.CONSUMER_AUTHORIZATION_STORE):
            self._handshakes.add(session)
        return self._authorize(authorization)

    def _require_same_meter(self, answer: SessionSetupRes) -> None:
        first = self._handshakes.first_confirmed(self._agreement.token)
        known = None if first is None else first.meter
        if known is not None and known != PeerMeter(answer.meter_id, answer.meter_start_wh):
            raise SessionError(
                ErrorCode.METER_REPLACED,
                f"the provider has signed that its meter {known.meter_id.rstrip(bytes(1))!r} began "
                f"with {known.start_wh} Wh, and says {answer.meter_id.rstrip(bytes(1))!r} with "
                f"{answer.meter_start_wh} Wh now: nothing more is signed for",
            )

    def _authorize(self, request: AuthorizationReq) -> Handshake:
        answer = self._peer.authorize(request)
        session = self._handshakes.with_challenge(request.challenge_evc)
        assert session is not None, "it was stored before the request was sent"
        with crossing(Boundary.CONSUMER_SESSION_STORE):
            if answer.start is not None:
                self._note_start(answer.start, session.meter)
            self._handshakes.confirm(
                request.challenge_evc, answer.session_id, answer.max_unacknowledged_wh
            )
        return replace(
            session,
            session_id=answer.session_id,
            max_unacknowledged_wh=answer.max_unacknowledged_wh,
        )
