"""The provider's meter and source: what has flowed, and how much more may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.metering.meter import MeterError, wire_id
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.wire import ChargingState
from ape_v2v.session.register import Register, Suspicion

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.meter import EnergySource, Meter, MeterReading
    from ape_v2v.session.provider.standing import ProviderStanding
    from ape_v2v.session.store import Store
    from ape_v2v.session.terms import Limits


_LOST_PART = 5
"""The source may count a fifth more than the meter: what is lost on the way."""


class Delivery:
    """Energy flows as far as the receipts allow, and stops when the meter fails."""

    def __init__(
        self,
        *,
        meter: Meter,
        source: EnergySource,
        standing: ProviderStanding,
        store: Store,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        """Take the equipment of one connection.

        Raises:
            MeterError: It is another meter than the connection began with.
        """
        self.register = Register(
            meter,
            standing.agreement.token,
            store,
            patience=limits.meter_patience,
            clock=clock,
            max_power_w=source.max_power_w,
        )
        self.meter_id = wire_id(meter.id)
        self.target_wh: int | None = None
        """Where the consumer wants to stop."""
        self._source = source
        self._standing = standing
        self._limits = limits
        self._clock = clock
        self._last_flow = (-1, clock())
        self._start_wh: int | None = None
        self._base: tuple[int, int] | None = None
        """The energy at the last receipt, and how far the source's count was above it, Wh."""
        self._standstill = Suspicion(limits.meter_patience, clock)
        self._require_same_meter()

    @property
    def most_wh(self) -> int:
        """More is not delivered, and not paid: what was contracted, or what the consumer wants."""
        contracted = self._standing.agreement.energy_wh
        return contracted if self.target_wh is None else min(self.target_wh, contracted)

    @property
    def start_wh(self) -> int:
        """Where the meter stood when the connection's first session began."""
        if self._start_wh is None:
            connection = self._standing.connection
            if connection is None:
                return self.read().energy_wh
            self._start_wh = connection.meter_start_wh  # which never changes
        return self._start_wh

    def read(self) -> MeterReading:
        """The meter's reading.

        Raises:
            SessionError: There is none, or none that can be; then nothing flows.
        """
        try:
            return self.register.read()
        except MeterError as error:
            self._source.stop()
            raise SessionError(ErrorCode.METER_FAILED, str(error)) from error
        except SessionError:
            self._source.stop()
            raise

    def energy(self, reading: MeterReading) -> int:
        """The connection's energy at a reading, Wh."""
        return charging.session_energy(reading.energy_wh, self.start_wh, self.most_wh)

    def unacknowledged_wh(self) -> int:
        """What was delivered and has no receipt, Wh."""
        return self.energy(self.read()) - self._standing.acknowledged_wh

    def take_up(self) -> None:
        """Go on where the store says.

        What a register can't have come to by itself stops the flow, and is found again by who looks
        after the session, which it closes and settles.

        Raises:
            SessionError: There is no reading, or one of another register: both can be put right.
        """
        try:
            self.go_on()
        except SessionError:
            problem = self.register.problem
            if problem is None or problem.code is ErrorCode.METER_REPLACED:
                raise

    def go_on(self) -> None:
        """Let energy flow up to what the receipts allow."""
        if self._standing.state is not ChargingState.CHARGING:
            self._source.stop()
            return
        # The first increment flows on the consumer's signed access token alone.
        acknowledged_wh = self._standing.acknowledged_wh
        furthest = acknowledged_wh + self._limits.max_unacknowledged_wh
        # The source counts by itself. It is asked first: what flows until the meter is read then
        # counts against the limit.
        delivered = self._source.delivered_wh
        reading = self.read()
        energy = self.energy(reading)
        up_to = delivered + max(0, min(furthest, self.most_wh) - energy)
        # By the source's count, too, no more than one increment is without a receipt: else a
        # register that stands still would let energy flow for ever.
        above = delivered - energy
        if self._base is not None:
            since, before = self._base
            lost = max(0, acknowledged_wh - since) // _LOST_PART + 2 * reading.resolution_wh
            above = min(above, before + (lost if acknowledged_wh > since else 0))
        self._base = acknowledged_wh, above
        try:
            self._source.allow(min(up_to, above + furthest))
        except MeterError as error:
            raise SessionError(ErrorCode.METER_FAILED, str(error)) from error
        self._watch_for_a_standstill(
            stands=delivered >= above + furthest
            and energy < acknowledged_wh + self._limits.increment_wh,
            counted_wh=energy - acknowledged_wh,
        )

    def _watch_for_a_standstill(self, *, stands: bool, counted_wh: int) -> None:
        if not stands:
            self._standstill.clear()
        elif self._standstill.is_fault():
            self._source.stop()
            self.register.fault = SessionError(
                ErrorCode.ENERGY_IMPLAUSIBLE,
                f"the source has delivered {self._limits.max_unacknowledged_wh} Wh since the last "
                f"receipt, and the register of {self.register.meter.id} has counted {counted_wh} "
                "Wh: look which of them is wrong",
            )
            raise self.register.fault

    def stop(self) -> None:
        """Let nothing flow."""
        self._source.stop()

    def note(self, energy_wh: int) -> None:
        """Note that so much has flowed, to see when nothing more does."""
        if energy_wh != self._last_flow[0]:
            self._last_flow = (energy_wh, self._clock())

    def stalled(self) -> bool:
        """Whether nothing has flowed for too long, though it was allowed to."""
        energy, since = self._last_flow
        if self._standing.acknowledged_wh < energy:
            return False  # it is the consumer that is waited for
        return self._clock() - since > self._limits.stall_timeout

    def _require_same_meter(self) -> None:
        connection = self._standing.connection
        if connection is not None and connection.meter_id != self.meter_id:
            raise MeterError(
                f"this session began with the meter {connection.meter_id.rstrip(bytes(1))!r}, and "
                f"this is {self.register.meter.id!r}: go on with that one"
            )
