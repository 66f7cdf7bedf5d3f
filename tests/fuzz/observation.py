"""Everything that a market's views and the chain say, and what the model would have them say."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from model.market import ZERO_ADDRESS, Market, State

from ape_v2v.testing.chains import Reverted
from ape_v2v.testing.contracts import Contract

NO_TOKEN = b""


class AccountView(NamedTuple):
    balance: int
    added_at: int
    completed: int
    no_shows: int
    is_ev: bool


class AuctionView(NamedTuple):
    """The views of the current auction of one consumer."""

    auction_id: int
    state: State
    consumer: str
    energy_wh: int
    max_rate: int
    closing_time: int
    validity: int
    provider: str
    rate: int
    connected_at: int
    removals: int
    reserve: int
    bond: int
    penalty: int
    token: bytes
    """The access token, or `NO_TOKEN` where the view reverts."""

    @property
    def locked(self) -> int:
        return self.reserve + (self.bond if self.provider != ZERO_ADDRESS else 0)


class Observation(NamedTuple):
    ether: int
    owner: str
    pending_owner: str
    active: bool
    number_of_evs: int
    accounts: Mapping[str, AccountView]
    auctions: Mapping[str, AuctionView]
    """By consumer."""
    wallets: Mapping[str, int]
    """Ether that people have outside of the market."""

    def auction(self, auction_id: int) -> AuctionView:
        """The view of a current auction: an event names no other."""
        for view in self.auctions.values():
            if view.auction_id == auction_id:
                return view
        raise AssertionError(f"{auction_id:#x} is nobody's current auction")


def observe(market: Contract, accounts: Iterable[str], wallets: Iterable[str]) -> Observation:
    """Ask the contract and the chain."""
    accounts = tuple(accounts)
    return Observation(
        ether=market.chain.balance(market.address),
        owner=market.view("owner"),
        pending_owner=market.view("pendingOwner"),
        active=market.view("active"),
        number_of_evs=market.view("numberOfEVs"),
        accounts={
            account: AccountView._make((*market.view("evs", account), market.view("isEV", account)))
            for account in accounts
        },
        auctions={account: _observe_auction(market, account) for account in accounts},
        wallets={account: market.chain.balance(account) for account in wallets},
    )


def _observe_auction(market: Contract, consumer: str) -> AuctionView:
    auction_id = market.view("currentAuctionId", consumer)
    auction = market.view("auctions", auction_id)
    if auction[0] == State.NONE:
        return AuctionView._make((auction_id, *auction, 0, 0, 0, NO_TOKEN))

    amounts = (market.view(view, auction_id) for view in ("reserve", "bond", "penalty"))
    try:
        token = market.view("accessToken", auction_id)
    except Reverted:
        token = NO_TOKEN
    return AuctionView._make((auction_id, *auction, *amounts, token))


def expect(model: Market, accounts: Iterable[str], wallets: Mapping[str, int]) -> Observation:
    """Ask the model."""
    accounts = tuple(accounts)
    return Observation(
        ether=model.ledger.inside(),
        owner=model.owner,
        pending_owner=model.pending_owner,
        active=model.active,
        number_of_evs=model.number_of_evs(),
        accounts={account: _expect_account(model, account) for account in accounts},
        auctions={account: _expect_auction(model, account) for account in accounts},
        wallets=wallets,
    )


def _expect_account(model: Market, account: str) -> AccountView:
    record = model.accounts[account]
    return AccountView(
        model.balance(account),
        record.added_at or 0,
        record.completed,
        record.no_shows,
        model.is_ev(account),
    )


def _expect_auction(model: Market, consumer: str) -> AuctionView:
    auction_id = model.current_auction_id(consumer)
    auction = model.auctions.get(auction_id)
    if auction is None or auction.state is State.NONE:
        nothing = (State.NONE, ZERO_ADDRESS, 0, 0, 0, 0, ZERO_ADDRESS, 0, 0, 0, 0, 0, 0)
        return AuctionView._make((auction_id, *nothing, NO_TOKEN))

    return AuctionView(
        auction_id=auction_id,
        state=auction.state,
        consumer=consumer,
        energy_wh=auction.energy_wh,
        max_rate=auction.max_rate,
        closing_time=auction.closing_time,
        validity=auction.validity,
        provider=auction.leader,
        rate=auction.standing.rate if auction.standing else 0,
        connected_at=auction.connected_at or 0,
        removals=auction.removals,
        reserve=auction.reserve,
        bond=model.bond(auction),
        penalty=model.penalty(auction),
        token=auction.token if auction.state is State.CONNECTED else NO_TOKEN,
    )


def differences(expected: Observation, actual: Observation) -> Iterator[str]:
    """Where two observations differ, one line each."""
    for field, one, other in zip(Observation._fields, expected, actual, strict=True):
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            for key in one:
                if one[key] != other[key]:
                    yield f"{field} of {key}: expected {one[key]}, is {other[key]}"
        else:
            yield f"{field}: expected {one}, is {other}"
