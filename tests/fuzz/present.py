"""What is meant, in the present state of a world: the auction, the person, the amount."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from tests.model.market import Auction, State

from .actors import ACTORS, MALLORY, OPERATOR, PEOPLE
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


class Receipt(NamedTuple):
    """What somebody has signed about a connection, to be handed in now or later."""

    function: str
    energy_wh: int
    meter_data: bytes
    signed: Signed


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
        nonce = auction.removals if auction else 0
        similar = (auction_id.to_bytes(32), rate, nonce.to_bytes(32))
        draft = Draft(
            message=message("Bid", auction_id, rate, nonce, deadline),
            other_values=(auction_id + 1, rate + 1, nonce + 1),
            disguised=message("MeteringReceipt", *similar),
            key=_key(provider),
            other_side=_key(self.consumer(auction)),
        )
        self._world.agree_on(draft.message)
        self._world.agree_on(draft.disguised)
        address = self._world.address(provider)
        return SignedBid(auction_id, address, rate, deadline, draft.sign(flaw))

    def sign_receipt(
        self, function: str, auction: Auction | None, energy: Energy, flaw: Flaw
    ) -> Receipt:
        contracted = auction.energy_wh if auction else 0
        energy_wh = {
            Energy.ALL: contracted,
            Energy.HALF: contracted // 2,
            Energy.ONE: 1,
            Energy.ZERO: 0,
            Energy.ABOVE: min(contracted + 1, UINT32),
        }[energy]
        connected = auction is not None and auction.connected_at is not None
        token = auction.token if auction is not None and connected else bytes(32)
        consumer, provider = self.consumer(auction), self.leader(auction)
        by_consumer = function == "settle"
        purpose, disguise = (
            ("MeteringReceipt", "Settlement") if by_consumer else ("Settlement", "MeterValue")
        )
        content = (token, energy_wh, METER_DATA)
        draft = Draft(
            message=self._world.model.message(purpose, *content),
            other_values=(self._other_token(auction), energy_wh + 1, OTHER_METER_DATA),
            disguised=self._world.model.message(disguise, *content),
            key=_key(consumer if by_consumer else provider),
            other_side=_key(provider if by_consumer else consumer),
        )
        self._world.agree_on(draft.message)
        self._world.agree_on(draft.disguised)
        return Receipt(function, energy_wh, METER_DATA, draft.sign(flaw))

    def _other_token(self, auction: Auction | None) -> bytes:
        """The token of another connection, present or past."""
        for other in self._world.model.auctions.values():
            if other is not auction and other.connected_at is not None:
                return other.token
        return bytes(32)


def pick_from(choices: Sequence[T], pick: int) -> T:
    """Count round and round."""
    return choices[pick % len(choices)]


def _key(who: str) -> bytes:
    """Mallory has none, so its operator signs."""
    return (OPERATOR if who == MALLORY else PEOPLE[who]).key
