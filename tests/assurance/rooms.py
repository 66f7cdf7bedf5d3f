"""The programs that have to tell a changed market in a token, or a changed delegate, from its own.

What the market in ether does too is told by programs.py. Here are all the misbehaving tokens of the
attack tests, and what those leave out: every argument at its bounds.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

from eth_account import Account

from ape_v2v.evm.chains import EvmReverted
from ape_v2v.evm.contracts import Contract, Interface
from tests.attacks import test_odd_tokens as odd_tokens
from tests.fuzz.actors import DEPLOYER, PEOPLE
from tests.fuzz.recording import Program
from tests.helpers.scenario import BIDDING_TIME, ENERGY, PARAMETERS, VALIDITY, ZERO_ADDRESS
from tests.helpers.sponsoring import sign_calls
from tests.helpers.token_stage import (
    ALICE,
    BOB,
    CAROL,
    ERIN,
    FUNDS,
    MAX_RATE,
    MOST,
    ORGANIZATION,
    RATE,
    Stage,
    Way,
)
from tests.helpers.tokens import FOREVER
from tests.model.signatures import Message

from .programs import BareRecorder, slot_of

RULES = tuple({**PARAMETERS, "minPenalty": 1}.values())
TERMS = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
NONCES = 0xBB7091DAA1EF62F7C0A20E158AF5BA6D4E3523667F2AD53EA89E11784C62E400 + 2
"""Where an account keeps its nonces: tests/contracts/test_sponsored_account.py derives it."""


def of_token_market(project: Any) -> list[Program]:
    """All misbehaving tokens, and every way in and out at its bounds."""
    programs = [on_odd(project, attack) for attack in _attacks()]
    programs += [_on_euro(project, attack) for attack in _issuers(project)]
    programs += [on_odd(project, ways_at_their_bounds), on_odd(project, _signed_withdrawals)]
    programs += [on_odd(project, _ether), _on_euro(project, _authorizations)]
    return [*programs, _constructions(project)]


def of_account(project: Any) -> list[Program]:
    """Calls that an account has signed, and all that differs from what it has signed."""
    recorder = BareRecorder()
    interface = Interface(project.SponsoredAccount.contract_type)
    contract = recorder.deploy(DEPLOYER.address, interface.creation_code())
    # Who has code takes ether; a call of who has none is refused.
    for who in (BOB, ALICE, CAROL):
        recorder.delegate(who, contract)
    recorder.set_balance(BOB, 10)
    account = Contract(recorder, BOB, interface)
    key = Account.from_key(PEOPLE["bob"].key)
    other = Account.from_key(PEOPLE["carol"].key)
    calls = [(ALICE, 3, b""), (CAROL, 2, b"")]
    now = recorder.timestamp

    def execute(
        made: list[tuple[str, int, bytes]], deadline: int, signature: bytes, at: int = now
    ) -> None:
        recorder.timestamp = at
        data = interface.call_data("execute", made, deadline, signature)
        recorder.transact(ERIN, BOB, data)
        for who in (BOB, ALICE, CAROL):
            recorder.balance(who)
        account.view("nonces", BOB)
        recorder.storage(BOB, slot_of(BOB, NONCES))

    signed = partial(sign_calls, key, calls, deadline=now + 60)
    for wrong in (
        signed(1), signed(0, chain_id=1), signed(0, account=other), signed(0)[:-1],
        signed(0) + b"\0", sign_calls(other, calls, 0, account=key, deadline=now + 60), b"",
    ):  # fmt: skip
        execute(calls, now + 60, wrong)
    for changed in (
        calls[::-1], calls[:1], [*calls, calls[0]], [], [(ALICE, 4, b""), calls[1]],
        [(CAROL, 3, b""), calls[1]], [(ALICE, 3, b"\0"), calls[1]],
    ):  # fmt: skip
        execute(changed, now + 60, signed(0))
    execute(calls, now + 61, signed(0))
    execute(calls, now + 60, signed(0), at=now + 61)
    execute(calls, now + 60, signed(0), at=now + 60)
    execute(calls, now + 60, signed(0), at=now + 60)
    # The second of them has not enough: none is made.
    dear = [(ALICE, 3, b""), (CAROL, 3, b"")]
    execute(dear, FOREVER, sign_calls(key, dear, 1))
    execute([], FOREVER, sign_calls(key, [], 1))
    execute(calls, FOREVER, sign_calls(key, calls, 1))
    execute(calls, FOREVER, sign_calls(key, calls, 2))
    for refused in ([(ERIN, 0, b"")], [(contract, 0, b"\xff" * 4)]):
        execute(refused, FOREVER, sign_calls(key, refused, 3))
    paid = interface.call_data("execute", [], FOREVER, sign_calls(key, [], 3))
    recorder.set_balance(ERIN, 10)
    recorder.transact(ERIN, BOB, paid, 1)
    digest = b"\7" * 32
    by_key = key.unsafe_sign_hash(digest).signature
    for hashed, signature in ((digest, by_key), (b"\6" * 32, by_key), (digest, by_key[:-1])):
        account.view("isValidSignature", hashed, bytes(signature))
    account.view("eip712Domain")
    recorder.transact(ERIN, BOB, b"\xff" * 4)
    recorder.set_balance(ERIN, 10)
    recorder.transact(ERIN, BOB, b"", 1)
    return [recorder.program]


# The attack tests, done on a chain that is taken down.

Attack = Callable[[Stage], None]


def _attacks() -> Iterator[Attack]:
    for way in Way:
        for name in (
            "test_what_a_token_takes_in_is_credited_exactly_or_refused",
            "test_what_a_token_pays_out_is_what_was_asked_for_or_refused",
        ):
            yield partial(getattr(odd_tokens, name), way=way)
    for outer, inner, before in product(
        ("deposit", "withdraw", "withdrawFor"), odd_tokens.MONEY_MOVES, (True, False)
    ):
        yield partial(
            odd_tokens.test_no_money_moves_while_money_moves,
            outer=outer,
            inner=inner,
            before=before,
        )
    yield odd_tokens.test_a_token_that_knows_no_authorization_and_takes_the_call_moves_nothing
    yield odd_tokens.test_a_fee_is_not_made_good_by_a_second_deposit
    yield odd_tokens.test_money_on_its_way_in_is_nobodys_yet
    yield odd_tokens.test_a_trade_is_moved_on_in_the_middle_of_a_transfer
    yield odd_tokens.test_a_flood_of_tokens_keeps_deposits_out_and_nobody_in


def _issuers(project: Any) -> Iterator[Attack]:
    yield odd_tokens.test_a_trade_goes_on_while_the_token_is_paused
    yield odd_tokens.test_whom_the_issuer_blocks_has_somebody_else_paid
    yield odd_tokens.test_an_authorization_that_was_used_moves_nothing
    yield partial(
        odd_tokens.test_a_fee_that_the_issuer_brings_in_later_keeps_nobody_in, project=project
    )


def on_odd(project: Any, attack: Attack) -> Program:
    recorder = BareRecorder()
    code = Interface(project.OddToken.contract_type).creation_code()
    attack(Stage(recorder, project, recorder.deploy(DEPLOYER.address, code), "OddToken"))
    return recorder.program


def _on_euro(project: Any, attack: Attack) -> Program:
    recorder = BareRecorder()
    code = Interface(project.Stablecoin.contract_type).creation_code()
    implementation = recorder.deploy(DEPLOYER.address, code)
    proxy = Interface(project.StablecoinProxy.contract_type).creation_code(implementation)
    attack(Stage(recorder, project, recorder.deploy(DEPLOYER.address, proxy), "Stablecoin"))
    return recorder.program


# What they leave out.


def _constructions(project: Any) -> Program:
    """Markets in tokens of every fineness, and in what is no token."""
    recorder = BareRecorder()
    own = Interface(project.TestToken.contract_type)
    interface = Interface(project.V2VTokenMarket.contract_type)
    tokens = [recorder.deploy(DEPLOYER.address, own.creation_code(n)) for n in (0, 5, 6, 7, 255)]
    for token in (*tokens, ZERO_ADDRESS, ERIN):
        for organization in (ORGANIZATION, ZERO_ADDRESS):
            code = interface.creation_code(organization, RULES, token)
            try:
                market = recorder.deploy(DEPLOYER.address, code)
            except EvmReverted:
                continue
            for view in ("currency", "owner", "parameters"):
                Contract(recorder, market, interface).view(view)
    return recorder.program


def ways_at_their_bounds(stage: Stage) -> None:
    stage.market.view("currency")
    for amount in (0, 1, FUNDS, FUNDS + 1):
        stage.tell("allow", BOB, stage.market.address, FUNDS)
        stage.attempt(BOB, "deposit", amount)
        for ev in (CAROL, BOB, ERIN, ZERO_ADDRESS):
            stage.attempt(BOB, "depositFor", ev, amount)
            _look(stage)
    for to in (ERIN, ZERO_ADDRESS, stage.market.address, stage.token.address):
        for amount in (0, 1, stage.balance(CAROL) + 1, stage.balance(CAROL)):
            stage.attempt(CAROL, "withdraw", amount, to)
            _look(stage)
    # Up to the most that is held, and one unit more.
    stage.tell("mint", BOB, MOST - stage.held() + 1)
    stage.tell("allow", BOB, stage.market.address, MOST)
    stage.attempt(BOB, "deposit", MOST - stage.held() + 1)
    stage.attempt(BOB, "deposit", MOST - stage.held())
    stage.tell("mint", BOB, 1)
    stage.attempt(BOB, "deposit", 1)
    _look(stage)


def _signed_withdrawals(stage: Stage) -> None:
    now = stage.chain.timestamp
    cases = [
        (amount, to, nonce, now + 60)
        for amount in (0, 1, FUNDS, FUNDS + 1)
        for to in (ERIN, ZERO_ADDRESS)
        for nonce in (0, 1)
    ]
    for amount, to, nonce, deadline in (*cases, (2, ERIN, 1, now + 60), (2, ERIN, 2, now + 59)):
        for who, account in (("bob", BOB), ("carol", BOB), ("bob", ERIN)):
            signature = _signed(stage, who, (amount, to, nonce, deadline))
            for at in (now, now + 60, now + 61):
                snapshot = stage.chain.snapshot()
                stage.chain.timestamp = at
                arguments = (account, amount, to, deadline, signature)
                stage.attempt(ERIN, "withdrawFor", *arguments)
                stage.attempt(ERIN, "withdrawFor", *arguments)
                _look(stage)
                stage.chain.revert(snapshot)
    right = _signed(stage, "bob", (5, ERIN, 0, FOREVER))
    for changed in (
        (BOB, 6, ERIN, FOREVER, right), (BOB, 5, CAROL, FOREVER, right),
        (BOB, 5, ERIN, FOREVER - 1, right), (BOB, 5, ERIN, FOREVER, right[:-1]),
        (CAROL, 5, ERIN, FOREVER, right), (BOB, 5, ERIN, FOREVER, right),
    ):  # fmt: skip
        stage.attempt(ERIN, "withdrawFor", *changed)
        _look(stage)
    # It counts as a revocation: what was signed before is void, what is signed after is not.
    stage.attempt(BOB, "revokeBids")
    stage.attempt(
        ERIN, "withdrawFor", BOB, 5, ERIN, FOREVER, _signed(stage, "bob", (5, ERIN, 1, FOREVER))
    )
    stage.attempt(
        ERIN, "withdrawFor", BOB, 5, ERIN, FOREVER, _signed(stage, "bob", (5, ERIN, 2, FOREVER))
    )
    _look(stage)


def _ether(stage: Stage) -> None:
    """No call of this market takes any; not even where one would pay a bond along."""
    for who in (BOB, CAROL):
        stage.chain.set_balance(who, 10**18)
    for value in (0, 1):
        data = stage.market.interface.call_data("startAuction", *TERMS)
        stage.chain.transact(BOB, stage.market.address, data, value)
    auction_id = stage.market.view("currentAuctionId", BOB)
    offered = ENERGY | MAX_RATE << 32 | VALIDITY << 96
    for value in (1, 0):
        data = stage.market.interface.call_data("placeBid", auction_id, RATE, offered)
        stage.chain.transact(CAROL, stage.market.address, data, value)
    stage.chain.transact(CAROL, stage.market.address, b"", 1)
    _look(stage)


def _authorizations(stage: Stage) -> None:
    now = stage.chain.timestamp
    market = stage.market.address
    for number, (value, after, before, said) in enumerate(
        (
            (1_000, 0, FOREVER, 1_000), (1_000, 0, FOREVER, 999), (0, 0, FOREVER, 0),
            (1_000, now - 1, now + 1, 1_000), (1_000, now, FOREVER, 1_000),
            (1_000, 0, now, 1_000), (3 * FUNDS, 0, FOREVER, 3 * FUNDS),
        )
    ):  # fmt: skip
        nonce = bytes([number]) * 32
        signed = stage.authorize(market, value, nonce, (after, before))
        for holder in (CAROL, BOB, BOB):
            arguments = (holder, said, after, before, nonce, *signed)
            stage.attempt(ERIN, "depositWithAuthorization", *arguments)
            _look(stage)
    payee = stage.authorize(ERIN, 5, b"\x77" * 32)
    stage.attempt(ERIN, "depositWithAuthorization", BOB, 5, 0, FOREVER, b"\x77" * 32, *payee)
    # Past the market, by nobody.
    straight = stage.authorize(market, 5, b"\x78" * 32)
    past = (BOB, market, 5, 0, FOREVER, b"\x78" * 32, *straight)
    data = stage.token.interface.call_data("receiveWithAuthorization", *past)
    stage.chain.transact(ERIN, stage.token.address, data)
    # Who is no EV any more may still pay in for itself.
    stage.do(ORGANIZATION, "removeEV", BOB)
    stage.attempt(ERIN, "depositWithAuthorization", BOB, 5, 0, FOREVER, b"\x78" * 32, *straight)
    _look(stage)


def _signed(stage: Stage, who: str, values: tuple[Any, ...]) -> bytes:
    message = Message(stage.chain.chain_id, stage.market.address, "Withdrawal", values)
    return message.signed_by(PEOPLE[who].key)


def _look(stage: Stage) -> None:
    """What can have moved: balances inside and outside, counts."""
    for who in (*stage.evs, ERIN, ZERO_ADDRESS, stage.market.address):
        stage.market.view("evs", who)
        stage.token.view("balanceOf", who)
