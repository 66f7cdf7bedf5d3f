"""What people do in the two markets, and what each step costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.gas.designs import (
    BIDDING_TIME,
    ENERGY,
    ORGANIZATION,
    RELAYER,
    RESERVE,
    VALIDITY,
    OwnMarket,
    PaperMarket,
    rate_of,
)
from ape_v2v.gas.stage import ETHER, Call, Stage, person
from ape_v2v.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from eth_account.signers.local import LocalAccount

    from ape_v2v.gas.designs import Market

    Scene: TypeAlias = Callable[[OwnMarket], Call]

CONSUMER = person("consumer")
NEWCOMER = person("newcomer")
PROVIDERS = [person(f"provider {number}") for number in range(1, 51)]
PROVIDER, RIVAL = PROVIDERS[:2]
OTHERS = person("another consumer"), [person("another provider"), person("another rival")]
BID_COUNTS = (1, 2, 10, 50)


# --- This project, function by function -----------------------------------------------------------


def used_market(stage: Stage) -> OwnMarket:
    """A market in which everybody has money, has traded before, and something was burnt."""
    market = OwnMarket(stage)
    market.register([CONSUMER, *PROVIDERS])
    for ev in (CONSUMER, *PROVIDERS):
        market.deposit(ev)
    market.trade(CONSUMER, [PROVIDER, RIVAL])
    _connect(market)
    market.wait(VALIDITY + Parameters().settlementWindow)
    stage.call(RELAYER, "expireConnection", market.auction_id(CONSUMER))
    return market


def _start(market: OwnMarket) -> Call:
    return market.start(CONSUMER)


def _first_bid(market: OwnMarket) -> Call:
    _start(market)
    return market.bid(CONSUMER, PROVIDER, rate_of(1))


def _overtake(market: OwnMarket) -> Call:
    _first_bid(market)
    return market.bid(CONSUMER, RIVAL, rate_of(2))


def _overtake_signed(market: OwnMarket) -> Call:
    _first_bid(market)
    return market.signed_bid(CONSUMER, RIVAL, rate_of(2))


def _connect(market: OwnMarket) -> Call:
    _overtake(market)
    market.wait(BIDDING_TIME)
    return market.award(CONSUMER, RIVAL)


def _after(scene: Scene, act: Scene) -> Scene:
    def play(market: OwnMarket) -> Call:
        scene(market)
        return act(market)

    return play


def _by(sender: LocalAccount, method: str, *more: int) -> Scene:
    """A call about the consumer's auction."""

    def act(market: OwnMarket) -> Call:
        return market.stage.call(sender, method, market.auction_id(CONSUMER), *more)

    return act


def _expire(market: OwnMarket) -> Call:
    market.wait(VALIDITY + Parameters().settlementWindow)
    return _by(RELAYER, "expireConnection")(market)


STEADY: dict[str, Scene] = {
    "addEV": lambda market: market.add_ev(NEWCOMER),
    "removeEV": lambda market: market.remove_ev(RIVAL),
    "changeStatus": lambda market: market.change_status(),
    "deposit": lambda market: market.deposit(PROVIDER),
    "withdraw": lambda market: market.withdraw(PROVIDER, ETHER // 10),
    "startAuction": _start,
    "placeBid, first": _first_bid,
    "placeBid, overtaking": _overtake,
    "placeBidFor, overtaking": _overtake_signed,
    "removeBid": _after(_first_bid, _by(PROVIDER, "removeBid")),
    "cancelAuction, no bid": _after(_start, _by(CONSUMER, "cancelAuction", 0)),
    "cancelAuction, with a bid": _after(_first_bid, _by(CONSUMER, "cancelAuction", ETHER)),
    "endAuction": _connect,
    "endConnection": _after(_connect, lambda market: market.pay(CONSUMER)),
    "endConnection, in part": _after(_connect, lambda market: market.pay_part(CONSUMER, RIVAL)),
    "settle": _after(_connect, lambda market: market.settle(CONSUMER, RIVAL)),
    "forfeit": _after(_connect, _by(RIVAL, "forfeit")),
    "expireConnection": _after(_connect, _expire),
}
"""Every function that a user calls, on a `used_market`."""


def steady(market: OwnMarket) -> dict[str, Call]:
    """What each function costs those who have used the market before, with money in it."""
    calls = {}
    for label, scene in STEADY.items():
        with market.stage.scene():
            calls[label] = scene(market)
    return calls


def first_use(stage: Stage) -> dict[str, Call]:
    """What the first trade of everybody costs; reserve and bonds come along with the calls."""
    market = OwnMarket(stage)
    market.register([person("first EV")])
    calls = {"addEV": market.add_ev(CONSUMER)}
    market.register([PROVIDER, RIVAL])
    market.pay_along = True
    return calls | named(market.trade(CONSUMER, [PROVIDER, RIVAL]))


def named(trade: list[Call]) -> dict[str, Call]:
    """The calls of a trade with two bids by the labels of `STEADY`."""
    labels = ("startAuction", "placeBid, first", "placeBid, overtaking", "endAuction")
    return dict(zip((*labels, "endConnection"), trade, strict=True))


# --- The paper's design ---------------------------------------------------------------------------


@dataclass(frozen=True)
class PaperCalls:
    """The paper's functions in the situations that make a difference to them."""

    creation: int
    admin: dict[str, Call]
    """`addEV`, `removeEV` and `changeStatus`."""
    first: dict[str, Call]
    """A trade of EVs that have never traded."""
    known: dict[str, Call]
    """A trade of EVs that have traded, for the first time with one another."""
    again: dict[str, Call]
    """A trade of the same EVs as before."""
    exact: dict[str, Call]
    """A trade in which the cost takes the whole deposit, so that nothing remains to be returned."""


def paper_calls(stage: Stage) -> PaperCalls:
    market = PaperMarket(stage)
    market.register([CONSUMER])  # the first of all costs more: the list and the count are new
    consumer, providers = OTHERS
    with stage.scene():
        first_in_list = market.add_ev(PROVIDER)
    market.register([PROVIDER, RIVAL, consumer, *providers])
    first = named(market.trade(CONSUMER, [PROVIDER, RIVAL]))
    again = named(market.trade(CONSUMER, [PROVIDER, RIVAL]))
    market.trade(consumer, providers)
    with stage.scene():
        known = named(market.trade(CONSUMER, providers))
    with stage.scene():
        market.start(CONSUMER)
        market.bid(CONSUMER, PROVIDER, RESERVE // ENERGY)
        market.wait(BIDDING_TIME)
        award = market.award(CONSUMER, PROVIDER)
        exact = {"endAuction": award, "endConnection": market.pay(CONSUMER)}
    with stage.scene():
        removal = market.remove_ev(PROVIDER)
    admin = {
        "addEV": first_in_list,
        "removeEV": removal,
        "changeStatus": market.change_status(),
    }
    return PaperCalls(stage.creation, admin, first, known, again, exact)


# --- Whole trades ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trade:
    """Trades with so many bids, each by another EV; gas in total."""

    bids: int
    paper_known: int
    paper_again: int
    ours: int
    ours_signed: int
    """All bids are signed, and only the best is sent to the chain."""
    withdrawals: int
    """What both parties pay on top to have all their money outside again."""
    withdrawal: int
    """What one EV pays for that: each overtaken provider, too, if it wants its money at once."""


def whole_trades(own: OwnMarket, paper: PaperMarket) -> list[Trade]:
    """Trades on a `used_market` and on a paper market in which nobody is registered."""
    paper.register([CONSUMER, *PROVIDERS, OTHERS[0]])
    paper.trade(OTHERS[0], PROVIDERS)
    with paper.stage.scene():
        paper.trade(CONSUMER, [PROVIDER])
    paper.register(OTHERS[1])
    trades = []
    for bids in BID_COUNTS:
        providers = PROVIDERS[:bids]
        with paper.stage.scene():
            # The consumer has traded before, with others.
            paper.trade(CONSUMER, OTHERS[1])
            known = total(paper.trade(CONSUMER, providers))
            again = total(paper.trade(CONSUMER, providers))
        with own.stage.scene():
            ours = total(own.trade(CONSUMER, providers))
            consumer = own.withdraw(CONSUMER, ETHER // 10)
            winner = own.withdraw(providers[-1], ETHER // 10)
        with own.stage.scene():
            signed = total(own.signed_trade(CONSUMER, providers))
        trades.append(
            Trade(bids, known, again, ours, signed, consumer.gas + winner.gas, winner.gas)
        )
    return trades


def total(calls: list[Call]) -> int:
    return sum(call.gas for call in calls)


# --- Growth ---------------------------------------------------------------------------------------

EV_COUNTS = (10, 100, 1_000)
AUCTION_COUNTS = (1, 5, 10, 25)
GROWING_BIDS = (2, 3, 5, 10, 20, 30, 40, 50)


def growth_with_evs(market: Market) -> list[tuple[int, int]]:
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


def growth_with_bids(market: Market) -> list[tuple[int, int]]:
    """Which bid of an auction, from the second on, and what it costs."""
    with market.stage.scene():
        market.trade(CONSUMER, PROVIDERS)
        calls = market.trade(CONSUMER, PROVIDERS)
    return [(number, calls[number].gas) for number in GROWING_BIDS]


def growth_with_auctions(market: Market) -> list[tuple[int, int]]:
    """Number of past auctions of the consumer, and what a trade with two bids costs then."""
    costs = []
    with market.stage.scene():
        for past in range(max(AUCTION_COUNTS) + 1):
            trade = total(market.trade(CONSUMER, [PROVIDER, RIVAL]))
            if past in AUCTION_COUNTS:
                costs.append((past, trade))
    return costs
