"""The state machine: what people may do, in any order, at any second."""

from collections.abc import Callable, Sequence

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ape_v2v.evm.chains import Chain
from tests.model.hostile import Answer
from tests.model.market import Auction, Parameters

from . import strategies as some
from .actors import ACTORS, MALLORY
from .liveness import everybody_leaves, expel_everybody
from .present import Present, SignedBid, Statement, Which, pick_from
from .strategies import (
    UINT256,
    Amount,
    Boundary,
    Ceiling,
    Ending,
    Energy,
    Flaw,
    Key,
    Moment,
    Offer,
    Role,
    Share,
    Terms,
    Text,
    Who,
)
from .tally import Tally
from .world import Artifacts, World

# How often a withdrawal may be re-entered before gas runs out.
MAX_REENTRIES = 10


# Rules that are no trade have every third step, so that trades get on.
between_trades = precondition(lambda machine: machine.world.turn % 3 == 0)
a_bid_is_to_be_awarded = precondition(lambda machine: machine.present.undecided)
bids_are_accepted = precondition(lambda machine: machine.present.biddable)
few_auctions_run = precondition(
    lambda machine: len(machine.present.open) + len(machine.present.connected) < 3
)
a_bid_stands = precondition(lambda machine: machine.present.led)
a_bid_can_win = precondition(lambda machine: machine.present.awardable)
an_auction_is_connected = precondition(lambda machine: machine.present.connected)


class MarketMachine(RuleBasedStateMachine):
    """Every rule is one call, mostly; the world compares and checks after each."""

    def __init__(self, new_chain: Callable[[], Chain], artifacts: Artifacts, tally: Tally) -> None:
        super().__init__()
        self._new_chain = new_chain
        self._artifacts = artifacts
        self._tally = tally
        self._signed_bids: list[SignedBid] = []
        self._statements: list[Statement] = []
        self._steps = 0

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
        """Deploy a market with some EVs.

        In the end all leave in `order`, and from the same state in the reverse order: expelled
        first or not, the patient ones the other time in haste.
        """
        self.world = World(self._new_chain(), self._artifacts, parameters, self._tally)
        self.present = Present(self.world)
        self._order, self._patient, self._expelled = order, patient, expelled
        addresses = [self.world.address(who) for who in members]
        self.world.execute("addEVs", "organization", addresses, [""] * len(members))

    @invariant()
    def count_step(self) -> None:
        self._steps += 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self._tally.lengths[self._steps] += 1
        with self.world.chain:
            if not self.world.broken:
                with self.world.rehearsal():
                    self._leave(self._order, self._patient)
                # Of each two people, the other one goes first now.
                hasty = [who for who in ACTORS if who not in self._patient]
                self._leave(self._order[::-1], hasty)

    def _leave(self, order: Sequence[str], patient: Sequence[str]) -> None:
        if self._expelled:
            expel_everybody(self.world)
        everybody_leaves(self.world, order, patient)
        self._tally.departures += 1

    def _expel(self, who: str) -> None:
        owner = self.present.owner(Role.ENTITLED)
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
            others = [who for who in ACTORS if who not in self.present.evs()]
            former = [who for who in others if self.world.address(who) in self.world.removed]
            ev = pick_from(former or others or ACTORS, pick)
        address = self.world.address(ev)
        self.world.execute("addEV", self.present.owner(who), address, infos.value, value=value)

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
        self.world.execute("addEVs", self.present.owner(who), addresses, texts)

    @between_trades
    @rule(who=some.mostly_entitled, ev=some.mostly_entitled, pick=some.picks)
    def remove_ev(self, who: Who, ev: Who, pick: int) -> None:
        """Remove somebody, mostly one who is in the middle of something."""
        if isinstance(ev, Role):
            ev = pick_from(self.present.busy() or ACTORS, pick)
        self.world.execute("removeEV", self.present.owner(who), self.world.address(ev))

    @between_trades
    @rule(who=some.mostly_entitled, named=st.booleans(), active=some.mostly)
    def change_status(self, who: Who, named: bool, active: bool) -> None:
        """Open or close the market, by naming what it shall be or not."""
        if named:
            self.world.execute("setActive", self.present.owner(who), active)
        else:
            self.world.execute("changeStatus", self.present.owner(who))

    @between_trades
    @rule(who=some.mostly_entitled, to=some.actors_and_others, accepted=st.booleans())
    def transfer_ownership(self, who: Who, to: str, accepted: bool) -> None:
        """Offer it to somebody, who may accept; somebody else may try to accept as well."""
        self.world.execute("transferOwnership", self.present.owner(who), self.world.address(to))
        if accepted:
            accepting = to if to in ACTORS else self.present.owner(who)
            self.world.execute("acceptOwnership", accepting)

    @between_trades
    @rule(who=some.mostly_entitled)
    def renounce_ownership(self, who: Who) -> None:
        self.world.execute("renounceOwnership", self.present.owner(who))

    # --- Money ------------------------------------------------------------------------------------

    @between_trades
    @rule(who=some.actors, to=some.actors, amount=some.deposits)
    def deposit(self, who: str, to: str, amount: Amount) -> None:
        value = self.present.value(amount, 0)
        if to == who:
            self.world.execute("deposit", who, value=value)
        else:
            self.world.execute("depositFor", who, self.world.address(to), value=value)

    @between_trades
    @rule(
        who=some.actors,
        share=some.withdrawals,
        to=some.receivers,
        value=some.stray_values,
    )
    def withdraw(self, who: str, share: Share, to: str | None, value: int) -> None:
        """Take money out, to oneself or to somebody else."""
        balance = self.world.balance(who)
        amount = {
            Share.NOTHING: 0,
            Share.ONE: 1,
            Share.QUARTER: balance // 4,
            Share.ALL: balance,
            Share.ALL_AND_ONE: balance + 1,
        }[share]
        if (to or who) == MALLORY:  # which may take the same again, as long as it has something
            amount = max(amount, self.world.balance(MALLORY) // MAX_REENTRIES)
        receiver = self.world.address(to or who)
        self.world.execute("withdraw", who, amount, receiver, value=value)

    @between_trades
    @rule(answer=st.sampled_from(Answer), share=some.withdrawals)
    def mallory_withdraws(self, answer: Answer, share: Share) -> None:
        """Mallory gets some ether in, takes some out, and decides how to receive it."""
        self.world.execute("deposit", MALLORY, value=some.ETHER)
        self.world.prepare(answer)
        self.withdraw(MALLORY, share, None, 0)

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
            who = pick_from(self.present.idle_evs() or ACTORS, pick)
        lacking = terms.energy_wh * terms.max_rate - self.world.balance(who)
        value = self.present.value(stake, lacking)
        self.world.execute("startAuction", who, *terms, details.value, value=value)

    @bids_are_accepted
    @rule(
        who=some.parties,
        which=some.targets,
        offer=some.offers,
        stake=some.stakes,
        moment=some.while_bidding,
        misread=some.seldom,
    )
    def place_bid(
        self,
        who: Who,
        which: Which,
        offer: Offer,
        stake: Amount,
        moment: Moment,
        *,
        misread: bool = False,
    ) -> None:
        """Bid on an auction, perhaps on other terms than it has."""
        auction_id, auction = self.present.find(which, self.present.biddable)
        self.present.wait(auction, moment)
        bidder = self.present.party(who, auction, self.present.rival(auction))
        value = self.present.value(stake, self.present.bond(auction) - self.world.balance(bidder))
        terms = self.present.terms(auction, changed=misread)
        rate = self.present.rate(auction, offer)
        self.world.execute("placeBid", bidder, auction_id, rate, terms, value=value)

    @a_bid_stands
    @rule(
        which=some.targets,
        offer=some.offers,
        moment=some.while_bidding,
        expelled=some.sometimes,
    )
    def lower_own_bid(self, which: Which, offer: Offer, moment: Moment, expelled: bool) -> None:
        """Bid as the leader, perhaps as one whom the organization has just expelled."""
        auction_id, auction = self.present.find(which, self.present.led)
        self.present.wait(auction, moment)
        leader = self.present.leader(auction)
        if expelled:
            self._expel(leader)
        rate, terms = self.present.rate(auction, offer), self.present.terms(auction)
        self.world.execute("placeBid", leader, auction_id, rate, terms)

    @bids_are_accepted
    @rule(
        relayer=some.actors,
        which=some.targets,
        offer=some.offers,
        deadline=some.deadlines,
        flaw=some.bid_flaws,
        funded=st.booleans(),
        moment=some.while_bidding,
        value=some.stray_values,
    )
    def relay_bid(
        self,
        *,
        relayer: str,
        which: Which,
        offer: Offer,
        deadline: int | None,
        flaw: Flaw,
        funded: bool,
        moment: Moment,
        value: int,
    ) -> None:
        auction_id, auction = self.present.find(which, self.present.biddable)
        self.present.wait(auction, moment)
        provider = self.present.rival(auction)
        lacking = self.present.bond(auction) - self.world.balance(provider)
        if funded and lacking > 0:
            self.world.execute("deposit", provider, value=lacking)
        rate = self.present.rate(auction, offer)
        last_second = UINT256 if deadline is None else self.world.now + deadline
        bid = self.present.sign_bid(
            provider=provider,
            auction_id=auction_id,
            auction=auction,
            rate=rate,
            deadline=last_second,
            flaw=flaw,
        )
        self._signed_bids.append(bid)
        self._relay(relayer, bid, value)

    @between_trades
    @bids_are_accepted
    @precondition(lambda self: self._signed_bids)
    @rule(relayer=some.actors, pick=some.picks)
    def relay_earlier_bid(self, relayer: str, pick: int) -> None:
        self._relay(relayer, pick_from(self._signed_bids[::-1], pick), 0)

    @between_trades
    @precondition(lambda self: self._signed_bids)
    @rule(who=some.mostly_entitled, pick=some.picks, value=some.stray_values)
    def revoke_bids(self, who: Who, pick: int, value: int) -> None:
        """Revoke what one has signed; somebody tries it all the same."""
        bid = pick_from(self._signed_bids[::-1], pick)
        revoking = self.world.name(bid.provider) if isinstance(who, Role) else who
        self.world.execute("revokeBids", revoking, value=value)
        self._relay(MALLORY, bid, 0)

    @a_bid_stands
    @rule(
        who=some.parties,
        which=some.targets,
        moment=some.while_removing,
        expelled=some.sometimes,
        outbid=some.mostly,
        cancelled=some.sometimes,
        value=some.stray_values,
    )
    def remove_bid(
        self,
        who: Who,
        which: Which,
        moment: Moment,
        *,
        expelled: bool,
        outbid: bool,
        cancelled: bool,
        value: int,
    ) -> None:
        """Take a bid back, perhaps as one who has just been expelled.

        Somebody else may follow, and the consumer may cancel for nothing.
        """
        auction_id, auction = self.present.find(which, self.present.led)
        self.present.wait(auction, moment)
        leader = self.present.party(who, auction, self.present.leader(auction))
        if expelled:
            self._expel(leader)
        self.world.execute("removeBid", leader, auction_id, value=value)
        if outbid and auction is not None:
            when = Moment(Boundary.NOW) if cancelled else Moment(Boundary.CLOSE, -1)
            self.place_bid(Role.ENTITLED, auction, Offer.HIGHEST, Amount.NEEDED, when)
        if cancelled and auction is not None:
            self.cancel_auction(Role.ENTITLED, auction, Ceiling.ZERO, Moment(Boundary.NOW))

    @a_bid_is_to_be_awarded
    @rule(
        who=some.impatient,
        which=some.targets,
        ceiling=some.ceilings,
        moment=some.while_cancelling,
    )
    def cancel_auction(self, who: Who, which: Which, ceiling: Ceiling, moment: Moment) -> None:
        auction_id, auction = self.present.find(which, self.present.undecided)
        self.present.wait(auction, moment)
        penalty = self.world.model.penalty(auction) if auction else 0
        maximum = {
            Ceiling.ZERO: 0,
            Ceiling.BELOW: max(penalty - 1, 0),
            Ceiling.EXACT: penalty,
            Ceiling.UNLIMITED: UINT256,
        }[ceiling]
        self.world.execute(
            "cancelAuction",
            self.present.party(who, auction, self.present.consumer(auction)),
            auction_id,
            maximum,
        )

    @a_bid_can_win
    @rule(who=some.parties, which=some.targets, moment=some.while_awarding)
    def end_auction(self, who: Who, which: Which, moment: Moment) -> None:
        auction_id, auction = self.present.find(which, self.present.awardable)
        self.present.wait(auction, moment)
        ending = self.present.party(who, auction, self.present.consumer(auction))
        self.world.execute("endAuction", ending, auction_id)

    # --- Connection -------------------------------------------------------------------------------

    @an_auction_is_connected
    @rule(who=some.parties, which=some.targets, moment=some.while_connected)
    def end_connection(self, who: Who, which: Which, moment: Moment) -> None:
        auction_id, auction = self.present.find(which, self.present.connected)
        self.present.wait(auction, moment)
        paying = self.present.party(who, auction, self.present.consumer(auction))
        self.world.execute("endConnection", paying, auction_id)

    @an_auction_is_connected
    @rule(
        who=some.handing_in,
        which=some.targets,
        energy=some.energies,
        last=st.booleans(),
        flaw=some.reading_flaws,
        of_consumer=st.booleans(),
        key=some.keys,
        moment=some.while_connected,
        value=some.stray_values,
    )
    def settle(
        self,
        who: Who,
        which: Which,
        *,
        energy: Energy,
        last: bool,
        flaw: Flaw,
        of_consumer: bool,
        key: Key,
        moment: Moment,
        value: int,
    ) -> None:
        """Hand in a reading that both sides have signed, one of them perhaps with a flaw."""
        auction_id, auction = self.present.find(which, self.present.connected)
        self.present.wait(auction, moment)
        statement = self.present.sign_reading(
            auction_id,
            auction,
            energy,
            last=last,
            flaw=flaw,
            of_consumer=of_consumer,
            key=key,
        )
        self._statements.append(statement)
        self._hand_in(who, auction, statement, value)

    @between_trades
    @an_auction_is_connected
    @precondition(lambda self: self._statements)
    @rule(who=some.handing_in, which=some.targets, pick=some.picks)
    def hand_in_earlier_statement(self, who: Who, which: Which, pick: int) -> None:
        _, auction = self.present.find(which, self.present.connected)
        self._hand_in(who, auction, pick_from(self._statements[::-1], pick), 0)

    @an_auction_is_connected
    @rule(who=some.parties, which=some.targets, moment=some.while_connected)
    def forfeit(self, who: Who, which: Which, moment: Moment) -> None:
        auction_id, auction = self.present.find(which, self.present.connected)
        self.present.wait(auction, moment)
        self.world.execute(
            "forfeit", self.present.party(who, auction, self.present.leader(auction)), auction_id
        )

    @an_auction_is_connected
    @rule(who=some.actors, which=some.targets, moment=some.while_expiring)
    def expire_connection(self, who: str, which: Which, moment: Moment) -> None:
        auction_id, auction = self.present.find(which, self.present.connected)
        self.present.wait(auction, moment)
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
        present = self.present
        auction = pick_from([*present.connected, *present.open] or [None], pick)
        entitled, now = Role.ENTITLED, Moment(Boundary.NOW)
        if auction is None:
            if not self.world.model.active:
                self.change_status(entitled, named=True, active=True)
            self.start_auction(entitled, pick, terms, Text.ORDINARY, Amount.NEEDED)
        elif auction in present.connected:
            self._end_connection(auction, energy, ending)
        elif auction in present.biddable and (outbid or auction.standing is None):
            self.place_bid(entitled, auction, offer, Amount.NEEDED, now)
        elif auction.standing is None or auction in present.awardable:
            self.end_auction(entitled, auction, Moment(Boundary.CLOSE))
        else:
            self.cancel_auction(entitled, auction, Ceiling.EXACT, now)

    def _end_connection(self, auction: Auction, energy: Energy, ending: Ending) -> None:
        entitled, now = Role.ENTITLED, Moment(Boundary.NOW)
        match ending:
            case Ending.PAYMENT:
                self.end_connection(entitled, auction, now)
            case Ending.AGREEMENT | Ending.BROKEN_OFF:
                last = ending is Ending.AGREEMENT
                statement = self.present.sign_reading(
                    auction.auction_id, auction, energy, last=last
                )
                self._hand_in(Role.LEADER, auction, statement, 0)
            case Ending.FORFEIT:
                self.forfeit(entitled, auction, now)
            case Ending.EXPIRY:
                self.expire_connection(MALLORY, auction, Moment(Boundary.EXPIRY, -1))
                self.expire_connection(MALLORY, auction, Moment(Boundary.EXPIRY))

    # --- Signatures -------------------------------------------------------------------------------

    def _relay(self, relayer: str, bid: SignedBid, value: int) -> None:
        auction_id, provider, rate, deadline, signed = bid
        arguments = (auction_id, provider, rate, deadline, signed.signature)
        self.world.execute("placeBidFor", relayer, *arguments, value=value, signed=[signed])

    def _hand_in(self, who: Who, auction: Auction | None, statement: Statement, value: int) -> None:
        reading, *signed = statement
        handing_in = self.present.party(who, auction, self.present.leader(auction))
        signatures = (one.signature for one in signed)
        self.world.execute("settle", handing_in, reading, *signatures, value=value, signed=signed)
