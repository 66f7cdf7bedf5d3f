"""The vehicles: each acts by the typed calls of the package, and learns what the chain shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ape_v2v.bidding.policy import BidTerms
from ape_v2v.market.documents.bids import BidDocument
from ape_v2v.market.documents.document import DocumentError
from ape_v2v.market.documents.readings import NO_METER_DATA
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.simulation.chain.pool import Pool, Submitted
from ape_v2v.simulation.vehicles.population import HOUR, charging_seconds
from ape_v2v.simulation.vehicles.strategies import Look
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.market.auction import Auction
    from ape_v2v.market.interface.parameters import Parameters
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.market.market import Market
    from ape_v2v.simulation.chain.accounts import SimulatedAccount
    from ape_v2v.simulation.chain.loop import Loop
    from ape_v2v.simulation.chain.node import SimulatedNode
    from ape_v2v.simulation.scenario.model import Scenario
    from ape_v2v.simulation.streams import Stream
    from ape_v2v.simulation.vehicles.board import Posted, PublicBoard
    from ape_v2v.simulation.vehicles.population import Visit
    from ape_v2v.simulation.vehicles.strategies import Strategy
    from ape_v2v.units import Price, Rate

_LATE = timedelta(days=1)
_MARGIN = 2
"""Seconds."""


class World(Protocol):
    """What vehicles are in."""

    scenario: Scenario
    rules: Parameters
    market: Market
    node: SimulatedNode
    pool: Pool
    loop: Loop
    board: PublicBoard
    ether_price: Price | None
    """None where the market is paid in ether itself."""
    start: int
    refused: dict[str, int]
    providers: dict[str, SimulatedProvider]

    def stream(self, *names: str) -> Stream:
        """The random numbers of somebody for something."""

    def best_offer(self, posted: Posted) -> BidDocument | None:
        """The best signed bid that a consumer holds, as it tells those who ask."""

    def offered(self, posted: Posted) -> int | None:
        """At which rate."""

    def hand_over(self, document: BidDocument, posted: Posted) -> None:
        """Give a signed bid to the consumer."""


class Vehicle:
    """One account, one behaviour."""

    def __init__(self, world: World, name: str, account: SimulatedAccount) -> None:
        self.world = world
        self.name = name
        self.account: Any = account
        self.address = account.address
        self.visit: Visit | None = None
        self.latency: Stream = world.stream(name, "latency")

    def delay(self) -> float:
        """How long it takes to see a block, and to think."""
        return self.latency.exponential(self.world.scenario.chain.latency_seconds)

    def act(self, what: Callable[[], object]) -> bool:
        """Send something; whether the market would have it."""
        try:
            what()
        except Submitted:
            return True
        except Refused as error:
            self.world.refused[error.name] = self.world.refused.get(error.name, 0) + 1
            return False
        return True

    def now_of_visit(self) -> int:
        """Seconds since the start."""
        return int(self.world.loop.now) - self.world.start


class SimulatedConsumer(Vehicle):
    """Asks for energy, awards, and acknowledges what it gets."""

    def __init__(self, world: World, name: str, account: SimulatedAccount) -> None:
        super().__init__(world, name, account)
        self.offers: dict[int, BidDocument] = {}
        """The best signed bid of each auction."""
        self._relayed: set[int] = set()

    def arrive(self, visit: Visit) -> None:
        """Start an auction; who cannot charges in public."""
        self.visit = visit
        market, rules = self.world.market, self.world.scenario.market
        self.act(
            lambda: market.start_auction(
                Energy(visit.energy),
                market.rate(visit.rate),
                timedelta(seconds=rules.bidding_seconds),
                timedelta(seconds=rules.validity_seconds),
                visit.group.site,
                sender=self.account,
            )
        )

    def started(self, posted: Posted) -> None:
        """Its auction runs."""
        self.world.loop.at(posted.closing, lambda: self.close(posted))

    def take(self, document: BidDocument, posted: Posted) -> None:
        """Get a signed bid; the best one is placed just before the close."""
        best = self.offers.get(posted.id)
        if best is None or document.rate < best.rate:
            self.offers[posted.id] = document
            if best is not None and best.provider != document.provider:
                self.world.providers[best.provider].free(posted.id)
        if posted.id not in self._relayed:
            self._relayed.add(posted.id)
            lead = max(_MARGIN, 3 * self.world.scenario.chain.block_seconds)
            self.world.loop.at(posted.closing - lead, lambda: self._relay(posted))

    def _relay(self, posted: Posted) -> None:
        document = self.offers.get(posted.id)
        if document is None or posted.id not in self.world.board.open:
            return
        auction = self.world.market.auction(posted.id)

        def place() -> None:
            try:
                bid = document.bid_for(auction)
            except DocumentError:  # a removal has made it void
                return
            auction.relay_bid(bid, sender=self.account)

        self.act(place)

    def close(self, posted: Posted) -> None:
        """End the auction, unless a late bid has moved its close."""
        if posted.id not in self.world.board.open:
            return
        loop = self.world.loop
        if loop.now < posted.closing:
            loop.at(posted.closing, lambda: self.close(posted))
            return
        if self.world.pool.next_block() < posted.closing:
            loop.after(1, lambda: self.close(posted))
            return
        auction = self.world.market.auction(posted.id)
        if not self.act(lambda: auction.end(sender=self.account)):
            loop.after(HOUR, lambda: self.act(lambda: auction.cancel(sender=self.account)))


class SimulatedProvider(Vehicle):
    """Bids, delivers, and collects."""

    def __init__(
        self, world: World, name: str, account: SimulatedAccount, strategy: Strategy
    ) -> None:
        super().__init__(world, name, account)
        self.strategy = strategy
        self.supply = 0
        """What it can still spare in this visit, Wh."""
        self.engaged: int | None = None
        """The auction in which it leads, or delivers."""
        self.pending: int | None = None
        """The auction in which a bid of it is on its way."""
        self._entered: dict[int, int] = {}

    def arrive(self, visit: Visit) -> None:
        """Look at what is open."""
        self.visit, self.supply = visit, visit.energy
        for posted in list(self.world.board.open.values()):
            self.notice(posted)

    def leave(self, visit: Visit) -> None:
        """Bid no more."""
        if self.visit is visit:
            self.visit = None

    def notice(self, posted: Posted) -> None:
        """See that an auction is new, or stands otherwise."""
        outbid = self.engaged == posted.id and posted.leader not in {None, self.address}
        if self.strategy.signs and outbid:
            self.overtaken(posted)  # what it has signed is too high
        if not self._suits(posted) or posted.leader == self.address:
            return
        seen = (posted.bids, posted.leader, self.world.offered(posted))
        self.world.loop.after(self.delay(), lambda: self._consider(posted, seen))
        if lead := self.strategy.wakes_before_close():
            self.world.loop.at(posted.closing - lead + self.delay(), lambda: self._consider(posted))

    def led(self, posted: Posted) -> None:
        """Its bid stands."""
        self.engaged, self.pending = posted.id, None
        self._entered[posted.id] = posted.rate or 0
        if before := self.strategy.removes_seconds_before:
            auction = self.world.market.auction(posted.id)
            self.world.loop.at(
                posted.closing - before,
                lambda: self.act(lambda: auction.remove_bid(sender=self.account)),
            )

    def overtaken(self, posted: Posted) -> None:
        """Its bid stands no more."""
        if self.engaged == posted.id:
            self.engaged = None

    def decided(self, auction_id: int, *, won: bool) -> None:
        """An auction has ended."""
        if auction_id in self._entered:
            rate = self._entered.pop(auction_id)
            self.strategy.learns(won=won, rate=self.world.market.rate(rate))
        if not won and self.engaged == auction_id:
            self.free(auction_id)

    def free(self, auction_id: int) -> None:
        """It can bid again."""
        if self.engaged == auction_id:
            self.engaged = None
            if self.visit is not None:
                for posted in list(self.world.board.open.values()):
                    self.notice(posted)

    def refused(self) -> None:
        """A bid of it came too late, or too high."""
        auction_id, self.pending = self.pending, None
        posted = self.world.board.open.get(auction_id or 0)
        if posted is not None:
            self.notice(posted)

    def _suits(self, posted: Posted) -> bool:
        visit = self.visit
        return (
            visit is not None
            and self.engaged is None
            and self.pending is None
            and posted.site == visit.group.site
            and posted.energy <= self.supply
            and posted.closing
            - self.world.start
            + charging_seconds(posted.energy, visit.group.power_kw)
            <= visit.leaves
        )

    def _consider(self, posted: Posted, seen: object = None) -> None:
        if seen is not None and seen != (posted.bids, posted.leader, self.world.offered(posted)):
            return  # who saw that looks at it anew
        if posted.id not in self.world.board.open or not self._suits(posted):
            return
        now = self.world.pool.next_block()
        if now >= posted.closing or posted.leader == self.address:
            return
        look = self._look(posted, now)
        rate = self.strategy.offer(look)
        if rate is not None:
            self._bid(posted, rate, look.info)

    def _look(self, posted: Posted, now: int) -> Look:
        world, visit = self.world, self.visit
        assert visit is not None
        market, known = world.market, world.node.known
        if (info := known.get(posted.id)) is None:
            info = known[posted.id] = market.auction(posted.id).info
        best = world.best_offer(posted) if self.strategy.signs else None
        if best is not None and (info.rate is None or best.rate < int(info.rate)):
            info = replace(info, rate=market.rate(best.rate), provider=best.provider)
        gas_price = world.node.base_fee + world.pool.tips.get(self.address, world.node.tip)
        nothing = market.money(0)
        balance = market.balance(self.address) if self.strategy.counts_money else nothing
        terms = BidTerms(
            world.rules.minDecrementBps, world.rules.bondBps, gas_price, balance, nothing
        )
        return Look(
            info=info,
            terms=terms,
            cost=market.rate(visit.rate),
            now=now,
            mine=posted.bidders.get(self.address, 0),
            bidders=len(posted.bidders),
            won=world.board.won,
            ether_price=world.ether_price,
        )

    def _bid(self, posted: Posted, rate: Rate, seen: AuctionInfo) -> None:
        auction = self.world.market.auction(posted.id)
        if self.strategy.signs:
            best = self.world.best_offer(posted)
            if best is None or best.provider != self.address:
                close = datetime.fromtimestamp(posted.closing, UTC) + _LATE
                self.engaged = posted.id  # one charge is not promised twice
                self.act(lambda: self._sign(auction, rate, close, posted))
            return
        self.pending = posted.id
        if not self.act(lambda: auction.place_bid(rate, sender=self.account, seen=seen)):
            self.pending = None

    def _sign(self, auction: Auction, rate: Rate, until: datetime, posted: Posted) -> None:
        document = BidDocument.sign(auction, rate, until, self.account, 0)
        self.world.hand_over(document, posted)


@dataclass
class Trade:
    """A connection, from the award on: who does what until it is over."""

    world: World
    auction_id: int
    consumer: SimulatedConsumer
    provider: SimulatedProvider
    energy: int
    """Contracted, Wh."""
    delivered: int = 0
    """Wh."""

    def begin(self) -> None:
        """Meet and charge, if both come."""
        world, scenario = self.world, self.world.scenario
        luck = world.stream(self.consumer.name, "meets", str(self.auction_id & 0xFFFFFFFF))
        consumer_comes = not luck.chance(scenario.faults.consumer_no_show_share)
        provider_comes = not luck.chance(scenario.faults.provider_no_show_share)
        share = self.provider.strategy.delivers
        if not (consumer_comes and provider_comes and share):
            self._wait(self.provider if provider_comes and share else self.consumer)
            return
        self.delivered = int(self.energy * share)
        power = self.provider.visit.group.power_kw if self.provider.visit else 7.4
        seconds = charging_seconds(self.delivered, power) + scenario.world.detour_minutes * 60
        world.loop.after(seconds, self._settle)

    def _settle(self) -> None:
        world = self.world
        connection = world.market.connection(self.auction_id)
        consumer, provider = self.consumer, self.provider
        if world.scenario.market.settle_by == "consumer" and self.delivered == self.energy:
            consumer.act(lambda: connection.end(sender=consumer.account))
            return
        last = self.delivered == self.energy
        receipt = connection.sign_receipt(
            Energy(self.delivered), NO_METER_DATA, last=last, signer=consumer.account
        )
        provider.act(lambda: connection.settle(receipt, sender=provider.account))

    def _wait(self, who: Vehicle) -> None:
        """Let the connection expire: nobody can do better without the other."""
        connection = self.world.market.connection(self.auction_id)
        expires = int(connection.expires_at.timestamp())

        def expire() -> None:
            who.act(lambda: connection.expire(sender=who.account))

        self.world.loop.at(expires + _MARGIN, expire)
