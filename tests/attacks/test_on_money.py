"""Attacks on the ledger: ether that is taken twice, forced in, or too much for a field."""

from enum import IntEnum

import pytest
from ape.exceptions import ContractLogicError

from ape_v2v.testing.assertions import reverts_with
from tests.helpers.refusals import is_without_a_reason
from tests.helpers.scenario import (
    BOND,
    ENERGY,
    ETHER,
    FUNDS,
    RESERVE,
    TERMS,
    VALIDITY,
    ZERO_ADDRESS,
    offered,
)

UINT32, UINT64, UINT128 = 2**32 - 1, 2**64 - 1, 2**128 - 1
WEEK = 7 * 86_400
LARGEST_RESERVE = UINT32 * UINT64


class Answer(IntEnum):
    """What HostileEV does with ether that the market sends."""

    ACCEPT = 0
    REFUSE = 1
    REENTER = 2


@pytest.fixture
def attacker(project, market, organization, stranger):
    """A contract of the stranger, registered as an EV."""
    contract = stranger.deploy(project.HostileEV, market)
    market.addEV(contract, "", sender=organization)
    return contract


def test_reentrancy_through_withdraw(market, attacker, stranger, gains):
    """A contract asks for its balance again while the market pays it.

    It asks for 1 ether of its 2.5, and is called back with it: three times it would have more than
    it owns, and the market holds others' money that could pay it.
    """
    market.depositFor(attacker, sender=stranger, value=5 * ETHER // 2)
    held = market.balance
    assert held > 3 * ETHER
    attacker.prepare(Answer.REENTER, sender=stranger)

    attacker.act(market.withdraw.encode_input(ETHER, attacker), sender=stranger)

    assert attacker.reentries() == 1
    assert attacker.balance == 2 * ETHER
    assert market.evs(attacker).balance == ETHER // 2
    assert market.balance == held - 2 * ETHER
    assert gains() == {}


def test_reentrancy_while_leading(market, auction_id, attacker, stranger, rival, gains):
    """A contract leads an auction and re-enters when it takes out what is not locked.

    Its bond is out of reach until somebody overtakes it: then it is its own again, once.
    """
    market.depositFor(attacker, sender=stranger, value=BOND + 7)
    attacker.act(market.placeBid.encode_input(auction_id, 2, TERMS), sender=stranger)
    attacker.prepare(Answer.REENTER, sender=stranger)

    attacker.act(market.withdraw.encode_input(7, attacker), sender=stranger)
    with reverts_with(market.BalanceTooLow, account=attacker, balance=0, needed=BOND):
        attacker.act(market.withdraw.encode_input(BOND, attacker), sender=stranger)
    market.placeBid(auction_id, 1, offered(market, auction_id), sender=rival)
    attacker.act(market.withdraw.encode_input(BOND, attacker), sender=stranger)

    assert attacker.balance == BOND + 7
    assert market.evs(attacker).balance == 0
    assert gains() == {}


def test_forced_ether(market, attacker, stranger, bid_id, close, consumer, provider, rival, gains):
    """Ether comes in by selfdestruct, so that the books and the contract's balance differ.

    No rule reads the contract's balance: the trade goes on, everybody leaves with what is theirs,
    and the attacker's ether stays behind for ever.
    """
    attacker.force(market, sender=stranger, value=3 * ETHER)

    close(bid_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    paid = {role: amount for role, amount in gains().items() if amount}
    assert sum(paid.values()) == 0
    for account in (consumer, provider, rival):
        market.withdraw(market.evs(account).balance, account, sender=account)

    assert market.balance == 3 * ETHER
    for account in (stranger, attacker):
        assert market.evs(account).balance == 0


def test_overflow_at_the_limits_of_energy_and_rate(
    market, consumer, provider, start_auction, close, chain
):
    """The largest energy at the largest rate: a product that wraps would make a cheap reserve.

    The amounts are exact, so the consumer pays for what it asks for.
    """
    for account in (consumer, provider):
        chain.provider.set_balance(account.address, 2 * LARGEST_RESERVE)
        market.deposit(sender=account, value=LARGEST_RESERVE)
    auction_id = start_auction(energy=UINT32, max_rate=UINT64, bidding_time=WEEK, validity=WEEK)
    assert market.reserve(auction_id) == LARGEST_RESERVE
    assert market.evs(consumer).balance == FUNDS

    market.placeBid(auction_id, UINT64, offered(market, auction_id), sender=provider)
    assert market.evs(provider).balance == FUNDS
    close(auction_id)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert market.evs(consumer).balance == FUNDS
    assert market.evs(provider).balance == FUNDS + 2 * LARGEST_RESERVE


@pytest.mark.parametrize(
    "terms",
    [
        {"energy": UINT32 + 1},
        {"max_rate": UINT64 + 1},
        {"energy": 2**256 - 1},
        {"max_rate": 2**256 - 1},
    ],
    ids=["energy by one", "rate by one", "energy by all", "rate by all"],
)
def test_overflow_of_energy_and_rate_beyond_their_fields(market, consumer, terms, gains):
    """Call data with bits above a field, which a careless contract would cut off.

    Not even the ABI lets them in: the call is refused as a whole.
    """
    values = {"energy": ENERGY, "max_rate": 1, **terms}
    selector = market.startAuction.encode_input(1, 1, 600, VALIDITY, False, "")[:4]
    good = market.startAuction.encode_input(1, 1, 600, VALIDITY, False, "")
    words = [values["energy"].to_bytes(32), values["max_rate"].to_bytes(32)]
    data = selector + b"".join(words) + good[4 + 64 :]

    with pytest.raises(ContractLogicError) as refusal:
        consumer.transfer(market, 0, data=data)

    assert is_without_a_reason(refusal.value)
    assert gains() == {}
    assert market.auctions(market.currentAuctionId(consumer)).consumer == ZERO_ADDRESS


@pytest.mark.parametrize("field", ["biddingTime", "validity"])
@pytest.mark.parametrize("bits", [24, 40, 255])
def test_overflow_of_durations(market, consumer, gains, field, bits):
    """A duration that would be short once it is cut to its 24 bits, but is checked as it is."""
    value = 2**bits + 60
    durations = {"biddingTime": 600, "validity": VALIDITY, field: value}
    error = {"biddingTime": market.BiddingTimeOutOfRange, "validity": market.ValidityOutOfRange}

    with reverts_with(error[field], **{field: value, "maximum": WEEK}):
        market.startAuction(ENERGY, 1, *durations.values(), False, "", sender=consumer)

    assert gains() == {}


def test_overflow_of_a_withdrawal(market, provider, gains):
    """An amount that is 1 once it is cut to the 128 bits of a balance."""
    with reverts_with(market.BalanceTooLow, account=provider, balance=FUNDS, needed=UINT128 + 2):
        market.withdraw(UINT128 + 2, provider, sender=provider)

    assert gains() == {}


def test_underflow_of_a_bond(market, auction_id, stranger, organization, gains):
    """An EV with one wei less than the bond: a balance that wraps would be a fortune."""
    market.addEV(stranger, "", sender=organization)
    market.deposit(sender=stranger, value=BOND - 1)

    with reverts_with(market.BalanceTooLow, account=stranger, balance=BOND - 1, needed=RESERVE):
        market.placeBid(auction_id, 1, offered(market, auction_id), sender=stranger)

    assert gains() == {"stranger": BOND - 1}
