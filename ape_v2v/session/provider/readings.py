"""The readings that the provider gives out: when one is worth it, and its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.charging import SignedReading
from ape_v2v.session.protocol.wire import ChargingState, MeterValueRes

if TYPE_CHECKING:
    from ape_v2v.metering.meter import MeterReading
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.provider.delivery import Delivery
    from ape_v2v.session.provider.standing import ProviderStanding
    from ape_v2v.session.store import Store, StoredConnection
    from ape_v2v.session.terms import Limits


class Readings:
    """What the provider says of its meter."""

    def __init__(
        self,
        standing: ProviderStanding,
        delivery: Delivery,
        store: Store,
        signer: Signer,
        limits: Limits,
    ) -> None:
        self._standing = standing
        self._delivery = delivery
        self._store = store
        self._signer = signer
        self._limits = limits

    def next(self, *, timed_out: bool) -> MeterValueRes | None:
        """The reading to give out now, if it is worth one."""
        connection = self._standing.connection
        assert connection is not None, "a session belongs to a connection"
        state = connection.state
        last = self._store.statements.last_reading(self._standing.agreement.token)
        if state is ChargingState.CLOSED and last is not None and last.statement.energy_wh:
            return self._answer(last, 0, connection)
        reading = self._delivery.read()
        energy = self._delivery.energy(reading)
        self._delivery.note(energy)
        if last is not None and energy <= last.statement.energy_wh:  # the answer may be lost
            if self._is_told(last) and state is ChargingState.CHARGING and not timed_out:
                self._delivery.go_on()
                return None
            return self._answer(last, reading.power_w, connection)
        due = (
            timed_out
            or state is ChargingState.STOPPING
            or energy - self._standing.acknowledged_wh >= self._limits.increment_wh
            or energy == self._delivery.most_wh
        )
        if not due:
            self._delivery.go_on()
            return None
        return self._answer(self._sign(energy, reading), reading.power_w, connection)

    def _is_told(self, last: SignedReading) -> bool:
        return last.statement.energy_wh <= self._standing.acknowledged_wh

    def _sign(self, energy_wh: int, reading: MeterReading) -> SignedReading:
        agreement = self._standing.agreement
        message = charging.meter_value(agreement, energy_wh, reading.meter_data_hash)
        statement = charging.sign(agreement, message, self._signer)
        signed = SignedReading(statement, reading.record, reading.power_w)
        with crossing(Boundary.PROVIDER_VALUE_STORE):
            self._store.statements.add_reading(signed)
        return signed

    def _answer(
        self, signed: SignedReading, power_w: int, connection: StoredConnection
    ) -> MeterValueRes:
        return MeterValueRes(
            energy_wh=signed.statement.energy_wh,
            meter_record=signed.record,
            signature=signed.statement.signature,
            power_w=power_w,
            state=connection.state,
            reason=connection.stop_reason,
        )
