"""How far the two meters of a session may be apart."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ape_v2v.session.protocol.codes import ErrorCode, SessionError


@dataclass(frozen=True)
class Tolerance:
    """How far the provider's reading may be from the consumer's own."""

    share: Decimal = Decimal("0.02")
    """A part of the consumer's own reading, for the losses in the cable."""
    wh: int = 0
    """Whatever the reading. What the registers cannot show comes on top of it."""

    def bounds(self, own_wh: int, resolution_wh: int, unacknowledged_wh: int = 0) -> range:
        """What the provider may say while the own meter says so much.

        Args:
            own_wh: The consumer's reading.
            resolution_wh: The smallest steps of both registers together, 2 Wh at least: energy is
                the difference of two readings that are rounded down.
            unacknowledged_wh: What may have flowed since the provider's meter was read.
        """
        apart = int(own_wh * self.share) + self.wh + resolution_wh - 1
        return range(max(0, own_wh - apart - unacknowledged_wh), own_wh + apart + 1)

    def check(
        self,
        claimed_wh: int,
        own_wh: int,
        resolution_wh: int,
        unacknowledged_wh: int,
        contracted_wh: int,
    ) -> None:
        """Refuse a reading that the consumer's own meter does not bear out.

        Args:
            claimed_wh: The provider's reading.
            own_wh: The consumer's.
            resolution_wh: The smallest steps of both registers together.
            unacknowledged_wh: What may have flowed since the provider's meter was read.
            contracted_wh: A reading never says more.
        """
        bounds = self.bounds(own_wh, resolution_wh, unacknowledged_wh)
        too_low = claimed_wh < bounds.start and claimed_wh < contracted_wh
        if too_low or claimed_wh >= bounds.stop:
            raise SessionError(
                ErrorCode.METERS_DISAGREE,
                f"the provider's meter says {claimed_wh} Wh and the own one {own_wh} Wh: expected "
                f"from {bounds.start} to {bounds.stop - 1} Wh. Stop, and see which of them is "
                "wrong",
            )
