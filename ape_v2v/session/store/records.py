"""What is kept of a session, as objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.session.protocol.wire import ChargingState

if TYPE_CHECKING:
    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.protocol.wire import StopReason


@dataclass(frozen=True)
class StoredConnection:
    """A connection as one side knows it."""

    agreement: Agreement
    role: str
    peer: str | None
    """The consumer's: where the provider serves."""
    meter_id: bytes
    meter_start_wh: int
    """This side's own meter when the connection's first session began."""
    stop_reason: StopReason | None
    closed_at: float | None
    """When the token was closed: nothing is ever delivered on it again. Seconds since 1970."""

    @property
    def state(self) -> ChargingState:
        """Where the session stands."""
        if self.closed_at is not None:
            return ChargingState.CLOSED
        return ChargingState.STOPPING if self.stop_reason else ChargingState.CHARGING


@dataclass(frozen=True)
class StoredRegister:
    """How far a side's own register has been seen."""

    meter: str
    register: str
    highest_wh: int
    read_at: float
    """When the meter has taken that reading, seconds since 1970."""


@dataclass(frozen=True)
class PeerMeter:
    """What the provider has signed of its meter."""

    meter_id: bytes
    start_wh: int
    """Where its register stood when the connection's first session began."""


@dataclass(frozen=True)
class Handshake:
    """One handshake of a connection, and the session that it began."""

    challenge_evc: bytes
    challenge_evp: bytes
    token: bytes
    authorization: str
    """The `AuthorizationReq`, as it was sent or received."""
    session_id: bytes | None
    """The consumer has none yet while it waits for the answer."""
    max_unacknowledged_wh: int | None
    meter: PeerMeter | None = None
    """What the provider has signed of its meter; None in what an early version has stored."""
