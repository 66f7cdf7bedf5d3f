"""What the market costs those who have used it before, and that it costs no more as it grows.

Whole transactions: base fee, calldata and storage together, with empty details.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ape_v2v.market.interface import messages
from ape_v2v.testing.assertions import rollback
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    ETHER,
    GWEI,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    VALIDITY,
)

# Wh, and wei per Wh.
TERMS = [(ENERGY, MAX_RATE), (7_200, 30 * GWEI)]
NOTES = "Leaf, 39 kWh"
MAX_CREATION = 3_250_000
MAX_CODE = 15_000  # bytes
LIMITS = {
    "start": 41_500,
    "first_bid": 39_500,
    "overtaking_bid": 45_000,
    "signed_bid": 53_500,
    "award": 35_500,
    "payment": 45_500,
    "settlement": 54_500,
    "broken_off": 61_000,
    "cancellation_with_penalty": 44_500,
    "deposit": 29_000,
    "withdrawal": 36_500,
    "status": 29_500,
    "registration": 56_000,
}
# All that take no new slot: whatever is not a registration.
STEADY = [
    *(name for name in LIMITS if name != "registration"),
    "lowered_bid",
    "late_bid",
    "removal",
    "bid_after_removal",
    "cancellation",
    "cancellation_with_penalty",
    "end_without_bid",
    "broken_off",
    "revocation",
    "forfeit",
    "expiry",
    "deposit_for",
    "withdrawal_of_all",
    "deposit_to_nothing",
    "deregistration",
]


@dataclass(frozen=True)
class Scene:
    """What people do in a market, one thing after the other; every method returns a receipt."""

    market: Any
    organization: Any
    consumer: Any
    provider: Any
    rival: Any
    stranger: Any
    clock: Any
    sign: Any
    energy: int = ENERGY
    max_rate: int = MAX_RATE

    @property
    def id(self):
        return self.market.currentAuctionId(self.consumer)

    def move_to_the_close(self):
        self.clock.next_block_at(self.market.auctions(self.id).closingTime)

    def settle(self, *, last):
        """Hand in the consumer's reading for all but 1 Wh."""
        reading = (self.id, self.energy - 1, METER_DATA, last)
        fields = {
            "auctionId": self.id,
            "consumer": self.consumer.address,
            "provider": self.rival.address,
            "energyWh": self.energy - 1,
            "meterDataHash": METER_DATA,
            "last": last,
        }
        signature = self.sign(self.consumer, messages.Reading, on=self.market, **fields)
        return self.market.settle(reading, signature, b"", sender=self.rival)

    @property
    def terms(self):
        return messages.offered(self.energy, self.max_rate, VALIDITY)

    # --- The organization ---

    def registration(self):
        return self.market.addEV(self.stranger, NOTES, sender=self.organization)

    def deregistration(self):
        return self.market.removeEV(self.rival, sender=self.organization)

    def status(self):
        return self.market.changeStatus(sender=self.organization)

    # --- The ledger ---

    def deposit(self):
        return self.market.deposit(sender=self.provider, value=ETHER)

    def deposit_for(self):
        return self.market.depositFor(self.provider, sender=self.consumer, value=ETHER)

    def withdrawal(self):
        return self.market.withdraw(ETHER // 10, self.provider, sender=self.provider)

    def revocation(self):
        return self.market.revokeBids(sender=self.provider)

    def withdrawal_of_all(self):
        balance = self.market.evs(self.provider).balance
        return self.market.withdraw(balance, self.provider, sender=self.provider)

    def deposit_to_nothing(self):
        self.withdrawal_of_all()
        return self.deposit()

    # --- The auction ---

    def start(self):
        terms = self.energy, self.max_rate, BIDDING_TIME, VALIDITY, False, ""
        return self.market.startAuction(*terms, sender=self.consumer)

    def bid(self, ev, rate):
        return self.market.placeBid(self.id, rate, self.terms, sender=ev)

    def first_bid(self):
        self.start()
        return self.bid(self.provider, self.max_rate // 3 * 2)

    def overtaking_bid(self):
        self.first_bid()
        return self.bid(self.rival, self.max_rate // 2)

    def lowered_bid(self):
        self.first_bid()
        return self.bid(self.provider, self.max_rate // 2)

    def late_bid(self):
        self.first_bid()
        self.clock.next_block_at(self.market.auctions(self.id).closingTime - 1)
        return self.bid(self.rival, self.max_rate // 2)

    def signed_bid(self):
        self.first_bid()
        bid = {"rate": self.max_rate // 2, "deadline": self.clock.now + BIDDING_TIME}
        terms = {"energyWh": self.energy, "maxRate": self.max_rate, "validity": VALIDITY}
        signature = self.sign(
            self.rival, messages.Bid, on=self.market, auctionId=self.id, nonce=0, **terms, **bid
        )
        return self.market.placeBidFor(
            self.id, self.rival, *bid.values(), signature, sender=self.stranger
        )

    def removal(self):
        self.first_bid()
        return self.market.removeBid(self.id, sender=self.provider)

    def bid_after_removal(self):
        self.removal()
        return self.bid(self.rival, self.max_rate)

    def cancellation(self):
        self.start()
        return self.market.cancelAuction(self.id, 0, sender=self.consumer)

    def cancellation_with_penalty(self):
        self.first_bid()
        return self.market.cancelAuction(self.id, ETHER, sender=self.consumer)

    def end_without_bid(self):
        self.start()
        self.move_to_the_close()
        return self.market.endAuction(self.id, sender=self.consumer)

    def award(self):
        self.overtaking_bid()
        self.move_to_the_close()
        return self.market.endAuction(self.id, sender=self.consumer)

    # --- The connection: the rival has won ---

    def payment(self):
        self.award()
        return self.market.endConnection(self.id, sender=self.consumer)

    def settlement(self):
        self.award()
        return self.settle(last=True)

    def broken_off(self):
        self.award()
        return self.settle(last=False)

    def forfeit(self):
        self.award()
        return self.market.forfeit(self.id, sender=self.rival)

    def expiry(self):
        self.award()
        self.clock.next_block_at(self.clock.now + VALIDITY + PARAMETERS["settlementWindow"])
        return self.market.expireConnection(self.id, sender=self.stranger)


@pytest.fixture(scope="session")
def people(organization, consumer, provider, rival, stranger):
    return {
        "organization": organization,
        "consumer": consumer,
        "provider": provider,
        "rival": rival,
        "stranger": stranger,
    }


@dataclass(frozen=True)
class ChainClock:
    """The chain's time, for a whole session."""

    chain: Any

    @property
    def now(self):
        return self.chain.blocks.head.timestamp

    def next_block_at(self, timestamp):
        self.chain.pending_timestamp = timestamp


@pytest.fixture(scope="module")
def used_market(deploy_market, people, chain):
    """Everybody has traded here, and something was burnt."""
    market = deploy_market()
    evs = [people[name] for name in ("consumer", "provider", "rival")]
    market.addEVs(evs, [NOTES] * 3, sender=people["organization"])
    for ev in evs:
        market.deposit(sender=ev, value=ETHER)
    first = Scene(market, **people, clock=ChainClock(chain), sign=None)
    first.payment()
    first.expiry()
    return market


@pytest.fixture
def scene(used_market, people, clock, sign):
    return Scene(used_market, **people, clock=clock, sign=sign)


def fresh_slots(chain, receipt):
    """Return the slots that were zero before a transaction and are not after it."""
    options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    change = chain.provider.make_request("debug_traceTransaction", [receipt.txn_hash, options])
    before, after = (
        {
            (account, slot): int(word, 16)
            for account, state in change[side].items()
            for slot, word in state.get("storage", {}).items()
        }
        for side in ("pre", "post")
    )
    assert after, "nothing was written"
    return [slot for slot, word in after.items() if word and not before.get(slot)]


# --- What it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize(("energy", "max_rate"), TERMS)
@pytest.mark.parametrize(("operation", "limit"), LIMITS.items())
def test_an_operation_stays_below_its_limit(scene, operation, limit, energy, max_rate):
    scene = replace(scene, energy=energy, max_rate=max_rate)

    receipt = getattr(scene, operation)()

    assert receipt.gas_used <= limit


def test_creating_a_market_stays_below_its_limit(chain, deploy_market):
    market = deploy_market()

    assert market.creation_metadata.receipt.gas_used <= MAX_CREATION
    assert len(chain.provider.get_code(market.address)) <= MAX_CODE


# --- That it takes no new storage -----------------------------------------------------------------


@pytest.mark.parametrize("operation", STEADY)
def test_who_has_used_the_market_takes_no_new_slot(chain, scene, operation):
    receipt = getattr(scene, operation)()

    assert fresh_slots(chain, receipt) == []


def test_a_registration_takes_one_new_slot(chain, scene):
    """As it does for an account that has never deposited."""
    assert len(fresh_slots(chain, scene.registration())) == 1


def test_a_first_auction_takes_two_new_slots(chain, scene):
    """One for its terms, and one for its first bid."""
    first = replace(scene, consumer=scene.rival, rival=scene.consumer)

    assert len(fresh_slots(chain, first.start())) == 1
    assert len(fresh_slots(chain, first.bid(scene.provider, 1))) == 1


# --- That it does not grow ------------------------------------------------------------------------


def addresses(first, end):
    """Return the addresses of accounts that do nothing."""
    hashes = [keccak(number.to_bytes(4, "big")) for number in range(first, end)]
    return [to_checksum_address(digest[-20:]) for digest in hashes]


def trade(scene):
    """Return what a bid, an award and a payment cost, and undo them."""
    with rollback():
        bid = scene.overtaking_bid()
        scene.move_to_the_close()
        award = scene.market.endAuction(
            scene.market.currentAuctionId(scene.consumer), sender=scene.consumer
        )
        payment = scene.market.endConnection(
            scene.market.currentAuctionId(scene.consumer), sender=scene.consumer
        )
        return [receipt.gas_used for receipt in (bid, award, payment)]


def test_cost_does_not_grow_with_the_number_of_evs(scene):
    market = scene.market
    market.addEVs(addresses(0, 7), [""] * 7, sender=scene.organization)
    assert market.numberOfEVs() == 10
    few = trade(scene)

    for first in range(7, 997, 330):
        market.addEVs(addresses(first, first + 330), [""] * 330, sender=scene.organization)
    assert market.numberOfEVs() == 1_000
    many = trade(scene)

    assert many == few


def bids_before(scene, count):
    """Return what a bid and the award cost after so many bids, and undo them."""
    with rollback():
        scene.start()
        for number in range(count):
            # The last of them is the provider's, as is the only one of one.
            ev = scene.rival if (count - number) % 2 == 0 else scene.provider
            scene.bid(ev, scene.max_rate * (100 - number) // 100)
        bid = scene.bid(scene.rival, scene.max_rate // 3)
        scene.move_to_the_close()
        award = scene.market.endAuction(
            scene.market.currentAuctionId(scene.consumer), sender=scene.consumer
        )
        return [bid.gas_used, award.gas_used]


def test_cost_does_not_grow_with_the_number_of_bids(scene):
    assert bids_before(scene, 50) == bids_before(scene, 1)


def test_cost_does_not_grow_with_the_number_of_auctions(scene):
    first = trade(scene)

    for _ in range(5):
        scene.payment()

    assert trade(scene) == first
