"""One run of a scenario: the contract in an EVM, vehicles that act on it, and what came of it.

result = Simulation(read("garage20"), seed=1).run()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ape_v2v.currency import ETHER
from ape_v2v.evm.inprocess import PyrevmChain
from ape_v2v.market.interface.access import address_of
from ape_v2v.market.interface.states import Ending
from ape_v2v.market.interface.transactions import creation_code
from ape_v2v.market.market import BURNT, Market
from ape_v2v.simulation.books import Books
from ape_v2v.simulation.chain import token
from ape_v2v.simulation.chain.accounts import SimulatedAccount
from ape_v2v.simulation.chain.loop import Loop
from ape_v2v.simulation.chain.node import SimulatedContract, SimulatedNode
from ape_v2v.simulation.chain.pool import ChainHabits, Pool
from ape_v2v.simulation.result import AuctionRow, BidRow, RunResult, VehicleRow
from ape_v2v.simulation.streams import Stream
from ape_v2v.simulation.vehicles.board import PublicBoard
from ape_v2v.simulation.vehicles.population import HOUR, vehicles, visits
from ape_v2v.simulation.vehicles.strategies import strategy
from ape_v2v.simulation.vehicles.vehicles import SimulatedConsumer, SimulatedProvider, Trade
from ape_v2v.units import Price

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape_v2v.evm.chains import Chain
    from ape_v2v.market.documents.bids import BidDocument
    from ape_v2v.market.interface.events import Fact
    from ape_v2v.simulation.chain.pool import Included
    from ape_v2v.simulation.scenario.model import Scenario
    from ape_v2v.simulation.vehicles.board import Posted
    from ape_v2v.simulation.vehicles.population import Visit

DEPOSIT = 10**30
"""What everybody puts into the market at first, smallest units: no stake is ever too high."""
_BATCH = 100
_BIDS = {"placeBid", "placeBidFor"}


class Simulation:
    """A market, its chain, and everybody who comes."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int = 0,
        replicate: int = 0,
        *,
        comers: Sequence[Visit] | None = None,
        chain: Chain | None = None,
    ) -> None:
        """Deploy the market, register everybody, and let them put money into it.

        Args:
            scenario: Who comes, and under which rules.
            seed: The root of all random numbers.
            replicate: Which of several runs.
            comers: Who comes when; left out, that is drawn.
            chain: Where the contract runs; left out, in this process.

        Raises:
            ScenarioError: A strategy is unknown, or a setting of it.
            ChainError: There is no EVM for this process.
        """
        self.scenario, self.seed, self.replicate = scenario, seed, replicate
        self.rules = scenario.market.rules
        comers = visits(scenario, seed, replicate) if comers is None else comers
        self.result = RunResult(scenario, seed, replicate, list(comers))
        self.refused = self.result.refused
        chain = chain or PyrevmChain()
        self.start = chain.timestamp
        self.loop = Loop(float(self.start))
        self.node = SimulatedNode(chain)
        self.pool = Pool(self.loop, self.node, _habits(scenario, self.start), f"{seed} {replicate}")
        self.consumers: dict[str, SimulatedConsumer] = {}
        self.providers: dict[str, SimulatedProvider] = {}
        self._rows: dict[int, AuctionRow] = {}
        self._trades: dict[int, Trade] = {}
        self._visits: dict[str, int] = {}
        self._open_market()

    def stream(self, *names: str) -> Stream:
        """The random numbers of somebody for something."""
        return Stream(self.seed, self.scenario.name, self.replicate, *names)

    def run(self, progress: Callable[[float], None] = lambda _: None) -> RunResult:
        """Let everything happen.

        Args:
            progress: Told the share of the time that has passed.
        """
        for visit in self.result.visits:
            self._plan(visit)
        total = self.scenario.days * 24
        for hour in range(1, total + 1):
            self.loop.run(until=self.start + hour * HOUR)
            progress(hour / total)
        self.loop.run()
        self._books.check_all()
        return self._finished()

    # What vehicles ask for

    def best_offer(self, posted: Posted) -> BidDocument | None:
        """The best signed bid that a consumer holds, as it tells those who ask."""
        return self.consumers[posted.consumer].offers.get(posted.id)

    def offered(self, posted: Posted) -> int | None:
        """At which rate."""
        best = self.best_offer(posted)
        return None if best is None else best.rate

    def hand_over(self, document: BidDocument, posted: Posted) -> None:
        """Give a signed bid to the consumer; the others who sign learn of it."""
        self.consumers[posted.consumer].take(document, posted)
        for provider in self.providers.values():
            if provider.strategy.signs and provider.address != document.provider:
                provider.notice(posted)

    # How it begins

    def _open_market(self) -> None:
        owner: Any = SimulatedAccount("organization")
        chain, said = self.node.chain, self.scenario.market.currency
        currency, self.ether_price = ETHER, None
        if said is not None:
            currency = said.at(token.deploy(chain, owner.address, said.decimals))
            self.ether_price = Price(currency.symbol.upper(), self.scenario.ether_price)
        code = creation_code(owner.address, self.rules.as_tuple(), currency)
        address = address_of(chain.deploy(owner.address, code))
        contract = SimulatedContract(address, self.node, currency)
        self.board = PublicBoard(currency)
        self.market = Market(contract, self.pool.gateway)
        now = Market(contract, self.pool.at_once)
        for name, group in vehicles(self.scenario):
            account = SimulatedAccount(name)
            if group.role == "consumer":
                self.consumers[account.address] = SimulatedConsumer(self, name, account)
            else:
                chosen = group.strategy
                kind = strategy(chosen.name, self.stream(name, "strategy"), chosen.settings)
                self.providers[account.address] = SimulatedProvider(self, name, account, kind)
            if group.tip_gwei is not None:
                self.pool.tips[account.address] = round(group.tip_gwei * 10**9)
        everybody: list[Any] = [*self.consumers.values(), *self.providers.values()]
        for first in range(0, len(everybody), _BATCH):
            part = everybody[first : first + _BATCH]
            now.add_evs([(one.address, "") for one in part], sender=owner)
        for one in everybody:
            if currency.address is None:
                chain.set_balance(one.address, DEPOSIT)
            else:
                token.allow(chain, currency.address, one.address, contract.address, DEPOSIT)
            now.deposit(now.money(DEPOSIT), sender=one.account)
        self._by_name = {one.name: one for one in everybody}
        self._books = Books(self.market, contract, [one.address for one in everybody])
        self._spent = dict.fromkeys(self._by_name, (0, 0))
        self._names = {one.address: one.name for one in everybody} | {owner.address: ""}
        self.pool.on_block.append(self._seen)

    def _plan(self, visit: Visit) -> None:
        vehicle = self._by_name[visit.vehicle]
        self._visits[visit.vehicle] = self._visits.get(visit.vehicle, 0) + 1
        self.loop.at(self.start + visit.arrives, lambda: vehicle.arrive(visit))
        if isinstance(vehicle, SimulatedProvider):
            self.loop.at(self.start + visit.leaves, lambda: vehicle.leave(visit))

    # What blocks tell

    def _seen(self, block: Sequence[Included]) -> None:
        self._books.see(block)
        self.result.blocks += 1
        for one in block:
            self._count(one)
            before = {id_: posted.leader for id_, posted in self.board.open.items()}
            touched = self.board.see(one.facts, one.time)
            for fact in one.facts:
                self._follow(fact, one.time, before)
            for posted in touched:
                for provider in self.providers.values():
                    provider.notice(posted)
            provider_ = self.providers.get(one.sender)
            if one.method == "placeBid" and not one.succeeded and provider_ is not None:
                provider_.refused()

    def _count(self, one: Included) -> None:
        result, name = self.result, self._names[one.sender]
        result.transactions += 1
        result.gas += one.gas
        result.fees += one.fee
        count, fees = self._spent[name]
        self._spent[name] = count + 1, fees + one.fee
        if one.method not in _BIDS:
            return
        row = self._rows[int(str(one.arguments[0]))]
        by_consumer = one.method == "placeBidFor"
        bidder = self._names[str(one.arguments[1])] if by_consumer else name
        rate = int(str(one.arguments[2 if by_consumer else 1]))
        time = one.time - self.start
        result.bids.append(
            BidRow(
                row.number, row.replicate, bidder, time, rate, one.succeeded, one.refusal, one.gas,
                one.fee,
            )
        )  # fmt: skip

    def _follow(self, fact: Fact, time: int, leaders: dict[int, str | None]) -> None:
        name, args = fact
        auction_id = args.get("auctionId")
        if auction_id is None:
            return
        posted = self.board.open.get(auction_id)
        match name:
            case "AuctionStarted":
                assert posted is not None
                self._rows[auction_id] = self._row(posted)
                self.consumers[posted.consumer].started(posted)
            case "BidPlaced":
                assert posted is not None
                self._bid(posted, args["provider"], leaders.get(auction_id))
            case "BidRemoved":
                row, remover = self._rows[auction_id], self.providers[args["provider"]]
                row.provider, row.rate, row.penalty = "", None, row.penalty + args["penalty"]
                remover.free(auction_id)
            case "AuctionEnded" | "AuctionCancelled":
                self._ended(auction_id, name, time, args["provider"])
            case "Connected":
                row = self._rows[auction_id]
                trade = Trade(
                    self,
                    auction_id,
                    self.consumers[args["consumer"]],
                    self.providers[args["provider"]],
                    row.energy,
                )
                self._trades[auction_id] = trade
                self.loop.after(0, trade.begin)
            case "ConnectionEnded":
                self._settled(auction_id, args, time)

    def _row(self, posted: Posted) -> AuctionRow:
        row = AuctionRow(
            number=len(self._rows) + 1,
            replicate=self.replicate,
            consumer=self._names[posted.consumer],
            site=posted.site,
            started=posted.started - self.start,
            closed=None,
            energy=posted.energy,
            max_rate=posted.max_rate,
            bids=0,
            bidders=0,
            provider="",
            rate=None,
            cost=0,
            how="",
            delivered=0,
            paid=0,
            penalty=0,
            ended=None,
        )
        self.result.auctions.append(row)
        return row

    def _bid(self, posted: Posted, provider: str, before: str | None) -> None:
        row = self._rows[posted.id]
        bidder = self.providers[provider]
        row.bids, row.bidders = posted.bids, len(posted.bidders)
        row.provider, row.rate = bidder.name, posted.rate
        row.cost = 0 if bidder.visit is None else bidder.visit.rate
        bidder.led(posted)
        if before is not None and before != provider:
            self.providers[before].overtaken(posted)
            self.providers[before].free(posted.id)

    def _ended(self, auction_id: int, how: str, time: int, winner: str) -> None:
        row = self._rows[auction_id]
        row.closed = time - self.start
        won = how == "AuctionEnded" and int(winner, 16) != 0
        if not won:
            row.how = "unsold" if how == "AuctionEnded" else "cancelled"
            row.ended = row.closed
        for provider in self.providers.values():
            provider.decided(auction_id, won=won and provider.address == winner)

    def _settled(self, auction_id: int, args: dict[str, Any], time: int) -> None:
        row, trade = self._rows[auction_id], self._trades.pop(auction_id)
        row.how = Ending(args["how"]).shown
        row.delivered, row.paid = args["energyWh"], args["cost"]
        row.penalty += args["penalty"]
        row.ended = time - self.start
        trade.provider.supply -= args["energyWh"]
        trade.provider.free(auction_id)

    # What came of it

    def _finished(self) -> RunResult:
        result = self.result
        result.burnt = int(self.market.balance(BURNT))
        gains = self._gains()
        groups = dict(vehicles(self.scenario))
        for name, one in self._by_name.items():
            count, fees = self._spent[name]
            trades, energy, value = gains[name]
            group = groups[name]
            result.vehicles.append(
                VehicleRow(
                    vehicle=name,
                    replicate=self.replicate,
                    group=group.name,
                    role=group.role,
                    strategy=group.strategy.name if group.role == "provider" else "",
                    visits=self._visits.get(name, 0),
                    trades=trades,
                    energy=energy,
                    money=int(self.market.balance(one.address)) - DEPOSIT,
                    value=value,
                    fees=round(self.scenario.gas(fees)),
                    transactions=count,
                )
            )
        return result

    def _gains(self) -> dict[str, tuple[int, int, int]]:
        gains = dict.fromkeys(self._by_name, (0, 0, 0))
        for row in self.result.trades:
            for name, rate in ((row.consumer, row.max_rate), (row.provider, row.cost)):
                trades, energy, value = gains[name]
                gains[name] = (
                    trades + 1,
                    energy + row.delivered,
                    value + rate * row.delivered,
                )
        return gains


def _habits(scenario: Scenario, start: int) -> ChainHabits:
    chain, faults = scenario.chain, scenario.faults

    def base_fee(time: int) -> int:
        fee, hour = chain.base_fee(time - start), (time - start) / HOUR
        for spike in faults.price_spikes:
            if spike.from_hour <= hour < spike.to_hour:
                fee = round(fee * spike.factor)
        return fee

    return ChainHabits(
        block_seconds=chain.block_seconds,
        latency_seconds=chain.latency_seconds,
        inclusion=chain.inclusion_probability,
        outages=tuple(
            (start + round(span.from_hour * HOUR), start + round(span.to_hour * HOUR))
            for span in faults.outages
        ),
        base_fee=base_fee,
        tip=round(chain.tip_gwei * 10**9),
    )
