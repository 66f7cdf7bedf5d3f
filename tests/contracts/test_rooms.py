"""The rooms of the market put together anew: in another currency, and with sealed bids."""

from dataclasses import dataclass
from typing import Any

import pytest
from ape.exceptions import ContractLogicError, CustomError
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ape_v2v.market import messages
from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
    FUNDS,
    LOWER_RATE,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    RESERVE,
    VALIDITY,
    ZERO_ADDRESS,
)

SALT = b"\x22" * 32
OTHER_SALT = b"\x33" * 32
NO_DIGEST = bytes(32)
NONE, OPEN, CONNECTED = range(3)


def is_without_a_reason(refusal: Any) -> bool:
    """Whether the call found nobody to answer it: no function took it."""
    return not isinstance(refusal, CustomError) and refusal.base_err.data == "0x"


@pytest.fixture(scope="session")
def evs(consumer, provider, rival):
    return consumer, provider, rival


@pytest.fixture
def ledger(evs, stranger):
    """Return a function that lists all balances in a market; the last one is burnt."""
    return lambda market: [
        market.evs(account).balance for account in (*evs, stranger, ZERO_ADDRESS)
    ]


# --- In a token -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def currency(project, organization):
    return organization.deploy(project.TestToken)


@pytest.fixture(scope="session")
def token_market(project, organization, evs, currency):
    """A market paid in tokens, of which every EV has as many inside as outside."""
    rules = tuple(PARAMETERS.values())
    market = organization.deploy(project.TokenMarket, organization, rules, currency)
    market.addEVs(evs, [""] * 3, sender=organization)
    for ev in evs:
        currency.mint(ev, 2 * FUNDS, sender=organization)
        currency.approve(market, 2 * FUNDS, sender=ev)
        market.deposit(FUNDS, sender=ev)
    return market


@pytest.fixture
def token_bid_id(token_market, start_auction, provider):
    auction_id = start_auction(on=token_market)
    token_market.placeBid(auction_id, RATE, sender=provider)
    return auction_id


@pytest.fixture
def token_award_id(token_market, token_bid_id, consumer, rival, clock):
    """The rival has overtaken the provider and won."""
    token_market.placeBid(token_bid_id, LOWER_RATE, sender=rival)
    clock.next_block_at(token_market.auctions(token_bid_id).closingTime)
    token_market.endAuction(sender=consumer)
    return token_bid_id


@pytest.fixture
def token_books(token_market, currency, ledger, evs):
    """Return a function that takes down the tokens of the market and the EVs, and the ledger."""

    def take_down():
        tokens = [currency.balanceOf(account) for account in (token_market, *evs)]
        return tokens, ledger(token_market)

    return take_down


def test_tokens_are_deposited(token_market, currency, consumer, token_books):
    assert token_books() == ([3 * FUNDS, FUNDS, FUNDS, FUNDS], [FUNDS, FUNDS, FUNDS, 0, 0])

    receipt = token_market.deposit(7, sender=consumer)

    assert token_books() == (
        [3 * FUNDS + 7, FUNDS - 7, FUNDS, FUNDS],
        [FUNDS + 7, FUNDS, FUNDS, 0, 0],
    )
    assert receipt.events == [
        token_market.Deposited(account=consumer, **{"from": consumer}, amount=7),
        currency.Transfer(**{"from": consumer}, to=token_market, value=7),
    ]


def test_tokens_are_withdrawn(token_market, currency, consumer, token_books):
    receipt = token_market.withdraw(FUNDS, sender=consumer)

    assert token_books() == ([2 * FUNDS, 2 * FUNDS, FUNDS, FUNDS], [0, FUNDS, FUNDS, 0, 0])
    assert receipt.events == [
        token_market.Withdrawn(account=consumer, amount=FUNDS),
        currency.Transfer(**{"from": token_market}, to=consumer, value=FUNDS),
    ]


def test_an_auction_and_a_bid_move_no_tokens(token_market, token_bid_id, token_books):
    assert token_market.auctions(token_bid_id).state == OPEN
    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - RESERVE, FUNDS - BOND, FUNDS, 0, 0],
    )


def test_a_trade_is_paid_in_tokens(token_market, token_award_id, evs, sign, token_books):
    consumer, provider, rival = evs
    receipt = {
        "token": token_market.accessToken(token_award_id),
        "energyWh": ENERGY - 1,
        "meterDataHash": METER_DATA,
    }
    signature = sign(consumer, messages.MeteringReceipt, on=token_market, **receipt)

    settling = token_market.settle(token_award_id, ENERGY - 1, METER_DATA, signature, sender=rival)

    cost = LOWER_RATE * (ENERGY - 1)
    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - cost, FUNDS, FUNDS + cost, 0, 0],
    )
    assert settling.events == [
        token_market.ConnectionEnded(
            auctionId=token_award_id,
            provider=rival,
            energyWh=ENERGY - 1,
            cost=cost,
            meterDataHash=METER_DATA,
        )
    ]

    for ev, amount in ((consumer, FUNDS - cost), (provider, FUNDS), (rival, FUNDS + cost)):
        token_market.withdraw(amount, sender=ev)

    assert token_books() == ([0, 2 * FUNDS - cost, 2 * FUNDS, 2 * FUNDS + cost], [0] * 5)
    assert token_market.balance == 0


def test_burnt_tokens_stay_in_the_market(
    token_market, token_award_id, stranger, clock, token_books
):
    clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])

    token_market.expireConnection(token_award_id, sender=stranger)

    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - PENALTY, FUNDS, FUNDS - PENALTY, 0, 2 * PENALTY],
    )


def test_an_auction_with_ether_is_refused_in_the_token_market(token_market, consumer, token_books):
    before = consumer.balance, token_books()

    with reverts_with(token_market.UnexpectedEther, amount=7):
        token_market.startAuction(
            ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, "", sender=consumer, value=7, gas_price=0
        )

    assert (consumer.balance, token_books()) == before
    assert token_market.balance == 0


def test_a_bid_with_ether_is_refused_in_the_token_market(
    token_market, token_bid_id, rival, token_books
):
    before = rival.balance, token_books()

    with reverts_with(token_market.UnexpectedEther, amount=7):
        token_market.placeBid(token_bid_id, LOWER_RATE, sender=rival, value=7, gas_price=0)

    assert (rival.balance, token_books()) == before
    assert token_market.balance == 0


@pytest.mark.parametrize(
    "send",
    [
        lambda market, account, **terms: account.transfer(market, 7, **terms),
        lambda market, account, **terms: market.deposit(7, sender=account, value=7, **terms),
    ],
    ids=["transfer", "deposit"],
)
def test_ether_is_refused_by_the_token_market(token_market, consumer, token_books, send):
    before = consumer.balance, token_books()

    with pytest.raises(ContractLogicError) as refusal:
        send(token_market, consumer, gas_price=0)

    assert is_without_a_reason(refusal.value)
    assert (consumer.balance, token_books()) == before
    assert token_market.balance == 0


def test_a_deposit_of_no_token_is_refused(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(token_market.ZeroAmount):
        token_market.deposit(0, sender=consumer)

    assert token_books() == before


def test_a_deposit_beyond_a_balances_width_is_refused(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(token_market.SafeCastOverflowedUintDowncast, bits=128, value=2**128 + 7):
        token_market.deposit(2**128 + 7, sender=consumer)

    assert token_books() == before


def test_tokens_that_the_market_may_not_take_are_not_credited(
    token_market, currency, consumer, token_books
):
    currency.approve(token_market, FUNDS - 1, sender=consumer)
    before = token_books()

    with reverts_with(
        currency.ERC20InsufficientAllowance,
        spender=token_market,
        allowance=FUNDS - 1,
        needed=FUNDS,
    ):
        token_market.deposit(FUNDS, sender=consumer)

    assert token_books() == before


def test_tokens_that_are_not_there_are_not_credited(token_market, currency, consumer, token_books):
    currency.approve(token_market, FUNDS + 1, sender=consumer)
    before = token_books()

    with reverts_with(
        currency.ERC20InsufficientBalance, sender=consumer, balance=FUNDS, needed=FUNDS + 1
    ):
        token_market.deposit(FUNDS + 1, sender=consumer)

    assert token_books() == before


def test_no_more_tokens_are_withdrawn_than_the_balance(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(
        token_market.BalanceTooLow, account=consumer, balance=FUNDS, needed=FUNDS + 1
    ):
        token_market.withdraw(FUNDS + 1, sender=consumer)

    assert token_books() == before


def test_tokens_sent_past_the_ledger_are_in_nobodys_balance(
    token_market, currency, consumer, ledger
):
    currency.transfer(token_market, 7, sender=consumer)

    assert currency.balanceOf(token_market) == 3 * FUNDS + 7
    assert ledger(token_market) == [FUNDS, FUNDS, FUNDS, 0, 0]


# --- With sealed bids -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sealed_market(project, organization, evs):
    rules = tuple(PARAMETERS.values())
    market = organization.deploy(project.SealedBidMarket, organization, rules)
    market.addEVs(evs, [""] * 3, sender=organization)
    for ev in evs:
        market.deposit(sender=ev, value=FUNDS)
    return market


@dataclass(frozen=True)
class SealedAuction:
    """An auction of the consumer, and what providers do in it."""

    market: Any
    id: int
    clock: Any

    @property
    def closing_time(self):
        return self.market.auctions(self.id).closingTime

    @property
    def reveal_time(self):
        return self.closing_time - BIDDING_TIME // 2

    @property
    def leader(self):
        auction = self.market.auctions(self.id)
        return auction.provider, auction.rate

    def digest(self, ev, rate, salt=SALT):
        bid = encode(["uint256", "address", "uint64", "bytes32"], [self.id, ev.address, rate, salt])
        return keccak(bid)

    def commitment(self, ev):
        return tuple(self.market.commitments(self.id, ev))[:2]

    def commit(self, ev, rate, salt=SALT, **terms):
        return self.market.commitBid(self.id, self.digest(ev, rate, salt), sender=ev, **terms)

    def reveal(self, ev, rate, salt=SALT):
        return self.market.revealBid(self.id, rate, salt, sender=ev)

    def reclaim(self, ev):
        return self.market.reclaimBond(self.id, sender=ev)

    def award(self, consumer):
        self.clock.next_block_at(self.closing_time)
        return self.market.endAuction(sender=consumer)


@pytest.fixture
def auction(sealed_market, start_auction, clock):
    return SealedAuction(sealed_market, start_auction(on=sealed_market), clock)


@pytest.fixture
def committed(auction, provider, rival, clock):
    """Two have committed, and it is time to reveal."""
    auction.commit(provider, RATE)
    auction.commit(rival, LOWER_RATE)
    clock.move_to(auction.reveal_time)
    return auction


def test_a_commitment_locks_the_bond_and_tells_nothing(auction, provider, ledger):
    receipt = auction.commit(provider, RATE)

    assert ledger(auction.market) == [FUNDS - RESERVE, FUNDS - BOND, FUNDS, 0, 0]
    assert auction.commitment(provider) == (auction.digest(provider, RATE), BOND)
    assert auction.leader == (ZERO_ADDRESS, 0)
    assert receipt.events == []


def test_the_value_of_a_commitment_is_credited_first(auction, provider, ledger):
    auction.market.withdraw(FUNDS, sender=provider)

    receipt = auction.commit(provider, RATE, value=BOND + 7)

    assert ledger(auction.market) == [FUNDS - RESERVE, 7, FUNDS, 0, 0]
    assert receipt.events == [
        auction.market.Deposited(account=provider, **{"from": provider}, amount=BOND + 7)
    ]


def test_a_commitment_is_made_until_the_last_second(auction, provider, clock):
    clock.next_block_at(auction.reveal_time - 1)

    auction.commit(provider, RATE)

    assert auction.commitment(provider)[1] == BOND


@pytest.mark.parametrize("delay", [0, 1, BIDDING_TIME])
def test_a_commitment_is_too_late_when_bids_are_revealed(auction, provider, clock, delay):
    clock.next_block_at(auction.reveal_time + delay)

    with reverts_with(
        auction.market.NotCommitting,
        revealTime=auction.reveal_time,
        timestamp=auction.reveal_time + delay,
    ):
        auction.commit(provider, RATE, value=7)

    assert auction.commitment(provider) == (NO_DIGEST, 0)
    assert auction.market.evs(provider).balance == FUNDS


def test_nobody_commits_twice(auction, provider):
    auction.commit(provider, RATE)

    with reverts_with(auction.market.AlreadyCommitted, provider=provider):
        auction.commit(provider, LOWER_RATE, value=7)

    assert auction.commitment(provider) == (auction.digest(provider, RATE), BOND)
    assert auction.market.evs(provider).balance == FUNDS - BOND


def test_only_an_ev_commits(auction, stranger):
    with reverts_with(auction.market.NotEV, account=stranger):
        auction.commit(stranger, RATE, value=BOND)

    assert auction.commitment(stranger) == (NO_DIGEST, 0)
    assert auction.market.evs(stranger).balance == 0


def test_a_commitment_takes_the_whole_bond(auction, provider):
    auction.market.withdraw(FUNDS - BOND + 1, sender=provider)

    with reverts_with(
        auction.market.BalanceTooLow, account=provider, balance=BOND - 1, needed=BOND
    ):
        auction.commit(provider, RATE)

    assert auction.commitment(provider) == (NO_DIGEST, 0)


def test_nobody_commits_to_an_auction_that_is_over(auction, consumer, provider):
    auction.market.cancelAuction(auction.id, 0, sender=consumer)

    with reverts_with(
        auction.market.UnexpectedState, auctionId=auction.id, actual=NONE, expected=OPEN
    ):
        auction.market.commitBid(auction.id, SALT, sender=provider)

    assert auction.market.evs(provider).balance == FUNDS


def test_the_lowest_bid_takes_the_lead_when_it_is_revealed(committed, provider, rival, ledger):
    higher = committed.reveal(provider, RATE)

    assert committed.leader == (provider, RATE)
    assert committed.commitment(provider) == (NO_DIGEST, 0)
    assert ledger(committed.market) == [FUNDS - RESERVE, FUNDS - BOND, FUNDS - BOND, 0, 0]
    terms = {"auctionId": committed.id, "closingTime": committed.closing_time}
    assert higher.events == [committed.market.BidPlaced(provider=provider, rate=RATE, **terms)]

    lower = committed.reveal(rival, LOWER_RATE)

    assert committed.leader == (rival, LOWER_RATE)
    assert committed.commitment(rival) == (NO_DIGEST, 0)
    assert ledger(committed.market) == [FUNDS - RESERVE, FUNDS, FUNDS - BOND, 0, 0]
    assert lower.events == [committed.market.BidPlaced(provider=rival, rate=LOWER_RATE, **terms)]


def test_a_higher_bid_is_free_when_it_is_revealed(committed, provider, rival, ledger):
    committed.reveal(rival, LOWER_RATE)

    receipt = committed.reveal(provider, RATE)

    assert committed.leader == (rival, LOWER_RATE)
    assert ledger(committed.market) == [FUNDS - RESERVE, FUNDS, FUNDS - BOND, 0, 0]
    assert receipt.events == []


def test_of_equal_bids_the_first_revealed_keeps_the_lead(auction, provider, rival, clock):
    auction.commit(provider, RATE)
    auction.commit(rival, RATE)
    clock.move_to(auction.reveal_time)

    auction.reveal(rival, RATE)
    auction.reveal(provider, RATE)

    assert auction.leader == (rival, RATE)
    assert auction.market.evs(provider).balance == FUNDS


@pytest.mark.parametrize("rate", [1, MAX_RATE])
def test_a_bid_at_its_bound_takes_the_lead(auction, provider, clock, rate):
    auction.commit(provider, rate)
    clock.move_to(auction.reveal_time)

    auction.reveal(provider, rate)

    assert auction.leader == (provider, rate)


@pytest.mark.parametrize("rate", [0, MAX_RATE + 1, 2**64 - 1])
def test_a_bid_beyond_its_bound_is_free(auction, provider, clock, rate, ledger):
    auction.commit(provider, rate)
    clock.move_to(auction.reveal_time)

    receipt = auction.reveal(provider, rate)

    assert auction.leader == (ZERO_ADDRESS, 0)
    assert ledger(auction.market) == [FUNDS - RESERVE, FUNDS, FUNDS, 0, 0]
    assert receipt.events == []


@pytest.mark.parametrize("moment", ["reveal_time", "closing_time"])
def test_bids_are_revealed_from_then_until_the_close(auction, provider, clock, moment):
    auction.commit(provider, RATE)
    last = moment == "closing_time"
    clock.next_block_at(getattr(auction, moment) - last)

    auction.reveal(provider, RATE)

    assert auction.leader == (provider, RATE)


@pytest.mark.parametrize("moment", ["reveal_time", "closing_time"])
def test_bids_are_not_revealed_before_or_after(auction, provider, clock, moment):
    auction.commit(provider, RATE)
    early = moment == "reveal_time"
    timestamp = getattr(auction, moment) - early
    clock.next_block_at(timestamp)

    with reverts_with(
        auction.market.NotRevealing,
        revealTime=auction.reveal_time,
        closingTime=auction.closing_time,
        timestamp=timestamp,
    ):
        auction.reveal(provider, RATE)

    assert auction.leader == (ZERO_ADDRESS, 0)
    assert auction.commitment(provider)[1] == BOND


@pytest.mark.parametrize(
    ("rate", "salt"),
    [(RATE, OTHER_SALT), (RATE - 1, SALT), (0, SALT)],
    ids=["other salt", "other rate", "no rate"],
)
def test_nobody_reveals_another_bid_than_it_committed(committed, provider, rate, salt):
    digest = committed.digest(provider, rate, salt)

    with reverts_with(committed.market.NoSuchCommitment, provider=provider, digest=digest):
        committed.reveal(provider, rate, salt)

    assert committed.leader == (ZERO_ADDRESS, 0)
    assert committed.commitment(provider)[1] == BOND


def test_a_copied_commitment_cannot_be_revealed(auction, provider, rival, clock):
    auction.commit(provider, RATE)
    auction.market.commitBid(auction.id, auction.digest(provider, RATE), sender=rival)
    clock.move_to(auction.reveal_time)

    with reverts_with(
        auction.market.NoSuchCommitment, provider=rival, digest=auction.digest(rival, RATE)
    ):
        auction.reveal(rival, RATE)

    auction.reveal(provider, RATE)
    assert auction.leader == (provider, RATE)


def test_nobody_reveals_what_it_did_not_commit(committed, consumer, stranger):
    digest = committed.digest(stranger, RATE)

    with reverts_with(committed.market.NoSuchCommitment, provider=stranger, digest=digest):
        committed.reveal(stranger, RATE)

    assert committed.leader == (ZERO_ADDRESS, 0)


def test_nobody_reveals_twice(committed, provider):
    committed.reveal(provider, RATE)
    digest = committed.digest(provider, RATE)

    with reverts_with(committed.market.NoSuchCommitment, provider=provider, digest=digest):
        committed.reveal(provider, RATE)

    assert committed.market.evs(provider).balance == FUNDS - BOND


def test_a_consumer_does_not_reveal_in_its_own_auction(auction, consumer, clock):
    auction.commit(consumer, RATE)
    clock.move_to(auction.reveal_time)

    with reverts_with(auction.market.OwnAuction, auctionId=auction.id):
        auction.reveal(consumer, RATE)

    assert auction.leader == (ZERO_ADDRESS, 0)


def test_nobody_reveals_in_an_auction_that_is_over(committed, consumer, provider):
    committed.market.cancelAuction(committed.id, 0, sender=consumer)

    with reverts_with(
        committed.market.UnexpectedState, auctionId=committed.id, actual=NONE, expected=OPEN
    ):
        committed.reveal(provider, RATE)

    assert committed.commitment(provider)[1] == BOND


@pytest.mark.parametrize("moment", ["commit", "reveal", "last second"])
def test_a_bond_is_not_reclaimed_while_bids_are_sealed(auction, provider, clock, moment):
    auction.commit(provider, RATE)
    timestamp = {
        "commit": clock.now + 1,
        "reveal": auction.reveal_time,
        "last second": auction.closing_time - 1,
    }[moment]
    clock.next_block_at(timestamp)

    with reverts_with(
        auction.market.StillHidden, closingTime=auction.closing_time, timestamp=timestamp
    ):
        auction.reclaim(provider)

    assert auction.commitment(provider)[1] == BOND
    assert auction.market.evs(provider).balance == FUNDS - BOND


def test_a_bid_that_stays_hidden_costs_the_penalty(committed, provider, ledger, clock):
    clock.next_block_at(committed.closing_time)

    receipt = committed.reclaim(provider)

    assert ledger(committed.market) == [
        FUNDS - RESERVE + PENALTY,
        FUNDS - PENALTY,
        FUNDS - BOND,
        0,
        0,
    ]
    assert committed.commitment(provider) == (NO_DIGEST, 0)
    assert receipt.events == []


def test_a_bid_that_stays_hidden_costs_the_penalty_once_connected(committed, evs, ledger):
    consumer, provider, rival = evs
    committed.reveal(rival, LOWER_RATE)
    committed.award(consumer)

    committed.reclaim(provider)

    assert committed.market.auctions(committed.id).state == CONNECTED
    assert ledger(committed.market) == [
        FUNDS - RESERVE + PENALTY,
        FUNDS - PENALTY,
        FUNDS - BOND,
        0,
        0,
    ]


def test_a_hidden_bid_is_free_when_the_auction_was_cancelled(committed, consumer, provider, ledger):
    committed.market.cancelAuction(committed.id, 0, sender=consumer)

    committed.reclaim(provider)

    assert ledger(committed.market) == [FUNDS, FUNDS, FUNDS - BOND, 0, 0]
    assert committed.commitment(provider) == (NO_DIGEST, 0)


def test_a_bid_that_stays_hidden_costs_the_penalty_when_all_is_over_too(committed, evs, ledger):
    consumer, provider, rival = evs
    committed.reveal(rival, LOWER_RATE)
    committed.award(consumer)
    committed.market.endConnection(sender=consumer)
    before = ledger(committed.market)

    committed.reclaim(provider)

    after = ledger(committed.market)
    assert [now - then for now, then in zip(after, before, strict=True)] == [
        PENALTY,
        BOND - PENALTY,
        0,
        0,
        0,
    ]


def test_an_ev_that_was_removed_reveals_at_no_loss_and_does_not_win(
    committed, organization, provider, ledger
):
    committed.market.removeEV(provider, sender=organization)

    committed.reveal(provider, RATE)

    assert committed.leader == (ZERO_ADDRESS, 0)
    assert ledger(committed.market) == [FUNDS - RESERVE, FUNDS, FUNDS - BOND, 0, 0]


def test_a_commitment_to_nothing_is_refused(auction, provider, ledger):
    with reverts_with(auction.market.NoSuchCommitment, provider=provider, digest=NO_DIGEST):
        auction.market.commitBid(auction.id, NO_DIGEST, sender=provider)

    assert ledger(auction.market) == [FUNDS - RESERVE, FUNDS, FUNDS, 0, 0]


@pytest.mark.parametrize("before", ["reclaim", "reveal", "nothing"])
def test_no_bond_is_reclaimed_that_is_not_there(auction, provider, clock, before):
    if before != "nothing":
        auction.commit(provider, MAX_RATE + 1)
    if before == "reveal":
        clock.next_block_at(auction.reveal_time)
        auction.reveal(provider, MAX_RATE + 1)
    clock.move_to(auction.closing_time)
    if before == "reclaim":
        auction.reclaim(provider)
    balance = auction.market.evs(provider).balance

    with reverts_with(auction.market.NoSuchCommitment, provider=provider, digest=NO_DIGEST):
        auction.reclaim(provider)

    assert auction.market.evs(provider).balance == balance


def test_a_trade_with_sealed_bids(committed, evs, ledger):
    """One bid wins, one is overtaken, and one stays hidden."""
    consumer, provider, rival = evs
    market = committed.market
    committed.reveal(provider, RATE)
    committed.reveal(rival, LOWER_RATE)
    committed.award(consumer)

    receipt = market.endConnection(sender=consumer)

    cost = LOWER_RATE * ENERGY
    assert ledger(market) == [FUNDS - cost, FUNDS, FUNDS + cost, 0, 0]
    assert market.balance == 3 * FUNDS
    assert receipt.events == [
        market.ConnectionEnded(
            auctionId=committed.id,
            provider=rival,
            energyWh=ENERGY,
            cost=cost,
            meterDataHash=bytes(32),
        )
    ]

    for ev, amount in zip(evs, ledger(market)[:3], strict=True):
        market.withdraw(amount, sender=ev)

    assert ledger(market) == [0] * 5
    assert market.balance == 0


def test_sealed_bids_leave_no_ether_unaccounted_for(committed, evs, ledger, stranger, clock):
    """Nobody pays, and one bid stays hidden."""
    consumer, provider, rival = evs
    market = committed.market
    committed.reveal(rival, LOWER_RATE)
    committed.award(consumer)
    committed.reclaim(provider)
    clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])

    market.expireConnection(committed.id, sender=stranger)

    assert ledger(market) == [FUNDS, FUNDS - PENALTY, FUNDS - PENALTY, 0, 2 * PENALTY]
    assert sum(ledger(market)) == market.balance == 3 * FUNDS
