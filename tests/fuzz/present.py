"""What is meant, in the present state of a world: the auction, the person, the amount."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from tests.model.market import Auction, Reading, State

from .actors import ACTORS, MALLORY, OPERATOR, PEOPLE, SESSION_KEY, Person
from .signing import Draft, Signed
from .strategies import (
    ETHER,
    GWEI,
    UINT32,
    UINT64,
    Amount,
    Boundary,
    Energy,
    Flaw,
    Key,
    Kind,
    Moment,
    Offer,
    Role,
    Target,
    Who,
)
from .world import World

T = TypeVar("T")
Which: TypeAlias = Target | Auction
METER_DATA = b"\x11" * 32
OTHER_METER_DATA = b"\x22" * 32


class SignedBid(NamedTuple):
    """A bid that somebody has signed, to be relayed now or later."""

    auction_id: int
    provider: str
    rate: int
    deadline: int
    signed: Signed


class Statement(NamedTuple):
    """What both sides have signed about a connection, to be handed in now or later."""

    reading: Reading
    of_consumer: Signed
    of_provider: Signed


class Present:
    """Knows what the strategies only name."""

    def __init__(self, world: World) -> None:
        self._world = world

    # --- Auctions ---------------------------------------------------------------------------------

    @property
    def open(self) -> list[Auction]:
        return self._world.model.in_state(State.OPEN)

    @property
    def biddable(self) -> list[Auction]:
        return [auction for auction in self.open if self._world.now < auction.closing_time]

    @property
    def led(self) -> list[Auction]:
        return [auction for auction in self.undecided if self._world.now < auction.closing_time]

    @property
    def undecided(self) -> list[Auction]:
        return [auction for auction in self.open if auction.standing is not None]

    @property
    def awardable(self) -> list[Auction]:
        deadline = self._world.model.award_deadline
        return [auction for auction in self.undecided if self._world.now < deadline(auction)]

    @property
    def connected(self) -> list[Auction]:
        return self._world.model.in_state(State.CONNECTED)

    def find(self, which: Which, fitting: Sequence[Auction]) -> tuple[int, Auction | None]:
        """An id to call with, and the auction that it is, or is nearly."""
        if isinstance(which, Auction):
            return which.auction_id, which
        model = self._world.model
        if fitting and which.kind is not Kind.CURRENT:
            auction_id = pick_from(fitting, which.pick).auction_id
        else:
            consumer = pick_from(ACTORS, which.pick)
            auction_id = model.current_auction_id(self._world.address(consumer))
        auction = model.auctions.get(auction_id)
        match which.kind:
            case Kind.EARLIER:
                return auction_id - 1, auction
            case Kind.LATER:
                return auction_id + 1, auction
            case Kind.FOREIGN_BITS:
                return auction_id + (1 << 192), auction
            case _:
                return auction_id, auction

    def wait(self, auction: Auction | None, moment: Moment) -> None:
        """Let time pass until then."""
        if auction is None:
            return
        model, window = self._world.model, self._world.model.parameters.extension_window
        match moment.boundary:
            case Boundary.EXTENSION:
                boundary = auction.closing_time - window
            case Boundary.LIMIT:
                boundary = auction.limit - window
            case Boundary.CLOSE:
                boundary = auction.closing_time
            case Boundary.AWARD_DEADLINE:
                boundary = model.award_deadline(auction)
            case Boundary.EXPIRY if auction.connected_at is not None:
                boundary = model.expiry(auction)
            case _:
                return
        self._world.wait_until(boundary + moment.offset)

    # --- People -----------------------------------------------------------------------------------

    def owner(self, who: Who) -> str:
        return self._world.name(self._world.model.owner) if isinstance(who, Role) else who

    def party(self, who: Who, auction: Auction | None, entitled: str) -> str:
        match who:
            case Role.ENTITLED:
                return entitled
            case Role.CONSUMER:
                return self.consumer(auction)
            case Role.LEADER:
                return self.leader(auction)
            case _:
                return who

    def consumer(self, auction: Auction | None) -> str:
        return self._world.name(auction.consumer) if auction else ACTORS[0]

    def leader(self, auction: Auction | None) -> str:
        return self._world.name(auction.leader) if auction and auction.standing else ACTORS[0]

    def rival(self, auction: Auction | None) -> str:
        """An EV that could overtake whoever leads: another one in each turn."""
        parties = {auction.consumer, auction.leader} if auction else set()
        rivals = [who for who in self.evs() if self._world.address(who) not in parties]
        return pick_from(rivals or ACTORS, self._world.turn)

    def evs(self) -> list[str]:
        return [who for who in ACTORS if self._world.model.is_ev(self._world.address(who))]

    def idle_evs(self) -> list[str]:
        """The EVs that could start an auction."""
        consumers = {auction.consumer for auction in (*self.open, *self.connected)}
        return [who for who in self.evs() if self._world.address(who) not in consumers]

    def busy(self) -> list[str]:
        """The EVs that are party to some auction."""
        running = (*self.open, *self.connected)
        parties = {party for one in running for party in (one.consumer, one.leader)}
        return [who for who in self.evs() if self._world.address(who) in parties]

    # --- Amounts ----------------------------------------------------------------------------------

    def bond(self, auction: Auction | None) -> int:
        return self._world.model.bond(auction) if auction else 0

    def value(self, amount: Amount, lacking: int) -> int:
        needed = max(lacking, 0)
        return {
            Amount.NOTHING: 0,
            Amount.ONE: 1,
            Amount.SOME: ETHER,
            Amount.NEEDED: needed,
            Amount.NEEDED_LESS_ONE: max(needed - 1, 0),
            Amount.NEEDED_AND_MORE: needed + GWEI,
        }[amount]

    def rate(self, auction: Auction | None, offer: Offer) -> int:
        highest = self._world.model.highest_rate(auction) if auction else 1
        return {
            Offer.HIGHEST: highest,
            Offer.ABOVE: min(highest + 1, UINT64),
            Offer.LOWER: highest * 4 // 5,
            Offer.ONE: 1,
            Offer.ZERO: 0,
            Offer.LARGEST: UINT64,
        }[offer]

    # --- Signatures -------------------------------------------------------------------------------

    def sign_bid(
        self,
        *,
        provider: str,
        auction_id: int,
        auction: Auction | None,
        rate: int,
        deadline: int,
        flaw: Flaw,
    ) -> SignedBid:
        message = self._world.model.message
        nonce = 0
        terms = (1, 1, 1)
        if auction:
            nonce = self._world.model.bid_nonce(auction, self._world.address(provider))
            terms = (auction.energy_wh, auction.max_rate, auction.validity)
        energy_wh, *others = terms
        draft = Draft(
            message=message("Bid", auction_id, *terms, rate, nonce, deadline),
            others={
                Flaw.OTHER_AUCTION: (auction_id + 1, *terms, rate, nonce, deadline),
                Flaw.OTHER_TERMS: (auction_id, energy_wh + 1, *others, rate, nonce, deadline),
                Flaw.OTHER_VALUE: (auction_id, *terms, rate + 1, nonce, deadline),
                Flaw.OTHER_NONCE: (auction_id, *terms, rate, nonce + 1, deadline),
            },
            disguised=message("MeterValue", auction_id.to_bytes(32), rate, nonce.to_bytes(32)),
            key=_key(provider),
            other_side=_key(self.consumer(auction)),
        )
        address = self._world.address(provider)
        return SignedBid(auction_id, address, rate, deadline, draft.sign(flaw))

    def sign_reading(
        self,
        auction_id: int,
        auction: Auction | None,
        energy: Energy,
        *,
        last: bool,
        flaw: Flaw = Flaw.NONE,
        of_consumer: bool = True,
        key: Key = Key.NONE,
    ) -> Statement:
        """Let both sides sign: one of them perhaps with a flaw, or with a key."""
        contracted = auction.energy_wh if auction else 0
        energy_wh = {
            Energy.ALL: contracted,
            Energy.HALF: contracted // 2,
            Energy.ONE: 1,
            Energy.ZERO: 0,
            Energy.ABOVE: min(contracted + 1, UINT32),
        }[energy]
        reading = Reading(auction_id, energy_wh, METER_DATA, last)
        parties = (self.consumer(auction), self.leader(auction))
        in_question = parties[0 if of_consumer else 1]
        signed = [
            self._sign_as(who, reading, parties, flaw, key)
            if who == in_question
            else self._sign_as(who, reading, parties, Flaw.NONE, Key.NONE)
            for who in parties
        ]
        return Statement(reading, *signed)

    def _sign_as(
        self, who: str, reading: Reading, parties: tuple[str, str], flaw: Flaw, key: Key
    ) -> Signed:
        message = self._world.model.message
        auction_id, energy_wh, meter_data, last = reading
        consumer, provider = (self._world.address(one) for one in parties)
        values = (auction_id, consumer, provider, energy_wh, meter_data, last)
        other_side = next(one for one in (*parties, *ACTORS) if one != who)
        draft = Draft(
            message=message("Reading", *values),
            others={
                Flaw.OTHER_AUCTION: (auction_id + 1, *values[1:]),
                Flaw.OTHER_VALUE: (*values[:3], energy_wh + 1, *values[4:]),
                Flaw.OTHER_NONCE: (*values[:4], OTHER_METER_DATA, last),
                Flaw.OTHER_TERMS: (*values[:5], not last),
            },
            disguised=message("MeterValue", auction_id.to_bytes(32), energy_wh, meter_data),
            key=_key(who) if key is Key.NONE else SESSION_KEY.key,
            other_side=_key(other_side),
        )
        signed = draft.sign(flaw)
        if key is Key.NONE:
            return signed
        owner = other_side if key is Key.OF_ANOTHER_OWNER else who
        of = auction_id + 1 if key is Key.OF_ANOTHER_AUCTION else auction_id
        delegation = message("SessionKey", of, SESSION_KEY.address)
        signature = delegation.signed_by(_key(owner))
        return signed.by_key(Signed(signature, delegation, _person(owner).address))

    def terms(self, auction: Auction | None, *, changed: bool = False) -> int:
        """What a direct bid is made for; or nearly."""
        return (auction.terms if auction else 0) + changed


def pick_from(choices: Sequence[T], pick: int) -> T:
    """Count round and round."""
    return choices[pick % len(choices)]


def _person(who: str) -> Person:
    """Mallory has no key, so its operator signs."""
    return OPERATOR if who == MALLORY else PEOPLE[who]


def _key(who: str) -> bytes:
    return _person(who).key
