"""What the contract refuses, in sentences: which value was wrong, what was expected, what next."""

from dataclasses import replace
from datetime import timedelta

import pytest
from eth_abi.abi import encode
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v import (
    Energy,
    EnergyStatement,
    Market,
    Money,
    Rate,
    Refused,
    V2VError,
)
from ape_v2v.chain.writing.forecast import Request
from ape_v2v.market.interface.contract import contract_type
from ape_v2v.market.interface.refusals import sentence
from ape_v2v.market.interface.transactions import Write, foresee, send, simulate
from tests.helpers.scenario import (
    BOND,
    FUNDS,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    VALIDITY,
    ZERO_ADDRESS,
)

ERRORS = sorted(contract_type().errors, key=lambda error: error.name)
SOMEBODY = "0x52908400098527886E0F7030069857D2E4169EE7"
WEEK = 604_800


def values(error, number):
    """The values of an error, each number the same, as far as its type goes."""
    return {
        item.name: {"address": SOMEBODY, "string": "bondBps", "uint8": min(number, 2)}.get(
            item.type, number
        )
        for item in error.inputs
    }


@pytest.mark.parametrize("number", [0, 1, 2**255, 2**256 - 1], ids=["0", "1", "large", "largest"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.name)
def test_every_error_of_the_contract_has_a_sentence_of_its_own(error, number):
    said = sentence(error.name, values(error, number))

    assert not said.startswith("the market refused"), "ape_v2v/errors.py has no sentence"
    assert error.name not in said
    assert "\n" not in said


def test_an_error_that_nobody_foresaw_is_told_with_its_values():
    assert sentence("Unforeseen", {"a": 1, "b": "x"}) == "the market refused: Unforeseen(a=1, b=x)"


def refused(call, name, said, **inputs):
    """Expect a refusal with exactly these values, and this in its sentence."""
    with pytest.raises(Refused) as refusal:
        call()
    assert refusal.value.name == name
    assert refusal.value.inputs == inputs
    assert said in str(refusal.value)


# Registry and ledger


def test_who_is_no_ev_is_told_whom_to_ask(api, stranger):
    refused(
        lambda: api.start_auction("20 kWh", "300 gwei/Wh", sender=stranger),
        "NotEV",
        f"{stranger.address} is not a registered EV: ask the organization to add it",
        account=stranger.address,
    )


def test_adding_an_ev_twice_is_refused(api, organization, provider):
    refused(
        lambda: api.add_ev(provider, sender=organization),
        "AlreadyEV",
        f"{provider.address} is registered already",
        account=provider.address,
    )


def test_nobody_can_be_added_as_an_ev(api, organization):
    refused(
        lambda: api.add_ev(ZERO_ADDRESS, sender=organization),
        "InvalidEV",
        "can never be an EV",
        account=ZERO_ADDRESS,
    )


def test_a_closed_market_says_what_goes_on(api, organization, stranger):
    api.change_status(sender=organization)
    refused(
        lambda: api.add_ev(stranger, sender=organization),
        "MarketClosed",
        "running auctions, settlements and withdrawals go on",
    )


def test_a_batch_without_notes_is_refused(api, organization, stranger):
    refused(
        lambda: api.transact("addEVs", [stranger.address], [], sender=organization),
        "BatchLengthMismatch",
        "1 EVs came with 0 notes",
        evs=1,
        infos=0,
    )


def test_long_notes_are_to_be_shortened(api, organization, stranger):
    refused(
        lambda: api.add_ev(stranger, "é" * 257, sender=organization),
        "TextTooLong",
        "the text has 514 bytes, at most 512 are allowed: shorten it",
        length=514,
        maximum=512,
    )


def test_who_is_not_the_organization_is_told_so(api, stranger):
    refused(
        lambda: api.change_status(sender=stranger),
        "OwnableUnauthorizedAccount",
        f"{stranger.address} is not the organization",
        account=stranger.address,
    )


def test_a_market_keeps_an_owner(api, organization):
    refused(
        lambda: api.transact("renounceOwnership", sender=organization),
        "OwnershipCannotBeRenounced",
        "transfer the ownership instead",
    )


def test_nobody_can_own_a_market(organization):
    refused(
        lambda: Market.deploy(organization, organization=ZERO_ADDRESS),
        "OwnableInvalidOwner",
        f"{ZERO_ADDRESS} cannot own a market",
        owner=ZERO_ADDRESS,
    )


def test_a_deposit_of_nothing_is_refused(api, provider):
    refused(lambda: api.deposit(Money(0), sender=provider), "ZeroAmount", "the amount is 0")


def test_who_has_too_little_is_told_how_much_is_missing(api, provider):
    refused(
        lambda: api.withdraw(Money(FUNDS + 1), sender=provider),
        "BalanceTooLow",
        "has 1 ether free in the market, and 1.000000000000000001 ether was to be withdrawn: "
        "withdraw 1 ether at most",
        account=provider.address,
        balance=FUNDS,
        needed=FUNDS + 1,
    )


def test_a_plain_transfer_is_to_be_a_deposit(api, provider):
    def transfer():
        foresee(api.node, Request(provider, api.address, b"", 5))

    refused(
        transfer,
        "PlainTransfer",
        "a plain transfer of 5 wei cannot be credited: deposit it instead",
        **{"from": provider.address, "amount": 5},
    )


# Auction


@pytest.mark.parametrize(
    ("terms", "name", "said"),
    [
        ({"energy": "0 Wh"}, "ZeroEnergy", "at least 1 Wh"),
        ({"max_rate": "0 wei/Wh"}, "ZeroRate", "at least 1 wei/Wh"),
    ],
)
def test_nothing_and_free_energy_cannot_be_asked_for(api, consumer, terms, name, said):
    terms = {"energy": "1 kWh", "max_rate": "1 gwei/Wh"} | terms
    refused(lambda: api.start_auction(**terms, sender=consumer), name, said)


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (WEEK + 1, "7 d 1 s")])
def test_a_bidding_time_out_of_range_is_told_the_range(api, consumer, seconds, said):
    duration = timedelta(seconds=seconds)
    refused(
        lambda: api.start_auction("1 kWh", "1 gwei/Wh", bidding_time=duration, sender=consumer),
        "BiddingTimeOutOfRange",
        f"a bidding time of {said} is out of range: from 1 s to 7 d",
        biddingTime=seconds,
        maximum=WEEK,
    )


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (WEEK + 1, "7 d 1 s")])
def test_a_validity_out_of_range_is_told_the_range(api, consumer, seconds, said):
    duration = timedelta(seconds=seconds)
    refused(
        lambda: api.start_auction("1 kWh", "1 gwei/Wh", validity=duration, sender=consumer),
        "ValidityOutOfRange",
        f"a validity of {said} is out of range: from 1 s to 7 d",
        validity=seconds,
        maximum=WEEK,
    )


def test_a_second_auction_waits_for_the_first(api, auction, consumer):
    refused(
        lambda: api.start_auction("1 kWh", "1 gwei/Wh", sender=consumer),
        "UnexpectedState",
        "the consumer's last auction is still open: end or cancel it first",
        auctionId=auction.id,
        actual=1,
        expected=0,
    )


def test_a_second_auction_waits_for_the_end_of_a_connection(api, connection, consumer):
    refused(
        lambda: api.start_auction("1 kWh", "1 gwei/Wh", sender=consumer),
        "UnexpectedState",
        "the consumer's last auction is still connected: its connection has to end first",
        auctionId=connection.id,
        actual=2,
        expected=0,
    )


def test_an_auction_that_is_over_takes_no_bids(auction, consumer, provider):
    auction.cancel(sender=consumer)
    refused(
        lambda: auction.place_bid(Rate(RATE), sender=provider),
        "UnexpectedState",
        "this auction is over or never was",
        auctionId=auction.id,
        actual=0,
        expected=1,
    )


def test_a_connection_takes_no_bids(api, connection, rival):
    refused(
        lambda: api.auction(connection.id).place_bid(Rate(RATE), sender=rival),
        "UnexpectedState",
        "this auction has been awarded already, and this requires one that is open",
        auctionId=connection.id,
        actual=2,
        expected=1,
    )


def test_a_late_bid_is_told_when_bidding_closed(auction, provider, clock):
    closing = int(auction.info.closing_time.timestamp())
    clock.move_to(closing)
    with pytest.raises(Refused, match=f"bidding closed at {auction.info.closing_time:%F %T}"):
        auction.place_bid(Rate(RATE), sender=provider)


def test_an_early_end_is_told_how_long_to_wait(led_auction, consumer, clock):
    closing = int(led_auction.info.closing_time.timestamp())
    clock.move_to(closing - 298)
    with pytest.raises(Refused, match=r"wait 4 min 5\d s$") as refusal:
        led_auction.end(sender=consumer)
    assert refusal.value.name == "BiddingOpen"
    assert refusal.value.inputs["closingTime"] == closing


def test_a_late_award_can_only_be_cancelled(led_auction, consumer, clock):
    deadline = int(led_auction.info.closing_time.timestamp()) + PARAMETERS["awardWindow"]
    clock.move_to(deadline)
    with pytest.raises(Refused, match="the auction can only be cancelled") as refusal:
        led_auction.end(sender=consumer)
    assert refusal.value.name == "AwardWindowPassed"
    assert refusal.value.inputs["deadline"] == deadline


def test_only_the_consumer_may_cancel_before_the_award_window_has_passed(
    led_auction, consumer, stranger
):
    deadline = int(led_auction.info.closing_time.timestamp()) + PARAMETERS["awardWindow"]
    refused(
        lambda: led_auction.cancel(sender=stranger),
        "OnlyConsumerUntil",
        f"only the consumer, {consumer.address}, may cancel",
        account=stranger.address,
        consumer=consumer.address,
        deadline=deadline,
    )


def test_a_penalty_that_nobody_agreed_to_is_named(led_auction, consumer):
    refused(
        lambda: led_auction.cancel("1 gwei", sender=consumer),
        "PenaltyAboveMaximum",
        f"costs a penalty of {Money(PENALTY)}, and you allowed 0.000000001 ether: allow it by "
        f"--max-penalty '{Money(PENALTY)}', or let the auction go on",
        penalty=PENALTY,
        maximum=10**9,
    )


# Bidding and signatures


def test_a_consumer_cannot_bid_for_itself(auction, consumer):
    refused(
        lambda: auction.place_bid(Rate(RATE), sender=consumer),
        "OwnAuction",
        "a consumer cannot bid in its own auction",
        auctionId=auction.id,
    )


def test_a_bid_that_is_too_high_is_told_the_highest(led_auction, rival):
    highest = RATE * 99 // 100
    refused(
        lambda: led_auction.place_bid(Rate(RATE), sender=rival),
        "RateTooHigh",
        f"{Rate(RATE)} is too high: at most {Rate(highest)} is accepted now",
        rate=RATE,
        highest=highest,
    )
    assert led_auction.highest_rate == Rate(highest)


def test_a_bid_of_1_wei_cannot_be_undercut(auction, provider, rival):
    auction.place_bid("1 wei/Wh", sender=provider)
    refused(
        lambda: auction.place_bid("1 wei/Wh", sender=rival),
        "RateTooHigh",
        "the standing bid cannot be undercut",
        rate=1,
        highest=0,
    )
    assert auction.highest_rate is None


def test_a_bid_beyond_the_funds_is_told_what_the_bond_is(api, auction, provider):
    api.withdraw_all(sender=provider)
    refused(
        lambda: auction.place_bid(Rate(RATE), sender=provider),
        "BalanceTooLow",
        f"deposit {Money(BOND)} more",
        account=provider.address,
        balance=0,
        needed=BOND,
    )


def test_a_signed_bid_ends_with_its_deadline(auction, provider, stranger, clock):
    deadline = auction.info.closing_time - timedelta(minutes=5)
    bid = auction.sign_bid(Rate(RATE), deadline, signer=provider)
    clock.move_to(bid.deadline + 1)
    with pytest.raises(Refused, match="ask for a new one") as refusal:
        auction.relay_bid(bid, sender=stranger)
    assert refusal.value.name == "SignatureExpired"
    assert refusal.value.inputs["deadline"] == bid.deadline


def test_somebody_elses_signature_is_refused(auction, provider, rival, stranger):
    signed = auction.sign_bid(Rate(RATE), auction.info.closing_time, signer=rival)
    stolen = replace(signed, provider=provider.address)
    refused(
        lambda: auction.relay_bid(stolen, sender=stranger),
        "WrongSigner",
        f"the signature must be {provider.address}'s",
        expected=provider.address,
        signer=rival.address,
    )


# Connection


def test_only_the_provider_forfeits(connection, provider, rival):
    refused(
        lambda: connection.forfeit(sender=rival),
        "NotProvider",
        f"only the provider, {provider.address}, may do this, and the sender is {rival.address}",
        account=rival.address,
        provider=provider.address,
    )


def test_more_energy_than_was_contracted_is_refused(connection, consumer, provider):
    receipt = connection.sign_receipt("20.001 kWh", METER_DATA, signer=consumer)
    refused(
        lambda: connection.settle(receipt, sender=provider),
        "EnergyAboveContract",
        "20.001 kWh is more than the 20 kWh that were contracted",
        energyWh=20_001,
        contracted=20_000,
    )


def test_half_a_signature_is_refused(connection, provider):
    receipt = EnergyStatement(connection.access_token, Energy(1), METER_DATA, b"\x01" * 32, True)
    refused(
        lambda: connection.settle(receipt, sender=provider),
        "ECDSAInvalidSignatureLength",
        "a signature has 65 bytes, or by a session key 130: this one 32",
        length=32,
    )


def test_a_connection_that_is_not_due_says_when_it_will_be(connection, stranger):
    expiry = int(connection.info.connected_at.timestamp()) + VALIDITY
    expiry += PARAMETERS["settlementWindow"]
    with pytest.raises(Refused, match=f"from {connection.expires_at:%F %T} UTC on") as refusal:
        connection.expire(sender=stranger)
    assert refusal.value.name == "ConnectionNotExpired"
    assert refusal.value.inputs["expiry"] == expiry


# However it is refused


def test_a_refusal_is_the_same_before_and_after_it_is_sent(api, auction, provider, rival):
    """The node's answer to a call, and the transaction that reverts."""
    bid = Write(
        api.contract,
        "placeBid",
        (auction.id, RATE, auction.info.terms),
        provider,
        Money(0),
        Money(0),
        Money(0),
    )
    expected = simulate(bid)
    auction.place_bid(Rate(RATE), sender=rival)
    nonce = provider.nonce
    with pytest.raises(Refused) as simulated:
        simulate(bid)
    with pytest.raises(Refused) as sent:
        send(bid, expected)
    assert provider.nonce == nonce + 1, "it has cost gas"
    assert (simulated.value.name, simulated.value.inputs) == (sent.value.name, sent.value.inputs)
    assert str(simulated.value) == str(sent.value)


def test_a_refused_call_costs_nothing(api, consumer):
    before = consumer.balance, consumer.nonce
    with pytest.raises(Refused):
        api.withdraw("2 ether", sender=consumer)
    assert (consumer.balance, consumer.nonce) == before


def reverting_with(data):
    """Code that always reverts with this."""
    words = [data[at : at + 32].ljust(32, b"\0") for at in range(0, len(data), 32)]
    stores = [b"\x7f" + word + b"\x60" + bytes([32 * at, 0x52]) for at, word in enumerate(words)]
    return b"".join(stores) + b"\x60" + bytes([len(data)]) + b"\x5f\xfd"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "execution reverted"),
        (keccak(text="Unknown()")[:4], to_hex(keccak(text="Unknown()")[:4])),
        (keccak(text="Error(string)")[:4] + encode(["string"], ["go away"]), "go away"),
        (keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [0x11]), "Panic error 0x11"),
    ],
    ids=["nothing", "an unknown error", "a text", "a panic"],
)
def test_a_contract_that_is_no_market_reverts_in_its_own_way(chain, stranger, data, reason):
    chain.provider.make_request("anvil_setCode", [SOMEBODY, to_hex(reverting_with(data))])
    with pytest.raises(Refused, match=r"^the contract reverted as no market does: ") as refusal:
        Market.at(SOMEBODY).deposit("1 gwei", sender=stranger)
    assert refusal.value.name == "Reverted"
    assert reason in str(refusal.value)


def test_what_the_node_cannot_execute_is_no_refusal(chain, stranger):
    chain.provider.make_request("anvil_setCode", [SOMEBODY, "0xfe"])  # the invalid opcode
    with pytest.raises(V2VError, match=r"^the node cannot execute the call: ") as error:
        Market.at(SOMEBODY).deposit("1 gwei", sender=stranger)
    assert not isinstance(error.value, Refused)


def test_a_wallet_with_too_little_is_told_so(api, stranger):
    wallet = Money(int(stranger.balance))
    with pytest.raises(V2VError, match=f"has {wallet} in its wallet, and this would send 1000000 "):
        api.deposit("1000000 ether", sender=stranger)


def test_an_address_without_a_contract_is_no_market():
    with pytest.raises(V2VError, match=f"^no contract at {SOMEBODY} on ethereum-local: check"):
        Market.at(SOMEBODY)
