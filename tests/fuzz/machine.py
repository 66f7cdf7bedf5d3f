"""The state machine: what people may do, in any order, at any second."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from model.hostile import Answer
from model.market import Auction, Parameters, State

from ape_v2v.testing.chains import Chain

from . import strategies as some
from .actors import ACTORS, MALLORY, OPERATOR, PEOPLE
from .liveness import everybody_leaves
from .signing import Draft, Signed
from .strategies import (
    UINT32,
    UINT64,
    UINT256,
    Amount,
    Boundary,
    Ceiling,
    Ending,
    Energy,
    Flaw,
    Kind,
    Moment,
    Offer,
    Role,
    Share,
    Target,
    Terms,
    Text,
    Who,
)
from .tally import Tally
from .world import Artifacts, World

T = TypeVar("T")
METER_DATA = b"\x11" * 32
OTHER_METER_DATA = b"\x22" * 32
# How often a withdrawal may be re-entered before gas runs out.
MAX_REENTRIES = 10


# Rules that are no trade have every third step, so that trades get on.
between_trades = precondition(lambda machine: machine.world.turn % 3 == 0)
a_bid_is_to_be_awarded = precondition(lambda machine: machine.undecided)
bids_are_accepted = precondition(lambda machine: machine.biddable)
few_auctions_run = precondition(lambda machine: len(machine.open) + len(machine.connected) < 3)
a_bid_stands = precondition(lambda machine: machine.led)
a_bid_can_win = precondition(lambda machine: machine.awardable)
an_auction_is_connected = precondition(lambda machine: machine.connected)


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


class MarketMachine(RuleBasedStateMachine):
    """Every rule is one call, mostly; the world compares and checks after each."""

    def __init__(self, new_chain: Callable[[], Chain], artifacts: Artifacts, tally: Tally) -> None:
        super().__init__()
        self._new_chain = new_chain
        self._artifacts = artifacts
        self._tally = tally
        self._signed_bids: list[SignedBid] = []
        self._receipts: list[Receipt] = []

    @initialize(
        parameters=some.parameters,
        members=some.members,
        order=st.permutations(ACTORS),
        patient=st.lists(some.actors, unique=True),
        expelled=st.booleans(),
    )
    def open_market(
        self,
        parameters: Parameters,
        members: Sequence[str],
        order: Sequence[str],
        patient: Sequence[str],
        expelled: bool,
    ) -> None:
        """Deploy a market with some EVs. In the end all leave in `order`, expelled first or not."""
        self.world = World(self._new_chain(), self._artifacts, parameters, self._tally)
        self._order, self._patient, self._expelled = order, patient, expelled
        addresses = [self.world.address(who) for who in members]
        self.world.execute("addEVs", "organization", addresses, [""] * len(members))

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.world.chain:
            if not self.world.broken:
                if self._expelled:
                    self._expel_everybody()
                everybody_leaves(self.world, self._order, self._patient)

    def _expel_everybody(self) -> None:
        """What an organization can do at worst before people leave."""
        owner = self.world.name(self.world.model.owner)
        if self.world.model.active:
            self.world.execute("changeStatus", owner)
        for who in self._evs():
            self.world.execute("removeEV", owner, self.world.address(who))

    # --- The organization -------------------------------------------------------------------------

    @between_trades
    @rule(
        who=some.mostly_entitled,
        ev=some.mostly_entitled,
        pick=some.picks,
        infos=some.texts,
        value=some.stray_values,
    )
    def add_ev(self, who: Who, *, ev: Who, pick: int, infos: Text, value: int) -> None:
        """Add somebody, mostly one who is an EV no more, or not yet."""
        if isinstance(ev, Role):
            others = [who for who in ACTORS if who not in self._evs()]
            former = [who for who in others if self.world.address(who) in self.world.removed]
            ev = _pick(former or others or ACTORS, pick)
        address = self.world.address(ev)
        self.world.execute("addEV", self._owner(who), address, infos.value, value=value)

    @between_trades
    @rule(
        who=some.mostly_entitled,
        evs=st.lists(some.actors_and_others, max_size=3),
        infos=st.lists(some.texts, max_size=2),
    )
    def add_evs(self, who: Who, evs: list[str], infos: list[Text]) -> None:
        """Add several; more notes than EVs, EVs twice, and the zero address among them."""
        addresses = [self.world.address(ev) for ev in evs]
        texts = [*(text.value for text in infos), *[""] * len(evs)][: max(len(evs), len(infos))]
        self.world.execute("addEVs", self._owner(who), addresses, texts)

    @between_trades
    @rule(who=some.mostly_entitled, ev=some.mostly_entitled, pick=some.picks)
    def remove_ev(self, who: Who, ev: Who, pick: int) -> None:
        """Remove somebody, mostly one who is in the middle of something."""
        if isinstance(ev, Role):
            ev = _pick(self._busy() or ACTORS, pick)
        self.world.execute("removeEV", self._owner(who), self.world.address(ev))

    @between_trades
    @rule(who=some.mostly_entitled, for_a_moment=st.booleans())
    def change_status(self, who: Who, for_a_moment: bool) -> None:
        self.world.execute("changeStatus", self._owner(who))
        if for_a_moment:
            self.world.execute("changeStatus", self._owner(who))

    @between_trades
    @rule(who=some.mostly_entitled, to=some.actors_and_others, accepted=st.booleans())
    def transfer_ownership(self, who: Who, to: str, accepted: bool) -> None:
        """Offer it to somebody, who may accept; somebody else may try to accept as well."""
        self.world.execute("transferOwnership", self._owner(who), self.world.address(to))
        if accepted:
            accepting = to if to in ACTORS else self._owner(who)
            self.world.execute("acceptOwnership", accepting)

    @between_trades
    @rule(who=some.mostly_entitled)
    def renounce_ownership(self, who: Who) -> None:
        self.world.execute("renounceOwnership", self._owner(who))

    # --- Money ------------------------------------------------------------------------------------

    @between_trades
    @rule(who=some.actors, to=some.actors, amount=some.deposits)
    def deposit(self, who: str, to: str, amount: Amount) -> None:
        value = self._value(amount, 0)
        if to == who:
            self.world.execute("deposit", who, value=value)
        else:
            self.world.execute("depositFor", who, self.world.address(to), value=value)

    @between_trades
    @rule(who=some.actors, share=some.withdrawals, value=some.stray_values)
    def withdraw(self, who: str, share: Share, value: int) -> None:
        balance = self.world.balance(who)
        amount = {
            Share.NOTHING: 0,
            Share.ONE: 1,
            Share.QUARTER: balance // 4,
            Share.ALL: balance,
            Share.ALL_AND_ONE: balance + 1,
        }[share]
        if who == MALLORY:
            amount = max(amount, balance // MAX_REENTRIES)
        self.world.execute("withdraw", who, amount, value=value)

    @between_trades
    @rule(answer=st.sampled_from(Answer), share=some.withdrawals)
    def mallory_withdraws(self, answer: Answer, share: Share) -> None:
        """Mallory gets some ether in, takes some out, and decides how to receive it."""
        self.world.execute("deposit", MALLORY, value=some.ETHER)
        self.world.prepare(answer)
        self.withdraw(MALLORY, share, 0)

    @between_trades
    @rule(
        who=some.actors,
        data=some.stray_data,
        value=st.sampled_from([0, 1, some.ETHER]),
        forced=st.booleans(),
    )
    def send_stray_ether(self, who: str, data: bytes, value: int, forced: bool) -> None:
        """A plain transfer, a call of no function, or what no contract can refuse."""
        if forced:
            self.world.force(value)
        elif data:
            self.world.call_unknown(who, b"\xff" + data, value)
        else:
            self.world.transfer(who, value)

    @between_trades
    @rule(seconds=some.pauses)
    def time_passes(self, seconds: int) -> None:
        self.world.wait_until(self.world.now + seconds)

    # --- Auction ----------------------------------------------------------------------------------

    @few_auctions_run
    @rule(
        who=some.mostly_entitled,
        pick=some.picks,
        terms=some.terms,
        details=some.texts,
        stake=some.stakes,
    )
    def start_auction(
        self, who: Who, pick: int, terms: Terms, details: Text, stake: Amount
    ) -> None:
        if isinstance(who, Role):
            who = _pick(self._idle_evs() or ACTORS, pick)
        lacking = terms.energy_wh * terms.max_rate - self.world.balance(who)
        value = self._value(stake, lacking)
        self.world.execute("startAuction", who, *terms, details.value, value=value)

    @bids_are_accepted
    @rule(
        who=some.parties,
        which=some.targets,
        offer=some.offers,
        stake=some.stakes,
        moment=some.while_bidding,
    )
    def place_bid(
        self, who: Who, which: Target, offer: Offer, stake: Amount, moment: Moment
    ) -> None:
        auction_id, auction = self._find(which, self.biddable)
        self._wait(auction, moment)
        bidder = self._party(who, auction, self._rival(auction, which.pick))
        value = self._value(stake, self._bond(auction) - self.world.balance(bidder))
        self.world.execute("placeBid", bidder, auction_id, self._rate(auction, offer), value=value)

    @a_bid_stands
    @rule(which=some.targets, offer=some.offers, moment=some.while_bidding)
    def lower_own_bid(self, which: Target, offer: Offer, moment: Moment) -> None:
        auction_id, auction = self._find(which, self.led)
        self._wait(auction, moment)
        who = self._leader(auction)
        self.world.execute("placeBid", who, auction_id, self._rate(auction, offer))

    @bids_are_accepted
    @rule(
        relayer=some.actors,
        which=some.targets,
        offer=some.offers,
        deadline=some.deadlines,
        flaw=some.flaws,
        funded=st.booleans(),
        moment=some.while_bidding,
        value=some.stray_values,
    )
    def relay_bid(
        self,
        *,
        relayer: str,
        which: Target,
        offer: Offer,
        deadline: int | None,
        flaw: Flaw,
        funded: bool,
        moment: Moment,
        value: int,
    ) -> None:
        auction_id, auction = self._find(which, self.biddable)
        self._wait(auction, moment)
        provider = self._rival(auction, which.pick)
        lacking = self._bond(auction) - self.world.balance(provider)
        if funded and lacking > 0:
            self.world.execute("deposit", provider, value=lacking)
        rate = self._rate(auction, offer)
        last_second = UINT256 if deadline is None else self.world.now + deadline
        bid = self._sign_bid(
            provider=provider,
            auction_id=auction_id,
            auction=auction,
            rate=rate,
            deadline=last_second,
            flaw=flaw,
        )
        self._relay(relayer, bid, value)

    @between_trades
    @bids_are_accepted
    @precondition(lambda self: self._signed_bids)
    @rule(relayer=some.actors, pick=some.picks)
    def relay_earlier_bid(self, relayer: str, pick: int) -> None:
        self._relay(relayer, _pick(self._signed_bids[::-1], pick), 0)

    @a_bid_stands
    @rule(
        who=some.parties,
        which=some.targets,
        moment=some.while_removing,
        expelled=some.sometimes,
        value=some.stray_values,
    )
    def remove_bid(
        self, who: Who, which: Target, moment: Moment, *, expelled: bool, value: int
    ) -> None:
        """Take a bid back, perhaps as one whom the organization has just expelled."""
        auction_id, auction = self._find(which, self.led)
        self._wait(auction, moment)
        leader = self._party(who, auction, self._leader(auction))
        if expelled:
            self.world.execute("removeEV", self._owner(Role.ENTITLED), self.world.address(leader))
        self.world.execute("removeBid", leader, auction_id, value=value)

    @a_bid_is_to_be_awarded
    @rule(
        who=some.impatient,
        which=some.targets,
        ceiling=some.ceilings,
        moment=some.while_cancelling,
    )
    def cancel_auction(self, who: Who, which: Target, ceiling: Ceiling, moment: Moment) -> None:
        auction_id, auction = self._find(which, self.undecided)
        self._wait(auction, moment)
        penalty = self.world.model.penalty(auction) if auction else 0
        maximum = {
            Ceiling.ZERO: 0,
            Ceiling.BELOW: max(penalty - 1, 0),
            Ceiling.EXACT: penalty,
            Ceiling.UNLIMITED: UINT256,
        }[ceiling]
        self.world.execute(
            "cancelAuction", self._party(who, auction, self._consumer(auction)), auction_id, maximum
        )

    @a_bid_can_win
    @rule(who=some.parties, which=some.targets, moment=some.while_awarding)
    def end_auction(self, who: Who, which: Target, moment: Moment) -> None:
        _, auction = self._find(which, self.awardable, self.open)
        self._wait(auction, moment)
        self.world.execute("endAuction", self._party(who, auction, self._consumer(auction)))

    # --- Connection -------------------------------------------------------------------------------

    @an_auction_is_connected
    @rule(who=some.parties, which=some.targets, moment=some.while_connected)
    def end_connection(self, who: Who, which: Target, moment: Moment) -> None:
        _, auction = self._find(which, self.connected)
        self._wait(auction, moment)
        self.world.execute("endConnection", self._party(who, auction, self._consumer(auction)))

    @an_auction_is_connected
    @rule(
        who=some.parties,
        which=some.targets,
        energy=some.energies,
        flaw=some.flaws,
        moment=some.while_connected,
    )
    def end_connection_as_agreed(
        self, who: Who, which: Target, energy: Energy, flaw: Flaw, moment: Moment
    ) -> None:
        auction_id, auction = self._find(which, self.connected)
        self._wait(auction, moment)
        receipt = self._sign_receipt("endConnection", auction, energy, flaw)
        self._hand_in(who, auction_id, auction, receipt)

    @an_auction_is_connected
    @rule(
        who=some.parties,
        which=some.targets,
        energy=some.energies,
        flaw=some.flaws,
        moment=some.while_connected,
    )
    def settle(self, who: Who, which: Target, energy: Energy, flaw: Flaw, moment: Moment) -> None:
        auction_id, auction = self._find(which, self.connected)
        self._wait(auction, moment)
        receipt = self._sign_receipt("settle", auction, energy, flaw)
        self._hand_in(who, auction_id, auction, receipt)

    @between_trades
    @an_auction_is_connected
    @precondition(lambda self: self._receipts)
    @rule(who=some.parties, which=some.targets, pick=some.picks)
    def hand_in_earlier_receipt(self, who: Who, which: Target, pick: int) -> None:
        auction_id, auction = self._find(which, self.connected)
        self._hand_in(who, auction_id, auction, _pick(self._receipts[::-1], pick))

    @an_auction_is_connected
    @rule(who=some.parties, which=some.targets, moment=some.while_connected)
    def forfeit(self, who: Who, which: Target, moment: Moment) -> None:
        auction_id, auction = self._find(which, self.connected)
        self._wait(auction, moment)
        self.world.execute("forfeit", self._party(who, auction, self._leader(auction)), auction_id)

    @an_auction_is_connected
    @rule(who=some.actors, which=some.targets, moment=some.while_expiring)
    def expire_connection(self, who: str, which: Target, moment: Moment) -> None:
        auction_id, auction = self._find(which, self.connected)
        self._wait(auction, moment)
        self.world.execute("expireConnection", who, auction_id)

    # --- A trade ----------------------------------------------------------------------------------

    @rule(
        pick=some.picks,
        terms=some.sound_terms,
        offer=some.sound_offers,
        outbid=st.booleans(),
        energy=some.energies,
        ending=some.endings,
    )
    def trade_goes_on(
        self, *, pick: int, terms: Terms, offer: Offer, outbid: bool, energy: Energy, ending: Ending
    ) -> None:
        """What people who mean to trade do next, so that every run can go deep."""
        auction = _pick([*self.connected, *self.open] or [None], pick)
        entitled, now = Role.ENTITLED, Moment(Boundary.NOW)
        if auction is None:
            if not self.world.model.active:
                self.change_status(entitled, for_a_moment=False)
            self.start_auction(entitled, pick, terms, Text.ORDINARY, Amount.NEEDED)
        elif auction in self.connected:
            self._end_connection(self._target(auction, self.connected), energy, ending)
        elif auction in self.biddable and (outbid or auction.standing is None):
            which = self._target(auction, self.biddable)
            self.place_bid(entitled, which, offer, Amount.NEEDED, now)
        elif auction.standing is None or auction in self.awardable:
            self.end_auction(entitled, self._target(auction, self.open), Moment(Boundary.CLOSE))
        else:
            self.cancel_auction(entitled, self._target(auction, self.open), Ceiling.EXACT, now)

    @staticmethod
    def _target(auction: Auction, fitting: list[Auction]) -> Target:
        return Target(Kind.FITTING, fitting.index(auction))

    def _end_connection(self, which: Target, energy: Energy, ending: Ending) -> None:
        entitled, now = Role.ENTITLED, Moment(Boundary.NOW)
        match ending:
            case Ending.PAYMENT:
                self.end_connection(entitled, which, now)
            case Ending.AGREEMENT:
                self.end_connection_as_agreed(entitled, which, energy, Flaw.NONE, now)
            case Ending.RECEIPT:
                self.settle(entitled, which, energy, Flaw.NONE, now)
            case Ending.FORFEIT:
                self.forfeit(entitled, which, now)
            case Ending.EXPIRY:
                self.expire_connection(MALLORY, which, Moment(Boundary.EXPIRY, -1))
                self.expire_connection(MALLORY, which, Moment(Boundary.EXPIRY))

    # --- What is meant, in the present state ------------------------------------------------------

    def _find(self, which: Target, *fitting: list[Auction]) -> tuple[int, Auction | None]:
        """An id to call with, and the auction that it is, or is nearly.

        The first list of fitting ones that is not empty counts.
        """
        model = self.world.model
        candidates = next(filter(None, fitting), [])
        if candidates and which.kind is not Kind.CURRENT:
            auction_id = _pick(candidates, which.pick).auction_id
        else:
            auction_id = model.current_auction_id(self.world.address(_pick(ACTORS, which.pick)))
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

    @property
    def open(self) -> list[Auction]:
        return self.world.model.in_state(State.OPEN)

    @property
    def biddable(self) -> list[Auction]:
        return [auction for auction in self.open if self.world.now < auction.closing_time]

    @property
    def led(self) -> list[Auction]:
        return [auction for auction in self.undecided if self.world.now < auction.closing_time]

    @property
    def undecided(self) -> list[Auction]:
        return [auction for auction in self.open if auction.standing is not None]

    @property
    def awardable(self) -> list[Auction]:
        deadline = self.world.model.award_deadline
        return [auction for auction in self.undecided if self.world.now < deadline(auction)]

    @property
    def connected(self) -> list[Auction]:
        return self.world.model.in_state(State.CONNECTED)

    def _wait(self, auction: Auction | None, moment: Moment) -> None:
        if auction is None:
            return
        model, window = self.world.model, self.world.model.parameters.extension_window
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
        self.world.wait_until(boundary + moment.offset)

    def _owner(self, who: Who) -> str:
        return self.world.name(self.world.model.owner) if isinstance(who, Role) else who

    def _party(self, who: Who, auction: Auction | None, entitled: str) -> str:
        match who:
            case Role.ENTITLED:
                return entitled
            case Role.CONSUMER:
                return self._consumer(auction)
            case Role.LEADER:
                return self._leader(auction)
            case _:
                return who

    def _consumer(self, auction: Auction | None) -> str:
        return self.world.name(auction.consumer) if auction else ACTORS[0]

    def _leader(self, auction: Auction | None) -> str:
        return self.world.name(auction.leader) if auction and auction.standing else ACTORS[0]

    def _rival(self, auction: Auction | None, pick: int) -> str:
        """An EV that could overtake whoever leads."""
        parties = {auction.consumer, auction.leader} if auction else set()
        rivals = [who for who in self._evs() if self.world.address(who) not in parties]
        return _pick(rivals or ACTORS, pick)

    def _evs(self) -> list[str]:
        return [who for who in ACTORS if self.world.model.is_ev(self.world.address(who))]

    def _idle_evs(self) -> list[str]:
        """The EVs that could start an auction."""
        consumers = {auction.consumer for auction in (*self.open, *self.connected)}
        return [who for who in self._evs() if self.world.address(who) not in consumers]

    def _busy(self) -> list[str]:
        """The EVs that are party to some auction."""
        running = (*self.open, *self.connected)
        parties = {party for one in running for party in (one.consumer, one.leader)}
        return [who for who in self._evs() if self.world.address(who) in parties]

    def _bond(self, auction: Auction | None) -> int:
        return self.world.model.bond(auction) if auction else 0

    def _value(self, amount: Amount, lacking: int) -> int:
        needed = max(lacking, 0)
        return {
            Amount.NOTHING: 0,
            Amount.ONE: 1,
            Amount.SOME: some.ETHER,
            Amount.NEEDED: needed,
            Amount.NEEDED_LESS_ONE: max(needed - 1, 0),
            Amount.NEEDED_AND_MORE: needed + some.GWEI,
        }[amount]

    def _rate(self, auction: Auction | None, offer: Offer) -> int:
        highest = self.world.model.highest_rate(auction) if auction else 1
        return {
            Offer.HIGHEST: highest,
            Offer.ABOVE: min(highest + 1, UINT64),
            Offer.LOWER: highest * 4 // 5,
            Offer.ONE: 1,
            Offer.ZERO: 0,
            Offer.LARGEST: UINT64,
        }[offer]

    # --- Signatures -------------------------------------------------------------------------------

    def _sign_bid(
        self,
        *,
        provider: str,
        auction_id: int,
        auction: Auction | None,
        rate: int,
        deadline: int,
        flaw: Flaw,
    ) -> SignedBid:
        message = self.world.model.message
        nonce = auction.removals if auction else 0
        similar = (auction_id.to_bytes(32), rate, nonce.to_bytes(32))
        draft = Draft(
            message=message("Bid", auction_id, rate, nonce, deadline),
            other_values=(auction_id + 1, rate + 1, nonce + 1),
            disguised=message("MeteringReceipt", *similar),
            key=_key(provider),
            other_side=_key(self._consumer(auction)),
        )
        address = self.world.address(provider)
        bid = SignedBid(auction_id, address, rate, deadline, draft.sign(flaw))
        self._signed_bids.append(bid)
        return bid

    def _relay(self, relayer: str, bid: SignedBid, value: int) -> None:
        auction_id, provider, rate, deadline, signed = bid
        arguments = (auction_id, provider, rate, deadline, signed.signature)
        self.world.execute("placeBidFor", relayer, *arguments, value=value, signed=signed)

    def _sign_receipt(
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
        consumer, provider = (
            self._consumer(auction),
            self._leader(auction),
        )
        by_consumer = function == "settle"
        purpose, disguise = (
            ("MeteringReceipt", "Settlement") if by_consumer else ("Settlement", "MeterValue")
        )
        content = (token, energy_wh, METER_DATA)
        draft = Draft(
            message=self.world.model.message(purpose, *content),
            other_values=(self._other_token(auction), energy_wh + 1, OTHER_METER_DATA),
            disguised=self.world.model.message(disguise, *content),
            key=_key(consumer if by_consumer else provider),
            other_side=_key(provider if by_consumer else consumer),
        )
        receipt = Receipt(function, energy_wh, METER_DATA, draft.sign(flaw))
        self._receipts.append(receipt)
        return receipt

    def _other_token(self, auction: Auction | None) -> bytes:
        """The token of another connection, present or past."""
        for other in self.world.model.auctions.values():
            if other is not auction and other.connected_at is not None:
                return other.token
        return bytes(32)

    def _hand_in(
        self, who: Who, auction_id: int, auction: Auction | None, receipt: Receipt
    ) -> None:
        function, energy_wh, meter_data, signed = receipt
        arguments = (energy_wh, meter_data, signed.signature)
        if function == "settle":
            provider = self._party(who, auction, self._leader(auction))
            self.world.execute("settle", provider, auction_id, *arguments, signed=signed)
        else:
            consumer = self._party(who, auction, self._consumer(auction))
            self.world.execute("endConnection", consumer, *arguments, signed=signed)


def _pick(choices: Sequence[T], pick: int) -> T:
    """Count round and round."""
    return choices[pick % len(choices)]


def _key(who: str) -> bytes:
    """Mallory has none, so its operator signs."""
    return (OPERATOR if who == MALLORY else PEOPLE[who]).key
