"""A meter that now and then gives no reading for a moment, as real ones do."""

import random
import time

from ape_v2v.metering.cable import Cable
from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.simulated import SimulatedMeter

LONGEST = 0.8  # seconds: less than either side bears


class HiccupMeter:
    """A simulated meter with hiccups; all of its arguments are texts, as names have them."""

    def __init__(self, cable: str, name: str, start: str = "0", share: str = "0.01") -> None:
        self._meter = SimulatedMeter(Cable(cable), id=name, start_wh=int(start))
        self.id = name
        self._share = float(share)
        self._until = 0.0

    def read(self):
        now = time.monotonic()
        if now > self._until and random.random() < self._share:
            self._until = now + random.uniform(0, LONGEST)
        if now < self._until:
            raise MeterError(f"the meter {self.id} says nothing at the moment")
        return self._meter.read()
