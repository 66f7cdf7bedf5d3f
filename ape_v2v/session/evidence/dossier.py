"""All that one side keeps of a connection: what was agreed, measured, signed, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import StrictBool  # noqa: TC002 - pydantic reads it

from ape_v2v.currency import Currency  # noqa: TC001 - pydantic reads it
from ape_v2v.market.interface.fields import (  # noqa: TC001 - pydantic reads them
    Address,
    Hash,
    PartySignature,
)
from ape_v2v.session.protocol.agreement import Agreement, ConnectionEnd
from ape_v2v.session.protocol.wire import (
    Message,
    Number,
    Quantity,
    Record,
)

if TYPE_CHECKING:
    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.session.store import Store, StoredConnection


class AgreedPart(Message):
    """What was agreed, as the chain has it."""

    chain_id: Number
    market: Address
    auction_id: Number
    consumer: Address
    provider: Address
    token: Hash
    energy_wh: Quantity
    rate: Number
    valid_until: Quantity
    expires_at: Quantity
    block: Quantity
    currency: Currency | None = None
    """The token that is paid in; None is ether."""

    @property
    def agreement(self) -> Agreement:
        return Agreement(**{name: getattr(self, name) for name in type(self).model_fields})


class MeterPart(Message):
    """The provider's meter, as it has signed it in the handshake."""

    meter_id: Hash
    start_wh: Quantity
    public_key: str | None = None
    """Where who exports it knows the key."""


class ReadingPart(Message):
    """A reading of the provider's meter, signed by the provider."""

    at: str
    """When it was kept; UTC."""
    energy_wh: Quantity
    power_w: Quantity
    meter_record: Record
    signature: PartySignature


class StatementPart(Message):
    """A receipt or the settlement."""

    energy_wh: Quantity
    meter_data_hash: Hash
    last: StrictBool
    signature: PartySignature


class EndPart(Message):
    """How the connection ended, by the chain's event."""

    how: str
    energy_wh: Quantity
    cost: Number
    penalty: Number
    meter_data_hash: Hash
    transaction: str
    sender: Address


class Dossier(Message):
    """One connection, as one side has kept it."""

    type: Literal["SessionEvidence"] = "SessionEvidence"
    role: Literal["consumer", "provider"]
    """Who has kept it."""
    agreed: AgreedPart
    meter: MeterPart | None
    readings: tuple[ReadingPart, ...]
    receipts: tuple[StatementPart, ...]
    settlement: StatementPart | None
    end: EndPart | None

    @classmethod
    def of(cls, store: Store, connection: StoredConnection, public_key: str | None = None) -> Self:
        """Collect what a store has of a connection.

        Args:
            store: The store.
            connection: One of its connections.
            public_key: The provider's meter's, where it is known.
        """
        agreement = connection.agreement
        token = agreement.token
        settlement = store.statements.settlement(token)
        end = store.connections.end(token)
        return cls(
            role="consumer" if connection.role == "consumer" else "provider",
            agreed=AgreedPart(**vars(agreement)),
            meter=_meter(store, connection, public_key),
            readings=tuple(
                ReadingPart(
                    at=datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
                    energy_wh=reading.statement.energy_wh,
                    power_w=reading.power_w,
                    meter_record=reading.record,
                    signature=reading.statement.signature,
                )
                for at, reading in store.statements.measured(token)
            ),
            receipts=tuple(_statement(one) for one in store.statements.receipts(token)),
            settlement=None if settlement is None else _statement(settlement),
            end=None if end is None else _end(end),
        )


def _meter(store: Store, connection: StoredConnection, public_key: str | None) -> MeterPart | None:
    if connection.role == "provider":
        return MeterPart(
            meter_id=connection.meter_id,
            start_wh=connection.meter_start_wh,
            public_key=public_key,
        )
    first = store.handshakes.first_confirmed(connection.agreement.token)
    if first is None or first.meter is None:
        return None
    return MeterPart(
        meter_id=first.meter.meter_id, start_wh=first.meter.start_wh, public_key=public_key
    )


def _statement(statement: EnergyStatement) -> StatementPart:
    return StatementPart(
        energy_wh=statement.energy_wh,
        meter_data_hash=statement.meter_data_hash,
        last=statement.last,
        signature=statement.signature,
    )


def _end(end: ConnectionEnd) -> EndPart:
    return EndPart(**vars(end))
