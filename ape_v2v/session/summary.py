"""A session that is stored here, in short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ape_v2v.market.interface.records import in_currency
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from ape_v2v.session.store import Store, StoredConnection
    from ape_v2v.units import Money


@dataclass(frozen=True)
class SessionSummary:
    """What has been charged in a connection, and how far that has come."""

    auction_id: int
    role: str
    peer: str
    """The other side."""
    state: str
    contracted: Energy
    acknowledged: Energy
    """By the receipt with the most energy."""
    cost: Money
    """Of what is acknowledged."""
    reason: str | None
    """Why it stops, or has stopped."""
    transaction: str | None
    """The one that ended the connection."""

    @classmethod
    def of(cls, store: Store, connection: StoredConnection) -> Self:
        """Read one of the sessions in a store."""
        agreement = connection.agreement
        receipt = store.statements.highest_receipt(agreement.token)
        end = store.connections.end(agreement.token)
        acknowledged = 0 if receipt is None else receipt.energy_wh
        return cls(
            auction_id=agreement.auction_id,
            role=connection.role,
            peer=agreement.provider if connection.role == "consumer" else agreement.consumer,
            state=_state(connection, over=end is not None),
            contracted=Energy(agreement.energy_wh),
            acknowledged=Energy(acknowledged),
            cost=agreement.cost(acknowledged),
            reason=connection.stop_reason,
            transaction=None if end is None else end.transaction,
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "auctionId": str(self.auction_id),
            "role": self.role,
            "peer": self.peer,
            "state": self.state,
            "contractedWh": self.contracted.as_json(),
            "acknowledgedWh": self.acknowledged.as_json(),
            "cost": self.cost.as_json(),
            "reason": self.reason,
            "transaction": self.transaction,
            **in_currency(self.cost),
        }


def _state(connection: StoredConnection, *, over: bool) -> str:
    if over:
        return "Settled"
    if connection.closed_at is not None:
        return "Closed"
    return "Stopping" if connection.stop_reason else "Charging"
