"""A reference model of one market, written from docs/protocol.md and not from the contract.

Every public function of the contract is a method: it takes the call (who, when, with how much
ether) and the function's own arguments, and either raises `Refused` and has changed nothing, or
changes the state and returns the events, in order. Accounts are lower-case addresses.

Where two refusals compete, the order is that of the table of functions in docs/protocol.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ape_v2v.evm.contracts import DecodedEvent

from .ledger import BURNT, FORCED, Ledger, balance, bond, reserve, wallet
from .refusal import Refused
from .signatures import Message, require_party, require_signer

ZERO_ADDRESS = BURNT
WHOLE = 10_000  # bps
MINUTES = 60
HOUR = 3_600
DAYS = 86_400
ETHER = 10**18
MAX_DURATION = 7 * DAYS
MAX_TEXT_BYTES = 512
MOST_REMOVALS = 2**15 - 1
# `auctionId = consumer << 32 | round`
ROUND_BITS = 32


class Call(NamedTuple):
    """Who calls a function, in which second, and the wei sent along."""

    sender: str
    now: int
    value: int = 0


class State(IntEnum):
    NONE = 0
    OPEN = 1
    CONNECTED = 2


class Ending(IntEnum):
    """How a connection ended."""

    PAID = 0
    AGREED = 1
    SHORT = 2
    FORFEITED = 3
    EXPIRED = 4


class Parameters(NamedTuple):
    """The rules of one market, in the contract's order."""

    bond_bps: int = 10_000
    penalty_bps: int = 1_000
    min_decrement_bps: int = 100
    extension_window: int = 60
    award_window: int = 1 * HOUR
    settlement_window: int = 1 * DAYS
    min_penalty: int = 1

    def require_in_range(self) -> None:
        for name, value, minimum, maximum in (
            ("bondBps", self.bond_bps, 2, 2**16 - 1),
            ("penaltyBps", self.penalty_bps, 1, min(self.bond_bps // 2, WHOLE)),
            ("minDecrementBps", self.min_decrement_bps, 0, 5_000),
            ("extensionWindow", self.extension_window, 0, 1 * HOUR),
            ("awardWindow", self.award_window, 10 * MINUTES, 7 * DAYS),
            ("settlementWindow", self.settlement_window, 10 * MINUTES, 7 * DAYS),
            ("minPenalty", self.min_penalty, 1, ETHER),
        ):
            if not minimum <= value <= maximum:
                raise Refused("ParameterOutOfRange", name, value, minimum, maximum)


@dataclass
class Account:
    """What is on record of one account besides its balance."""

    added_at: int | None = None
    completed: int = 0
    no_shows: int = 0
    revocations: int = 0
    """How often it has revoked the bids that it had signed."""


class Bid(NamedTuple):
    provider: str
    rate: int


class Reading(NamedTuple):
    """What a meter has counted in a connection, in the contract's order."""

    auction_id: int
    energy_wh: int
    meter_data_hash: bytes
    last: bool


@dataclass
class Auction:
    """One auction, from its start for ever."""

    auction_id: int
    consumer: str
    energy_wh: int
    max_rate: int
    bidding_time: int
    validity: int
    open_award: bool
    phase_began: int
    """When the bidding began: at the start, or anew with the last removal of a bid."""
    closing_time: int
    state: State = State.OPEN
    standing: Bid | None = None
    removals: int = 0
    connected_at: int | None = None

    @property
    def reserve(self) -> int:
        return self.max_rate * self.energy_wh

    @property
    def leader(self) -> str:
        """Who made the standing bid, or the zero address."""
        return self.standing.provider if self.standing else ZERO_ADDRESS

    @property
    def terms(self) -> int:
        """What a bid is made for, in one number."""
        return self.energy_wh | self.max_rate << 32 | self.validity << 96

    @property
    def limit(self) -> int:
        """No bid moves the close past this second."""
        return self.phase_began + 2 * self.bidding_time

    @property
    def token(self) -> bytes:
        """The access token of the connection."""
        types = ["address", "address", "uint256", "uint256"]
        return keccak(encode(types, [self.consumer, self.leader, self.connected_at, self.validity]))


class Receiver(Protocol):
    """A contract that takes part: what it does when the market sends it ether."""

    def require_willing(self) -> None:
        """Raise `Refused` if it refuses the ether."""

    def receive(self, market: "Market", now: int, amount: int) -> list[DecodedEvent]:
        """Do what it does with the ether, and return the market's events."""


class Market:
    """One market on one chain."""

    def __init__(
        self, chain_id: int, address: str, organization: str, parameters: Parameters
    ) -> None:
        if organization == ZERO_ADDRESS:
            raise Refused("OwnableInvalidOwner", organization)
        parameters.require_in_range()

        self.chain_id = chain_id
        self.address = address
        self.parameters = parameters
        self.owner = organization
        self.pending_owner = ZERO_ADDRESS
        self.active = True
        self.accounts: defaultdict[str, Account] = defaultdict(Account)
        self.auctions: dict[int, Auction] = {}
        self.rounds: defaultdict[str, int] = defaultdict(int)
        self.ledger = Ledger()
        self.receivers: dict[str, Receiver] = {}

    # --- What follows from the state --------------------------------------------------------------

    def is_ev(self, account: str) -> bool:
        return self.accounts[account].added_at is not None

    def number_of_evs(self) -> int:
        return sum(account.added_at is not None for account in self.accounts.values())

    def balance(self, account: str) -> int:
        return self.ledger[balance(account)]

    def current_auction_id(self, consumer: str) -> int:
        return int(consumer, 16) << ROUND_BITS | self.rounds[consumer]

    def current_auction(self, consumer: str) -> Auction | None:
        return self.auctions.get(self.current_auction_id(consumer))

    def state(self, auction_id: int) -> State:
        auction = self.auctions.get(auction_id)
        return auction.state if auction else State.NONE

    def in_state(self, state: State) -> list[Auction]:
        return [auction for auction in self.auctions.values() if auction.state is state]

    def bond(self, auction: Auction) -> int:
        return auction.reserve * self.parameters.bond_bps // WHOLE

    def penalty(self, auction: Auction) -> int:
        return auction.reserve * self.parameters.penalty_bps // WHOLE

    def highest_rate(self, auction: Auction) -> int:
        """The highest rate that is accepted now; 0 when none is."""
        if auction.standing is None:
            return auction.max_rate
        share = auction.standing.rate * self.parameters.min_decrement_bps
        rounded_up = -(-share // WHOLE)
        return auction.standing.rate - max(1, rounded_up)

    def award_deadline(self, auction: Auction) -> int:
        return auction.closing_time + self.parameters.award_window

    def free_until(self, auction: Auction) -> int:
        """Before then cancelling is free, because a bid was removed; 0 when none was."""
        if auction.removals == 0 or auction.state is State.CONNECTED:
            return 0
        return auction.phase_began + self.parameters.extension_window

    def bid_nonce(self, auction: Auction, provider: str) -> int:
        """What a signed bid has to carry."""
        return auction.removals + self.accounts[provider].revocations

    def cancellation_penalty(self, auction: Auction, now: int) -> int:
        """What the consumer pays to the leader for cancelling now."""
        if not self.is_ev(auction.leader) or now < self.free_until(auction):
            return 0
        if auction.open_award and now >= self.award_deadline(auction):
            return 0
        return self.penalty(auction)

    def reading_message(self, auction: Auction, reading: Reading) -> Message:
        """What both sides sign of a reading."""
        _, energy_wh, meter_data_hash, last = reading
        parties = (auction.auction_id, auction.consumer, auction.leader)
        return self.message("Reading", *parties, energy_wh, meter_data_hash, last)

    def expiry(self, auction: Auction) -> int:
        assert auction.connected_at is not None
        return auction.connected_at + auction.validity + self.parameters.settlement_window

    def message(self, purpose: str, *values: object) -> Message:
        """One of the typed structs, for this market on this chain."""
        return Message(self.chain_id, self.address, purpose, values)

    # --- The organization -------------------------------------------------------------------------

    def add_ev(self, call: Call, ev: str, infos: str) -> list[DecodedEvent]:
        self._refuse_value(call)
        self._require_owner(call.sender)
        self._require_active()
        self._require_addable(ev, infos, [])

        return [self._add(ev, infos, call.now)]

    def add_evs(self, call: Call, evs: Sequence[str], infos: Sequence[str]) -> list[DecodedEvent]:
        self._refuse_value(call)
        self._require_owner(call.sender)
        self._require_active()
        if len(evs) != len(infos):
            raise Refused("BatchLengthMismatch", len(evs), len(infos))
        for position, (ev, text) in enumerate(zip(evs, infos, strict=True)):
            self._require_addable(ev, text, evs[:position])

        return [self._add(ev, text, call.now) for ev, text in zip(evs, infos, strict=True)]

    def remove_ev(self, call: Call, ev: str) -> list[DecodedEvent]:
        self._refuse_value(call)
        self._require_owner(call.sender)
        self._require_ev(ev)

        self.accounts[ev].added_at = None
        return [DecodedEvent("EVRemoved", (ev,))]

    def set_active(self, call: Call, active: bool) -> list[DecodedEvent]:
        self._refuse_value(call)
        self._require_owner(call.sender)

        self.active = active
        return [DecodedEvent("StatusChanged", (self.active,))]

    def change_status(self, call: Call) -> list[DecodedEvent]:
        self._refuse_value(call)
        self._require_owner(call.sender)

        self.active = not self.active
        return [DecodedEvent("StatusChanged", (self.active,))]

    def transfer_ownership(self, call: Call, to: str) -> list[DecodedEvent]:
        self._refuse_value(call)
        self._require_owner(call.sender)

        self.pending_owner = to
        return [DecodedEvent("OwnershipTransferStarted", (self.owner, to))]

    def accept_ownership(self, call: Call) -> list[DecodedEvent]:
        self._refuse_value(call)
        if call.sender != self.pending_owner:
            raise Refused("OwnableUnauthorizedAccount", call.sender)

        previous, self.owner, self.pending_owner = self.owner, call.sender, ZERO_ADDRESS
        return [DecodedEvent("OwnershipTransferred", (previous, call.sender))]

    def renounce_ownership(self, call: Call) -> list[DecodedEvent]:
        self._refuse_value(call)
        raise Refused("OwnershipCannotBeRenounced")

    # --- Money in and out -------------------------------------------------------------------------

    def deposit(self, call: Call) -> list[DecodedEvent]:
        if call.value == 0:
            raise Refused("ZeroAmount")

        return self._deposited(call.sender, call.sender, call.value)

    def deposit_for(self, call: Call, ev: str) -> list[DecodedEvent]:
        self._require_ev(ev)
        if call.value == 0:
            raise Refused("ZeroAmount")

        return self._deposited(ev, call.sender, call.value)

    def withdraw(self, call: Call, amount: int, to: str) -> list[DecodedEvent]:
        self._refuse_value(call)
        if amount == 0:
            raise Refused("ZeroAmount")
        if to == ZERO_ADDRESS:
            raise Refused("InvalidReceiver", to)
        self._require_funds(call.sender, 0, amount)
        if to == self.address:
            raise Refused("PlainTransfer", self.address, amount)

        receiver = self.receivers.get(to)
        if receiver is not None:
            receiver.require_willing()

        self.ledger.move(amount, balance(call.sender), wallet(to))
        events = [DecodedEvent("Withdrawn", (call.sender, to, amount))]
        if receiver is not None:
            events += receiver.receive(self, call.now, amount)
        return events

    def plain_transfer(self, call: Call) -> list[DecodedEvent]:
        raise Refused("PlainTransfer", call.sender, call.value)

    @staticmethod
    def unknown_function() -> list[DecodedEvent]:
        raise Refused("")

    def force(self, source: str, amount: int) -> None:
        """Ether that no contract can refuse: nobody's, for ever."""
        self.ledger.move(amount, wallet(source), FORCED)

    # --- Auction ----------------------------------------------------------------------------------

    def start_auction(
        self,
        call: Call,
        energy_wh: int,
        max_rate: int,
        bidding_time: int,
        validity: int,
        open_award: bool,
        details: str,
    ) -> list[DecodedEvent]:
        previous_id = self.current_auction_id(call.sender)
        self._require_state(previous_id, State.NONE)
        self._require_active()
        self._require_short(details)
        if energy_wh == 0:
            raise Refused("ZeroEnergy")
        if max_rate == 0:
            raise Refused("ZeroRate")
        if not 1 <= bidding_time <= MAX_DURATION:
            raise Refused("BiddingTimeOutOfRange", bidding_time, MAX_DURATION)
        if not 1 <= validity <= MAX_DURATION:
            raise Refused("ValidityOutOfRange", validity, MAX_DURATION)
        penalty = energy_wh * max_rate * self.parameters.penalty_bps // WHOLE
        if penalty < self.parameters.min_penalty:
            raise Refused("PenaltyTooLow", penalty, self.parameters.min_penalty)
        self._require_ev(call.sender)
        self._require_funds(call.sender, call.value, energy_wh * max_rate)

        auction = Auction(
            auction_id=previous_id + 1,
            consumer=call.sender,
            energy_wh=energy_wh,
            max_rate=max_rate,
            bidding_time=bidding_time,
            validity=validity,
            open_award=open_award,
            phase_began=call.now,
            closing_time=call.now + bidding_time,
        )
        self.rounds[call.sender] += 1
        self.auctions[auction.auction_id] = auction
        events = self._deposited(call.sender, call.sender, call.value)
        self.ledger.move(auction.reserve, balance(call.sender), reserve(auction.auction_id))
        terms = (energy_wh, max_rate, auction.closing_time, validity, open_award, details)
        return [*events, DecodedEvent("AuctionStarted", (auction.auction_id, call.sender, *terms))]

    def place_bid(self, call: Call, auction_id: int, rate: int, terms: int) -> list[DecodedEvent]:
        auction = self._auction(auction_id, State.OPEN)
        if terms != auction.terms:
            raise Refused("UnexpectedTerms", terms, auction.terms)
        return self._bid(auction, call.sender, rate, call.now, call.value)

    def place_bid_for(
        self,
        call: Call,
        auction_id: int,
        provider: str,
        rate: int,
        deadline: int,
        signature: bytes,
    ) -> list[DecodedEvent]:
        self._refuse_value(call)
        auction = self._auction(auction_id, State.OPEN)
        if call.now > deadline:
            raise Refused("SignatureExpired", deadline, call.now)
        terms = (auction.energy_wh, auction.max_rate, auction.validity)
        nonce = self.bid_nonce(auction, provider)
        message = self.message("Bid", auction_id, *terms, rate, nonce, deadline)
        require_signer(provider, message, signature)

        return self._bid(auction, provider, rate, call.now, 0)

    def revoke_bids(self, call: Call) -> list[DecodedEvent]:
        self._refuse_value(call)

        self.accounts[call.sender].revocations += 1
        return [DecodedEvent("BidsRevoked", (call.sender,))]

    def remove_bid(self, call: Call, auction_id: int) -> list[DecodedEvent]:
        self._refuse_value(call)
        auction = self._auction(auction_id, State.OPEN)
        self._require_provider(auction, call.sender)
        self._require_bidding(auction, call.now)

        if auction.removals == MOST_REMOVALS:
            raise Refused("TooManyRemovals", MOST_REMOVALS)

        penalty = self.penalty(auction)
        self.ledger.move(penalty, bond(auction_id), balance(auction.consumer))
        self.ledger.move_all(bond(auction_id), balance(call.sender))
        auction.standing = None
        auction.removals += 1
        auction.phase_began = call.now
        auction.closing_time = max(
            auction.closing_time,
            call.now + auction.bidding_time,
            call.now + self.parameters.extension_window,
        )
        return [
            DecodedEvent("BidRemoved", (auction_id, call.sender, penalty, auction.closing_time))
        ]

    def cancel_auction(self, call: Call, auction_id: int, max_penalty: int) -> list[DecodedEvent]:
        self._refuse_value(call)
        auction = self._auction(auction_id, State.OPEN)
        deadline = self.award_deadline(auction)
        if call.sender != auction.consumer and call.now < deadline:
            raise Refused("OnlyConsumerUntil", call.sender, auction.consumer, deadline)
        penalty = self.cancellation_penalty(auction, call.now)
        if penalty > max_penalty:
            raise Refused("PenaltyAboveMaximum", penalty, max_penalty)

        self.ledger.move(penalty, reserve(auction_id), balance(auction.leader))
        self._finish(auction)
        return [DecodedEvent("AuctionCancelled", (auction_id, auction.leader, penalty))]

    def end_auction(self, call: Call, auction_id: int) -> list[DecodedEvent]:
        self._refuse_value(call)
        auction = self._auction(auction_id, State.OPEN)
        if not auction.open_award:
            self._require_consumer(auction, call.sender)
        if call.now < auction.closing_time:
            raise Refused("BiddingOpen", auction.closing_time, call.now)

        if auction.standing is None:
            self._finish(auction)
            return [DecodedEvent("AuctionEnded", (auction.auction_id, ZERO_ADDRESS, 0, 0))]

        deadline = self.award_deadline(auction)
        if call.now >= deadline:
            raise Refused("AwardWindowPassed", deadline, call.now)

        auction.state = State.CONNECTED
        auction.connected_at = call.now
        provider, rate = auction.standing
        parties = (auction.auction_id, provider, auction.consumer)
        return [
            DecodedEvent(
                "AuctionEnded", (auction.auction_id, provider, rate, rate * auction.energy_wh)
            ),
            DecodedEvent("Connected", (*parties, auction.token, auction.validity)),
        ]

    # --- Connection -------------------------------------------------------------------------------

    def end_connection(self, call: Call, auction_id: int) -> list[DecodedEvent]:
        self._refuse_value(call)
        auction = self._auction(auction_id, State.CONNECTED)
        self._require_consumer(auction, call.sender)

        return self._pay(auction, Ending.PAID, auction.energy_wh, bytes(32))

    def settle(
        self, call: Call, reading: Reading, consumer_signature: bytes, provider_signature: bytes
    ) -> list[DecodedEvent]:
        self._refuse_value(call)
        reading = Reading(*reading)
        auction = self._auction(reading.auction_id, State.CONNECTED)
        message = self.reading_message(auction, reading)
        for party, signature in (
            (auction.consumer, consumer_signature),
            (auction.leader, provider_signature),
        ):
            if call.sender != party:
                require_party(party, auction.auction_id, message, signature)
        if reading.energy_wh > auction.energy_wh:
            raise Refused("EnergyAboveContract", reading.energy_wh, auction.energy_wh)

        agreed = reading.last or reading.energy_wh == auction.energy_wh
        how = Ending.AGREED if agreed else Ending.SHORT
        return self._pay(auction, how, reading.energy_wh, reading.meter_data_hash)

    def forfeit(self, call: Call, auction_id: int) -> list[DecodedEvent]:
        self._refuse_value(call)
        auction = self._auction(auction_id, State.CONNECTED)
        self._require_provider(auction, call.sender)

        compensation = 2 * self.penalty(auction)
        self.ledger.move(compensation, bond(auction_id), balance(auction.consumer))
        return self._disconnect(auction, Ending.FORFEITED, penalty=compensation)

    def expire_connection(self, call: Call, auction_id: int) -> list[DecodedEvent]:
        self._refuse_value(call)
        auction = self._auction(auction_id, State.CONNECTED)
        expiry = self.expiry(auction)
        if call.now < expiry:
            raise Refused("ConnectionNotExpired", expiry, call.now)

        for party in (auction.consumer, auction.leader):
            self.accounts[party].no_shows += 1
        penalty = self.penalty(auction)
        self._burn_of_both(auction, penalty)
        return self._disconnect(auction, Ending.EXPIRED, penalty=penalty)

    # --- What the functions have in common --------------------------------------------------------

    def _bid(
        self, auction: Auction, provider: str, rate: int, now: int, value: int
    ) -> list[DecodedEvent]:
        self._require_bidding(auction, now)
        if rate == 0:
            raise Refused("ZeroRate")
        highest = self.highest_rate(auction)
        if rate > highest:
            raise Refused("RateTooHigh", rate, highest)
        if provider == auction.consumer:
            raise Refused("OwnAuction", auction.auction_id)
        self._require_ev(provider)
        leads_already = provider == auction.leader
        if not leads_already:
            self._require_funds(provider, value, self.bond(auction))

        events = self._deposited(provider, provider, value)
        if not leads_already:
            locked = bond(auction.auction_id)
            self.ledger.move_all(locked, balance(auction.leader))
            self.ledger.move(self.bond(auction), balance(provider), locked)
        auction.standing = Bid(provider, rate)
        extended = min(now + self.parameters.extension_window, auction.limit)
        auction.closing_time = max(auction.closing_time, extended)
        bid = (auction.auction_id, provider, rate, auction.closing_time)
        return [*events, DecodedEvent("BidPlaced", bid)]

    def _pay(
        self, auction: Auction, how: Ending, energy_wh: int, meter_data_hash: bytes
    ) -> list[DecodedEvent]:
        assert auction.standing is not None

        cost = auction.standing.rate * energy_wh
        self.ledger.move(cost, reserve(auction.auction_id), balance(auction.leader))
        penalty = 0
        if how is Ending.SHORT:
            missing = auction.energy_wh - energy_wh
            # Rounded up.
            penalty = -(-self.penalty(auction) * missing // auction.energy_wh)
            self._burn_of_both(auction, penalty)
        elif energy_wh > 0:
            for party in (auction.consumer, auction.leader):
                self.accounts[party].completed += 1
        return self._disconnect(auction, how, energy_wh, cost, penalty, meter_data_hash)

    def _burn_of_both(self, auction: Auction, amount: int) -> None:
        for locked in (reserve(auction.auction_id), bond(auction.auction_id)):
            self.ledger.move(amount, locked, balance(BURNT))

    def _disconnect(
        self,
        auction: Auction,
        how: Ending,
        energy_wh: int = 0,
        cost: int = 0,
        penalty: int = 0,
        meter_data_hash: bytes = bytes(32),
    ) -> list[DecodedEvent]:
        self._finish(auction)
        parties = (auction.auction_id, auction.consumer, auction.leader)
        return [
            DecodedEvent(
                "ConnectionEnded", (*parties, how, energy_wh, cost, penalty, meter_data_hash)
            )
        ]

    def _finish(self, auction: Auction) -> None:
        """The auction is over: what is left of its locked amounts goes back to who locked it."""
        self.ledger.move_all(reserve(auction.auction_id), balance(auction.consumer))
        self.ledger.move_all(bond(auction.auction_id), balance(auction.leader))
        auction.state = State.NONE

    def _add(self, ev: str, infos: str, now: int) -> DecodedEvent:
        self.accounts[ev].added_at = now
        return DecodedEvent("EVAdded", (ev, infos))

    def _deposited(self, account: str, source: str, value: int) -> list[DecodedEvent]:
        if value == 0:
            return []
        self.ledger.move(value, wallet(source), balance(account))
        return [DecodedEvent("Deposited", (account, source, value))]

    # --- Refusals ---------------------------------------------------------------------------------

    @staticmethod
    def _refuse_value(call: Call) -> None:
        """Only `deposit`, `depositFor`, `startAuction` and `placeBid` take ether."""
        if call.value:
            raise Refused("")

    def _require_owner(self, sender: str) -> None:
        if sender != self.owner:
            raise Refused("OwnableUnauthorizedAccount", sender)

    def _require_active(self) -> None:
        if not self.active:
            raise Refused("MarketClosed")

    def _require_addable(self, ev: str, infos: str, earlier: Iterable[str]) -> None:
        if ev in {ZERO_ADDRESS, self.address}:
            raise Refused("InvalidEV", ev)
        if self.is_ev(ev) or ev in earlier:
            raise Refused("AlreadyEV", ev)
        self._require_short(infos)

    @staticmethod
    def _require_short(text: str) -> None:
        length = len(text.encode())
        if length > MAX_TEXT_BYTES:
            raise Refused("TextTooLong", length, MAX_TEXT_BYTES)

    def _require_ev(self, account: str) -> None:
        if not self.is_ev(account):
            raise Refused("NotEV", account)

    def _require_funds(self, account: str, value: int, needed: int) -> None:
        """The value of the call counts: it is credited first."""
        available = self.balance(account) + value
        if available < needed:
            raise Refused("BalanceTooLow", account, available, needed)

    def _require_state(self, auction_id: int, expected: State) -> None:
        actual = self.state(auction_id)
        if actual is not expected:
            raise Refused("UnexpectedState", auction_id, actual, expected)

    def _auction(self, auction_id: int, expected: State) -> Auction:
        self._require_state(auction_id, expected)
        return self.auctions[auction_id]

    @staticmethod
    def _require_provider(auction: Auction, sender: str) -> None:
        if sender != auction.leader:
            raise Refused("NotProvider", sender, auction.leader)

    @staticmethod
    def _require_consumer(auction: Auction, sender: str) -> None:
        if sender != auction.consumer:
            raise Refused("NotConsumer", sender, auction.consumer)

    @staticmethod
    def _require_bidding(auction: Auction, now: int) -> None:
        if now >= auction.closing_time:
            raise Refused("BiddingClosed", auction.closing_time, now)
