"""Who may take part: the organization decides, and nothing else."""

import pytest

from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    FUNDS,
    MAX_RATE,
    PARAMETERS,
    RATE,
    VALIDITY,
    ZERO_ADDRESS,
    offered,
)

MAX_TEXT = 512  # bytes


@pytest.fixture(scope="session")
def multisig(accounts):
    """Who owns a market that somebody else has deployed."""
    return accounts[5]


@pytest.fixture(scope="session")
def successor(accounts):
    """Who shall own the market next."""
    return accounts[6]


@pytest.fixture
def owner_contract(project, market, organization):
    """A contract to which the organization has handed the market: it still has to accept."""
    contract = organization.deploy(project.HostileEV, market)
    market.transferOwnership(contract, sender=organization)
    return contract


@pytest.fixture
def completed(market, consumer, connection_id):
    """The consumer and the provider have one completed connection behind them."""
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)


@pytest.fixture
def history(market, consumer, provider, clock, completed):
    """The consumer and the provider have a completed connection and a no-show behind them."""
    market.startAuction(ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "", sender=consumer)
    auction_id = market.currentAuctionId(consumer)
    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)
    clock.next_block_at(market.auctions(auction_id).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])
    market.expireConnection(auction_id, sender=provider)


# --- Adding one -----------------------------------------------------------------------------------


def test_organization_adds_an_ev(empty_market, organization, consumer, clock):
    receipt = empty_market.addEV(consumer, "Leaf, 39 kWh", sender=organization)

    assert empty_market.isEV(consumer)
    assert tuple(empty_market.evs(consumer)) == (0, clock.now, 0, 0, 0)
    assert empty_market.numberOfEVs() == 1
    assert receipt.events == [empty_market.EVAdded(ev=consumer, infos="Leaf, 39 kWh")]


def test_nobody_is_an_ev_in_a_new_market(empty_market, organization, consumer):
    assert not empty_market.isEV(organization)
    assert not empty_market.isEV(consumer)
    assert not empty_market.isEV(ZERO_ADDRESS)
    assert tuple(empty_market.evs(consumer)) == (0, 0, 0, 0, 0)
    assert empty_market.numberOfEVs() == 0


def test_an_account_with_a_balance_becomes_an_ev_and_keeps_it(
    market, organization, stranger, clock
):
    market.deposit(sender=stranger, value=5)

    market.addEV(stranger, "", sender=organization)

    assert tuple(market.evs(stranger)) == (5, clock.now, 0, 0, 0)


@pytest.mark.parametrize("who", ["stranger", "consumer"])
@pytest.mark.parametrize(
    "call",
    [
        lambda market, ev, sender: market.addEV(ev, "", sender=sender),
        lambda market, ev, sender: market.addEVs([ev], [""], sender=sender),
        lambda market, ev, sender: market.removeEV(ev, sender=sender),
        lambda market, _, sender: market.changeStatus(sender=sender),
        lambda market, ev, sender: market.transferOwnership(ev, sender=sender),
    ],
    ids=["addEV", "addEVs", "removeEV", "changeStatus", "transferOwnership"],
)
def test_only_the_organization_administers(market, rival, call, who, request):
    account = request.getfixturevalue(who)

    with reverts_with(market.OwnableUnauthorizedAccount, account=account):
        call(market, rival, account)

    assert market.numberOfEVs() == 3
    assert market.isEV(rival)
    assert market.active()
    assert market.pendingOwner() == ZERO_ADDRESS


@pytest.mark.parametrize("who", ["zero address", "market"])
def test_who_can_sign_nothing_cannot_become_an_ev(market, organization, who):
    account = ZERO_ADDRESS if who == "zero address" else market

    with reverts_with(market.InvalidEV, account=account):
        market.addEV(account, "", sender=organization)

    assert not market.isEV(account)
    assert market.numberOfEVs() == 3


def test_an_ev_cannot_be_added_twice(market, organization, consumer):
    record = market.evs(consumer)

    with reverts_with(market.AlreadyEV, account=consumer):
        market.addEV(consumer, "", sender=organization)

    assert market.evs(consumer) == record
    assert market.numberOfEVs() == 3


@pytest.mark.parametrize("notes", ["a" * MAX_TEXT, "é" * (MAX_TEXT // 2)])
def test_notes_fill_their_limit(market, organization, stranger, notes):
    receipt = market.addEV(stranger, notes, sender=organization)

    assert market.isEV(stranger)
    assert receipt.events == [market.EVAdded(ev=stranger, infos=notes)]


@pytest.mark.parametrize("notes", ["a" * (MAX_TEXT + 1), "é" * (MAX_TEXT // 2) + "a"])
def test_longer_notes_are_refused(market, organization, stranger, notes):
    with reverts_with(market.TextTooLong, length=MAX_TEXT + 1, maximum=MAX_TEXT):
        market.addEV(stranger, notes, sender=organization)

    assert not market.isEV(stranger)
    assert market.numberOfEVs() == 3


# --- Adding several -------------------------------------------------------------------------------


def test_organization_adds_several_evs(empty_market, organization, consumer, provider, clock):
    receipt = empty_market.addEVs([consumer, provider], ["one", "two"], sender=organization)

    assert empty_market.numberOfEVs() == 2
    assert tuple(empty_market.evs(consumer)) == (0, clock.now, 0, 0, 0)
    assert tuple(empty_market.evs(provider)) == (0, clock.now, 0, 0, 0)
    assert receipt.events == [
        empty_market.EVAdded(ev=consumer, infos="one"),
        empty_market.EVAdded(ev=provider, infos="two"),
    ]


def test_an_empty_batch_adds_nobody(market, organization):
    receipt = market.addEVs([], [], sender=organization)

    assert market.numberOfEVs() == 3
    assert receipt.events == []


@pytest.mark.parametrize("notes", [[], ["one"], ["one", "two", "three"]])
def test_a_batch_needs_as_many_notes_as_evs(empty_market, organization, consumer, provider, notes):
    with reverts_with(empty_market.BatchLengthMismatch, evs=2, infos=len(notes)):
        empty_market.addEVs([consumer, provider], notes, sender=organization)

    assert empty_market.numberOfEVs() == 0


def test_a_batch_with_an_ev_twice_adds_nobody(empty_market, organization, consumer, provider):
    with reverts_with(empty_market.AlreadyEV, account=consumer):
        empty_market.addEVs([consumer, provider, consumer], [""] * 3, sender=organization)

    assert empty_market.numberOfEVs() == 0
    assert not empty_market.isEV(consumer)
    assert not empty_market.isEV(provider)


@pytest.mark.parametrize("who", ["zero address", "market"])
def test_a_batch_with_who_can_sign_nothing_adds_nobody(empty_market, organization, consumer, who):
    account = ZERO_ADDRESS if who == "zero address" else empty_market

    with reverts_with(empty_market.InvalidEV, account=account):
        empty_market.addEVs([consumer, account], [""] * 2, sender=organization)

    assert empty_market.numberOfEVs() == 0
    assert not empty_market.isEV(consumer)


def test_a_batch_with_long_notes_adds_nobody(empty_market, organization, consumer, provider):
    notes = ["a" * MAX_TEXT, "a" * (MAX_TEXT + 1)]

    with reverts_with(empty_market.TextTooLong, length=MAX_TEXT + 1, maximum=MAX_TEXT):
        empty_market.addEVs([consumer, provider], notes, sender=organization)

    assert empty_market.numberOfEVs() == 0
    assert not empty_market.isEV(consumer)


# --- Removing -------------------------------------------------------------------------------------


def test_organization_removes_an_ev(market, organization, consumer):
    receipt = market.removeEV(consumer, sender=organization)

    assert not market.isEV(consumer)
    assert tuple(market.evs(consumer)) == (FUNDS, 0, 0, 0, 0)
    assert market.numberOfEVs() == 2
    assert receipt.events == [market.EVRemoved(ev=consumer)]


def test_who_is_no_ev_cannot_be_removed(market, organization, stranger):
    with reverts_with(market.NotEV, account=stranger):
        market.removeEV(stranger, sender=organization)

    assert market.numberOfEVs() == 3


def test_an_ev_cannot_be_removed_twice(market, organization, consumer):
    market.removeEV(consumer, sender=organization)

    with reverts_with(market.NotEV, account=consumer):
        market.removeEV(consumer, sender=organization)

    assert market.numberOfEVs() == 2


def test_an_ev_is_removed_from_a_closed_market(market, organization, consumer):
    market.changeStatus(sender=organization)

    receipt = market.removeEV(consumer, sender=organization)

    assert not market.isEV(consumer)
    assert market.numberOfEVs() == 2
    assert receipt.events == [market.EVRemoved(ev=consumer)]


def test_the_others_stay_when_one_is_removed(market, organization, consumer, provider, rival):
    records = [market.evs(ev) for ev in (provider, rival)]

    market.removeEV(consumer, sender=organization)

    assert [market.evs(ev) for ev in (provider, rival)] == records
    assert market.isEV(provider)
    assert market.isEV(rival)


@pytest.mark.parametrize("who", ["consumer", "provider"])
@pytest.mark.usefixtures("history")
def test_a_removed_ev_keeps_balance_counts_and_round(market, organization, who, request):
    ev = request.getfixturevalue(who)
    record = market.evs(ev)
    auction_id = market.currentAuctionId(ev)

    market.removeEV(ev, sender=organization)

    assert (record.completed, record.noShows) == (1, 1)
    assert tuple(market.evs(ev)) == (record.balance, 0, 1, 1, 0)
    assert market.currentAuctionId(ev) == auction_id


@pytest.mark.parametrize("who", ["consumer", "provider"])
@pytest.mark.parametrize("stage", ["bid_id", "connection_id"])
def test_removing_an_ev_leaves_its_business_alone(market, organization, stage, who, request):
    auction_id = request.getfixturevalue(stage)
    ev = request.getfixturevalue(who)
    auction, balance = market.auctions(auction_id), market.evs(ev).balance

    receipt = market.removeEV(ev, sender=organization)

    assert market.auctions(auction_id) == auction
    assert market.evs(ev).balance == balance
    assert receipt.events == [market.EVRemoved(ev=ev)]


def test_a_removed_ev_starts_no_auction(market, organization, consumer, start_auction):
    market.removeEV(consumer, sender=organization)

    with reverts_with(market.NotEV, account=consumer):
        start_auction()

    assert market.evs(consumer).balance == FUNDS


def test_a_removed_ev_places_no_bid(market, organization, provider, auction_id):
    market.removeEV(provider, sender=organization)

    with reverts_with(market.NotEV, account=provider):
        market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    assert market.auctions(auction_id).provider == ZERO_ADDRESS
    assert market.evs(provider).balance == FUNDS


@pytest.mark.usefixtures("history")
def test_an_ev_that_comes_back_finds_everything_but_the_date(
    market, organization, consumer, start_auction, clock
):
    record = market.evs(consumer)
    auction_id = market.currentAuctionId(consumer)
    market.removeEV(consumer, sender=organization)
    clock.next_block_at(clock.now + 1_000)

    receipt = market.addEV(consumer, "again", sender=organization)

    assert clock.now > record.addedAt
    assert tuple(market.evs(consumer)) == (record.balance, clock.now, 1, 1, 0)
    assert market.numberOfEVs() == 3
    assert receipt.events == [market.EVAdded(ev=consumer, infos="again")]
    assert start_auction() == auction_id + 1


# --- Closing and opening --------------------------------------------------------------------------


def test_a_new_market_is_active(empty_market):
    assert empty_market.active()


def test_organization_closes_the_market_and_opens_it_again(market, organization):
    closing = market.changeStatus(sender=organization)

    assert not market.active()
    assert closing.events == [market.StatusChanged(active=False)]

    opening = market.changeStatus(sender=organization)

    assert market.active()
    assert opening.events == [market.StatusChanged(active=True)]


def test_closing_the_market_removes_nobody(market, organization, consumer):
    market.changeStatus(sender=organization)

    assert market.numberOfEVs() == 3
    assert market.isEV(consumer)


def test_a_closed_market_takes_no_ev(market, organization, stranger):
    market.changeStatus(sender=organization)

    with reverts_with(market.MarketClosed):
        market.addEV(stranger, "", sender=organization)

    assert not market.isEV(stranger)
    assert market.numberOfEVs() == 3


def test_a_closed_market_takes_no_batch(market, organization, stranger):
    market.changeStatus(sender=organization)

    with reverts_with(market.MarketClosed):
        market.addEVs([stranger], [""], sender=organization)

    assert not market.isEV(stranger)
    assert market.numberOfEVs() == 3


def test_a_closed_market_takes_no_auction(market, organization, consumer, start_auction):
    market.changeStatus(sender=organization)

    with reverts_with(market.MarketClosed):
        start_auction()

    assert market.evs(consumer).balance == FUNDS


def test_a_market_that_opens_again_takes_evs_and_auctions(
    market, organization, stranger, consumer, start_auction
):
    market.changeStatus(sender=organization)
    market.changeStatus(sender=organization)

    market.addEV(stranger, "", sender=organization)

    assert market.isEV(stranger)
    assert market.auctions(start_auction()).consumer == consumer


# --- Ownership ------------------------------------------------------------------------------------


def test_the_organization_owns_the_market(market, organization):
    assert market.owner() == organization
    assert market.pendingOwner() == ZERO_ADDRESS


def test_a_market_is_deployed_for_a_multisig(deploy_market, organization, multisig, consumer):
    market = deploy_market(owner=multisig)

    market.addEV(consumer, "", sender=multisig)

    assert market.owner() == multisig
    assert market.isEV(consumer)
    assert market.creation_metadata.receipt.events == [
        market.OwnershipTransferred(previousOwner=ZERO_ADDRESS, newOwner=multisig)
    ]


def test_who_deploys_a_market_for_a_multisig_has_no_say_in_it(
    deploy_market, organization, multisig, consumer
):
    market = deploy_market(owner=multisig)

    with reverts_with(market.OwnableUnauthorizedAccount, account=organization):
        market.addEV(consumer, "", sender=organization)

    assert not market.isEV(consumer)


def test_ownership_is_offered_first(market, organization, successor):
    receipt = market.transferOwnership(successor, sender=organization)

    assert market.owner() == organization
    assert market.pendingOwner() == successor
    assert receipt.events == [
        market.OwnershipTransferStarted(previousOwner=organization, newOwner=successor)
    ]


def test_ownership_passes_when_it_is_accepted(market, organization, successor, stranger):
    market.transferOwnership(successor, sender=organization)

    receipt = market.acceptOwnership(sender=successor)

    assert market.owner() == successor
    assert market.pendingOwner() == ZERO_ADDRESS
    assert receipt.events == [
        market.OwnershipTransferred(previousOwner=organization, newOwner=successor)
    ]
    market.addEV(stranger, "", sender=successor)
    assert market.isEV(stranger)


def test_the_owner_still_administers_while_a_transfer_is_pending(
    market, organization, successor, stranger
):
    market.transferOwnership(successor, sender=organization)

    market.addEV(stranger, "", sender=organization)

    assert market.isEV(stranger)


def test_a_pending_owner_administers_nothing(market, organization, successor, stranger):
    market.transferOwnership(successor, sender=organization)

    with reverts_with(market.OwnableUnauthorizedAccount, account=successor):
        market.addEV(stranger, "", sender=successor)

    assert not market.isEV(stranger)


def test_a_former_owner_administers_nothing(market, organization, successor, stranger):
    market.transferOwnership(successor, sender=organization)
    market.acceptOwnership(sender=successor)

    with reverts_with(market.OwnableUnauthorizedAccount, account=organization):
        market.addEV(stranger, "", sender=organization)

    assert not market.isEV(stranger)


@pytest.mark.parametrize("who", ["stranger", "organization"])
def test_only_the_pending_owner_accepts(market, organization, successor, who, request):
    account = request.getfixturevalue(who)
    market.transferOwnership(successor, sender=organization)

    with reverts_with(market.OwnableUnauthorizedAccount, account=account):
        market.acceptOwnership(sender=account)

    assert market.owner() == organization
    assert market.pendingOwner() == successor


def test_a_pending_transfer_is_cancelled(market, organization, successor):
    market.transferOwnership(successor, sender=organization)

    receipt = market.transferOwnership(ZERO_ADDRESS, sender=organization)

    assert market.owner() == organization
    assert market.pendingOwner() == ZERO_ADDRESS
    assert receipt.events == [
        market.OwnershipTransferStarted(previousOwner=organization, newOwner=ZERO_ADDRESS)
    ]


@pytest.mark.parametrize("instead", ["stranger", "nobody"])
def test_who_was_offered_the_market_first_cannot_accept_any_more(
    market, organization, successor, stranger, instead
):
    market.transferOwnership(successor, sender=organization)
    market.transferOwnership(
        stranger if instead == "stranger" else ZERO_ADDRESS, sender=organization
    )

    with reverts_with(market.OwnableUnauthorizedAccount, account=successor):
        market.acceptOwnership(sender=successor)

    assert market.owner() == organization


@pytest.mark.parametrize("who", ["organization", "stranger"])
def test_ownership_cannot_be_renounced(market, organization, who, request):
    account = request.getfixturevalue(who)

    with reverts_with(market.OwnershipCannotBeRenounced):
        market.renounceOwnership.transact(sender=account)

    assert market.owner() == organization


def test_a_new_owner_finds_the_registry_as_it_was(market, organization, successor, consumer):
    """The owner's address shares its slot with the status and the number of EVs."""
    record = market.evs(consumer)
    market.changeStatus(sender=organization)
    market.transferOwnership(successor, sender=organization)

    market.acceptOwnership(sender=successor)

    assert not market.active()
    assert market.numberOfEVs() == 3
    assert market.evs(consumer) == record


def test_a_contract_owns_a_market(market, owner_contract, organization, stranger):
    accepting = market.acceptOwnership.encode_input()
    adding = market.addEV.encode_input(stranger, "")

    owner_contract.act(accepting, sender=organization)
    receipt = owner_contract.act(adding, sender=organization)

    assert market.owner() == owner_contract
    assert market.isEV(stranger)
    assert receipt.events == [market.EVAdded(ev=stranger, infos="")]


# --- The market is set to a status ----------------------------------------------------------------


@pytest.mark.parametrize("active", [False, True])
def test_organization_says_whether_the_market_is_open(market, organization, active):
    receipt = market.setActive(active, sender=organization)

    assert market.active() is active
    assert receipt.events == [market.StatusChanged(active=active)]


def test_to_say_it_twice_changes_nothing(market, organization):
    market.setActive(False, sender=organization)
    market.setActive(False, sender=organization)

    assert market.active() is False


def test_nobody_else_says_whether_the_market_is_open(market, consumer):
    with reverts_with(market.OwnableUnauthorizedAccount, account=consumer):
        market.setActive(False, sender=consumer)
