"""A simulated source of energy, and simulated meters on both ends of a simulated cable."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.cable import Flow
from ape_v2v.metering.meter import MeterError, MeterReading, plain_record, wire_id

if TYPE_CHECKING:
    from ape_v2v.metering.cable import Cable
    from ape_v2v.metering.curve import ChargingCurve

# Over so much energy, Wh, a meter's error stays the same.
_NOISE_STEP = 50


class SimulatedSource:
    """Delivers energy over a simulated cable while it is allowed to.

    Nothing runs in the background, and it may be made anew at any time: the cable remembers.
    """

    def __init__(self, cable: Cable, curve: ChargingCurve, speed: float = 1.0) -> None:
        """Take a cable.

        Args:
            cable: Where to deliver.
            curve: How the battery at the other end takes it.
            speed: Simulated seconds per real second.
        """
        if not 0 < speed < math.inf:
            raise ConfigurationError(f"a speed of {speed} is out of range: give one above 0")
        self._cable = cable
        self._curve = curve
        self._speed = speed
        self._lock = Lock()

    @property
    def delivered_wh(self) -> int:
        """The energy so far, Wh, rounded down."""
        flow = self._cable.flow()
        return int(flow.energy_at(self._cable.clock())) if flow else 0

    @property
    def max_power_w(self) -> int:
        """The most that it can deliver, W of real time."""
        return math.ceil(self._curve.power_w * self._speed)

    def allow(self, up_to_wh: int) -> None:
        """Deliver until the energy through the cable has reached `up_to_wh`, and not beyond.

        A limit below what has been delivered stops the flow: energy cannot be taken back.

        Raises:
            MeterError: The cable's file cannot be read or written.
        """
        with self._lock:
            self._allow(up_to_wh)

    def stop(self) -> None:
        """Deliver nothing more until `allow` is called again.

        Raises:
            MeterError: The cable's file cannot be read or written.
        """
        self.allow(0)

    def _allow(self, up_to_wh: int) -> None:
        now = self._cable.clock()
        flow = self._cable.flow()
        delivered = flow.energy_at(now) if flow else 0.0
        limit = max(float(up_to_wh), delivered)
        if flow and self._goes_on(flow, delivered):
            # The same start: the energy does not depend on how often this was called.
            since, start = flow.since, flow.start_wh
        else:
            since, start = now, delivered
        self._cable.carry(Flow(self._curve, self._speed, since, start, limit))

    def _goes_on(self, flow: Flow, delivered: float) -> bool:
        same = (flow.curve, flow.speed) == (self._curve, self._speed)
        return same and delivered < flow.limit_wh


class SimulatedMeter:
    """A meter on one end of a simulated cable.

    Its register follows from the energy through the cable alone, so it goes on after a crash where
    it was, and never falls.
    """

    def __init__(
        self,
        cable: Cable,
        *,
        id: str,  # noqa: A002 - as the interface has it
        loss: float = 0.0,
        noise: float = 0.0,
        start_wh: int = 0,
        seed: int = 0,
    ) -> None:
        """Put a meter on a cable.

        Args:
            cable: What to measure.
            id: At most 32 bytes.
            loss: The part of the energy that is lost on the way to this meter, from 0 to below 1.
            noise: How far off the meter may be at any time, as a part of what it measures; the
                same for the same seed. From 0 to below 1.
            start_wh: What the register shows before any energy flows, Wh.
            seed: Of the noise.
        """
        for name, value in (("loss", loss), ("noise", noise)):
            if not 0 <= value < 1:
                raise ConfigurationError(
                    f"a {name} of {value} is out of range: from 0 to below 1, as in 0.01 for 1 %"
                )
        if start_wh < 0:
            raise ConfigurationError(f"a register of {start_wh} Wh is below 0")
        wire_id(id)
        self.id = id
        self._cable = cable
        self._loss = loss
        self._noise = noise
        self._start_wh = start_wh
        self._seed = seed
        self._steps = [0.0]  # the energy measured at each multiple of _NOISE_STEP
        self._highest = start_wh

    def read(self) -> MeterReading:
        """What the meter shows now.

        Raises:
            MeterError: The cable's file cannot be read, or was exchanged.
        """
        moment = self._cable.clock()
        flow = self._cable.flow()
        self._require_same_cable(flow)
        measured = self._measured(flow.energy_at(moment)) if flow else 0.0
        power = round(flow.power_at(moment) * (1 - self._loss)) if flow else 0
        # A clock that was set back must not turn the register back.
        self._highest = energy = max(self._highest, self._start_wh + int(measured))
        at = datetime.fromtimestamp(moment, UTC)
        return MeterReading(energy, power, at, plain_record(self.id, energy, power, at))

    def _require_same_cable(self, flow: Flow | None) -> None:
        most = self._start_wh + (int(self._measured(flow.limit_wh)) if flow else 0)
        if most < self._highest:
            raise MeterError(
                f"the register of {self.id} shows {self._highest} Wh, and through "
                f"{self._cable.path} at most {most} Wh have come: it was taken away or replaced "
                "during the session; bring it back, or start another session"
            )

    def _measured(self, energy_wh: float) -> float:
        arriving = energy_wh * (1 - self._loss)
        if not self._noise:
            return arriving
        step, rest = divmod(arriving, _NOISE_STEP)
        missing = range(len(self._steps), int(step) + 1)
        gains = (_NOISE_STEP * self._gain(index - 1) for index in missing)
        self._steps += list(accumulate(gains, initial=self._steps[-1]))[1:]
        return self._steps[int(step)] + rest * self._gain(int(step))

    def _gain(self, step: int) -> float:
        return 1 + self._noise * random.Random(f"{self._seed}:{step}").uniform(-1, 1)
