"""Everything that a market's views and the chain say, and what the model would have them say."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from eth_abi.abi import decode

from ape_v2v.evm.contracts import Contract
from tests.model.market import ZERO_ADDRESS, Market, State

NO_TOKEN = bytes(32)
WORD = 32


class AccountView(NamedTuple):
    wallet: int
    """Ether outside of the market."""
    balance: int
    added_at: int
    completed: int
    no_shows: int
    revocations: int
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
    open_award: bool
    provider: str
    rate: int
    connected_at: int
    free_until: int
    removals: int
    reserve: int
    bond: int
    penalty: int
    token: bytes
    """The access token, or `NO_TOKEN` where the view reverts."""
    has_token: bool

    @property
    def locked(self) -> int:
        return self.reserve + (self.bond if self.provider != ZERO_ADDRESS else 0)


class MarketView(NamedTuple):
    ether: int
    owner: str
    pending_owner: str
    active: bool
    number_of_evs: int


# The structs of contracts/test/MarketLens.sol: a word for each value.
_MARKET = ("uint256", "address", "address", "bool", "uint256")
_ACCOUNT = ("uint256", "uint128", "uint40", "uint40", "uint24", "uint24", "bool")
_AUCTION = (
    *("uint256", "uint8", "address", "uint32", "uint64", "uint256", "uint256", "bool", "address"),
    *("uint64", "uint256", "uint256", "uint256", "uint256", "uint256", "uint256"),
    *("bytes32", "bool"),
)


class Observation(NamedTuple):
    market: MarketView
    accounts: Mapping[str, AccountView]
    auctions: Mapping[str, AuctionView]
    """By consumer."""

    def auction(self, auction_id: int) -> AuctionView:
        """The view of a current auction: an event names no other."""
        for view in self.auctions.values():
            if view.auction_id == auction_id:
                return view
        raise AssertionError(f"{auction_id:#x} is nobody's current auction")


class Lens:
    """Looks at a market through a contract that asks all its views at once."""

    def __init__(self, lens: Contract, market: str, accounts: Iterable[str]) -> None:
        self._lens = lens
        self._accounts = tuple(accounts)
        self._question = lens.interface.call_data("look", market, self._accounts)

    def observe(self) -> Observation:
        """Ask the contract and the chain."""
        answer = self._lens.chain.call(self._lens.address, self._question)
        # The market's words, then offset and length of the list, then each account's words.
        split, size = len(_ACCOUNT) * WORD, (len(_ACCOUNT) + len(_AUCTION)) * WORD
        accounts, auctions = {}, {}
        at = (len(_MARKET) + 2) * WORD
        for who in self._accounts:
            accounts[who] = _account(answer[at : at + split])
            auctions[who] = _auction(answer[at + split : at + size])
            at += size
        return Observation(_market(answer[: len(_MARKET) * WORD]), accounts, auctions)


# From one step to the next, little changes.
@lru_cache(maxsize=2**10)
def _market(words: bytes) -> MarketView:
    return MarketView._make(decode(_MARKET, words))


@lru_cache(maxsize=2**12)
def _account(words: bytes) -> AccountView:
    return AccountView._make(decode(_ACCOUNT, words))


@lru_cache(maxsize=2**12)
def _auction(words: bytes) -> AuctionView:
    return AuctionView._make(decode(_AUCTION, words))


def expect(model: Market, accounts: Iterable[str], wallets: Mapping[str, int]) -> Observation:
    """Ask the model; `wallets` is what those have outside of the market who have any ether."""
    accounts = tuple(accounts)
    return Observation(
        market=MarketView(
            ether=model.ledger.inside(),
            owner=model.owner,
            pending_owner=model.pending_owner,
            active=model.active,
            number_of_evs=model.number_of_evs(),
        ),
        accounts={who: _expect_account(model, who, wallets.get(who, 0)) for who in accounts},
        auctions={who: _expect_auction(model, who) for who in accounts},
    )


def _expect_account(model: Market, account: str, wallet: int) -> AccountView:
    record = model.accounts[account]
    return AccountView(
        wallet,
        model.balance(account),
        record.added_at or 0,
        record.completed,
        record.no_shows,
        record.revocations,
        record.added_at is not None,
    )


def _expect_auction(model: Market, consumer: str) -> AuctionView:
    auction_id = model.current_auction_id(consumer)
    auction = model.auctions.get(auction_id)
    if auction is None or auction.state is State.NONE:
        terms = (State.NONE, ZERO_ADDRESS, 0, 0, 0, 0, False)
        nothing = (*terms, ZERO_ADDRESS, 0, 0, 0, 0, 0, 0, 0)
        return AuctionView._make((auction_id, *nothing, NO_TOKEN, False))

    connected = auction.state is State.CONNECTED
    return AuctionView(
        auction_id=auction_id,
        state=auction.state,
        consumer=consumer,
        energy_wh=auction.energy_wh,
        max_rate=auction.max_rate,
        closing_time=auction.closing_time,
        validity=auction.validity,
        open_award=auction.open_award,
        provider=auction.leader,
        rate=auction.standing.rate if auction.standing else 0,
        connected_at=auction.connected_at or 0,
        free_until=model.free_until(auction),
        removals=auction.removals,
        reserve=auction.reserve,
        bond=model.bond(auction),
        penalty=model.penalty(auction),
        token=auction.token if connected else NO_TOKEN,
        has_token=connected,
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
