"""How long how much power may flow, so that it is no more energy than is allowed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ape_v2v.metering.ocpp.dialect import PowerPeriod

_SECONDS_PER_HOUR = 3600
_LEAST_SECONDS = 5
"""The last of the energy flows slower, so that a vehicle can follow."""
_LEAST_W = 1380
"""Below 6 A no vehicle charges."""
_RENEWED_AT = 0.5
"""A schedule is made longer when half of it is over,"""
_WORTH_SECONDS = 2.0
"""and only by so much."""


@dataclass(frozen=True)
class PowerGrant:
    """What a charger is told: so much power, until then, and none after it."""

    power_w: float
    since: float
    until: float

    @classmethod
    def of(cls, left_wh: float, power_w: int, heard: float, now: float) -> PowerGrant | None:
        """What to let flow now; None when it may all have flowed since the last reading.

        Args:
            left_wh: What may still flow, by that reading.
            power_w: The most that flows.
            heard: When that was, seconds.
            now: Seconds.
        """
        power = float(power_w)
        left_wh -= power * (now - heard) / _SECONDS_PER_HOUR
        if left_wh <= 0:
            return None
        if left_wh * _SECONDS_PER_HOUR / power >= _LEAST_SECONDS:
            return cls(power, now, now + int(left_wh * _SECONDS_PER_HOUR / power))
        slower = left_wh * _SECONDS_PER_HOUR / _LEAST_SECONDS
        power = min(power, max(slower, _LEAST_W))
        return cls(power, now, now + math.ceil(left_wh * _SECONDS_PER_HOUR / power))

    def stands(self, left_wh: float, heard: float, now: float) -> bool:
        """Whether it is left as it is: it is not too much, and not worth making longer yet."""
        second = self.power_w / _SECONDS_PER_HOUR
        unused = left_wh - second * max(0.0, self.until - heard)
        is_young = now - self.since < _RENEWED_AT * (self.until - self.since)
        return unused >= -second - 1 and (is_young or unused <= _WORTH_SECONDS * second)


def periods(grant: PowerGrant | None, *, discharging: bool) -> list[PowerPeriod]:
    """The schedule of a grant; of none, that nothing flows."""
    if grant is None:
        return [PowerPeriod(0, 0)]
    power = int(grant.power_w)
    return [
        PowerPeriod(0, -power if discharging else power),
        PowerPeriod(round(grant.until - grant.since), 0),
    ]
