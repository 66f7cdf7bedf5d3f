"""Programs with a purpose: what random people hardly ever do.

Each one acts in a world, where the model is asked after every call.
"""

from collections.abc import Callable
from unittest.mock import patch

from ape_v2v.evm.inprocess import PyrevmChain
from tests.fuzz import world as world_module
from tests.fuzz.actors import MALLORY
from tests.fuzz.present import Present
from tests.fuzz.recording import Program, Recorder
from tests.fuzz.strategies import Energy, Flaw, Key
from tests.fuzz.tally import Tally
from tests.fuzz.world import Artifacts, World
from tests.model.market import DAYS, Parameters

UINT16, UINT32, UINT64 = 2**16 - 1, 2**32 - 1, 2**64 - 1
# The year 3058: needs all but one of the bits that a moment has.
FAR_AWAY = 2**35 + 12_345
# All people together have less than a balance can hold, and each more than 15 bytes can.
FORTUNE = 2**124


def play(scenario: Callable[[World], None], artifacts: Artifacts) -> Program:
    """Act a scenario in a world of its own, and take it down."""
    # The smallest decrement that is rounded up, and the largest bond.
    parameters = Parameters(bond_bps=UINT16, min_decrement_bps=1)
    recorder = Recorder(PyrevmChain(timestamp=FAR_AWAY))
    with patch.object(world_module, "ENDOWMENT", FORTUNE):
        scenario(World(recorder, artifacts, parameters, Tally()))
    return recorder.program


def largest_values(world: World) -> None:
    """Fields as full as they can be: balances, rates, energies, durations, moments."""
    people = ["alice", "bob", "carol"]
    world.execute("addEVs", "organization", [world.address(who) for who in people], [""] * 3)
    for who in people:
        world.execute("deposit", who, value=FORTUNE - 1)
        world.execute("withdraw", who, 2**120 + 7, world.address(who))
    for energy, longest in ((UINT32, 7 * DAYS), (UINT32 - 1, 7 * DAYS - 1)):
        world.execute("startAuction", "alice", energy, UINT64, longest, longest, True, "x" * 512)
        auction_id = world.model.current_auction_id(world.address("alice"))
        _bid(world, "bob", auction_id, UINT64)
        _bid(world, "carol", auction_id, UINT64 - UINT64 // 100 - 1)
        world.execute("removeBid", "carol", auction_id)
        _bid(world, "bob", auction_id, UINT64 - 1)
        world.wait_until(world.model.auctions[auction_id].closing_time)
        world.execute("endAuction", "alice", auction_id)
        world.execute("endConnection", "alice", auction_id)
    for who in people:
        world.execute("withdraw", who, world.balance(who), world.address(who))


def extensions(world: World) -> None:
    """The bidding is extended twice, to its limit, and again after a removal."""
    auction_id = _auction(world, "bob", "carol")
    rate = 1_000_000
    for removed in (False, True):
        for moment in range(12):
            auction = world.model.auctions[auction_id]
            world.wait_until(auction.closing_time - 1)
            _bid(world, ("bob", "carol")[moment % 2], auction_id, rate)
            rate -= 1_000
        if not removed:
            world.execute("startAuction", "bob", 1, 10**6, 100, 100, False, "")
            auction_id = world.model.current_auction_id(world.address("bob"))
            rate = 10**6
            _bid(world, "carol", auction_id, rate)
            world.execute("removeBid", "carol", auction_id)


def roundings(world: World) -> None:
    """Rates at which a decrement of one in ten thousand is rounded up by all but one."""
    auction_id = _auction(world, "bob", "carol")
    for who, rate in (("bob", 10_001), ("carol", 10_000), ("carol", 9_999), ("bob", 9_998)):
        _bid(world, who, auction_id, rate)


def relayed_by_a_stranger(world: World) -> None:
    """The leader's own bid is lowered by somebody who is no EV."""
    auction_id = _auction(world, "bob")
    for rate in (1_000, 900):
        _relay(world, "erin", auction_id, rate)
    for who in (MALLORY, "carol"):
        world.execute("removeBid", who, auction_id)


def refused_to_another(world: World) -> None:
    """Refusals that name an account: not the one that has sent the transaction."""
    world.transfer(MALLORY, 1)
    auction_id = _auction(world, "bob")
    world.execute("removeEV", "organization", world.address("bob"))
    _relay(world, "erin", auction_id, 1_000)


def signed_by_keys(world: World) -> None:
    """Readings that keys have signed for both sides, handed in by somebody else."""
    for energy in (Energy.ALL, Energy.ZERO):
        auction_id = _auction(world, "bob")
        _bid(world, "bob", auction_id, 1_000)
        auction = world.model.auctions[auction_id]
        world.wait_until(auction.closing_time)
        world.execute("endAuction", "alice", auction_id)
        for of_consumer in (True, False):
            statement = Present(world).sign_reading(
                auction_id, auction, energy, last=True, of_consumer=of_consumer, key=Key.OWN
            )
            reading, *signed = statement
            handing_in = "bob" if of_consumer else "erin"
            signatures = (one.signature for one in signed)
            world.execute("settle", handing_in, reading, *signatures, signed=signed)


def removed_often(world: World) -> None:
    """Bids are removed and signed again, and one side revokes what it has signed."""
    auction_id = _auction(world, "bob", "carol")
    for _ in range(3):
        _relay(world, "erin", auction_id, 1_000)
        world.execute("removeBid", "bob", auction_id)
        world.execute("revokeBids", "bob")
    world.execute("cancelAuction", "alice", auction_id, 0)


def cancelled_when_it_costs_again(world: World) -> None:
    """After a removal, in the first second in which cancelling is not free any more."""
    auction_id = _auction(world, "bob", "carol")
    _bid(world, "bob", auction_id, 1_000)
    world.execute("removeBid", "bob", auction_id)
    _bid(world, "carol", auction_id, 900)
    auction = world.model.auctions[auction_id]
    world.wait_until(world.model.free_until(auction))
    world.execute("cancelAuction", "alice", auction_id, world.model.penalty(auction))


def ended_by_others(world: World) -> None:
    """Auctions without a bid: one that its consumer alone may end, and one that anybody may."""
    for open_award, who in ((False, (MALLORY, "alice")), (True, ("erin",))):
        auction_id = _auction(world, open_award=open_award)
        world.wait_until(world.model.auctions[auction_id].closing_time)
        for caller in who:
            world.execute("endAuction", caller, auction_id)


def for_other_terms(world: World) -> None:
    """Bids for terms that are packed into a smaller, and into a larger number."""
    auction_id = _auction(world, "bob")
    terms = world.model.auctions[auction_id].terms
    for other in (terms - 1, terms + 1):
        world.execute("placeBid", "bob", auction_id, 1_000, other)


def signed_by_a_key_at_length(world: World) -> None:
    """A signature by a key that has a byte too many."""
    auction_id = _auction(world, "bob")
    _bid(world, "bob", auction_id, 1_000)
    auction = world.model.auctions[auction_id]
    world.wait_until(auction.closing_time)
    world.execute("endAuction", "alice", auction_id)
    reading, *signed = Present(world).sign_reading(
        auction_id, auction, Energy.ALL, last=True, flaw=Flaw.TOO_LONG, key=Key.OWN
    )
    world.execute("settle", "erin", reading, *(one.signature for one in signed), signed=signed)


def uneven_batches(world: World) -> None:
    """More EVs than notes, and more notes than EVs."""
    addresses = [world.address(who) for who in ("alice", "bob")]
    for notes in ([], [""], ["", "", ""], ["", ""]):
        world.execute("addEVs", "organization", addresses, notes)


def fortunes(world: World) -> None:
    """Deposits of more than 15 bytes by each way in."""
    world.execute("addEVs", "organization", [world.address("alice")], [""])
    world.execute("depositFor", "bob", world.address("alice"), value=2**120 + 1)
    world.execute("startAuction", "alice", 1, 10**6, 1, 1, False, "", value=2**120 + 3)


def _auction(world: World, *providers: str, open_award: bool = False) -> int:
    people = ("alice", *providers)
    world.execute(
        "addEVs", "organization", [world.address(who) for who in people], [""] * len(people)
    )
    for who in people:
        world.execute("deposit", who, value=10**18)
    world.execute("startAuction", "alice", 1, 10**6, 100, 100, open_award, "")
    return world.model.current_auction_id(world.address("alice"))


def _bid(world: World, who: str, auction_id: int, rate: int) -> None:
    terms = world.model.auctions[auction_id].terms
    world.execute("placeBid", who, auction_id, rate, terms)


def _relay(world: World, who: str, auction_id: int, rate: int) -> None:
    """Let somebody hand in a bid that Bob has signed."""
    bid = Present(world).sign_bid(
        provider="bob",
        auction_id=auction_id,
        auction=world.model.auctions[auction_id],
        rate=rate,
        deadline=world.now,
        flaw=Flaw.NONE,
    )
    arguments = (world.address("bob"), rate, world.now, bid.signed.signature)
    world.execute("placeBidFor", who, auction_id, *arguments, signed=[bid.signed])


SCENARIOS = (
    removed_often,
    cancelled_when_it_costs_again,
    ended_by_others,
    for_other_terms,
    signed_by_a_key_at_length,
    signed_by_keys,
    extensions,
    fortunes,
    largest_values,
    refused_to_another,
    relayed_by_a_stranger,
    roundings,
    uneven_batches,
)
