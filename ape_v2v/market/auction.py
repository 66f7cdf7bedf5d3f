"""An auction: from the consumer's request to the award."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from ape import chain

from ape_v2v.market import messages
from ape_v2v.market.refusals import Refused
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from ape.api import AccountAPI, ReceiptAPI

    from ape_v2v.market.connection import Connection
    from ape_v2v.market.market import Market

NO_MONEY = Money(0)


def moment(timestamp: int) -> datetime:
    """A block's time as a datetime."""
    return datetime.fromtimestamp(timestamp, UTC)


class State(IntEnum):
    """Where the current auction of one consumer stands."""

    NONE = 0
    OPEN = 1
    CONNECTED = 2


def auction_id(consumer: str, round_: int) -> int:
    """The id of a consumer's auction: its address and which of its auctions it is."""
    return int(consumer, 16) << 32 | round_


def consumer_of(auction_id: int) -> str:
    """The consumer's address, lower case, out of an auction's id."""
    return f"0x{auction_id >> 32:040x}"


@dataclass(frozen=True)
class AuctionInfo:
    """Everything about an auction, as the market gives it at one block."""

    id: int
    state: State
    consumer: str
    energy: Energy
    max_rate: Rate
    closing_time: datetime
    validity: timedelta
    provider: str | None
    """Who made the standing bid."""
    rate: Rate | None
    """The standing bid."""
    connected_at: datetime | None
    removals: int
    """How many bids have been removed: what a signed bid must name."""

    @property
    def reserve(self) -> Money:
        """What the consumer has locked: the most that the energy can cost."""
        return self.max_rate * self.energy

    @property
    def cost(self) -> Money | None:
        """What the whole energy costs at the standing bid."""
        return None if self.rate is None else self.rate * self.energy

    def highest_rate(self, min_decrement_bps: int) -> Rate | None:
        """The highest rate that would be accepted; None when no bid can undercut.

        Args:
            min_decrement_bps: The market's parameter of that name.
        """
        if self.rate is None:
            return self.max_rate
        highest = int(self.rate) - max(1, -(-int(self.rate) * min_decrement_bps // 10_000))
        return Rate(highest) if highest > 0 else None


class AuctionRecord:
    """What the market has on record under an auction's id, whatever its state."""

    def __init__(self, market: Market, auction_id: int) -> None:
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
        info = self.market.contract.auctions(self.id)
        state = State(info.state)
        if state is State.NONE:
            raise Refused(
                "UnexpectedState",
                {"auctionId": self.id, "actual": State.NONE, "expected": State.OPEN},
            )
        stands = int(info.provider, 16) != 0
        return AuctionInfo(
            id=self.id,
            state=state,
            consumer=info.consumer,
            energy=Energy(info.energyWh),
            max_rate=Rate(info.maxRate),
            closing_time=moment(info.closingTime),
            validity=timedelta(seconds=info.validity),
            provider=info.provider if stands else None,
            rate=Rate(info.rate) if stands else None,
            connected_at=moment(info.connectedAt) if info.connectedAt else None,
            removals=info.removals,
        )

    @property
    def state(self) -> State:
        return State(self.market.contract.auctions(self.id).state)

    @property
    def reserve(self) -> Money:
        """What the consumer has locked; 0 when the auction is over."""
        return Money(self.market.contract.reserve(self.id))

    @property
    def bond(self) -> Money:
        """What the leading provider has locked, or the next one would have to."""
        return Money(self.market.contract.bond(self.id))

    @property
    def penalty(self) -> Money:
        """What a broken promise costs."""
        return Money(self.market.contract.penalty(self.id))


class Auction(AuctionRecord):
    """From the consumer's request to the award."""

    @property
    def time_left(self) -> timedelta:
        """How long bids are accepted, by the latest block's time; 0 once they are not."""
        left = self.info.closing_time - moment(chain.blocks.head.timestamp)
        return max(left, timedelta(0))

    @property
    def best_bid(self) -> Rate | None:
        return self.info.rate

    @property
    def highest_rate(self) -> Rate | None:
        """The highest rate that would be accepted now; None when no bid can undercut."""
        return self.info.highest_rate(self.market.parameters.minDecrementBps)

    def place_bid(
        self, rate: Rate | str, *, sender: AccountAPI, value: Money | str = NO_MONEY
    ) -> ReceiptAPI:
        """Bid to deliver the energy at this rate, and lock the bond unless one is already.

        Args:
            rate: At most `highest_rate`.
            sender: A registered EV other than the consumer.
            value: Added to the sender's balance first.
        """
        return self.market.transact(
            "placeBid",
            self.id,
            int(Rate.of(rate)),
            sender=sender,
            value=Money.of(value),
            locks=NO_MONEY if self._leader == sender.address else self.bond,
        )

    def sign_bid(self, rate: Rate | str, deadline: datetime, *, signer: AccountAPI) -> SignedBid:
        """Sign a bid for anyone to place. Any removal of a bid makes it void."""
        rate, last_second = Rate.of(rate), int(deadline.timestamp())
        nonce = self.info.removals
        signature = self.market.sign(
            messages.Bid,
            signer=signer,
            auctionId=self.id,
            rate=int(rate),
            nonce=nonce,
            deadline=last_second,
        )
        return SignedBid(self.id, signer.address, rate, nonce, last_second, signature)

    def relay_bid(self, bid: SignedBid, *, sender: AccountAPI) -> ReceiptAPI:
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

    def remove_bid(self, *, sender: AccountAPI) -> ReceiptAPI:
        """Take back the sender's standing bid; this costs it the penalty."""
        return self.market.transact("removeBid", self.id, sender=sender, pays=self.penalty)

    def cancel(self, max_penalty: Money | str = NO_MONEY, *, sender: AccountAPI) -> ReceiptAPI:
        """Cancel the auction; with a bid standing this may cost the consumer the penalty.

        Args:
            max_penalty: The most that it may cost. None by default: free, or refused.
            sender: The consumer, or anyone once the award window has passed.
        """
        return self.market.transact(
            "cancelAuction",
            self.id,
            int(Money.of(max_penalty)),
            sender=sender,
            pays=self.cancellation_penalty if self._is_consumer(sender) else NO_MONEY,
        )

    @property
    def cancellation_penalty(self) -> Money:
        """What cancelling costs the consumer now: nothing unless an EV's bid stands."""
        leader = self._leader
        return self.penalty if self.market.contract.isEV(leader) else NO_MONEY

    def end(self, *, sender: AccountAPI) -> Connection | None:
        """Accept the standing bid; without one, take the reserve back.

        Returns:
            The connection with the winner; None when nobody bid.
        """
        receipt = self.market.transact("endAuction", sender=sender)
        connected = receipt.decode_logs(self.market.contract.Connected)
        return self.market.connection(connected[0].auctionId) if connected else None

    @property
    def _leader(self) -> str:
        """Who made the standing bid; the zero address when none stands or the auction is over."""
        return self.market.contract.auctions(self.id).provider

    def _is_consumer(self, account: AccountAPI) -> bool:
        return account.address.lower() == consumer_of(self.id)


@dataclass(frozen=True)
class SignedBid:
    """A bid that anyone may relay. `deadline` is the last second in which it is valid."""

    auction_id: int
    provider: str
    rate: Rate
    nonce: int
    """How many bids had been removed when it was signed; one more makes it void."""
    deadline: int
    signature: bytes
