"""The two markets behind one interface, so that the same scenarios play on both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from ape_v2v.market.interface import messages
from ape_v2v.market.interface.parameters import Parameters
from benchmarks.gas.stage import (
    ETHER,
    Call,
    Stage,
    person,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eth_account.signers.local import LocalAccount

# An auction for 20 kWh at no more than 0.0003 ether for one of them.
ENERGY = 20_000
"""Wh."""
MAX_RATE = 300 * 10**9
"""Wei per Wh."""
BIDDING_TIME = 600
"""Seconds."""
VALIDITY = 7_200
"""Seconds."""
RESERVE = ENERGY * MAX_RATE
TERMS = messages.offered(ENERGY, MAX_RATE, VALIDITY)
NOTES = "Leaf, 39 kWh"
METER_DATA = b"\x11" * 32

ORGANIZATION = person("organization")
RELAYER = person("relayer")
SESSION_KEY = person("a key in a car")


def rate_of(number: int) -> int:
    """The rate of the bid with this number, from 1: each two hundredths below the one before."""
    rate = MAX_RATE
    for _ in range(number):
        rate = rate * 98 // 100
    return rate


class Market(ABC):
    """A market on a stage, in which the organization has registered nobody yet."""

    name: str

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def wait(self, seconds: int) -> None:
        self.stage.chain.timestamp += seconds

    def register(self, evs: Iterable[LocalAccount]) -> None:
        for ev in evs:
            self.add_ev(ev)

    def add_ev(self, ev: LocalAccount) -> Call:
        return self.stage.call(ORGANIZATION, "addEV", ev.address, NOTES)

    def remove_ev(self, ev: LocalAccount) -> Call:
        return self.stage.call(ORGANIZATION, "removeEV", ev.address)

    def change_status(self) -> Call:
        return self.stage.call(ORGANIZATION, "changeStatus")

    @abstractmethod
    def start(self, consumer: LocalAccount) -> Call:
        """Start an auction. The reserve is paid by whatever way is cheapest for the consumer."""

    @abstractmethod
    def bid(self, consumer: LocalAccount, provider: LocalAccount, rate: int) -> Call:
        """Bid at a rate, in wei per Wh."""

    @abstractmethod
    def award(self, consumer: LocalAccount, provider: LocalAccount) -> Call:
        """End the auction, which the provider has won."""

    @abstractmethod
    def pay(self, consumer: LocalAccount) -> Call:
        """End the connection: the provider is paid for all the energy."""

    def trade(self, consumer: LocalAccount, providers: list[LocalAccount]) -> list[Call]:
        """A trade in which the providers overtake one another, in this order."""
        calls = [self.start(consumer)]
        calls += [
            self.bid(consumer, provider, rate_of(number))
            for number, provider in enumerate(providers, start=1)
        ]
        self.wait(BIDDING_TIME)
        calls += [self.award(consumer, providers[-1]), self.pay(consumer)]
        return calls


class PaperMarket(Market):
    """The paper's design. Money comes with the calls and goes out with `EndConnection`."""

    name = "paper"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        stage.deploy(ORGANIZATION)

    def start(self, consumer: LocalAccount, start_price: int = MAX_RATE) -> Call:
        arguments = (ENERGY, BIDDING_TIME, start_price)
        return self.stage.call(consumer, "StartAuction", *arguments, value=ENERGY * start_price)

    def bid(self, consumer: LocalAccount, provider: LocalAccount, rate: int) -> Call:
        return self.stage.call(provider, "PlaceBid", consumer.address, rate, value=ENERGY * rate)

    def award(self, consumer: LocalAccount, provider: LocalAccount) -> Call:
        return self.stage.call(consumer, "EndAuction", provider.address, ENERGY)

    def pay(self, consumer: LocalAccount) -> Call:
        return self.stage.call(consumer, "EndConnection")


class OwnMarket(Market):
    """This project's. Money is in the balances or comes with the calls; it leaves by `withdraw`.

    `pay_along` says which: whether start and bid bring the reserve and the bond along.
    """

    name = "ours"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.pay_along = False
        stage.deploy(ORGANIZATION, ORGANIZATION.address, Parameters().as_tuple())

    def add_evs(self, evs: list[LocalAccount]) -> Call:
        addresses = [ev.address for ev in evs]
        return self.stage.call(ORGANIZATION, "addEVs", addresses, [NOTES] * len(evs))

    def auction_id(self, consumer: LocalAccount) -> int:
        return int(self.stage.view("currentAuctionId", consumer.address))

    def deposit(self, ev: LocalAccount, amount: int = ETHER) -> Call:
        return self.stage.call(ev, "deposit", value=amount)

    def deposit_for(self, ev: LocalAccount, sender: LocalAccount, amount: int = ETHER) -> Call:
        return self.stage.call(sender, "depositFor", ev.address, value=amount)

    def withdraw(self, ev: LocalAccount, amount: int) -> Call:
        return self.stage.call(ev, "withdraw", amount, ev.address)

    def start(self, consumer: LocalAccount) -> Call:
        terms = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
        return self.stage.call(consumer, "startAuction", *terms, value=self._along)

    def bid(self, consumer: LocalAccount, provider: LocalAccount, rate: int) -> Call:
        auction_id = self.auction_id(consumer)
        return self.stage.call(provider, "placeBid", auction_id, rate, TERMS, value=self._along)

    def signed_bid(self, consumer: LocalAccount, provider: LocalAccount, rate: int) -> Call:
        """A bid that the provider has signed, sent by somebody else. The bond is in its balance."""
        return self.stage.call(RELAYER, *self.bid_of(consumer, provider, rate))

    def bid_of(self, consumer: LocalAccount, provider: LocalAccount, rate: int) -> tuple[Any, ...]:
        """A signed bid as a call: the method, and what it takes."""
        auction_id = self.auction_id(consumer)
        deadline = self.stage.chain.timestamp + BIDDING_TIME
        signature = self.stage.sign(
            provider,
            messages.Bid,
            auctionId=auction_id,
            energyWh=ENERGY,
            maxRate=MAX_RATE,
            validity=VALIDITY,
            rate=rate,
            nonce=self.stage.view("evs", provider.address)[-1],  # revocations
            deadline=deadline,
        )
        return ("placeBidFor", auction_id, provider.address, rate, deadline, signature)

    def award(self, consumer: LocalAccount, provider: LocalAccount) -> Call:  # noqa: ARG002
        return self.stage.call(consumer, "endAuction", self.auction_id(consumer))

    def pay(self, consumer: LocalAccount) -> Call:
        return self.stage.call(consumer, "endConnection", self.auction_id(consumer))

    def settle(
        self, consumer: LocalAccount, provider: LocalAccount, *, last: bool, key: bool = False
    ) -> Call:
        """The provider hands in the consumer's receipt for a little less than all the energy."""
        auction_id = self.auction_id(consumer)
        signer = SESSION_KEY if key else consumer
        signature = self._consent(signer, consumer, provider, last=last)
        if key:
            delegation = {"auctionId": auction_id, "key": SESSION_KEY.address}
            signature += self.stage.sign(consumer, messages.SessionKey, **delegation)
        reading = (auction_id, ENERGY - 1, METER_DATA, last)
        return self.stage.call(provider, "settle", reading, signature, b"")

    def settle_by_others(self, consumer: LocalAccount, provider: LocalAccount) -> Call:
        """Somebody else hands in what both have signed."""
        return self.stage.call(RELAYER, *self.reading_of(consumer, provider))

    def reading_of(self, consumer: LocalAccount, provider: LocalAccount) -> tuple[Any, ...]:
        """What both have signed as a call: the method, and what it takes."""
        auction_id = self.auction_id(consumer)
        signatures = [
            self._consent(who, consumer, provider, last=True) for who in (consumer, provider)
        ]
        reading = (auction_id, ENERGY - 1, METER_DATA, True)
        return ("settle", reading, *signatures)

    def _consent(
        self, signer: LocalAccount, consumer: LocalAccount, provider: LocalAccount, *, last: bool
    ) -> bytes:
        """A signature over a reading of a little less than all the energy."""
        return self.stage.sign(
            signer,
            messages.Reading,
            auctionId=self.auction_id(consumer),
            consumer=consumer.address,
            provider=provider.address,
            energyWh=ENERGY - 1,
            meterDataHash=METER_DATA,
            last=last,
        )

    def signed_trade(self, consumer: LocalAccount, providers: list[LocalAccount]) -> list[Call]:
        """A trade in which all bids are signed, and only the best one is sent to the chain."""
        calls = [self.start(consumer)]
        calls.append(self.signed_bid(consumer, providers[-1], rate_of(len(providers))))
        self.wait(BIDDING_TIME)
        calls += [self.award(consumer, providers[-1]), self.pay(consumer)]
        return calls

    @property
    def _along(self) -> int:
        return RESERVE if self.pay_along else 0
