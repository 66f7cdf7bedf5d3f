"""Autobidders on a real chain: step by step, and running until there is nothing left to do."""

import threading

import pytest

from ape_v2v.bidding.autobidder import Action, Autobidder, Decision
from ape_v2v.bidding.openings import SignedOpenings
from ape_v2v.bidding.policy import Policy
from ape_v2v.errors import V2VError
from ape_v2v.index.board import Board, Filters, Listing
from ape_v2v.index.history import History
from ape_v2v.market.details import Details
from ape_v2v.testing.assertions import rollback
from ape_v2v.units import Energy, Rate
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
    ETHER,
    FUNDS,
    GWEI,
    MAX_RATE,
    RATE,
)

FLOOR = 150 * GWEI


class RecordedBidder(Autobidder):
    """An autobidder that remembers its decisions."""

    def __init__(self, market, account, policy, then, openings):
        self.decisions: list[Decision] = []

        def report(decision):
            self.decisions.append(decision)
            then(decision)

        super().__init__(market, account, policy, report, openings=openings)


@pytest.fixture
def bidder(api, provider):
    """A factory of autobidders that do not look at gas; `then` is told what they decide."""

    def bidder(account=provider, floor=FLOOR, then=lambda _: None, openings=None, **policy):
        policy = {"counts_gas": False, **policy}
        return RecordedBidder(api, account, Policy(Rate(floor), **policy), then, openings)

    return bidder


@pytest.fixture
def look(auction):
    """What an autobidder of one auction sees; nothing once that is over."""

    def look():
        return [Listing(auction.info)] if auction.state else []

    return look


@pytest.fixture
def board(api):
    """The running auctions of the whole market, read anew at each look."""
    with History(api, cache=False) as history:
        board = Board(history)

        def look():
            board.refresh()
            return board.running()

        yield look


def actions(bidder):
    return [decision.action for decision in bidder.decisions]


def reasons(bidder):
    return [decision.reason for decision in bidder.decisions if decision.reason]


# --- One bid


def test_it_opens_at_the_maximum_rate(bidder, look, auction, provider):
    bidder = bidder()

    assert bidder.step(look())

    assert (auction.info.provider, auction.info.rate) == (provider, Rate(MAX_RATE))
    (decision,) = bidder.decisions
    assert (decision.action, decision.rate) == (Action.BID, Rate(MAX_RATE))
    assert decision.transaction.startswith("0x")


@pytest.mark.parametrize(("start_rate", "expected"), [(RATE, RATE), (2 * MAX_RATE, MAX_RATE)])
def test_it_opens_at_its_start_rate_if_that_is_lower(bidder, look, auction, start_rate, expected):
    assert bidder(start_rate=Rate(start_rate)).step(look())

    assert auction.info.rate == Rate(expected)


def test_it_undercuts_a_rival_by_just_what_is_required(bidder, look, auction, rival):
    auction.place_bid(Rate(RATE), sender=rival)
    highest = auction.highest_rate

    # The start rate is for opening only: here it would give money away.
    assert bidder(start_rate=Rate(FLOOR)).step(look())

    assert auction.info.rate == highest == Rate(RATE * 99 // 100)


def test_it_does_not_bid_on_terms_that_it_has_not_seen(bidder, api, start_auction):
    with rollback():
        seen = [Listing(api.auction(start_auction()).info)]
    replaced = api.auction(start_auction(energy=2 * ENERGY))
    bidder = bidder()

    assert not bidder.step(seen)

    assert replaced.info.provider is None
    assert actions(bidder) == [Action.REFUSED]


def test_it_does_not_bid_against_itself(bidder, look, auction):
    bidder = bidder()
    bidder.step(look())
    standing = auction.info

    assert not bidder.step(look())

    assert auction.info == standing
    assert actions(bidder) == [Action.BID]


def test_it_bids_its_floor_and_never_below(bidder, look, auction, rival):
    auction.place_bid(Rate(RATE), sender=rival)
    exact = RATE * 99 // 100

    too_proud = bidder(floor=exact + 1)
    assert not too_proud.step(look())
    assert reasons(too_proud) == ["a bid would have to be below the floor"]
    assert auction.info.provider == rival

    assert bidder(floor=exact).step(look())
    assert auction.info.rate == Rate(exact)


def test_it_does_not_bid_where_no_rate_can_undercut(bidder, look, auction, rival):
    auction.place_bid(Rate(1), sender=rival)

    assert not bidder(floor=1).step(look())


def test_it_does_not_bid_without_the_balance_for_the_bond(
    bidder, look, auction, market, provider, balance
):
    market.withdraw(FUNDS - BOND + 1, provider, sender=provider)
    bidder = bidder()

    assert not bidder.step(look())
    assert not bidder.step(look())

    assert reasons(bidder) == [
        "the bond is 0.006 ether, and 0.005999999999999999 ether are free: deposit 1 wei more"
    ]
    market.deposit(sender=provider, value=1)
    assert bidder.step(look())
    assert balance(provider) == 0


def test_it_does_not_bid_in_its_own_auction(bidder, look, consumer):
    assert not bidder(account=consumer).step(look())


def test_it_does_not_bid_after_the_close(bidder, look, auction, clock):
    clock.move_to(int(auction.info.closing_time.timestamp()))

    assert not bidder().step(look())


def test_it_survives_a_bid_that_somebody_else_was_faster_with(bidder, look, auction, rival):
    bidder = bidder()
    as_it_was = look()
    auction.place_bid(Rate(RATE), sender=rival)

    assert not bidder.step(as_it_was)
    assert bidder.step(look())

    assert actions(bidder) == [Action.REFUSED, Action.BID]
    assert "is too high" in bidder.decisions[0].reason
    assert (bidder.summary.bids, bidder.summary.refused) == (1, 1)


def test_a_floor_of_nothing_is_refused():
    with pytest.raises(V2VError, match="the floor is 0"):
        Policy(Rate(0))


def test_a_start_rate_below_the_floor_is_refused():
    with pytest.raises(V2VError, match=r"start rate of .* is below the floor"):
        Policy(Rate(FLOOR + 1), start_rate=Rate(FLOOR))


# --- Two of them


def test_two_autobidders_end_at_the_higher_floor(bidder, look, auction, provider, rival):
    proud, modest = bidder(floor=200 * GWEI), bidder(account=rival, floor=FLOOR)

    while proud.step(look()) or modest.step(look()):
        pass

    info = auction.info
    assert info.provider == rival
    # The proud one cannot go on: what would be accepted is below its floor.
    assert auction.highest_rate < Rate(200 * GWEI)
    # The modest one has undercut a bid that was not below that floor, and by no more than needed.
    assert info.rate >= Rate(200 * GWEI * 99 // 100)
    placed = [item.rate for item in proud.decisions if item.action is Action.BID]
    assert min(placed) >= Rate(200 * GWEI)
    assert proud.summary.refused == modest.summary.refused == 0
    assert proud.decisions[-1].action is Action.WAITS


def test_of_two_with_the_same_floor_neither_goes_below_it(bidder, look, auction, rival):
    one, other = bidder(floor=280 * GWEI), bidder(account=rival, floor=280 * GWEI)

    while one.step(look()) or other.step(look()):
        pass

    assert Rate(280 * GWEI) <= auction.info.rate <= Rate(280 * GWEI * 100 // 99 + 1)


def test_after_a_removal_it_bids_from_the_top_again(bidder, look, auction, rival):
    bidder = bidder()
    bidder.step(look())
    auction.place_bid(Rate(1), sender=rival)
    assert not bidder.step(look())

    auction.remove_bid(sender=rival)

    assert bidder.step(look())
    assert auction.info.rate == Rate(MAX_RATE)


# --- Several auctions


@pytest.fixture
def two_auctions(api, market, organization, consumer, stranger, auction_id):
    """Another one, of the stranger, that pays a higher rate and is near Paris."""
    market.addEV(stranger, "", sender=organization)
    details = Details.parse('{"place": "48.86,2.35", "connector": "CHADEMO"}').text()
    better = api.start_auction(
        Energy(ENERGY // 2),
        Rate(2 * MAX_RATE),
        details=details,
        sender=stranger,
        value=api.auction(auction_id).reserve,
    )
    return api.auction(auction_id), better


def test_the_auction_with_the_highest_rate_comes_first(bidder, board, two_auctions, provider):
    other, better = two_auctions
    bidder = bidder()

    bidder.catch_up(board, threading.Event())

    assert better.info.provider == provider
    assert other.info.provider is None
    assert reasons(bidder) == ["engaged in 1, the most allowed"]


def test_it_bids_in_as_many_auctions_as_it_may(bidder, board, two_auctions, provider):
    bidder = bidder(max_auctions=2)

    bidder.catch_up(board, threading.Event())

    assert [auction.info.provider for auction in two_auctions] == [provider, provider]
    assert sorted(bidder.summary.leading) == sorted(auction.id for auction in two_auctions)


def test_when_it_is_overtaken_in_one_it_may_bid_in_another(
    bidder, board, two_auctions, provider, rival
):
    other, better = two_auctions
    bidder = bidder()
    bidder.catch_up(board, threading.Event())

    better.place_bid(Rate(1), sender=rival)
    bidder.catch_up(board, threading.Event())

    assert other.info.provider == provider


def test_a_connection_counts_as_an_auction(bidder, board, two_auctions, provider, stranger, clock):
    _, better = two_auctions
    bidder = bidder(filters=Filters(connector="chademo"))
    bidder.catch_up(board, threading.Event())
    clock.next_block_at(int(better.info.closing_time.timestamp()))
    better.end(sender=stranger)

    bidder.catch_up(board, threading.Event())

    assert bidder.summary.won == [better.id]
    assert actions(bidder)[-1] is Action.WON


@pytest.mark.parametrize(
    "filters",
    [
        {"min_energy": Energy(ENERGY)},
        {"max_energy": Energy(ENERGY // 2 - 1)},
        {"min_rate": Rate(2 * MAX_RATE + 1)},
        {"connector": "IEC_62196_T2"},
    ],
)
def test_it_leaves_what_does_not_pass_its_filters(bidder, board, two_auctions, filters):
    bidder(max_auctions=2, filters=Filters(**filters)).catch_up(board, threading.Event())

    assert two_auctions[1].info.provider is None


# --- Running


def test_it_answers_every_bid_until_bidding_closes(bidder, look, auction, provider, rival, clock):
    """The rival bids each time that it is told of a bid, and at last lets the time pass."""

    def answer(decision):
        if decision.action is Action.BID:
            if bidder.summary.bids < 3:
                auction.place_bid(auction.highest_rate, sender=rival)
            else:
                clock.move_to(int(auction.info.closing_time.timestamp()))

    bidder = bidder(start_rate=Rate(RATE), then=answer)
    summary = bidder.run(look, threading.Event(), interval=0.01)

    assert auction.info.provider == provider
    assert actions(bidder) == [Action.BID] * 3 + [Action.LEADS]
    assert (summary.bids, summary.refused, summary.leading) == (3, 0, [auction.id])
    assert summary.reason == "nothing more can be done"


def test_it_reports_what_it_has_lost(bidder, look, auction, rival, clock):
    bidder = bidder()
    bidder.step(look())
    auction.place_bid(Rate(1), sender=rival)
    clock.move_to(int(auction.info.closing_time.timestamp()))

    summary = bidder.run(look, threading.Event(), interval=0.01)

    assert summary.lost == [auction.id]
    assert actions(bidder) == [Action.BID, Action.LOST]


def test_it_reports_that_the_auction_was_cancelled(bidder, look, auction, consumer):
    bidder = bidder()
    bidder.step(look())
    auction.cancel(auction.penalty, sender=consumer)

    summary = bidder.run(look, threading.Event(), interval=0.01)

    assert actions(bidder) == [Action.BID, Action.OVER]
    assert summary.leading == []


def test_it_stops_where_its_floor_is_above_the_maximum_rate(bidder, look):
    summary = bidder(floor=MAX_RATE + 1).run(look, threading.Event(), interval=0.01)

    assert summary.reason == "nothing more can be done"
    assert summary.bids == 0


def test_it_stops_when_it_is_no_registered_ev(bidder, look, market, organization, provider):
    market.removeEV(provider, sender=organization)

    summary = bidder().run(look, threading.Event(), interval=0.01, lasting=True)

    assert summary.reason == f"{provider} is not a registered EV"


def test_it_stops_when_it_is_told_to(bidder, look, auction, provider):
    stop = threading.Event()

    summary = bidder(then=lambda _: stop.set()).run(look, stop, interval=60)

    assert summary.reason == "told to stop"
    assert summary.leading == [auction.id]
    assert auction.info.provider == provider


# --- The board


def test_the_board_has_every_running_auction_and_no_other(
    api, board, two_auctions, consumer, stranger, provider, clock
):
    other, better = two_auctions
    assert [listing.info.id for listing in board()] == [other.id, better.id]
    assert board()[1].details.connector == "CHADEMO"

    other.cancel(sender=consumer)
    assert [listing.info for listing in board()] == [better.info]

    again = api.start_auction(Energy(1), Rate(ETHER), sender=consumer)
    assert [listing.info.id for listing in board()] == [better.id, again.id]

    better.place_bid(Rate(1), sender=provider)
    clock.next_block_at(int(better.info.closing_time.timestamp()))
    connection = better.end(sender=stranger)
    assert board()[0].info == connection.info

    connection.end(sender=stranger)
    assert [listing.info.id for listing in board()] == [again.id]
    assert again.info.closing_time.timestamp() < clock.now + BIDDING_TIME


def test_an_auction_with_details_that_are_no_text_does_not_blind_the_board(
    board, market, consumer, two_auctions
):
    """Whoever starts an auction may put any bytes there."""
    other, better = two_auctions
    other.cancel(sender=consumer)
    data = market.startAuction.encode_input(1, 10**15, 600, 600, False, "\x00\x00")
    assert data.count(b"\x02" + b"\x00" * 32) == 1
    poisoned = data.replace(b"\x02" + b"\x00" * 32, b"\x02\xff\xfe" + b"\x00" * 30)
    consumer.transfer(market.address, 0, data=poisoned)

    listings = board()

    consumers = [better.info.consumer, consumer.address]
    assert sorted(listing.info.consumer for listing in listings) == sorted(consumers)


# --- Openings that others place


@pytest.fixture
def published():
    """What it has signed, and given to others."""
    return []


@pytest.fixture
def signing(bidder, published):
    """A factory of autobidders that sign their openings."""
    return lambda **options: bidder(openings=SignedOpenings(published.append), **options)


def test_its_signed_opening_is_placed_by_another_and_costs_it_no_transaction(
    signing, published, look, auction, provider, consumer
):
    bidder, nonce = signing(expected=Rate(RATE)), provider.nonce

    assert bidder.step(look())
    assert not bidder.step(look())
    auction.relay_bid(published[0].bid_for(auction), sender=consumer)
    assert not bidder.step(look())

    assert (auction.info.provider, auction.info.rate) == (provider, Rate(RATE))
    assert (provider.nonce, len(published)) == (nonce, 1)
    assert actions(bidder) == [Action.SIGNED]
    assert bidder.summary.leading == [auction.id]


def test_it_bids_itself_when_nobody_has_placed_its_opening(
    signing, published, look, auction, provider, chain, stranger
):
    bidder = signing()
    bidder.step(look())

    chain.mine(deltatime=BIDDING_TIME // 2 + 1)
    assert bidder.step(look())

    assert auction.info.provider == provider
    assert actions(bidder) == [Action.SIGNED, Action.BID]
    with pytest.raises(V2VError):  # it has run out: there is no second bid
        auction.relay_bid(published[0].bid_for(auction), sender=stranger)


def test_it_answers_a_rival_that_its_signed_opening_no_longer_undercuts(
    signing, look, auction, provider, rival
):
    bidder = signing()
    bidder.step(look())
    auction.place_bid(Rate(RATE), sender=rival)

    assert bidder.step(look())

    assert auction.info.provider == provider
    assert actions(bidder) == [Action.SIGNED, Action.BID]


def test_it_leaves_a_rival_to_a_signed_opening_that_undercuts_it(
    signing, published, look, auction, provider, rival, consumer
):
    bidder = signing(expected=Rate(RATE))
    bidder.step(look())
    auction.place_bid(Rate(MAX_RATE), sender=rival)

    assert not bidder.step(look())
    auction.relay_bid(published[0].bid_for(auction), sender=consumer)

    assert (auction.info.provider, auction.info.rate) == (provider, Rate(RATE))


def test_what_is_signed_counts_as_an_auction_that_it_is_engaged_in(
    signing, published, board, auction, start_auction, rival
):
    start_auction(sender=rival)
    bidder = signing()

    bidder.catch_up(board, threading.Event())

    assert len(published) == 1
    assert actions(bidder) == [Action.SIGNED, Action.WAITS]
    assert "engaged in 1, the most allowed" in reasons(bidder)
