"""Energy that somebody has signed for: one type, from the link to the market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ape_v2v.units import Energy


@dataclass(frozen=True)
class EnergyStatement:
    """A `MeterValue`, `MeteringReceipt` or `Settlement`: what one side says of the energy.

    Which of them it is shows in the signature alone, and in where it is kept.
    """

    token: bytes
    """The connection's access token, 32 bytes."""
    energy: Energy
    """Cumulative for the connection."""
    meter_data_hash: bytes
    """Keccak-256 of the meter's record, 32 bytes."""
    signature: bytes
    """65 bytes: r, s, v."""

    @property
    def energy_wh(self) -> int:
        """The energy as messages and stores have it, Wh."""
        return int(self.energy)

    @property
    def arguments(self) -> tuple[int, bytes, bytes]:
        """What the contract's functions take; they know the token by the auction."""
        return int(self.energy), self.meter_data_hash, self.signature
