"""What a charging session needs of a meter, and of a source of energy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eth_utils.crypto import keccak

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from datetime import datetime

METER_ID_BYTES = 32
MAX_RECORD_BYTES = 16 * 1024
"""The longest record that a message of a session can carry. OCMF ones have about 1 kB."""


class MeterError(V2VError):
    """A meter gives no reading that can be used; nothing may be signed for."""


@dataclass(frozen=True)
class MeterReading:
    """What a meter shows at one moment."""

    energy_wh: int
    """The register: all energy since the meter was made, Wh. It never falls."""
    power_w: int
    at: datetime
    """UTC."""
    record: bytes
    """The meter's own record of this reading, in its canonical form."""
    register: str = ""
    """Which of the meter's registers this is, by its OBIS code; empty for a meter with one."""
    resolution_wh: int = 1
    """The smallest step that the register shows, Wh."""

    @property
    def meter_data_hash(self) -> bytes:
        """What a receipt, and with it the chain, commits to."""
        return keccak(self.record)


class Meter(Protocol):
    """A meter that a session can read."""

    @property
    def id(self) -> str:
        """What the meter is called; see `wire_id`."""

    def read(self) -> MeterReading:
        """The latest reading.

        Raises:
            MeterError: There is none, or none that can be trusted.
        """


class EnergySource(Protocol):
    """What lets energy flow. It counts by itself, from wherever it began."""

    @property
    def delivered_wh(self) -> int:
        """All that it has delivered, Wh, rounded down."""

    @property
    def max_power_w(self) -> int | None:
        """The most that it can deliver, W; None when that is not known."""

    def allow(self, up_to_wh: int) -> None:
        """Deliver until it has delivered so much in all, and not beyond."""

    def stop(self) -> None:
        """Deliver nothing more until it is allowed to again."""


def wire_id(meter_id: str) -> bytes:
    """A meter's id as messages have it: UTF-8, filled up to 32 bytes with zeros.

    Raises:
        MeterError: The id is empty or too long, or could be mistaken for a shorter one.
    """
    data = meter_id.encode()
    if not data or len(data) > METER_ID_BYTES:
        raise MeterError(
            f"the meter's id {meter_id!r} has {len(data)} bytes: give it one of 1 to "
            f"{METER_ID_BYTES} bytes"
        )
    if data.endswith(b"\0"):
        raise MeterError(f"the meter's id {meter_id!r} ends with a zero byte: take that away")
    return data.ljust(METER_ID_BYTES, b"\0")


def plain_record(meter_id: str, energy_wh: int, power_w: int, at: datetime) -> bytes:
    """A reading's record in its canonical form, for a meter that writes none of its own.

    Args:
        meter_id: What the meter is called.
        energy_wh: The register, Wh.
        power_w: The power, W.
        at: When it was read, UTC.
    """
    record = {
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "energyWh": energy_wh,
        "meter": meter_id,
        "powerW": power_w,
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
