"""What a session needs of the market: what was agreed, the time, and the transaction at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.session.protocol.agreement import Agreement, ConnectionEnd


class MarketPort(Protocol):
    """What one side asks of its own node."""

    def agreement(self) -> Agreement:
        """The connection at a confirmed block.

        Raises:
            SessionError: There is none, or the node cannot be asked.
        """

    def now(self) -> int:
        """The chain's time, seconds since 1970."""

    def end_of(self, agreement: Agreement) -> ConnectionEnd | None:
        """How the connection ended, once that is confirmed; None while it has not."""

    def require_award(self, agreement: Agreement) -> None:
        """Look whether the connection is still there, or has ended.

        Raises:
            SessionError: A reorganisation has taken the award back, and with it the token, or the
                node cannot be asked.
        """

    def settle(self, receipt: EnergyStatement) -> None:
        """Collect as the provider what the consumer has acknowledged.

        Raises:
            Refused: The market would not accept it, because the connection is over, say.
        """

    def end(self, settlement: EnergyStatement) -> None:
        """Pay as the consumer what the provider has stated.

        Raises:
            Refused: The market would not accept it, because the connection is over, say.
        """
