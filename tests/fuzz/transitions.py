"""The transitions of the specification, and how they are recognized in a step."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from tests.model.market import (
    ROUND_BITS,
    ZERO_ADDRESS,
    Ending,
    Parameters,
    State,
)

from .invariants import Step
from .observation import AuctionView


class Transition(StrEnum):
    """What can happen to a market, in the words of docs/protocol.md. All of it has to happen."""

    # The organization.
    EV_ADDED = "an EV is added"
    EV_ADDED_AGAIN = "an EV is added again, its record kept"
    BATCH_ADDED = "several EVs are added at once"
    EV_REMOVED = "an EV is removed"
    CONSUMER_REMOVED = "an EV is removed while its auction runs"
    LEADER_REMOVED = "an EV is removed while it leads"
    PARTY_REMOVED = "an EV is removed while it is connected"
    CLOSED = "the market is closed"
    REOPENED = "the market is opened again"
    OWNERSHIP_OFFERED = "ownership is offered"
    OWNERSHIP_TAKEN = "ownership is taken over"

    # Money in and out.
    DEPOSITED = "a deposit"
    DEPOSITED_FOR = "a deposit for another account"
    WITHDRAWN = "a withdrawal"
    WITHDRAWN_TO_ANOTHER = "a withdrawal to another account"
    WITHDRAWN_UNREGISTERED = "a withdrawal by one who is no EV"
    WITHDRAWN_WHILE_CLOSED = "a withdrawal from a closed market"
    WITHDRAWN_REENTERED = "a withdrawal that is re-entered"

    # Open.
    STARTED = "an auction starts"
    STARTED_AGAIN = "an auction starts in the storage of an earlier one"
    FIRST_BID = "a first bid"
    OVERTAKEN = "a bid overtakes another one"
    LOWERED = "a leader lowers its own bid"
    RELAYED = "a signed bid is relayed"
    REVOKED = "signed bids are revoked"
    RELAYED_AT_DEADLINE = "a signed bid is relayed in the last second of its deadline"
    BID_WHILE_CLOSED = "a bid in a closed market"
    BID_ON_REMOVED_CONSUMER = "a bid in the auction of a removed EV"
    BID_IN_LAST_SECOND = "a bid in the last second before the close"
    BID_AT_EXTENSION = "a bid just too early to extend the bidding"
    BID_EXTENDS = "a bid extends the bidding"
    BID_EXTENDS_TO_LIMIT = "a bid extends the bidding to its limit"
    BID_REMOVED = "a bid is removed"
    BID_REMOVED_IN_LAST_SECOND = "a bid is removed in the last second before the close"
    REMOVED_EV_REMOVES_BID = "a bid is removed by one who is no EV any more"
    BID_AFTER_REMOVAL = "a first bid after a removal"
    BID_EXTENDS_AFTER_REMOVAL = "a bid after a removal extends the bidding"

    # Open, and over.
    CANCELLED_EMPTY = "an auction without a bid is cancelled"
    CANCELLED_AT_PENALTY = "an auction with a bid is cancelled"
    CANCELLED_REMOVED_LEADER = "an auction that a removed EV leads is cancelled"
    CANCELLED_AFTER_REMOVAL = "an auction is cancelled for nothing after a removal, a bid standing"
    CANCELLED_OPEN_AWARD = "an open award that nobody has made is cancelled for nothing"
    CANCELLED_BY_OTHERS = "an overdue auction is cancelled by somebody else"
    CANCELLED_AT_DEADLINE = "an auction is cancelled by somebody else in the first second"
    ENDED_EMPTY = "an auction without a bid is ended"
    ENDED_EMPTY_LATE = "an auction without a bid is ended after the award window"

    # Connected, and over.
    CONNECTED = "an auction is awarded"
    CONNECTED_AT_CLOSE = "an auction is awarded in the second of the close"
    CONNECTED_IN_LAST_SECOND = "an auction is awarded in the last second of the award window"
    CONNECTED_REMOVED_LEADER = "an auction is awarded to a removed EV"
    CONNECTED_BY_OTHERS = "an auction with an open award is awarded by somebody else"
    PAID_IN_FULL = "a consumer pays in full"
    AGREED = "a reading is handed in as the last one"
    AGREED_ON_ALL = "a reading of all the energy is handed in"
    AGREED_ON_NOTHING = "consumer and provider agree on nothing"
    BROKEN_OFF = "a reading on the way is handed in"
    BROKEN_OFF_AT_ONCE = "a reading of nothing on the way is handed in"
    HANDED_IN_BY_CONSUMER = "a consumer hands in a reading"
    HANDED_IN_BY_PROVIDER = "a provider hands in a reading"
    HANDED_IN_BY_OTHERS = "somebody else hands in a reading"
    SIGNED_BY_KEY = "a reading that a key has signed is handed in"
    ENDED_AFTER_EXPIRY = "a connection is settled after it could have been expired"
    FORFEITED = "a provider forfeits"
    EXPIRED = "a connection expires"
    EXPIRED_AT_ONCE = "a connection is expired in the first second"

    # Refused for one second.
    BID_AT_CLOSE = "refused: a bid in the second of the close"
    REMOVAL_AT_CLOSE = "refused: a removal in the second of the close"
    AWARD_BEFORE_CLOSE = "refused: an award in the second before the close"
    AWARD_AT_DEADLINE = "refused: an award in the second after the award window"
    CANCELLATION_TOO_EARLY = "refused: a cancellation by somebody else one second too early"
    EXPIRY_TOO_EARLY = "refused: an expiry one second too early"
    SIGNATURE_TOO_LATE = "refused: a signature one second too late"

    # Nobody's.
    FORCED = "ether is forced in"


# Every refusal of the contract but the constructor's, and what a receiver may answer.
REFUSALS = {
    "",
    "AlreadyEV",
    "AwardWindowPassed",
    "BalanceTooLow",
    "BatchLengthMismatch",
    "BiddingClosed",
    "BiddingOpen",
    "BiddingTimeOutOfRange",
    "ConnectionNotExpired",
    "ECDSAInvalidSignature",
    "ECDSAInvalidSignatureLength",
    "ECDSAInvalidSignatureS",
    "EnergyAboveContract",
    "InvalidEV",
    "InvalidReceiver",
    "MarketClosed",
    "NotConsumer",
    "NotEV",
    "NotProvider",
    "OnlyConsumerUntil",
    "OwnAuction",
    "OwnableUnauthorizedAccount",
    "OwnershipCannotBeRenounced",
    "PenaltyAboveMaximum",
    "PenaltyTooLow",
    "PlainTransfer",
    "RateTooHigh",
    "Refused",
    "SignatureExpired",
    "TextTooLong",
    "UnexpectedTerms",
    "UnexpectedState",
    "ValidityOutOfRange",
    "WrongSigner",
    "ZeroAmount",
    "ZeroEnergy",
    "ZeroRate",
}


_OF_THE_MARKET = {
    "EVAdded",
    "EVRemoved",
    "StatusChanged",
    "OwnershipTransferStarted",
    "OwnershipTransferred",
    "Deposited",
    "Withdrawn",
    "AuctionStarted",
    "BidsRevoked",
}


def reached(step: Step, parameters: Parameters, removed: set[str]) -> Iterator[Transition]:
    """What has happened in a step; `removed` are the accounts that were EVs earlier in the run."""
    if step.failure is not None:
        yield from _refused_for_one_second(step)
    for name, values in step.events:
        if name in _OF_THE_MARKET:
            yield from _of_the_market(name, values, step, removed)
        else:
            view = step.before.auction(values[0])
            yield from _of_auction(name, values, view, step, parameters)


def _of_the_market(
    name: str, values: tuple[Any, ...], step: Step, removed: set[str]
) -> Iterator[Transition]:
    match name:
        case "EVAdded":
            yield Transition.EV_ADDED
            if len(step.events) > 1:
                yield Transition.BATCH_ADDED
            if values[0] in removed:
                yield Transition.EV_ADDED_AGAIN
        case "EVRemoved":
            yield from _removal(step, values[0])
        case "StatusChanged":
            yield Transition.REOPENED if values[0] else Transition.CLOSED
        case "OwnershipTransferStarted":
            yield Transition.OWNERSHIP_OFFERED
        case "OwnershipTransferred":
            yield Transition.OWNERSHIP_TAKEN
        case "Deposited":
            account, source, _ = values
            yield Transition.DEPOSITED if account == source else Transition.DEPOSITED_FOR
        case "Withdrawn":
            yield from _withdrawal(step)
        case "BidsRevoked":
            yield Transition.REVOKED
        case "AuctionStarted":
            again = step.before.auctions[values[1]].auction_id % 2**ROUND_BITS > 0
            yield Transition.STARTED_AGAIN if again else Transition.STARTED


def _refused_for_one_second(step: Step) -> Iterator[Transition]:
    """A refusal that would not have been one a second earlier, or later."""
    assert step.failure is not None
    match step.failure:
        case "BiddingClosed", (closing_time, now) if now == closing_time:
            removal = step.function == "removeBid"
            yield Transition.REMOVAL_AT_CLOSE if removal else Transition.BID_AT_CLOSE
        case "BiddingOpen", (closing_time, now) if now == closing_time - 1:
            yield Transition.AWARD_BEFORE_CLOSE
        case "AwardWindowPassed", (deadline, now) if now == deadline:
            yield Transition.AWARD_AT_DEADLINE
        case "OnlyConsumerUntil", (_, _, deadline) if step.now == deadline - 1:
            yield Transition.CANCELLATION_TOO_EARLY
        case "ConnectionNotExpired", (expiry, now) if now == expiry - 1:
            yield Transition.EXPIRY_TOO_EARLY
        case "SignatureExpired", (deadline, now) if now == deadline + 1:
            yield Transition.SIGNATURE_TOO_LATE


def _removal(step: Step, ev: str) -> Iterator[Transition]:
    yield Transition.EV_REMOVED
    for view in step.before.auctions.values():
        if view.state == State.NONE or ev not in {view.consumer, view.provider}:
            continue
        if view.state == State.CONNECTED:
            yield Transition.PARTY_REMOVED
        elif ev == view.provider:
            yield Transition.LEADER_REMOVED
        else:
            yield Transition.CONSUMER_REMOVED


def _withdrawal(step: Step) -> Iterator[Transition]:
    yield Transition.WITHDRAWN
    account, to, _ = step.events[0].values
    if to != account:
        yield Transition.WITHDRAWN_TO_ANOTHER
    if not step.before.accounts[step.sender].is_ev:
        yield Transition.WITHDRAWN_UNREGISTERED
    if not step.before.market.active:
        yield Transition.WITHDRAWN_WHILE_CLOSED
    if len(step.events) > 1:
        yield Transition.WITHDRAWN_REENTERED


def _of_auction(
    name: str, values: tuple[Any, ...], view: AuctionView, step: Step, parameters: Parameters
) -> Iterator[Transition]:
    award_deadline = view.closing_time + parameters.award_window
    leader_is_ev = step.before.accounts[view.provider].is_ev
    match name:
        case "BidPlaced":
            yield from _bid(values, view, step, parameters)
        case "BidRemoved":
            yield Transition.BID_REMOVED
            if step.now == view.closing_time - 1:
                yield Transition.BID_REMOVED_IN_LAST_SECOND
            if not leader_is_ev:
                yield Transition.REMOVED_EV_REMOVES_BID
        case "AuctionCancelled":
            yield from _cancellation(view, step, award_deadline)
        case "AuctionEnded" if view.provider == ZERO_ADDRESS:
            yield Transition.ENDED_EMPTY
            if step.now >= award_deadline:
                yield Transition.ENDED_EMPTY_LATE
        case "Connected":
            yield from _award(view, step, award_deadline)
        case "ConnectionEnded":
            expiry = view.connected_at + view.validity + parameters.settlement_window
            yield from _disconnection(values, view, step, expiry)


def _award(view: AuctionView, step: Step, award_deadline: int) -> Iterator[Transition]:
    yield Transition.CONNECTED
    if step.now == view.closing_time:
        yield Transition.CONNECTED_AT_CLOSE
    if step.now == award_deadline - 1:
        yield Transition.CONNECTED_IN_LAST_SECOND
    if not step.before.accounts[view.provider].is_ev:
        yield Transition.CONNECTED_REMOVED_LEADER
    if step.sender != view.consumer:
        yield Transition.CONNECTED_BY_OTHERS


def _cancellation(view: AuctionView, step: Step, award_deadline: int) -> Iterator[Transition]:
    if view.provider == ZERO_ADDRESS:
        yield Transition.CANCELLED_EMPTY
    elif not step.before.accounts[view.provider].is_ev:
        yield Transition.CANCELLED_REMOVED_LEADER
    elif step.now < view.free_until:
        yield Transition.CANCELLED_AFTER_REMOVAL
    elif view.open_award and step.now >= award_deadline:
        yield Transition.CANCELLED_OPEN_AWARD
    else:
        yield Transition.CANCELLED_AT_PENALTY
    if step.sender != view.consumer:
        yield Transition.CANCELLED_BY_OTHERS
        if step.now == award_deadline:
            yield Transition.CANCELLED_AT_DEADLINE


def _disconnection(
    values: tuple[Any, ...], view: AuctionView, step: Step, expiry: int
) -> Iterator[Transition]:
    how, energy_wh = values[3:5]
    match Ending(how):
        case Ending.PAID:
            yield Transition.PAID_IN_FULL
        case Ending.AGREED | Ending.SHORT:
            yield _settlement(Ending(how), energy_wh, view)
            yield from _handing_in(view, step)
        case Ending.FORFEITED:
            yield Transition.FORFEITED
        case Ending.EXPIRED:
            yield Transition.EXPIRED
            if step.now == expiry:
                yield Transition.EXPIRED_AT_ONCE
    if how != Ending.EXPIRED and step.now >= expiry:
        yield Transition.ENDED_AFTER_EXPIRY


def _settlement(how: Ending, energy_wh: int, view: AuctionView) -> Transition:
    if how is Ending.SHORT:
        return Transition.BROKEN_OFF if energy_wh else Transition.BROKEN_OFF_AT_ONCE
    if energy_wh == 0:
        return Transition.AGREED_ON_NOTHING
    return Transition.AGREED_ON_ALL if energy_wh == view.energy_wh else Transition.AGREED


def _handing_in(view: AuctionView, step: Step) -> Iterator[Transition]:
    by = {
        view.consumer: Transition.HANDED_IN_BY_CONSUMER,
        view.provider: Transition.HANDED_IN_BY_PROVIDER,
    }
    yield by.get(step.sender, Transition.HANDED_IN_BY_OTHERS)
    parties = (view.consumer, view.provider)
    for party, signed in zip(parties, step.signed, strict=True):
        if step.sender != party and signed.delegation is not None:
            yield Transition.SIGNED_BY_KEY


def _bid(
    values: tuple[Any, ...], view: AuctionView, step: Step, parameters: Parameters
) -> Iterator[Transition]:
    _, provider, _, closing_time = values
    if view.provider == ZERO_ADDRESS:
        yield Transition.BID_AFTER_REMOVAL if view.removals else Transition.FIRST_BID
    else:
        yield Transition.LOWERED if provider == view.provider else Transition.OVERTAKEN
    if step.signed:
        yield Transition.RELAYED
        if step.signed[0].message.values[-1] == step.now:
            yield Transition.RELAYED_AT_DEADLINE
    if not step.before.market.active:
        yield Transition.BID_WHILE_CLOSED
    if not step.before.accounts[view.consumer].is_ev:
        yield Transition.BID_ON_REMOVED_CONSUMER
    if step.now == view.closing_time - 1:
        yield Transition.BID_IN_LAST_SECOND
    window_ends = step.now + parameters.extension_window
    if step.now < window_ends == view.closing_time:
        yield Transition.BID_AT_EXTENSION
    if closing_time > view.closing_time:
        whole = closing_time == window_ends
        yield Transition.BID_EXTENDS if whole else Transition.BID_EXTENDS_TO_LIMIT
        if view.removals:
            yield Transition.BID_EXTENDS_AFTER_REMOVAL
