"""A market paid in a token: how money comes in and goes out, and that the rest is the same."""

import pytest
from ape.exceptions import ContractLogicError
from eth_abi.abi import decode
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import exceptions as web3_exceptions

from ape_v2v.market.interface import messages
from ape_v2v.testing.assertions import reverts_with
from tests.helpers import tokens
from tests.helpers.refusals import is_without_a_reason, wrong_signer
from tests.helpers.scenario import (
    BIDDING_TIME,
    BOND,
    ENERGY,
    FUNDS,
    LOWER_RATE,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    RESERVE,
    VALIDITY,
    ZERO_ADDRESS,
    offered,
)

NONE, OPEN, CONNECTED = range(3)
MOST = 2**128 - 1
UINT256 = 2**256 - 1


@pytest.fixture(scope="session")
def evs(consumer, provider, rival):
    return consumer, provider, rival


@pytest.fixture
def ledger(evs, stranger):
    """Return a function that lists all balances in a market; the last one is burnt."""
    return lambda market: [
        market.evs(account).balance for account in (*evs, stranger, ZERO_ADDRESS)
    ]


# --- In a token -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def currency(project, organization):
    return organization.deploy(project.TestToken, 18)


@pytest.fixture(scope="module")
def token_market(deploy_token_market, organization, evs, currency):
    """A market paid in tokens, of which every EV has as many inside as outside."""
    market = deploy_token_market(currency)
    market.addEVs(evs, [""] * 3, sender=organization)
    for ev in evs:
        currency.mint(ev, 2 * FUNDS, sender=organization)
        currency.approve(market, 2 * FUNDS, sender=ev)
        market.deposit(FUNDS, sender=ev)
    return market


@pytest.fixture
def refuse_currency(project, organization, chain):
    """Return a function that expects a constructor to refuse a token, and tells the answer.

    Called instead of sent: of a contract that is not there, Ape asks a block explorer.
    """

    def refuse(currency) -> bytes:
        rules = tuple(PARAMETERS.values())
        creation = project.V2VTokenMarket.constructor.serialize_transaction(
            organization, rules, currency
        )
        with pytest.raises(web3_exceptions.ContractLogicError) as refusal:
            chain.provider.web3.eth.call({"data": creation.data})
        return HexBytes(str(refusal.value.data))

    return refuse


@pytest.fixture
def token_bid_id(token_market, start_auction, provider):
    auction_id = start_auction(on=token_market)
    token_market.placeBid(auction_id, RATE, offered(token_market, auction_id), sender=provider)
    return auction_id


@pytest.fixture
def token_award_id(token_market, token_bid_id, consumer, rival, clock):
    """The rival has overtaken the provider and won."""
    token_market.placeBid(
        token_bid_id, LOWER_RATE, offered(token_market, token_bid_id), sender=rival
    )
    clock.next_block_at(token_market.auctions(token_bid_id).closingTime)
    token_market.endAuction(token_market.currentAuctionId(consumer), sender=consumer)
    return token_bid_id


@pytest.fixture
def token_books(token_market, currency, ledger, evs):
    """Return a function that takes down the tokens of the market and the EVs, and the ledger."""

    def take_down():
        tokens = [currency.balanceOf(account) for account in (token_market, *evs)]
        return tokens, ledger(token_market)

    return take_down


def test_tokens_are_deposited(token_market, currency, consumer, token_books):
    assert token_books() == ([3 * FUNDS, FUNDS, FUNDS, FUNDS], [FUNDS, FUNDS, FUNDS, 0, 0])

    receipt = token_market.deposit(7, sender=consumer)

    assert token_books() == (
        [3 * FUNDS + 7, FUNDS - 7, FUNDS, FUNDS],
        [FUNDS + 7, FUNDS, FUNDS, 0, 0],
    )
    assert receipt.events == [
        currency.Transfer(**{"from": consumer}, to=token_market, value=7),
        token_market.Deposited(account=consumer, **{"from": consumer}, amount=7),
    ]


def test_tokens_are_withdrawn(token_market, currency, consumer, token_books):
    receipt = token_market.withdraw(FUNDS, consumer, sender=consumer)

    assert token_books() == ([2 * FUNDS, 2 * FUNDS, FUNDS, FUNDS], [0, FUNDS, FUNDS, 0, 0])
    assert receipt.events == [
        token_market.Withdrawn(account=consumer, to=consumer, amount=FUNDS),
        currency.Transfer(**{"from": token_market}, to=consumer, value=FUNDS),
    ]


def test_an_auction_and_a_bid_move_no_tokens(token_market, token_bid_id, token_books):
    assert token_market.auctions(token_bid_id).state == OPEN
    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - RESERVE, FUNDS - BOND, FUNDS, 0, 0],
    )


def test_a_trade_is_paid_in_tokens(token_market, token_award_id, evs, sign, token_books):
    consumer, provider, rival = evs
    receipt = {
        "auctionId": token_award_id,
        "consumer": consumer.address,
        "provider": rival.address,
        "energyWh": ENERGY - 1,
        "meterDataHash": METER_DATA,
        "last": True,
    }
    signature = sign(consumer, messages.Reading, on=token_market, **receipt)

    settling = token_market.settle(
        (token_award_id, ENERGY - 1, METER_DATA, True), signature, b"", sender=rival
    )

    cost = LOWER_RATE * (ENERGY - 1)
    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - cost, FUNDS, FUNDS + cost, 0, 0],
    )
    assert settling.events == [
        token_market.ConnectionEnded(
            auctionId=token_award_id,
            consumer=consumer,
            how=1,
            penalty=0,
            provider=rival,
            energyWh=ENERGY - 1,
            cost=cost,
            meterDataHash=METER_DATA,
        )
    ]

    for ev, amount in ((consumer, FUNDS - cost), (provider, FUNDS), (rival, FUNDS + cost)):
        token_market.withdraw(amount, ev, sender=ev)

    assert token_books() == ([0, 2 * FUNDS - cost, 2 * FUNDS, 2 * FUNDS + cost], [0] * 5)
    assert token_market.balance == 0


def test_burnt_tokens_stay_in_the_market(
    token_market, token_award_id, stranger, clock, token_books
):
    clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])

    token_market.expireConnection(token_award_id, sender=stranger)

    assert token_books() == (
        [3 * FUNDS, FUNDS, FUNDS, FUNDS],
        [FUNDS - PENALTY, FUNDS, FUNDS - PENALTY, 0, 2 * PENALTY],
    )


def test_an_auction_with_ether_is_refused_in_the_token_market(token_market, consumer, token_books):
    before = consumer.balance, token_books()

    with reverts_with(token_market.UnexpectedEther, amount=7):
        token_market.startAuction(
            ENERGY,
            MAX_RATE,
            BIDDING_TIME,
            VALIDITY,
            False,
            "",
            sender=consumer,
            value=7,
            gas_price=0,
        )

    assert (consumer.balance, token_books()) == before
    assert token_market.balance == 0


def test_a_bid_with_ether_is_refused_in_the_token_market(
    token_market, token_bid_id, rival, token_books
):
    before = rival.balance, token_books()

    with reverts_with(token_market.UnexpectedEther, amount=7):
        token_market.placeBid(
            token_bid_id,
            LOWER_RATE,
            offered(token_market, token_bid_id),
            sender=rival,
            value=7,
            gas_price=0,
        )

    assert (rival.balance, token_books()) == before
    assert token_market.balance == 0


@pytest.mark.parametrize(
    "send",
    [
        lambda market, account, **terms: account.transfer(market, 7, **terms),
        lambda market, account, **terms: market.deposit(7, sender=account, value=7, **terms),
    ],
    ids=["transfer", "deposit"],
)
def test_ether_is_refused_by_the_token_market(token_market, consumer, token_books, send):
    before = consumer.balance, token_books()

    with pytest.raises(ContractLogicError) as refusal:
        send(token_market, consumer, gas_price=0)

    assert is_without_a_reason(refusal.value)
    assert (consumer.balance, token_books()) == before
    assert token_market.balance == 0


def test_a_deposit_of_no_token_is_refused(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(token_market.ZeroAmount):
        token_market.deposit(0, sender=consumer)

    assert token_books() == before


@pytest.mark.parametrize("excess", [0, 1])
def test_all_that_a_market_holds_fits_a_balance(
    token_market, currency, consumer, organization, excess, token_books
):
    """So no credit ever overflows, whoever gets it."""
    amount = MOST - 3 * FUNDS + excess
    currency.mint(consumer, amount, sender=organization)
    currency.approve(token_market, amount, sender=consumer)
    before = token_books()

    if excess:
        with reverts_with(token_market.TooMuchHeld, held=MOST + 1, maximum=MOST):
            token_market.deposit(amount, sender=consumer)
        assert token_books() == before
    else:
        token_market.deposit(amount, sender=consumer)
        assert currency.balanceOf(token_market) == MOST
        assert token_market.evs(consumer).balance == MOST - 2 * FUNDS


def test_tokens_that_the_market_may_not_take_are_not_credited(
    token_market, currency, consumer, token_books
):
    currency.approve(token_market, FUNDS - 1, sender=consumer)
    before = token_books()

    with reverts_with(
        currency.ERC20InsufficientAllowance,
        spender=token_market,
        allowance=FUNDS - 1,
        needed=FUNDS,
    ):
        token_market.deposit(FUNDS, sender=consumer)

    assert token_books() == before


def test_tokens_that_are_not_there_are_not_credited(token_market, currency, consumer, token_books):
    currency.approve(token_market, FUNDS + 1, sender=consumer)
    before = token_books()

    with reverts_with(
        currency.ERC20InsufficientBalance, sender=consumer, balance=FUNDS, needed=FUNDS + 1
    ):
        token_market.deposit(FUNDS + 1, sender=consumer)

    assert token_books() == before


def test_no_more_tokens_are_withdrawn_than_the_balance(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(
        token_market.BalanceTooLow, account=consumer, balance=FUNDS, needed=FUNDS + 1
    ):
        token_market.withdraw(FUNDS + 1, consumer, sender=consumer)

    assert token_books() == before


def test_tokens_sent_past_the_ledger_are_in_nobodys_balance(
    token_market, currency, consumer, ledger
):
    currency.transfer(token_market, 7, sender=consumer)

    assert currency.balanceOf(token_market) == 3 * FUNDS + 7
    assert ledger(token_market) == [FUNDS, FUNDS, FUNDS, 0, 0]


def test_the_market_says_what_it_is_paid_in(token_market, currency):
    assert token_market.currency() == currency


@pytest.mark.parametrize("decimals", [6, 18, 255])
def test_a_token_is_fine_enough(project, organization, deploy_token_market, decimals):
    token = organization.deploy(project.TestToken, decimals)

    assert deploy_token_market(token).currency() == token


@pytest.mark.parametrize("decimals", [0, 2, 5])
def test_a_token_too_coarse_for_a_price_of_energy_is_refused(
    project, organization, refuse_currency, decimals
):
    token = organization.deploy(project.TestToken, decimals)

    data = refuse_currency(token)

    assert data[:4] == keccak(text="TooFewDecimals(uint256,uint256)")[:4]
    assert decode(["uint256", "uint256"], data[4:]) == (decimals, 6)


@pytest.mark.parametrize("who", ["stranger", "market"])
def test_what_is_no_token_is_no_currency(request, refuse_currency, who):
    assert refuse_currency(request.getfixturevalue(who)) == b""


# --- For somebody else ----------------------------------------------------------------------------


def test_somebody_else_pays_for_an_ev(
    token_market, currency, organization, stranger, provider, token_books
):
    currency.mint(stranger, 7, sender=organization)
    currency.approve(token_market, 7, sender=stranger)

    receipt = token_market.depositFor(provider, 7, sender=stranger)

    assert token_books() == (
        [3 * FUNDS + 7, FUNDS, FUNDS, FUNDS],
        [FUNDS, FUNDS + 7, FUNDS, 0, 0],
    )
    assert receipt.events == [
        currency.Transfer(**{"from": stranger}, to=token_market, value=7),
        token_market.Deposited(account=provider, **{"from": stranger}, amount=7),
    ]


def test_nobody_pays_for_who_is_no_ev(token_market, consumer, stranger, token_books):
    before = token_books()

    with reverts_with(token_market.NotEV, account=stranger):
        token_market.depositFor(stranger, 7, sender=consumer)

    assert token_books() == before


def test_nobody_pays_nothing_for_an_ev(token_market, consumer, provider):
    with reverts_with(token_market.ZeroAmount):
        token_market.depositFor(provider, 0, sender=consumer)


# --- Out ------------------------------------------------------------------------------------------


def test_an_ev_has_somebody_else_paid_in_tokens(token_market, currency, consumer, stranger):
    receipt = token_market.withdraw(7, stranger, sender=consumer)

    assert currency.balanceOf(stranger) == 7
    assert token_market.evs(consumer).balance == FUNDS - 7
    assert receipt.events == [
        token_market.Withdrawn(account=consumer, to=stranger, amount=7),
        currency.Transfer(**{"from": token_market}, to=stranger, value=7),
    ]


def test_no_tokens_are_paid_out_to_who_has_no_key(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(token_market.InvalidReceiver, to=ZERO_ADDRESS):
        token_market.withdraw(1, ZERO_ADDRESS, sender=consumer)

    assert token_books() == before


def test_tokens_paid_out_to_the_market_itself_would_be_nobodys(token_market, consumer, token_books):
    before = token_books()

    with reverts_with(token_market.InexactTransfer, amount=1, before=3 * FUNDS, held=3 * FUNDS):
        token_market.withdraw(1, token_market, sender=consumer)

    assert token_books() == before


@pytest.fixture
def withdrawal(sign, token_market):
    """A factory of signed withdrawals: what `withdrawFor` takes."""

    def withdrawal(signer, amount, to, deadline=UINT256, nonce=None, by=None, **domain):
        nonce = token_market.evs(signer).revocations if nonce is None else nonce
        fields = {"amount": amount, "to": to.address, "nonce": nonce, "deadline": deadline}
        signature = sign(
            by or signer, messages.Withdrawal, **{"on": token_market, **domain}, **fields
        )
        return signer.address, amount, to.address, deadline, signature

    return withdrawal


def test_a_signed_withdrawal_is_sent_by_anyone(
    token_market, currency, withdrawal, consumer, rival, stranger, token_books
):
    signed = withdrawal(consumer, 7, rival)

    receipt = token_market.withdrawFor(*signed, sender=stranger)

    assert token_books() == (
        [3 * FUNDS - 7, FUNDS, FUNDS, FUNDS + 7],
        [FUNDS - 7, FUNDS, FUNDS, 0, 0],
    )
    assert token_market.evs(consumer).revocations == 1
    assert receipt.events == [
        token_market.BidsRevoked(provider=consumer),
        token_market.Withdrawn(account=consumer, to=rival, amount=7),
        currency.Transfer(**{"from": token_market}, to=rival, value=7),
    ]


def test_a_signed_withdrawal_pays_once(token_market, withdrawal, consumer, stranger):
    signed = withdrawal(consumer, 7, consumer)
    token_market.withdrawFor(*signed, sender=stranger)

    with wrong_signer(token_market, consumer):
        token_market.withdrawFor(*signed, sender=stranger)

    assert token_market.evs(consumer).balance == FUNDS - 7


def test_of_two_withdrawals_signed_at_once_one_is_paid(
    token_market, withdrawal, consumer, stranger
):
    first, second = withdrawal(consumer, 7, consumer), withdrawal(consumer, 8, consumer)
    token_market.withdrawFor(*second, sender=stranger)

    with wrong_signer(token_market, consumer):
        token_market.withdrawFor(*first, sender=stranger)


def test_two_withdrawals_signed_one_after_the_other_are_both_paid(
    token_market, withdrawal, consumer, stranger
):
    first, second = withdrawal(consumer, 7, consumer), withdrawal(consumer, 8, consumer, nonce=1)

    with wrong_signer(token_market, consumer):
        token_market.withdrawFor(*second, sender=stranger)
    token_market.withdrawFor(*first, sender=stranger)
    token_market.withdrawFor(*second, sender=stranger)

    assert token_market.evs(consumer).balance == FUNDS - 15


def test_who_revokes_what_it_signed_keeps_its_money(token_market, withdrawal, consumer, stranger):
    signed = withdrawal(consumer, 7, stranger)
    token_market.revokeBids(sender=consumer)

    with wrong_signer(token_market, consumer):
        token_market.withdrawFor(*signed, sender=stranger)


def test_a_signed_withdrawal_voids_the_bids_signed_before_it(
    token_market, start_auction, signed_bid, withdrawal, provider, stranger
):
    auction_id = start_auction(on=token_market)
    bid = signed_bid(provider, auction_id, RATE, UINT256, on=token_market)
    token_market.withdrawFor(*withdrawal(provider, 7, provider), sender=stranger)

    with wrong_signer(token_market, provider):
        token_market.placeBidFor(auction_id, provider, RATE, UINT256, bid, sender=stranger)


@pytest.mark.parametrize("late", [False, True])
def test_a_withdrawal_is_valid_to_the_last_second(
    token_market, withdrawal, consumer, stranger, clock, late
):
    deadline = clock.now + 100
    signed = withdrawal(consumer, 7, consumer, deadline)
    clock.next_block_at(deadline + late)

    if late:
        with reverts_with(token_market.SignatureExpired, deadline=deadline, timestamp=deadline + 1):
            token_market.withdrawFor(*signed, sender=stranger)
    else:
        token_market.withdrawFor(*signed, sender=stranger)

    assert token_market.evs(consumer).balance == (FUNDS if late else FUNDS - 7)


@pytest.mark.parametrize(
    "change",
    [
        lambda account, amount, to, deadline, signed: (account, amount + 1, to, deadline, signed),
        lambda account, amount, _, deadline, signed: (account, amount, account, deadline, signed),
        lambda account, amount, to, deadline, signed: (account, amount, to, deadline - 1, signed),
    ],
    ids=["amount", "to", "deadline"],
)
def test_a_withdrawal_is_what_was_signed_and_nothing_else(
    token_market, withdrawal, consumer, stranger, change, token_books
):
    before = token_books()

    with wrong_signer(token_market, consumer):
        token_market.withdrawFor(*change(*withdrawal(consumer, 7, stranger)), sender=stranger)

    assert token_books() == before


def test_nobody_signs_for_another_account(token_market, withdrawal, consumer, stranger):
    signed = withdrawal(consumer, 7, stranger, by=stranger)

    with reverts_with(token_market.WrongSigner, expected=consumer, signer=stranger):
        token_market.withdrawFor(*signed, sender=stranger)


def test_a_withdrawal_is_for_one_market_on_one_chain(
    token_market, market, withdrawal, consumer, stranger
):
    for elsewhere in ({"on": market}, {"chain_id": 1}):
        with wrong_signer(token_market, consumer):
            signed = withdrawal(consumer, 7, consumer, **elsewhere)
            token_market.withdrawFor(*signed, sender=stranger)


def test_a_signature_of_another_length_pays_nothing(token_market, withdrawal, consumer, stranger):
    *terms, signature = withdrawal(consumer, 7, consumer)

    with reverts_with(token_market.ECDSAInvalidSignatureLength, length=130):
        token_market.withdrawFor(*terms, signature * 2, sender=stranger)


def test_no_more_is_withdrawn_by_a_signature_than_the_balance(
    token_market, withdrawal, consumer, stranger
):
    signed = withdrawal(consumer, FUNDS + 1, consumer)

    with reverts_with(
        token_market.BalanceTooLow, account=consumer, balance=FUNDS, needed=FUNDS + 1
    ):
        token_market.withdrawFor(*signed, sender=stranger)

    assert token_market.evs(consumer).revocations == 0


def test_a_signed_withdrawal_of_nothing_or_to_nobody_is_refused(
    token_market, withdrawal, consumer, stranger
):
    *rest, signature = withdrawal(consumer, 7, consumer)
    nobody = (*rest[:2], ZERO_ADDRESS, rest[3], signature)

    with reverts_with(token_market.ZeroAmount):
        token_market.withdrawFor(*withdrawal(consumer, 0, consumer), sender=stranger)
    with reverts_with(token_market.InvalidReceiver, to=ZERO_ADDRESS):
        token_market.withdrawFor(*nobody, sender=stranger)


def test_a_withdrawal_by_signature_asks_for_no_registration_and_no_open_market(
    token_market, withdrawal, currency, consumer, organization, stranger
):
    token_market.removeEV(consumer, sender=organization)
    token_market.setActive(False, sender=organization)

    token_market.withdrawFor(*withdrawal(consumer, FUNDS, consumer), sender=stranger)

    assert currency.balanceOf(consumer) == 2 * FUNDS


# --- In a stablecoin, by a signature alone --------------------------------------------------------


@pytest.fixture(scope="module")
def stablecoin(project, organization):
    code = organization.deploy(project.Stablecoin)
    proxy = organization.deploy(project.StablecoinProxy, code)
    return project.Stablecoin.at(proxy.address)


@pytest.fixture(scope="module")
def euro_market(deploy_token_market, organization, consumer, stablecoin):
    market = deploy_token_market(stablecoin)
    market.addEV(consumer, "", sender=organization)
    stablecoin.mint(consumer, 1_000, sender=organization)
    return market


@pytest.fixture
def authorize(stablecoin, euro_market, chain, consumer):
    """A factory of what the consumer signs to have its tokens taken."""

    def authorize(value, to=euro_market, **rest):
        return tokens.authorize(stablecoin, chain.chain_id, consumer, to, value, **rest)

    return authorize


def test_tokens_are_deposited_by_a_signature_that_anyone_sends(
    euro_market, stablecoin, authorize, consumer, stranger
):
    authorized = authorize(700)

    receipt = euro_market.depositWithAuthorization(*authorized, sender=stranger)

    assert stablecoin.balanceOf(consumer) == 300
    assert stablecoin.balanceOf(euro_market) == euro_market.evs(consumer).balance == 700
    assert euro_market.evs(stranger).balance == 0
    deposits = [event for event in receipt.events if event.event_name == "Deposited"]
    assert deposits == [euro_market.Deposited(account=consumer, **{"from": consumer}, amount=700)]


def test_an_authorization_is_used_once(euro_market, stablecoin, authorize, consumer, stranger):
    authorized = authorize(300)
    euro_market.depositWithAuthorization(*authorized, sender=stranger)

    with tokens.refused_by(
        stablecoin, "ERC3009UsedAuthorization", consumer.address, authorized.nonce
    ):
        euro_market.depositWithAuthorization(*authorized, sender=stranger)

    assert euro_market.evs(consumer).balance == 300


@pytest.mark.parametrize("valid", [(0, 1), (tokens.FOREVER - 1, tokens.FOREVER)])
def test_an_authorization_has_its_time(euro_market, stablecoin, authorize, stranger, valid):
    authorized = authorize(300, valid=valid)

    with tokens.refused_by(stablecoin, "ERC3009InvalidAuthorizationTime", valid[0], valid[1]):
        euro_market.depositWithAuthorization(*authorized, sender=stranger)


def test_no_more_is_taken_than_was_authorized(euro_market, stablecoin, authorize, stranger):
    authorized = authorize(300)._replace(value=301)

    with tokens.refused_by(stablecoin, "ERC3009InvalidSignature"):
        euro_market.depositWithAuthorization(*authorized, sender=stranger)


def test_what_was_authorized_for_another_market_is_not_taken(
    euro_market, stablecoin, authorize, market, stranger
):
    authorized = authorize(300, to=market)

    with tokens.refused_by(stablecoin, "ERC3009InvalidSignature"):
        euro_market.depositWithAuthorization(*authorized, sender=stranger)


def test_nobody_sends_an_authorization_past_the_market(
    euro_market, stablecoin, authorize, stranger
):
    """It would be nobody's: the token pays only who asks itself."""
    holder, *rest = authorize(300)

    with reverts_with(stablecoin.ERC20InvalidReceiver, receiver=euro_market):
        stablecoin.receiveWithAuthorization(holder, euro_market, *rest, sender=stranger)
    with reverts_with(stablecoin.ERC3009InvalidSignature):
        stablecoin.transferWithAuthorization(holder, euro_market, *rest, sender=stranger)


def test_an_authorization_of_nothing_is_refused(euro_market, authorize, stranger):
    with reverts_with(euro_market.ZeroAmount):
        euro_market.depositWithAuthorization(*authorize(0), sender=stranger)


# --- In a token that does not do as it says (all kinds: tests/attacks/test_odd_tokens.py) --------


@pytest.fixture
def odd(project, organization):
    return organization.deploy(project.OddToken)


@pytest.fixture
def odd_market(deploy_token_market, organization, consumer, odd):
    """A market in a token that behaves as it is told; at first as it should."""
    market = deploy_token_market(odd)
    market.addEVs([consumer], [""], sender=organization)
    odd.mint(consumer, 2 * FUNDS, sender=organization)
    odd.allow(consumer, market, 2 * FUNDS, sender=organization)
    market.deposit(FUNDS, sender=consumer)
    return market


def test_what_has_not_arrived_is_not_credited(odd_market, odd, consumer):
    odd.behave(3, sender=consumer)  # it moves nothing, and says nothing

    with reverts_with(odd_market.InexactTransfer, amount=5, before=FUNDS, held=FUNDS):
        odd_market.deposit(5, sender=consumer)
    assert odd_market.evs(consumer).balance == FUNDS


def test_what_a_token_takes_meanwhile_is_not_credited(odd_market, odd, consumer):
    """As a deposit arrives, more is taken from the market than it brings."""
    odd.callBack(odd, odd.burn.encode_input(odd_market, 7), False, sender=consumer)

    with reverts_with(odd_market.InexactTransfer, amount=5, before=FUNDS, held=FUNDS - 2):
        odd_market.deposit(5, sender=consumer)
    assert odd_market.evs(consumer).balance == FUNDS


def test_what_a_token_gives_meanwhile_lets_nothing_out(odd_market, odd, consumer):
    """As a withdrawal leaves, the market gets more than it pays."""
    odd.callBack(odd, odd.mint.encode_input(odd_market, 7), False, sender=consumer)

    with reverts_with(odd_market.InexactTransfer, amount=5, before=FUNDS, held=FUNDS + 2):
        odd_market.withdraw(5, consumer, sender=consumer)
    assert odd_market.evs(consumer).balance == FUNDS
