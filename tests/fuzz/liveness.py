"""I6: from whatever state, everybody gets its money out, by its own calls and time alone."""

from collections.abc import Sequence

from tests.model.hostile import Answer
from tests.model.ledger import BURNT, FORCED, balance
from tests.model.market import Auction, State

from .actors import ACTORS
from .strategies import UINT256
from .world import World


def everybody_leaves(world: World, order: Sequence[str], patient: Sequence[str]) -> None:
    """One after the other frees and withdraws what it has, and needs nobody for it.

    The patient wait for the moment in which nothing costs them a penalty of their own doing; the
    others leave at once. Nobody comes back, so an order that fails strands somebody's money.
    """
    world.prepare(Answer.ACCEPT)
    for who in order:
        _leave(world, who, who in patient)

    held = {who: world.balance(who) for who in ACTORS}
    assert not any(held.values()), f"I6: not everybody got out: {held}"
    nobodys = world.model.ledger[FORCED] + world.model.ledger[balance(BURNT)]
    left = world.chain.balance(world.contract.address)
    assert left == nobodys, f"I6: {left} wei are left, of which {nobodys} are nobody's"


def expel_everybody(world: World) -> None:
    """What an organization can do at worst before people leave."""
    owner = world.name(world.model.owner)
    if world.model.active:
        _succeed(world, "setActive", owner, False)
    for who in ACTORS:
        if world.model.is_ev(world.address(who)):
            _succeed(world, "removeEV", owner, world.address(who))


def _leave(world: World, who: str, patient: bool) -> None:
    address = world.address(who)
    own = world.model.current_auction(address)
    if own is not None:
        _leave_as_consumer(world, who, own, patient)
    for auction in list(world.model.auctions.values()):
        if auction.leader == address and auction.state is not State.NONE:
            _leave_as_provider(world, who, auction, patient)

    if world.balance(who):
        _succeed(world, "withdraw", who, world.balance(who), address)


def _leave_as_consumer(world: World, who: str, own: Auction, patient: bool) -> None:
    if own.state is State.OPEN:
        if not patient:
            _succeed(world, "cancelAuction", who, own.auction_id, UINT256)
        elif own.standing is None or world.now < world.model.award_deadline(own):
            world.wait_until(own.closing_time)
            _succeed(world, "endAuction", who, own.auction_id)
        else:
            _succeed(world, "cancelAuction", who, own.auction_id, world.model.penalty(own))
    if own.state is State.CONNECTED:
        if patient:
            world.wait_until(world.model.expiry(own))
            _succeed(world, "expireConnection", who, own.auction_id)
        else:
            _succeed(world, "endConnection", who, own.auction_id)


def _leave_as_provider(world: World, who: str, auction: Auction, patient: bool) -> None:
    if auction.state is State.CONNECTED:
        if patient:
            world.wait_until(world.model.expiry(auction))
            _succeed(world, "expireConnection", who, auction.auction_id)
        else:
            _succeed(world, "forfeit", who, auction.auction_id)
    elif patient or world.now >= auction.closing_time:
        world.wait_until(world.model.award_deadline(auction))
        _succeed(world, "cancelAuction", who, auction.auction_id, UINT256)
    else:
        _succeed(world, "removeBid", who, auction.auction_id)


def _succeed(world: World, function: str, who: str, *arguments: int | str) -> None:
    assert world.execute(function, who, *arguments), f"I6: {who} cannot {function}"
