"""How far the two meters of a session may be apart."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ape_v2v.session.protocol.codes import ErrorCode, SessionError


@dataclass(frozen=True)
class Tolerance:
    """How far the two meters may be apart."""

    share: Decimal = Decimal("0.02")
    """A part of the consumer's own reading, for the losses in the cable."""
    wh: int = 1
    """Both registers are rounded down."""

    def check(self, claimed_wh: int, own_wh: int, unacknowledged_wh: int, contracted: int) -> None:
        """Refuse a reading that the consumer's own meter does not bear out.

        The own meter is read after the provider's, so what has flowed in between, at most what the
        provider delivers without a receipt, may be in it too.

        Args:
            claimed_wh: The provider's reading.
            own_wh: The consumer's.
            unacknowledged_wh: What may have flowed between the two.
            contracted: A reading never says more.
        """
        highest = own_wh + int(own_wh * self.share) + self.wh
        lowest = own_wh - int(own_wh * self.share) - self.wh - unacknowledged_wh
        if claimed_wh > highest or (claimed_wh < lowest and claimed_wh < contracted):
            raise SessionError(
                ErrorCode.METERS_DISAGREE,
                f"the provider's meter says {claimed_wh} Wh and the own one {own_wh} Wh: expected "
                f"from {max(lowest, 0)} to {highest} Wh. Stop, and see which of them is wrong",
            )
