"""The consumer's own meter beside the provider's: read until it has caught up, then compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.metering.meter import MeterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.meter import MeterReading
    from ape_v2v.session.protocol.tolerance import Tolerance
    from ape_v2v.session.register import Register
    from ape_v2v.session.terms import SessionTerms

_PAUSE = 0.02  # seconds between two looks at the own meter


class Comparison:
    """The two meters of one connection, on the consumer's side."""

    def __init__(
        self,
        register: Register,
        start_wh: Callable[[], int],
        terms: SessionTerms,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """Compare with a register.

        Args:
            register: The own one.
            start_wh: Tells where it stood when the connection's first session began, Wh.
            terms: What the consumer agrees to.
            clock: The time, seconds.
            sleep: Waits so many seconds.
        """
        self._register = register
        self._start_wh = start_wh
        self._tolerance: Tolerance = terms.tolerance
        self._interval = terms.meter_interval
        self._clock = clock
        self._sleep = sleep

    def own(self) -> tuple[int, int]:
        """The own meter's energy since the session began, and its resolution, Wh.

        A reading that cannot be used is tried again for two of the meter's intervals.

        Raises:
            MeterError: The own meter gives none.
            SessionError: What it says cannot be.
        """
        until = self._clock() + 2 * self._interval
        while True:
            try:
                reading: MeterReading = self._register.read()
            except MeterError:
                if self._clock() >= until:
                    raise
                self._sleep(_PAUSE)
            else:
                return reading.energy_wh - self._start_wh(), reading.resolution_wh

    def require_agreement(
        self, claimed_wh: int, resolution_wh: int, unacknowledged_wh: int, contracted_wh: int
    ) -> int:
        """Refuse a reading that the own meter does not bear out.

        The own meter may be behind, by as long as it takes between two readings: it is read again
        meanwhile. It may be ahead, by what has flowed since the provider's meter was read.

        Args:
            claimed_wh: The provider's reading.
            resolution_wh: The smallest step that its register shows.
            unacknowledged_wh: What may have flowed in between, at most.
            contracted_wh: A reading never says more.

        Returns:
            The own meter's reading, Wh.

        Raises:
            SessionError: The meters disagree, or what the own one says cannot be.
            MeterError: The own meter gives no reading.
        """
        until = self._clock() + self._interval
        own, step = self.own()
        while (
            claimed_wh >= self._tolerance.bounds(own, step + resolution_wh).stop
            and self._clock() < until
        ):
            self._sleep(_PAUSE)
            own, step = self.own()
        self._tolerance.check(
            claimed_wh, own, step + resolution_wh, unacknowledged_wh, contracted_wh
        )
        return own
