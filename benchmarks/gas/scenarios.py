"""What people do in the two markets, and what each step costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.market.interface.parameters import Parameters
from benchmarks.gas.designs import (
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
from benchmarks.gas.stage import (
    ETHER,
    Call,
    Stage,
    person,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from eth_account.signers.local import LocalAccount

    Scene: TypeAlias = Callable[[OwnMarket], Call]

CONSUMER = person("consumer")
NEWCOMERS = [person(f"newcomer {number}") for number in range(1, 11)]
PROVIDERS = [person(f"provider {number}") for number in range(1, 51)]
PROVIDER, RIVAL = PROVIDERS[:2]
OTHERS = person("another consumer"), [person("another provider"), person("another rival")]


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


def _end_without_bid(market: OwnMarket) -> Call:
    market.wait(BIDDING_TIME)
    return market.stage.call(CONSUMER, "endAuction", market.auction_id(CONSUMER))


def _after(scene: Scene, act: Scene) -> Scene:
    def both(market: OwnMarket) -> Call:
        scene(market)
        return act(market)

    return both


def _by(sender: LocalAccount, method: str, *more: int) -> Scene:
    """A call about the consumer's auction."""

    def act(market: OwnMarket) -> Call:
        return market.stage.call(sender, method, market.auction_id(CONSUMER), *more)

    return act


def _expire(market: OwnMarket) -> Call:
    market.wait(VALIDITY + Parameters().settlementWindow)
    return _by(RELAYER, "expireConnection")(market)


SCENES: dict[str, Scene] = {
    "addEV": lambda market: market.add_ev(NEWCOMERS[0]),
    "addEVs, ten": lambda market: market.add_evs(NEWCOMERS),
    "removeEV": lambda market: market.remove_ev(RIVAL),
    "changeStatus": lambda market: market.change_status(),
    "setActive": lambda market: market.stage.call(ORGANIZATION, "setActive", False),
    "deposit": lambda market: market.deposit(PROVIDER),
    "depositFor": lambda market: market.deposit_for(PROVIDER, CONSUMER),
    "withdraw": lambda market: market.withdraw(PROVIDER, ETHER // 10),
    "startAuction": _start,
    "placeBid, first": _first_bid,
    "placeBid, overtaking": _overtake,
    "placeBidFor, overtaking": _overtake_signed,
    "revokeBids": lambda market: market.stage.call(PROVIDER, "revokeBids"),
    "removeBid": _after(_first_bid, _by(PROVIDER, "removeBid")),
    "cancelAuction, no bid": _after(_start, _by(CONSUMER, "cancelAuction", 0)),
    "cancelAuction, with a bid": _after(_first_bid, _by(CONSUMER, "cancelAuction", ETHER)),
    "endAuction": _connect,
    "endAuction, no bid": _after(_start, _end_without_bid),
    "endConnection": _after(_connect, lambda market: market.pay(CONSUMER)),
    "settle": _after(_connect, lambda market: market.settle(CONSUMER, RIVAL, last=True)),
    "settle, broken off": _after(_connect, lambda m: m.settle(CONSUMER, RIVAL, last=False)),
    "settle, by a session key": _after(
        _connect, lambda market: market.settle(CONSUMER, RIVAL, last=True, key=True)
    ),
    "settle, by others": _after(_connect, lambda market: market.settle_by_others(CONSUMER, RIVAL)),
    "forfeit": _after(_connect, _by(RIVAL, "forfeit")),
    "expireConnection": _after(_connect, _expire),
}
"""Every function that changes something, by label."""
ADMIN = ("addEV", "removeEV", "changeStatus")
"""What the organization does."""
TRADE = ("startAuction", "placeBid, first", "placeBid, overtaking", "endAuction", "endConnection")
"""A trade with two bids."""


def all_calls(market: OwnMarket) -> dict[str, Call]:
    """What each function costs in this market: a `used_market` for those who know it."""
    calls = {}
    for label, scene in SCENES.items():
        with market.stage.scene():
            calls[label] = scene(market)
    return calls


def first_use(stage: Stage) -> dict[str, Call]:
    """What each function costs those who have never used the market.

    Reserve and bonds come along with the calls.
    """
    market = OwnMarket(stage)
    market.register([person("first EV"), CONSUMER, PROVIDER, RIVAL])
    for ev in (PROVIDER, RIVAL):  # for what can bring no money along: signed bids and withdrawals
        market.deposit(ev)
    market.pay_along = True
    return all_calls(market)


def named(trade: list[Call]) -> dict[str, Call]:
    """The calls of a trade with two bids by label."""
    return dict(zip(TRADE, trade, strict=True))


def trade_gas(calls: Mapping[str, Call]) -> int:
    """What a trade with two bids costs, when these are the calls."""
    return sum(calls[label].gas for label in TRADE)


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
    """The end of a trade in which the cost takes the whole deposit, so that nothing is returned."""

    @property
    def trades(self) -> tuple[dict[str, Call], ...]:
        """Whole trades: the first, those of a new pair, those of the same pair."""
        return self.first, self.known, self.again


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
