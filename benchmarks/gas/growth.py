"""How the cost of a trade and of a bid grows with EVs, bids and past auctions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.evm.node import AnvilChain
from benchmarks.gas.designs import ORGANIZATION, OwnMarket, PaperMarket
from benchmarks.gas.scenarios import (
    CONSUMER,
    PROVIDER,
    PROVIDERS,
    RIVAL,
    used_market,
)
from benchmarks.gas.stage import Stage
from benchmarks.gas.trades import total

if TYPE_CHECKING:
    from benchmarks.gas.designs import Market
    from benchmarks.gas.sources import Sources

EV_COUNTS = (10, 100, 1_000)
AUCTION_COUNTS = (1, 5, 10, 25)
GROWING_BIDS = (2, 3, 5, 10, 20, 30, 40, 50)


@dataclass(frozen=True)
class Growth:
    """What something costs as the number of `name` grows: pairs of that number and gas."""

    name: str
    title: str
    ours: list[tuple[int, int]]
    paper: list[tuple[int, int]]
    """For EVs that have met before."""
    remark: str = ""


def measure(sources: Sources) -> list[Growth]:
    """Measure the growth with each of the three."""
    with AnvilChain() as one, AnvilChain() as two:
        own = used_market(Stage(one, sources.own, trace=False))
        paper = PaperMarket(Stage(two, sources.paper, trace=False))
        paper.register([CONSUMER, *PROVIDERS])
        bids = Growth(
            "bids",
            "The n-th bid of an auction",
            _with_bids(own),
            _with_bids(paper),
            remark="A byte that is zero in one rate and not in another makes 12 gas.",
        )
        auctions = Growth(
            "auctions",
            "A trade with two bids, by the number of the consumer's past auctions",
            _with_auctions(own),
            _with_auctions(paper),
        )
    with AnvilChain() as one, AnvilChain() as two:
        own = OwnMarket(Stage(one, sources.own, trace=False))
        for ev in (CONSUMER, PROVIDER, RIVAL):
            own.deposit(ev)
        paper = PaperMarket(Stage(two, sources.paper, trace=False))
        title = "A trade with two bids, by the number of EVs"
        evs = Growth("EVs", title, _with_evs(own), _with_evs(paper))
    return [evs, bids, auctions]


def _with_evs(market: Market) -> list[tuple[int, int]]:
    """Number of EVs, and what a trade with two bids costs then."""
    first = [CONSUMER, PROVIDER, RIVAL]
    market.register(first)
    market.trade(CONSUMER, [PROVIDER, RIVAL])
    costs, registered = [], len(first)
    for count in EV_COUNTS:
        for number in range(registered, count):
            address = f"0x{number + 2**32:040x}"
            market.stage.call(ORGANIZATION, "addEV", address, "")
        registered = count
        with market.stage.scene():
            costs.append((count, total(market.trade(CONSUMER, [PROVIDER, RIVAL]))))
    return costs


def _with_bids(market: Market) -> list[tuple[int, int]]:
    """Which bid of an auction, from the second on, and what it costs."""
    with market.stage.scene():
        market.trade(CONSUMER, PROVIDERS)
        calls = market.trade(CONSUMER, PROVIDERS)
    return [(number, calls[number].gas) for number in GROWING_BIDS]


def _with_auctions(market: Market) -> list[tuple[int, int]]:
    """Number of past auctions of the consumer, and what a trade with two bids costs then."""
    costs = []
    with market.stage.scene():
        for past in range(max(AUCTION_COUNTS) + 1):
            trade = total(market.trade(CONSUMER, [PROVIDER, RIVAL]))
            if past in AUCTION_COUNTS:
                costs.append((past, trade))
    return costs
