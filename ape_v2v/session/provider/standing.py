"""How the provider's connection stands, as the store has it, and the changes that it bears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.wire import ChargingState, StopReason

if TYPE_CHECKING:
    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.store import Store, StoredConnection


class ProviderStanding:
    """One connection of the provider. All of it is in the store; nothing is remembered here."""

    def __init__(self, agreement: Agreement, store: Store) -> None:
        self.agreement = agreement
        self._store = store

    @property
    def connection(self) -> StoredConnection | None:
        """What is stored of the connection; None before the first authorization."""
        return self._store.connections.get(self.agreement.token)

    @property
    def state(self) -> ChargingState | None:
        """Where the session stands; None before the first authorization."""
        connection = self.connection
        return None if connection is None else connection.state

    @property
    def reason(self) -> StopReason | None:
        """Why it stops, once it does."""
        connection = self.connection
        return None if connection is None else connection.stop_reason

    @property
    def acknowledged(self) -> EnergyStatement | None:
        """The highest receipt."""
        return self._store.statements.highest_receipt(self.agreement.token)

    @property
    def acknowledged_wh(self) -> int:
        acknowledged = self.acknowledged
        return 0 if acknowledged is None else acknowledged.energy_wh

    def require_open(self) -> None:
        """Refuse whatever comes after the token was closed."""
        if self.state is ChargingState.CLOSED:
            raise SessionError(
                ErrorCode.TOKEN_CLOSED, "this access token is closed: its session has ended"
            )

    def stop(self, reason: StopReason) -> StopReason:
        """Note why it stops; the first reason stays, and is returned."""
        if (first := self.reason) is not None:
            return first
        with crossing(Boundary.PROVIDER_STOP_STORE):
            self._store.connections.stop(self.agreement.token, reason)
        return reason

    def close(self) -> None:
        """Note that nothing is ever delivered on this token again."""
        if self.state is not ChargingState.CLOSED:
            with crossing(Boundary.PROVIDER_CLOSE_STORE):
                self._store.connections.close(self.agreement.token)
