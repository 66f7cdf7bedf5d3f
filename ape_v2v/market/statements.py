"""What somebody has signed of energy, and for whom: one type, from the link to the market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ape_v2v.units import Energy


@dataclass(frozen=True)
class EnergyStatement:
    """A `MeterValue`, or a `Reading` as receipt or settlement: what one side says of the energy.

    Which of them it is shows in the signature alone, and in where it is kept.
    """

    token: bytes
    """The connection's access token, 32 bytes."""
    energy: Energy
    """Cumulative for the connection."""
    meter_data_hash: bytes
    """Keccak-256 of the meter's record, 32 bytes."""
    signature: bytes
    """65 bytes: r, s, v; or 130, by a session key."""
    last: bool = False
    """Whether that side agrees to end here."""

    @property
    def energy_wh(self) -> int:
        """The energy as messages and stores have it, Wh."""
        return int(self.energy)


@dataclass(frozen=True)
class SignedKey:
    """An account lets a key sign the readings of one auction for it.

    It signs once, for instance with its request or its bid; whoever has the key signs the rest.
    """

    auction_id: int
    account: str
    """Who has signed this: the consumer or the provider."""
    key: str
    """The address of the key."""
    signature: bytes
    """65 bytes of `account`: r, s, v."""
