"""An auction: from the consumer's request to the award."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ape_v2v.chain import blocks
from ape_v2v.errors import OutcomeUnknown, V2VError
from ape_v2v.market.connection import Connection
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.access import require_signer
from ape_v2v.market.interface.records import NO_MONEY, SignedBid, consumer_of, moment
from ape_v2v.market.standing import AuctionRecord

if TYPE_CHECKING:
    from datetime import datetime

    from ape.api import AccountAPI

    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.units import Money, Rate


class Auction(AuctionRecord):
    """From the consumer's request to the award."""

    @property
    def time_left(self) -> timedelta:
        """How long bids are accepted, by the latest block's time; 0 once they are not."""
        left = self.info.closing_time - moment(blocks.block(self.market.node).timestamp)
        return max(left, timedelta(0))

    @property
    def best_bid(self) -> Rate | None:
        """The lowest rate that was bid and stands; None without a bid."""
        return self.info.rate

    @property
    def highest_rate(self) -> Rate | None:
        """The highest rate that would be accepted now; None when no bid can undercut."""
        return self.info.highest_rate(self.market.parameters.minDecrementBps)

    def place_bid(
        self,
        rate: Rate | str,
        *,
        sender: AccountAPI,
        value: Money | str = NO_MONEY,
        seen: AuctionInfo | None = None,
    ) -> Mined:
        """Bid to deliver the energy at this rate, and lock the bond unless one is already.

        Args:
            rate: At most `highest_rate`.
            sender: A registered EV other than the consumer.
            value: Ether that is added to the sender's balance first.
            seen: What the bid was decided on: if a reorganisation has given the auction other
                terms since, the market refuses it. None takes the terms that it has now, which
                costs one more question to the node.

        Raises:
            Refused: The market refuses it.
        """
        require_signer(sender)
        terms = self._info_or(seen).terms

        def bond() -> Money:
            record, bond = self.market.contract.views(
                [("auctions", [self.id]), ("bond", [self.id])]
            )
            return self.market.money(0 if record.provider == sender.address else bond)

        return self.market.transact(
            "placeBid",
            self.id,
            int(self.market.rate_of(rate)),
            terms,
            sender=sender,
            value=self.market.along(value),
            locks=bond,
        )

    def sign_bid(
        self,
        rate: Rate | str,
        deadline: datetime,
        *,
        signer: AccountAPI,
        seen: AuctionInfo | None = None,
    ) -> SignedBid:
        """Sign a bid for anyone to place, on the terms that were seen, or that the auction has now.

        Any removal of a bid makes it void, and so does revoking.
        """
        require_signer(signer)
        last_second, info = int(deadline.timestamp()), self._info_or(seen)
        rate = self.market.rate_of(rate)
        nonce = self.bid_nonce(signer.address)
        signature = self.market.sign(
            messages.Bid,
            signer=signer,
            auctionId=self.id,
            energyWh=int(info.energy),
            maxRate=int(info.max_rate),
            validity=int(info.validity.total_seconds()),
            rate=int(rate),
            nonce=nonce,
            deadline=last_second,
        )
        return SignedBid(self.id, signer.address, rate, nonce, last_second, signature)

    def bid_nonce(self, provider: str) -> int:
        """What a bid that this provider signs has to carry, to be placed now."""
        revocations = self.market.contract.view("evs", provider).revocations
        return int(self.info.removals + revocations)

    def relay_bid(self, bid: SignedBid, *, sender: AccountAPI) -> Mined:
        """Place a bid that its provider has signed, at the sender's gas."""
        return self.market.transact(
            "placeBidFor",
            self.id,
            bid.provider,
            int(bid.rate),
            bid.deadline,
            bid.signature,
            sender=sender,
        )

    def remove_bid(self, *, sender: AccountAPI) -> Mined:
        """Take back the sender's standing bid; this costs it the penalty."""
        return self.market.transact("removeBid", self.id, sender=sender, pays=lambda: self.penalty)

    def cancel(self, max_penalty: Money | str = NO_MONEY, *, sender: AccountAPI) -> Mined:
        """Cancel the auction; with a bid standing this may cost the consumer the penalty.

        Args:
            max_penalty: The most that it may cost. None by default: free, or refused.
            sender: The consumer, or anyone once the award window has passed.
        """
        require_signer(sender)
        return self.market.transact(
            "cancelAuction",
            self.id,
            int(self.market.money_of(max_penalty)),
            sender=sender,
            pays=lambda: self.cancellation_penalty if self._is_consumer(sender) else NO_MONEY,
        )

    @property
    def cancellation_penalty(self) -> Money:
        """What cancelling costs the consumer now: nothing unless an EV is owed the penalty."""
        info, now = self.info, moment(blocks.block(self.market.node).timestamp)
        if info.provider is None or not self.market.is_ev(info.provider):
            return self.market.money(0)
        if info.free_until is not None and now < info.free_until:
            return self.market.money(0)
        window = timedelta(seconds=self.market.parameters.awardWindow)
        if info.open_award and now >= info.closing_time + window:
            return self.market.money(0)
        return self.penalty

    def end(self, *, sender: AccountAPI) -> Connection | None:
        """Accept the standing bid; without one, take the reserve back.

        Returns:
            The connection with the winner; None when nobody bid.
        """
        mined = self.market.transact("endAuction", self.id, sender=sender)
        for name, args in self.market.facts(mined):
            if name == "Connected":
                return Connection(self.market, args["auctionId"])
        if not mined.logs:
            raise OutcomeUnknown(mined.transaction, "its receipt has no events")
        return None

    def _info_or(self, seen: AuctionInfo | None) -> AuctionInfo:
        """What was seen of this auction, or is now.

        Raises:
            V2VError: It was seen of another one.
        """
        if seen is None:
            return self.info
        if seen.id != self.id:
            raise V2VError(f"seen is auction {seen.id}, and the bid is for {self.id}: pass its own")
        return seen

    @property
    def _leader(self) -> str:
        """Who made the standing bid; the zero address when none stands or the auction is over."""
        return str(self.market.contract.view("auctions", self.id).provider)

    def _is_consumer(self, account: AccountAPI) -> bool:
        return account.address.lower() == consumer_of(self.id)
