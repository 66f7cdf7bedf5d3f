"""How the consumer gets a message to the provider: again and again, while the link is bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.protocol.codes import ErrorCode, LinkError, SessionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.errors import V2VError
    from ape_v2v.session.protocol.wire import (
        AuthorizationReq,
        AuthorizationRes,
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
    )

_PAUSES = 0.02, 1.0  # seconds between two tries: the first, and the longest
_TRANSIENT = {
    ErrorCode.METER_FAILED,
    ErrorCode.NODE_UNAVAILABLE,
    ErrorCode.REQUEST_TIMEOUT,
    ErrorCode.TOO_MANY_REQUESTS,
}

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


class Peer(Protocol):
    """The provider, as the consumer sees it; `link.client.Link` is one over HTTP."""

    @property
    def url(self) -> str: ...
    def setup(self, request: SessionSetupReq) -> SessionSetupRes: ...
    def authorize(self, request: AuthorizationReq) -> AuthorizationRes: ...
    def meter_value(self, request: MeterValueReq) -> MeterValueRes: ...
    def receipt(self, request: MeteringReceiptReq) -> MeteringReceiptRes: ...
    def stop(self, request: SessionStopReq) -> SessionStopRes: ...
    def settlement(self, request: SettlementReq) -> SettlementRes: ...


class PatientPeer:
    """A provider that is asked until it answers, or has been out of reach for too long."""

    def __init__(
        self,
        peer: Peer,
        patience: float,
        look: Callable[[], None],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """Ask a provider.

        Args:
            peer: The provider.
            patience: How long it may be out of reach, seconds.
            look: Called between two tries; whatever it raises ends the asking.
            clock: The time, seconds.
            sleep: Waits so many seconds.
        """
        self.url = peer.url
        self._peer = peer
        self._patience = patience
        self._look = look
        self._clock = clock
        self._sleep = sleep
        self._heard = clock()

    def setup(self, request: SessionSetupReq) -> SessionSetupRes:
        return self._ask(Boundary.CONSUMER_SETUP_SEND, self._peer.setup, request)

    def authorize(self, request: AuthorizationReq) -> AuthorizationRes:
        return self._ask(Boundary.CONSUMER_AUTHORIZATION_SEND, self._peer.authorize, request)

    def meter_value(self, request: MeterValueReq) -> MeterValueRes:
        return self._ask(Boundary.CONSUMER_VALUE_SEND, self._peer.meter_value, request)

    def receipt(self, request: MeteringReceiptReq) -> MeteringReceiptRes:
        return self._ask(Boundary.CONSUMER_RECEIPT_SEND, self._peer.receipt, request)

    def stop(self, request: SessionStopReq) -> SessionStopRes:
        return self._ask(Boundary.CONSUMER_STOP_SEND, self._peer.stop, request)

    def settlement(self, request: SettlementReq) -> SettlementRes:
        return self._ask(Boundary.CONSUMER_SETTLEMENT_SEND, self._peer.settlement, request)

    def _ask(
        self, boundary: Boundary, call: Callable[[_Request], _Answer], request: _Request
    ) -> _Answer:
        """Send a message until there is an answer, or the link has been gone for too long.

        Raises:
            SessionError: The provider refuses the message, or the award is gone.
            LinkError: It has been out of reach for too long.
        """
        pause, longest = _PAUSES
        while True:
            try:
                with crossing(boundary):
                    answer = call(request)
            except (LinkError, SessionError) as error:
                if isinstance(error, SessionError) and error.code not in _TRANSIENT:
                    self._heard = self._clock()
                    raise
                self._wait(error, pause)
                pause = min(2 * pause, longest)
            else:
                self._heard = self._clock()
                return answer

    def _wait(self, error: V2VError, pause: float) -> None:
        if self._clock() - self._heard > self._patience:
            raise LinkError(
                f"the provider has been out of reach for {self._patience:.0f} s: {error}"
            ) from error
        self._look()
        self._sleep(pause)
