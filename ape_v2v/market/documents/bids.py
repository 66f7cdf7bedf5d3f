"""A bid that its provider has signed, for anyone to place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer

from ape_v2v.chain import blocks
from ape_v2v.config import Configuration
from ape_v2v.market.documents.document import Document, DocumentError
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.fields import Address  # noqa: TC001 - pydantic reads
from ape_v2v.market.interface.records import SignedBid
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State
from ape_v2v.units import Energy, Rate

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.market.auction import Auction
    from ape_v2v.market.interface.records import AuctionInfo


class BidDocument(Document):
    """A bid that its provider has signed, for anyone to relay."""

    what = "a signed bid"

    type: Literal["Bid"] = "Bid"
    provider: Address
    energy_wh: int = Field(ge=1, le=Energy.maximum)
    max_rate: Annotated[int, Field(ge=1, le=Rate.maximum), PlainSerializer(str)]
    validity: int = Field(ge=1)
    """Of the auction, as its energy and maximum rate, when the bid was signed."""
    rate: Annotated[int, Field(ge=1, le=Rate.maximum), PlainSerializer(str)]
    nonce: int = Field(ge=0)
    """How many bids had been removed from the auction, and revoked by the provider."""
    deadline: datetime
    """The last second in which the signature is valid."""

    @classmethod
    def sign(
        cls,
        auction: Auction,
        rate: Rate,
        deadline: datetime,
        signer: AccountAPI,
        confirmations: int | None = None,
    ) -> Self:
        """Sign a bid that the market would accept now from this account, its balance apart.

        Args:
            auction: The auction.
            rate: What to bid.
            deadline: The last second in which it may be placed.
            signer: Who bids.
            confirmations: Blocks that must lie on top of the auction's start: others may take the
                place of the latest ones, and another auction with the same id. Configured; 0 on a
                development chain.

        Raises:
            Refused: The market would not accept it.
            DocumentError: The auction is too young.
        """
        info = _open(auction)
        if confirmations is None:
            is_dev = auction.market.node.network.is_dev
            confirmations = 0 if is_dev else Configuration.current().confirmations
        _require_age(auction, info, confirmations)
        _require_bidder(auction, info, signer.address)
        highest = auction.highest_rate or auction.market.rate(0)
        if rate > highest:
            raise Refused("RateTooHigh", {"rate": int(rate), "highest": int(highest)})
        if not rate:
            raise Refused("ZeroRate", {})
        bid = auction.sign_bid(rate, deadline, signer=signer)
        return cls(
            chain_id=auction.market.node.chain_id,
            market=auction.market.address,
            auction_id=bid.auction_id,
            provider=bid.provider,
            energy_wh=int(info.energy),
            max_rate=int(info.max_rate),
            validity=int(info.validity.total_seconds()),
            rate=int(bid.rate),
            nonce=bid.nonce,
            deadline=datetime.fromtimestamp(bid.deadline, UTC),
            signature=bid.signature,
        )

    def bid_for(self, auction: Auction) -> SignedBid:
        """The bid, if it is good for this auction now.

        Raises:
            DocumentError: It is for something else, or a removed bid has made it void, or its
                provider has revoked it.
            Refused: What the market would say: out of time, not the provider's signature, no
                registered EV, or a balance below the bond. Whether the rate is low enough is for
                the market to say in the very block.
        """
        self.require_for(auction)
        info = _open(auction)
        deadline, now = int(self.deadline.timestamp()), blocks.next_timestamp(auction.market.node)
        if now > deadline:
            raise Refused("SignatureExpired", {"deadline": deadline, "timestamp": now})
        self._require_terms(info)
        if self.nonce != (nonce := auction.bid_nonce(self.provider)):
            raise DocumentError(
                f"the bid was signed with the nonce {self.nonce}, and it is {nonce} now: a bid was "
                "removed from the auction, or the provider has revoked what it had signed; ask for "
                "a new one"
            )
        message: Any = messages.Bid  # its domain is a keyword that the class does not declare
        typed = message(
            auctionId=self.auction_id,
            energyWh=self.energy_wh,
            maxRate=self.max_rate,
            validity=self.validity,
            rate=self.rate,
            nonce=self.nonce,
            deadline=deadline,
            eip712_domain=auction.market.domain(),
        )
        self.require_signer(typed, self.provider)
        _require_bidder(auction, info, self.provider)
        balance, bond = auction.market.balance(self.provider), auction.bond
        if info.provider != self.provider and balance < bond:
            raise Refused(
                "BalanceTooLow",
                {"account": self.provider, "balance": int(balance), "needed": int(bond)},
            )
        return SignedBid(
            auction_id=self.auction_id,
            provider=self.provider,
            rate=auction.market.rate(self.rate),
            nonce=self.nonce,
            deadline=deadline,
            signature=self.signature,
        )

    def _require_terms(self, info: AuctionInfo) -> None:
        signed = (self.energy_wh, self.max_rate, self.validity)
        actual = (int(info.energy), int(info.max_rate), int(info.validity.total_seconds()))
        if signed != actual:
            raise DocumentError(
                f"the bid was signed for an auction of {signed[0]} Wh at {signed[1]} wei/Wh at "
                f"most, valid for {signed[2]} s, and this one is of {actual[0]} Wh at {actual[1]} "
                f"wei/Wh, valid for {actual[2]} s: ask for a new one"
            )


def _open(auction: Auction) -> AuctionInfo:
    info, now = auction.info, blocks.next_timestamp(auction.market.node)
    if info.state is not State.OPEN:
        raise Refused(
            "UnexpectedState",
            {"auctionId": info.id, "actual": info.state, "expected": State.OPEN},
        )
    closing_time = int(info.closing_time.timestamp())
    if now >= closing_time:
        raise Refused("BiddingClosed", {"closingTime": closing_time, "timestamp": now})
    return info


def _require_age(auction: Auction, info: AuctionInfo, confirmations: int) -> None:
    block = blocks.height(auction.market.node) - confirmations
    terms = None
    if block >= 0:
        then = auction.market.contract.view("auctions", auction.id, block=block)
        terms = (then.energyWh, then.maxRate, then.validity)
    if terms != (int(info.energy), int(info.max_rate), info.validity.total_seconds()):
        raise DocumentError(
            f"the auction was started less than {confirmations} blocks ago: wait until that is "
            "final, then sign"
        )


def _require_bidder(auction: Auction, info: AuctionInfo, provider: str) -> None:
    if provider == info.consumer:
        raise Refused("OwnAuction", {"auctionId": info.id})
    if not auction.market.is_ev(provider):
        raise Refused("NotEV", {"account": provider})
