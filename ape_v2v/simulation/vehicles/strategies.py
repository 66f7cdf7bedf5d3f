"""How vehicles behave: what they offer, seeing only what the chain shows.

A strategy of one's own is a subclass of `Strategy` in a module that can be imported; a scenario
names it as `module:Class`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from ape_v2v.bidding import policy as bidding
from ape_v2v.simulation import theory
from ape_v2v.simulation.errors import ScenarioError
from ape_v2v.units import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ape_v2v.bidding.policy import BidTerms
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.simulation.streams import Stream
    from ape_v2v.units import Price

Setting = float | int | str
_ROUND = 2**32 - 1
"""Where an auction's id tells which of its consumer's auctions it is."""


@dataclass(frozen=True)
class Look:
    """What a provider knows when it decides."""

    info: AuctionInfo
    """The auction, as the chain has it."""
    terms: BidTerms
    """What bidding takes now."""
    cost: Rate
    """What the energy costs it."""
    now: int
    """When its bid would be in a block, at the earliest."""
    mine: int
    """How many bids it has made in this auction."""
    bidders: int
    """How many have bid in this auction."""
    won: Sequence[tuple[Rate, Rate]]
    """Of past auctions, the rate that won and the maximum rate."""
    ether_price: Price | None = None
    """What an ether, which gas is paid in, costs in the token of the market."""

    def rate(self, units: int) -> Rate:
        """A rate in the market's currency, of at least one unit per Wh."""
        return Rate(max(1, units), self.cost.currency)

    @property
    def highest(self) -> Rate | None:
        """The highest rate that would be accepted, if it is not below cost."""
        highest = self.info.highest_rate(self.terms.min_decrement_bps)
        return None if highest is None or highest < self.cost else highest

    @property
    def seconds_left(self) -> int:
        """Until the close."""
        return int(self.info.closing_time.timestamp()) - self.now


class Strategy:
    """Underbids by the least that is accepted, down to its cost: the truthful one."""

    defaults: ClassVar[Mapping[str, Setting]] = {}
    """Its settings."""
    signs: ClassVar[bool] = False
    """Whether it signs bids, for the consumer to place."""
    counts_money: ClassVar[bool] = False
    """Whether it looks at its balance before it bids."""
    delivers: ClassVar[float] = 1.0
    """What share of the energy it delivers when it has won; 0 is not to come at all."""
    removes_seconds_before: ClassVar[int] = 0
    """How long before the close it takes a leading bid back; 0: never."""

    def __init__(self, stream: Stream, settings: Mapping[str, Setting] | None = None) -> None:
        self.stream = stream
        self.settings = dict(self.defaults) | dict(settings or {})
        if unknown := sorted(set(self.settings) - set(self.defaults)):
            known = ", ".join(self.defaults) or "none"
            raise ScenarioError(
                f"{type(self).__name__} has no setting {unknown[0]!r}: it has {known}"
            )

    def number(self, name: str) -> float:
        """One of its settings."""
        return float(self.settings[name])

    def offer(self, look: Look) -> Rate | None:
        """What to bid now; None: nothing."""
        return look.highest

    def wakes_before_close(self) -> int:
        """How many seconds before the close it wants to look again; 0: not at all."""
        return 0

    def learns(self, *, won: bool, rate: Rate | None) -> None:
        """See how an auction that it has bid in was decided."""


class Product(Strategy):
    """The bidder of the product: `ape_v2v.bidding.policy`, which counts gas."""

    defaults: ClassVar[Mapping[str, Setting]] = {"counts_gas": 1, "expects": 0}
    counts_money: ClassVar[bool] = True

    def offer(self, look: Look) -> Rate | None:
        expected = None
        if self.number("expects"):
            expected = bidding.expected_rate(look.won, look.info.max_rate)
        policy = bidding.Policy(
            floor=look.cost,
            expected=expected,
            counts_gas=bool(self.number("counts_gas")),
            ether_price=look.ether_price,
        )
        return bidding.offer(policy, look.info, look.terms).rate


class Jump(Product):
    """The same, opening at the rate at which auctions were won so far."""

    defaults: ClassVar[Mapping[str, Setting]] = {"counts_gas": 1, "expects": 1}


class FirstPrice(Strategy):
    """One bid, the best one against others who do the same: the equilibrium of a sealed auction.

    Costs of all are taken to be equally likely up to `costs_to` times the maximum rate.
    """

    defaults: ClassVar[Mapping[str, Setting]] = {
        "rivals": 2,
        "costs_to": 1.0,
        "included": 1.0,
        "entry": 0.0,
    }

    def offer(self, look: Look) -> Rate | None:
        most = int(look.info.max_rate)
        highest_cost = most * self.number("costs_to")
        cost = int(look.cost) / highest_cost
        if look.mine or look.highest is None:
            return None
        best = theory.first_price_bid(
            cost,
            int(self.number("rivals")) + 1,
            reserve=most / highest_cost,
            included=self.number("included"),
            entry=self.number("entry"),
        )
        return None if best is None else _if_accepted(round(best * highest_cost), look)


class Sequential(Strategy):
    """Has one charge to sell, and a consumer to come again: goes out early as long as it does."""

    defaults: ClassVar[Mapping[str, Setting]] = {"auctions": 2, "rivals": 2}

    def offer(self, look: Look) -> Rate | None:
        auctions, bidders = int(self.number("auctions")), int(self.number("rivals")) + 1
        stage = ((look.info.id & _ROUND) - 1) % auctions + 1
        most, cost = int(look.info.max_rate), int(look.cost)
        share = theory.sequential_drop_out(cost / most, bidders, auctions, stage)
        highest = look.highest
        return highest if highest is not None and int(highest) >= share * most else None


class Sniper(Strategy):
    """Waits until just before the close."""

    defaults: ClassVar[Mapping[str, Setting]] = {"seconds": 15}

    def wakes_before_close(self) -> int:
        return int(self.number("seconds"))

    def offer(self, look: Look) -> Rate | None:
        return look.highest if look.seconds_left <= self.number("seconds") else None


class SealedSniper(FirstPrice):
    """Bids once, just before the close, and knows that not every bid gets in."""

    defaults: ClassVar[Mapping[str, Setting]] = {**FirstPrice.defaults, "seconds": 15}

    def wakes_before_close(self) -> int:
        return int(self.number("seconds"))

    def offer(self, look: Look) -> Rate | None:
        return super().offer(look) if look.seconds_left <= self.number("seconds") else None


class SignedBidder(Strategy):
    """Signs its bids, which costs it nothing; the consumer places them."""

    signs: ClassVar[bool] = True


class ZeroIntelligence(Strategy):
    """Any rate that is accepted and covers its cost (Gode and Sunder 1993)."""

    def offer(self, look: Look) -> Rate | None:
        if look.highest is None:
            return None
        low, high = int(look.cost), int(look.highest)
        return look.rate(low + self.stream.below(high - low + 1))


class Learner(Strategy):
    """Tries how much to ask above its cost, and stays near what has paid."""

    defaults: ClassVar[Mapping[str, Setting]] = {"explores": 0.1, "steps": 5}

    def __init__(self, stream: Stream, settings: Mapping[str, Setting] | None = None) -> None:
        super().__init__(stream, settings)
        self._gains = [0.0] * int(self.number("steps"))
        self._tries = [0] * len(self._gains)
        self._arm = 0
        self._cost = 0

    def offer(self, look: Look) -> Rate | None:
        if not look.mine:
            self._choose()
        self._cost = int(look.cost)
        headroom = max(0, int(look.info.max_rate) - self._cost)
        floor = self._cost + headroom * self._arm // (2 * len(self._gains))
        highest = look.highest
        return highest if highest is not None and int(highest) >= floor else None

    def learns(self, *, won: bool, rate: Rate | None) -> None:
        gain = (int(rate) - self._cost) / max(1, self._cost) if won and rate else 0.0
        self._tries[self._arm] += 1
        self._gains[self._arm] += (gain - self._gains[self._arm]) / self._tries[self._arm]

    def _choose(self) -> None:
        if self.stream.chance(self.number("explores")) or not any(self._tries):
            self._arm = self.stream.below(len(self._gains))
        else:
            self._arm = max(range(len(self._gains)), key=self._gains.__getitem__)


class Shill(Strategy):
    """Underbids for its friend the consumer as long as it need not fear to win."""

    defaults: ClassVar[Mapping[str, Setting]] = {"share": 0.7}

    def offer(self, look: Look) -> Rate | None:
        least = int(look.info.max_rate) * self.number("share")
        highest = look.info.highest_rate(look.terms.min_decrement_bps)
        return highest if highest is not None and int(highest) >= least else None


class NoShow(Strategy):
    """Bids as the truthful one, and does not come."""

    delivers: ClassVar[float] = 0.0


class Griefer(NoShow):
    """Wins at any rate, and does not come: it is out for harm."""

    defaults: ClassVar[Mapping[str, Setting]] = {"share": 0.5}

    def offer(self, look: Look) -> Rate | None:
        highest = look.info.highest_rate(look.terms.min_decrement_bps)
        most = round(int(look.info.max_rate) * self.number("share"))
        return None if highest is None else look.rate(min(most, int(highest)))


class EarlyLeaver(Strategy):
    """Leaves when half is delivered."""

    delivers: ClassVar[float] = 0.5


class Remover(Strategy):
    """Bids without regard to cost, and takes a leading bid back just before the close."""

    removes_seconds_before: ClassVar[int] = 20

    def offer(self, look: Look) -> Rate | None:
        return look.info.highest_rate(look.terms.min_decrement_bps) if not look.mine else None


STRATEGIES: dict[str, type[Strategy]] = {
    "truthful": Strategy,
    "gas-aware": Product,
    "jump": Jump,
    "first-price": FirstPrice,
    "sequential": Sequential,
    "sniper": Sniper,
    "sealed-sniper": SealedSniper,
    "signed": SignedBidder,
    "zero-intelligence": ZeroIntelligence,
    "learner": Learner,
    "shill": Shill,
    "no-show": NoShow,
    "griefer": Griefer,
    "early-leaver": EarlyLeaver,
    "remover": Remover,
}


def strategy(name: str, stream: Stream, settings: Mapping[str, Setting]) -> Strategy:
    """Make a strategy.

    Raises:
        ScenarioError: There is none of this name, or it has no such setting.
    """
    if ":" not in name:
        try:
            kind = STRATEGIES[name]
        except KeyError:
            raise ScenarioError(
                f"there is no strategy {name!r}: choose {', '.join(STRATEGIES)}, or name a class "
                "as module:Class"
            ) from None
        return kind(stream, settings)
    module, _, wanted = name.partition(":")
    try:
        found = getattr(import_module(module), wanted)
    except (ImportError, AttributeError) as error:
        raise ScenarioError(f"the strategy {name!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise ScenarioError(f"{name!r} is no subclass of {Strategy.__module__}:Strategy")
    return found(stream, settings)


def _if_accepted(rate: int, look: Look) -> Rate | None:
    highest = look.highest
    fits = highest is not None and int(look.cost) <= rate <= int(highest)
    return look.rate(rate) if fits else None
