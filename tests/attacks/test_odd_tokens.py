"""Tokens that do what tokens should not, and issuers that use their power.

Whatever a token does in a transfer, the market's books never say more than it holds, and a trade
that is running goes on. Each kind is refused, or right.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ape_v2v.evm.chains import Chain
from ape_v2v.evm.contracts import Failure, Interface
from tests.fuzz.actors import DEPLOYER, PEOPLE
from tests.fuzz.in_process import fast_chain
from tests.helpers.scenario import BIDDING_TIME, ENERGY, VALIDITY
from tests.helpers.token_stage import (
    ALICE,
    BOB,
    CAROL,
    ERIN,
    FUNDS,
    LOWER_RATE,
    MAX_RATE,
    MOST,
    RATE,
    RESERVE,
    Stage,
    Way,
)
from tests.helpers.tokens import FOREVER
from tests.model.signatures import Message


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with fast_chain() as chain:
        yield chain


def _stage(chain: Chain, make: Callable[[], Stage]) -> Iterator[Stage]:
    snapshot = chain.snapshot()
    yield make()
    chain.revert(snapshot)


@pytest.fixture
def odd(chain: Chain, project: Any) -> Iterator[Stage]:
    """A market in a token that behaves as it is told; at first as it should."""

    def make() -> Stage:
        code = Interface(project.OddToken.contract_type).creation_code()
        return Stage(chain, project, chain.deploy(DEPLOYER.address, code), "OddToken")

    yield from _stage(chain, make)


@pytest.fixture
def euro(chain: Chain, project: Any) -> Iterator[Stage]:
    """A market in a stablecoin: whose issuer can pause, block, and change it."""

    def make() -> Stage:
        code = Interface(project.Stablecoin.contract_type).creation_code()
        implementation = chain.deploy(DEPLOYER.address, code)
        proxy = Interface(project.StablecoinProxy.contract_type).creation_code(implementation)
        return Stage(chain, project, chain.deploy(DEPLOYER.address, proxy), "Stablecoin")

    yield from _stage(chain, make)


INEXACT = "InexactTransfer"
UNSAFE = "SafeERC20FailedOperation"
WITHOUT_A_REASON = ""

DEPOSITS: dict[Way, str | None] = {
    Way.HONEST: None,
    Way.FEE_FROM_RECEIVER: INEXACT,
    Way.FEE_FROM_SENDER: None,
    Way.MOVES_NOTHING: INEXACT,
    Way.MOVES_HALF: INEXACT,
    Way.MOVES_DOUBLE: INEXACT,
    Way.MOVES_BACK: INEXACT,
    Way.RETURNS_FALSE: UNSAFE,
    Way.RETURNS_FALSE_AND_MOVES: UNSAFE,
    Way.RETURNS_NOTHING: None,
    Way.RETURNS_TWO: UNSAFE,
    Way.RETURNS_ONE_BYTE: UNSAFE,
    Way.RETURNS_A_LOT: None,
    Way.REFUSES: "Refused",
    Way.REFUSES_WITHOUT_A_REASON: WITHOUT_A_REASON,
    Way.PANICS: "Panic",
    Way.BURNS_ITS_GAS: WITHOUT_A_REASON,
    Way.HIDES_BALANCES: "Refused",
    Way.TAKES_ANY_CALL: None,
}
# Out, the market pays what its books say: what its receiver is charged is between it and the token.
WITHDRAWALS = {**DEPOSITS, Way.FEE_FROM_RECEIVER: None, Way.FEE_FROM_SENDER: INEXACT}


@pytest.mark.parametrize("way", Way)
def test_what_a_token_takes_in_is_credited_exactly_or_refused(odd: Stage, way: Way) -> None:
    amount, before = 1_000, odd.held()
    odd.tell("allow", BOB, odd.market.address, 3 * amount)
    odd.tell("behave", way)
    odd.solvent = way is not Way.HIDES_BALANCES

    refusal = odd.attempt(BOB, "deposit", amount)

    odd.tell("behave", Way.HONEST)
    odd.look()
    assert (refusal and refusal.name) == DEPOSITS[way]
    credited = 0 if refusal else amount
    assert odd.balance(BOB) == FUNDS + credited
    assert odd.held() == before + credited == odd.booked()


@pytest.mark.parametrize("way", Way)
def test_what_a_token_pays_out_is_what_was_asked_for_or_refused(odd: Stage, way: Way) -> None:
    amount, before = 1_000, odd.held()
    odd.tell("behave", way)
    odd.solvent = way is not Way.HIDES_BALANCES

    refusal = odd.attempt(BOB, "withdraw", amount, BOB)

    odd.tell("behave", Way.HONEST)
    odd.look()
    assert (refusal and refusal.name) == WITHDRAWALS[way]
    paid = 0 if refusal else amount
    assert odd.balance(BOB) == FUNDS - paid
    assert odd.held() == before - paid == odd.booked()


def test_a_token_that_knows_no_authorization_and_takes_the_call_moves_nothing(odd: Stage) -> None:
    call = (BOB, 1_000, 0, FOREVER, bytes(32), 27, bytes(32), bytes(32))
    without = odd.attempt(ERIN, "depositWithAuthorization", *call)
    odd.tell("behave", Way.TAKES_ANY_CALL)

    taken = odd.attempt(ERIN, "depositWithAuthorization", *call)

    assert without == Failure("Refused", ())
    assert taken == Failure(INEXACT, (1_000, odd.held(), odd.held()))
    assert odd.balance(BOB) == FUNDS


# --- Tokens that call back ------------------------------------------------------------------------


def _withdrawal(stage: Stage, nonce: int = 0) -> tuple[Any, ...]:
    values = (1, BOB, nonce, FOREVER)
    message = Message(stage.chain.chain_id, stage.market.address, "Withdrawal", values)
    return BOB, 1, BOB, FOREVER, message.signed_by(PEOPLE["bob"].key)


MONEY_MOVES: dict[str, Callable[[Stage], tuple[Any, ...]]] = {
    "deposit": lambda _: (1,),
    "depositFor": lambda _: (BOB, 1),
    "depositWithAuthorization": lambda _: (BOB, 1, 0, FOREVER, bytes(32), 27, bytes(32), bytes(32)),
    "withdraw": lambda stage: (1, stage.hostile.address),
    "withdrawFor": _withdrawal,
}


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("inner", MONEY_MOVES)
@pytest.mark.parametrize("outer", ["deposit", "withdraw", "withdrawFor"])
def test_no_money_moves_while_money_moves(odd: Stage, outer: str, inner: str, before: bool) -> None:
    """Else what one transfer lacks, another one could make good, and both be credited."""
    hostile = odd.hostile.address
    for ev in (BOB, hostile):
        odd.tell("allow", ev, odd.market.address, FUNDS)
    call = odd.hostile.interface.call_data("act", odd.market.interface.call_data("deposit", 10))
    assert odd.chain.transact(ERIN, hostile, call).success
    arguments = MONEY_MOVES[outer](odd) if outer != "withdraw" else (1, BOB)
    # The outer one has counted when the inner one comes.
    again = inner == outer == "withdrawFor"
    inside = _withdrawal(odd, nonce=1) if again else MONEY_MOVES[inner](odd)
    odd.tell("callBack", hostile, odd.by_hostile(inner, *inside), before)

    odd.do(ERIN if outer == "withdrawFor" else BOB, outer, *arguments)

    assert odd.token.view("calledBack") is False
    answer = odd.market.interface.failure(odd.token.view("answer"))
    assert answer == Failure("ReentrancyGuardReentrantCall", ())
    assert odd.balance(hostile) == 10
    assert odd.held() == odd.booked()


def test_a_fee_is_not_made_good_by_a_second_deposit(odd: Stage) -> None:
    """Of 100 units one is the fee; of one unit, none: both arriving would be credited 101."""
    hostile = odd.hostile.address
    odd.tell("allow", BOB, odd.market.address, FUNDS)
    odd.tell("allow", hostile, odd.market.address, FUNDS)
    odd.tell("behave", Way.FEE_FROM_RECEIVER)
    odd.tell("callBack", hostile, odd.by_hostile("deposit", 1), False)

    assert odd.attempt(BOB, "deposit", 100) == Failure(INEXACT, (100, 3 * FUNDS, 3 * FUNDS + 99))
    assert odd.held() == odd.booked()


def test_money_on_its_way_in_is_nobodys_yet(odd: Stage) -> None:
    """Not even to start an auction with: it may not arrive."""
    hostile = odd.hostile.address
    odd.tell("allow", hostile, odd.market.address, FUNDS)
    terms = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
    odd.tell("callBack", hostile, odd.by_hostile("startAuction", *terms), False)
    call = odd.by_hostile("deposit", RESERVE)

    assert odd.chain.transact(ERIN, hostile, call).success

    answer = odd.market.interface.failure(odd.token.view("answer"))
    assert answer == Failure("BalanceTooLow", (hostile, 0, RESERVE))
    assert odd.balance(hostile) == RESERVE


def test_a_trade_is_moved_on_in_the_middle_of_a_transfer(odd: Stage) -> None:
    """It touches no tokens."""
    hostile = odd.hostile.address
    odd.tell("allow", hostile, odd.market.address, FUNDS)
    assert odd.chain.transact(ERIN, hostile, odd.by_hostile("deposit", RESERVE)).success
    terms = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
    odd.tell("callBack", hostile, odd.by_hostile("startAuction", *terms), False)

    odd.do(BOB, "withdraw", 1, BOB)

    assert odd.token.view("calledBack") is True
    assert odd.balance(hostile) == 0
    assert odd.held() == odd.booked()


# --- Tokens that change balances without a transfer -----------------------------------------------


def test_tokens_that_come_from_nowhere_are_nobodys(odd: Stage) -> None:
    odd.tell("mint", odd.market.address, 1_000)

    assert odd.booked() == odd.held() - 1_000
    refusal = odd.attempt(BOB, "withdraw", FUNDS + 1, BOB)
    assert refusal == Failure("BalanceTooLow", (BOB, FUNDS, FUNDS + 1))


def test_a_flood_of_tokens_keeps_deposits_out_and_nobody_in(odd: Stage) -> None:
    odd.tell("mint", odd.market.address, MOST - odd.held())
    odd.tell("allow", BOB, odd.market.address, 1)

    assert odd.attempt(BOB, "deposit", 1) == Failure("TooMuchHeld", (MOST + 1, MOST))
    odd.do(BOB, "withdraw", FUNDS, BOB)
    odd.do(CAROL, "withdraw", FUNDS, CAROL)


def test_what_a_token_takes_away_the_last_ones_miss(odd: Stage) -> None:
    """No token for a market: the market cannot know whose it was. Nothing else is harmed."""
    odd.solvent = False
    odd.tell("burn", odd.market.address, 1_000)

    odd.do(ALICE, "withdraw", FUNDS, ALICE)
    odd.do(BOB, "withdraw", FUNDS, BOB)
    refusal = odd.attempt(CAROL, "withdraw", FUNDS, CAROL)

    assert refusal is not None
    assert odd.balance(CAROL) == FUNDS
    odd.do(CAROL, "withdraw", FUNDS - 1_000, CAROL)


# --- Issuers with power ---------------------------------------------------------------------------


def _trade(stage: Stage, *, disturb: Callable[[], None]) -> None:
    """Alice asks, Bob bids, something happens, Carol overtakes, and all is paid in full."""
    terms = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
    stage.do(ALICE, "startAuction", *terms)
    auction_id = stage.market.view("currentAuctionId", ALICE)
    offered = ENERGY | MAX_RATE << 32 | VALIDITY << 96
    stage.do(BOB, "placeBid", auction_id, RATE, offered)
    disturb()
    stage.do(CAROL, "placeBid", auction_id, LOWER_RATE, offered)
    assert stage.balance(BOB) == FUNDS
    stage.chain.timestamp += BIDDING_TIME
    stage.do(ALICE, "endAuction", auction_id)
    stage.do(ALICE, "endConnection", auction_id)
    assert stage.balance(CAROL) == FUNDS + LOWER_RATE * ENERGY


@pytest.mark.parametrize("victim", ["alice", "bob", "carol", "the market"])
def test_a_trade_goes_on_whomever_the_issuer_blocks(euro: Stage, victim: str) -> None:
    blocked = euro.market.address if victim == "the market" else PEOPLE[victim].address

    _trade(euro, disturb=lambda: euro.tell("setBlocked", blocked, True))

    paid = {ev: euro.balance(ev) for ev in (ALICE, BOB, CAROL)}
    for ev, amount in paid.items():
        refusal = euro.attempt(ev, "withdraw", amount, ev)
        stopped = blocked in {ev, euro.market.address}
        assert refusal == (Failure("Blocked", (blocked,)) if stopped else None)
        assert euro.balance(ev) == (amount if stopped else 0)
    euro.tell("setBlocked", blocked, False)
    for ev in paid:
        if euro.balance(ev):
            euro.do(ev, "withdraw", euro.balance(ev), ev)
    assert euro.held() == euro.booked() == 0


def test_whom_the_issuer_blocks_has_somebody_else_paid(euro: Stage) -> None:
    euro.tell("setBlocked", BOB, True)

    euro.do(BOB, "withdraw", FUNDS, ERIN)

    assert euro.held(ERIN) == FUNDS


def test_a_trade_goes_on_while_the_token_is_paused(euro: Stage) -> None:
    _trade(euro, disturb=lambda: euro.tell("setPaused", True))

    assert euro.attempt(BOB, "withdraw", FUNDS, BOB) == Failure("EnforcedPause", ())
    euro.act(BOB, euro.token, "approve", euro.market.address, 1)
    assert euro.attempt(BOB, "deposit", 1) == Failure("EnforcedPause", ())
    euro.tell("setPaused", False)
    for ev in (ALICE, BOB, CAROL):
        euro.do(ev, "withdraw", euro.balance(ev), ev)
    assert euro.held() == 0


def test_a_fee_that_the_issuer_brings_in_later_keeps_nobody_in(euro: Stage, project: Any) -> None:
    code = Interface(project.StablecoinWithFee.contract_type).creation_code()
    with_fee = euro.chain.deploy(DEPLOYER.address, code)

    _trade(euro, disturb=lambda: euro.tell("upgrade", with_fee))

    euro.act(BOB, euro.token, "approve", euro.market.address, 100)
    held = euro.held()
    assert euro.attempt(BOB, "deposit", 100) == Failure(INEXACT, (100, held, held + 99))
    euro.do(BOB, "withdraw", FUNDS, BOB)
    assert euro.held(BOB) == FUNDS + FUNDS - FUNDS // 100


def test_code_that_is_no_token_any_more_loses_nothing(euro: Stage, project: Any) -> None:
    """What is in the market stays there, and trades go on."""
    wrong = Interface(project.MarketLens.contract_type).creation_code()
    code = euro.chain.deploy(DEPLOYER.address, wrong)
    held, booked = euro.held(), euro.booked()
    euro.solvent = False  # there is no balance to ask for

    _trade(euro, disturb=lambda: euro.tell("upgrade", code))

    for ev in (ALICE, BOB, CAROL):
        assert euro.attempt(ev, "withdraw", 1, ev) == Failure(WITHOUT_A_REASON, ())
    assert euro.booked() == booked == held


def test_an_authorization_that_was_used_moves_nothing(euro: Stage) -> None:
    nonce = b"\7" * 32
    signature = euro.authorize(euro.market.address, 1_000, nonce)
    call = (BOB, 1_000, 0, FOREVER, nonce, *signature)

    euro.do(ERIN, "depositWithAuthorization", *call)
    again = euro.attempt(ALICE, "depositWithAuthorization", *call)

    assert euro.balance(BOB) == FUNDS + 1_000
    assert again == Failure("ERC3009UsedAuthorization", (BOB, nonce))
