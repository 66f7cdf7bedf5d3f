"""What the market has on record under an auction's id, whatever its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.market.interface import messages
from ape_v2v.market.interface.access import address_of, require_signer
from ape_v2v.market.interface.records import AuctionInfo
from ape_v2v.market.interface.states import State
from ape_v2v.market.shapes import Standing
from ape_v2v.market.statements import SignedKey

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.market.desk import Desk
    from ape_v2v.units import Money


class AuctionRecord:
    """An auction, or the connection that it became."""

    def __init__(self, market: Desk, auction_id: int) -> None:
        self.market = market
        self.id = auction_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and (self.market.address, self.id) == (
            other.market.address,
            other.id,
        )

    def __hash__(self) -> int:
        return hash((type(self), self.market.address, self.id))

    @property
    def info(self) -> AuctionInfo:
        """Everything about the auction at the latest block.

        Raises:
            Refused: The auction is over, or never was.
        """
        found = self.market.contract.view("auctions", self.id)
        return AuctionInfo.read(self.id, found, self.market.currency)

    def standing(self) -> Standing:
        """Everything about the auction, and what is at stake in it.

        Raises:
            Refused: The auction is over, or never was.
        """
        info = self.info
        reserve, bond, penalty = self.market.contract.views(
            [(name, (self.id,)) for name in ("reserve", "bond", "penalty")]
        )
        highest = None
        if info.state is State.OPEN:
            highest = info.highest_rate(self.market.parameters.minDecrementBps)
        money = self.market.money
        return Standing(info, money(reserve), money(bond), money(penalty), highest)

    def sign_key(self, key: str, *, signer: AccountAPI) -> SignedKey:
        """Let a key sign the readings of this auction for an account, which then signs no more.

        Args:
            key: The address of the key: a car's own account, for instance.
            signer: The consumer, or the provider, now or to be.
        """
        require_signer(signer)
        key = address_of(key)
        signature = self.market.sign(messages.SessionKey, signer=signer, auctionId=self.id, key=key)
        return SignedKey(self.id, signer.address, key, signature)

    @property
    def state(self) -> State:
        """What the chain says of it now."""
        return State(self.market.contract.view("auctions", self.id).state)

    @property
    def reserve(self) -> Money:
        """What the consumer has locked; 0 when the auction is over."""
        return self.market.money(self.market.contract.view("reserve", self.id))

    @property
    def bond(self) -> Money:
        """What the leading provider has locked, or the next one would have to."""
        return self.market.money(self.market.contract.view("bond", self.id))

    @property
    def penalty(self) -> Money:
        """What a broken promise costs."""
        return self.market.money(self.market.contract.view("penalty", self.id))
