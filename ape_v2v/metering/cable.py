"""The simulated cable: a file that stands for the plug between the two vehicles.

Both simulated meters look at it, as two real ones would see the same current. It is not the
network link: it is there when the link is cut, and when either process is dead. What it holds is
not an amount that somebody keeps up to date but the flow since a moment; the energy follows from
the time. So energy goes on flowing, up to the limit, when the provider's process is killed: a
contactor that was closed stays closed. One file is one plugging in, from 0 Wh.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ape_v2v.metering.curve import ChargingCurve
from ape_v2v.metering.meter import MeterError

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Flow:
    """Energy that flows from a moment on, until a limit is reached."""

    curve: ChargingCurve
    speed: float
    """Simulated seconds per real second."""
    since: float
    """Seconds since the epoch, real time."""
    start_wh: float
    """The energy through the cable at that moment."""
    limit_wh: float

    def energy_at(self, moment: float) -> float:
        """All energy through the cable so far, Wh."""
        # A clock that was set back must not take energy back.
        hours = max(0.0, moment - self.since) * self.speed / _SECONDS_PER_HOUR
        return min(self.curve.energy_after(self.start_wh, hours), self.limit_wh)

    def power_at(self, moment: float) -> float:
        """The power, W of simulated time."""
        energy = self.energy_at(moment)
        return self.curve.power_at(energy) if energy < self.limit_wh else 0.0


class Cable:
    """A simulated cable in a file. The provider's source writes it, both meters read it."""

    def __init__(self, path: Path | str, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self.clock = clock

    def flow(self) -> Flow | None:
        """What flows; None before anything has.

        Raises:
            MeterError: The file is not a simulated cable.
        """
        try:
            content = json.loads(self.path.read_bytes())
            return Flow(**{**content, "curve": ChargingCurve(**content["curve"])})
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MeterError(f"the simulated cable cannot be read: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise MeterError(
                f"{self.path} is not a simulated cable: name another file, or take this one away"
            ) from error

    def carry(self, flow: Flow) -> None:
        """Replace what flows: a reader sees the old or the new, and so does one after a crash.

        Raises:
            MeterError: The file cannot be written; what flowed before still does.
        """
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        content: dict[str, Any] = asdict(flow)
        try:
            temporary.write_text(json.dumps(content), "utf-8")
            temporary.replace(self.path)
        except OSError as error:
            raise MeterError(f"the simulated cable cannot be written: {error}") from error
