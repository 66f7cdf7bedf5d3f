"""The attacks of test_on_endings.py on the market of version 0.1.0, where they worked.

Each has the name of the one that fails today. The market is compiled, as that version published it.
"""

import json
from pathlib import Path

import pytest
from ape.contracts import ContractContainer
from eip712 import EIP712Message
from eth_pydantic_types import abi
from ethpm_types import ContractType

from ape_v2v.testing.assertions import reverts_with, rollback
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
    ETHER,
    FUNDS,
    LOWER_RATE,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    RESERVE,
    VALIDITY,
)

ARTIFACT = Path(__file__).parent / "market-0.1.0.json"
FOREVER = 2**256 - 1
REFUSE = 1


class MeteringReceipt(EIP712Message):
    """What a consumer signed: every few seconds, from 0 Wh on."""

    token: abi.bytes32
    energyWh: abi.uint256
    meterDataHash: abi.bytes32


class Bid(EIP712Message):
    """What a provider signed: no terms."""

    auctionId: abi.uint256
    rate: abi.uint256
    nonce: abi.uint256
    deadline: abi.uint256


@pytest.fixture
def before(organization, consumer, provider, rival):
    """That market, with today's scene: three registered EVs with ether in it."""
    compiled = ContractType.model_validate(json.loads(ARTIFACT.read_text(encoding="utf-8")))
    six = tuple(PARAMETERS.values())[:6]
    market = organization.deploy(ContractContainer(compiled), organization, six)
    market.addEVs([consumer, provider, rival], ["", "", ""], sender=organization)
    for ev in (consumer, provider, rival):
        market.deposit(sender=ev, value=FUNDS)
    return market


@pytest.fixture
def start(before, consumer):
    """A factory of auctions."""

    def start(energy=ENERGY, max_rate=MAX_RATE):
        before.startAuction(energy, max_rate, BIDDING_TIME, VALIDITY, "", sender=consumer)
        return before.currentAuctionId(consumer)

    return start


@pytest.fixture
def connect(before, start, clock, consumer, provider):
    """A factory of connections: started, bid for, awarded."""

    def connect(rate=RATE, **terms):
        auction_id = start(**terms)
        before.placeBid(auction_id, rate, sender=provider)
        clock.next_block_at(before.auctions(auction_id).closingTime)
        before.endAuction(sender=consumer)
        return auction_id

    return connect


@pytest.fixture
def balances(before, consumer, provider):
    """A function: what consumer and provider have free."""
    return lambda: tuple(before.evs(who).balance for who in (consumer, provider))


@pytest.mark.parametrize("energy", [0, 7])
def test_f1_a_provider_left_with_the_first_receipt_for_nothing(
    before, connect, sign, balances, consumer, provider, energy
):
    """Nobody could underbid it, and it had its whole bond back: every auction could be spoilt."""
    auction_id = connect(rate=1)
    fields = {"token": before.accessToken(auction_id), "energyWh": energy}
    receipt = sign(consumer, MeteringReceipt, on=before, meterDataHash=METER_DATA, **fields)

    end = before.settle(auction_id, energy, METER_DATA, receipt, sender=provider)

    assert balances() == (FUNDS - energy, FUNDS + energy)
    assert before.evs(provider).noShows == 0
    assert end.gas_used < 100_000


def test_f2_a_direct_bid_bound_no_terms(before, start, balances, provider):
    with rollback():
        auction_id = start()
    assert start(max_rate=10 * MAX_RATE) == auction_id

    before.placeBid(auction_id, RATE, sender=provider)

    assert balances()[1] == FUNDS - 10 * BOND


def test_f2_a_signed_bid_bound_no_terms(before, start, sign, balances, provider, stranger):
    with rollback():
        auction_id = start()
        bid = {"auctionId": auction_id, "rate": RATE, "nonce": 0, "deadline": FOREVER}
        signature = sign(provider, Bid, on=before, **bid)
    assert start(max_rate=10 * MAX_RATE) == auction_id

    before.placeBidFor(auction_id, provider, RATE, FOREVER, signature, sender=stranger)

    assert balances()[1] == FUNDS - 10 * BOND


def test_f3_a_consumer_that_stayed_away_was_paid_for_it(before, connect, clock, balances, provider):
    """Forfeiting cost the provider what waiting cost, and it came a day earlier."""
    auction_id = connect()
    info = before.auctions(auction_id)
    with rollback():
        clock.next_block_at(info.connectedAt + info.validity + PARAMETERS["settlementWindow"])
        before.expireConnection(auction_id, sender=provider)
        waited = balances()

    before.forfeit(auction_id, sender=provider)

    assert balances() == (FUNDS + PENALTY, FUNDS - PENALTY)
    assert balances()[1] == waited[1]


def test_f5_a_removal_and_a_new_bid_at_once_ended_the_free_cancellation(
    before, start, consumer, provider, rival
):
    auction_id = start()
    before.placeBid(auction_id, RATE, sender=provider)

    before.removeBid(auction_id, sender=provider)
    before.placeBid(auction_id, MAX_RATE, sender=rival)

    with reverts_with(before.PenaltyAboveMaximum, penalty=PENALTY, maximum=0):
        before.cancelAuction(auction_id, 0, sender=consumer)


def test_f6_signed_bids_were_revoked_by_leaving_the_lead_alone(
    before, start, sign, balances, provider, stranger
):
    auction_id = start()
    before.placeBid(auction_id, RATE, sender=provider)
    bid = {"auctionId": auction_id, "rate": LOWER_RATE, "nonce": 0, "deadline": FOREVER}
    signature = sign(provider, Bid, on=before, **bid)
    assert not hasattr(before, "revokeBids")

    before.removeBid(auction_id, sender=provider)

    with pytest.raises(before.WrongSigner):
        before.placeBidFor(auction_id, provider, LOWER_RATE, FOREVER, signature, sender=stranger)
    assert balances()[1] == FUNDS - PENALTY


@pytest.mark.parametrize("call", ["endAuction", "endConnection"])
def test_f7_a_late_call_paid_for_another_trade(
    before, connect, start, clock, balances, consumer, provider, call
):
    connect()
    before.endConnection(sender=consumer)
    next_id = start(max_rate=20 * MAX_RATE)
    before.placeBid(next_id, 20 * MAX_RATE, sender=provider)
    clock.next_block_at(before.auctions(next_id).closingTime)
    if call == "endConnection":
        before.endAuction(sender=consumer)

    getattr(before, call)(sender=consumer)  # that was meant for the first one

    if call == "endAuction":
        assert before.auctions(next_id).connectedAt > 0
    else:
        cost = RATE * ENERGY + 20 * RESERVE
        assert balances() == (FUNDS - cost, FUNDS + cost)


def test_f9_an_account_that_refused_ether_never_got_its_money(
    before, project, organization, stranger
):
    refusing = stranger.deploy(project.HostileEV, before)
    before.addEV(refusing, "", sender=organization)
    before.depositFor(refusing, sender=stranger, value=ETHER)
    refusing.prepare(REFUSE, sender=stranger)

    with reverts_with(refusing.Refused):
        refusing.act(before.withdraw.encode_input(ETHER), sender=stranger)

    (way_out,) = [one for one in before.contract_type.abi if getattr(one, "name", "") == "withdraw"]
    assert [one.name for one in way_out.inputs] == ["amount"]


def test_f10_dust_could_play(before, connect, balances, consumer, provider):
    """Nothing to lose, and a count of completed trades for 2 wei that stay in the family."""
    auction_id = connect(energy=1, max_rate=2, rate=2)
    assert before.penalty(auction_id) == 0

    before.endConnection(sender=consumer)

    assert balances() == (FUNDS - 2, FUNDS + 2)
    assert before.evs(consumer).completed == before.evs(provider).completed == 1
