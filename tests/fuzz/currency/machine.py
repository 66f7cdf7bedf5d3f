"""What people, tokens and issuers may do to the currency room, in any order."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from eth_account import Account
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ape_v2v.evm.chains import Chain
from tests.helpers.token_stage import Way
from tests.model.currency import BLOCKS, MOST, UINT256, Authorization
from tests.model.signatures import Message

from .. import strategies as some
from ..actors import ACTORS, MALLORY, OTHER_MARKET, PEOPLE, THE_MARKET
from ..campaign import SHRINKING
from ..campaign import run as run_machine
from ..in_process import fast_chain
from ..present import pick_from
from ..signing import Draft, Signed, spoiled
from ..strategies import Flaw, Share, weighted
from ..tally import Tally
from .world import FUNDS, Artifacts, CurrencyTally, CurrencyWorld

HEADROOM = 2 * FUNDS
"""What a market that is nearly full still takes."""

people = st.sampled_from(list(PEOPLE))
payees = weighted({None: 8, **dict.fromkeys(ACTORS, 1)})
ways = weighted({**dict.fromkeys(Way, 1), Way.HONEST: 8})
# How much the market may take, less what is needed; None for all that there is.
allowances = weighted({0: 6, -1: 1, None: 3})
# A nearly full market is filled to what it just takes, or one unit more.
fills = weighted({None: 4, 0: 1, 1: 1})
authorization_flaws = weighted(
    {
        Flaw.NONE: 12, Flaw.OTHER_SIGNER: 1, Flaw.OTHER_VALUE: 1, Flaw.OTHER_MARKET: 1,
        Flaw.HIGH_S: 1, Flaw.ZEROS: 1,
    }
)  # fmt: skip
# Seconds from now to the first and last second that are too early and too late.
windows = weighted({(-1, 1): 6, (-60, 60): 4, (0, 60): 1, (-60, 0): 1})
inner_calls = st.sampled_from(["deposit", "depositFor", "withdraw", "withdrawFor"])
# Of what says little the second time.
now_and_then = precondition(lambda machine: machine._steps % 4 == 0)
mostly_a_stablecoin = precondition(lambda machine: not machine.odd or machine._steps % 4 == 0)
is_odd = precondition(lambda machine: machine.odd)
is_a_stablecoin = precondition(lambda machine: not machine.odd)


class SignedWithdrawal(NamedTuple):
    account: str
    amount: int
    to: str
    deadline: int
    signed: Signed


class CurrencyMachine(RuleBasedStateMachine):
    """Every rule is one call, mostly; the world compares and checks after each."""

    def __init__(self, new_chain: Callable[[], Chain], artifacts: Artifacts, tally: Tally) -> None:
        super().__init__()
        self._new_chain = new_chain
        self._artifacts = artifacts
        self._tally = tally
        self._withdrawals: list[SignedWithdrawal] = []
        self._authorizations: list[tuple[tuple[Any, ...], tuple[str, Authorization]]] = []
        self._steps = 0

    @initialize(odd=st.booleans(), members=some.members, full=some.sometimes)
    def open_market(self, odd: bool, members: list[str], full: bool) -> None:
        self.odd, self._full = odd, full
        self.world = CurrencyWorld(self._new_chain(), self._artifacts, odd, self._tally)
        self.world.admit(members)
        if full:
            self.world.mint(self.world.market.address, MOST - HEADROOM)
        for who in PEOPLE:
            self.world.allow(who, FUNDS)
            self._deposit(who, who, FUNDS // 4)

    @invariant()
    def count_step(self) -> None:
        self._steps += 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self._tally.lengths[self._steps] += 1
        with self.world.chain:
            if not self.world.broken:
                self.world.everybody_leaves()
                self._tally.departures += 1

    # --- In -----------------------------------------------------------------------------------

    @rule(
        who=some.actors,
        to=payees,
        share=some.withdrawals,
        allowance=allowances,
        way=ways,
        fill=fills,
    )
    def deposit(
        self,
        *,
        who: str,
        to: str | None,
        share: Share,
        allowance: int | None,
        way: Way,
        fill: int | None,
    ) -> None:
        amount = self._part(share, self.world.held(who))
        if self._full and fill is not None:
            amount = MOST - self.world.held(THE_MARKET) + fill
            self.world.mint(self.world.address(who), amount)
        self.world.allow(who, UINT256 if allowance is None else max(0, amount + allowance))
        with self.world.behaving(way):
            self._deposit(who, to or who, amount)

    def _deposit(self, who: str, to: str, amount: int) -> bool:
        if to == who:
            return self.world.execute("deposit", who, amount)
        return self.world.execute("depositFor", who, self.world.address(to), amount)

    @mostly_a_stablecoin
    @rule(
        holder=people,
        sender=some.actors,
        share=some.withdrawals,
        window=windows,
        flaw=authorization_flaws,
        way=ways,
    )
    def deposit_with_authorization(
        self,
        *,
        holder: str,
        sender: str,
        share: Share,
        window: tuple[int, int],
        flaw: Flaw,
        way: Way,
    ) -> None:
        world = self.world
        after, before = (world.now + seconds for seconds in window)
        asked = Authorization(
            world.chain.chain_id,
            world.token.address,
            world.address(holder),
            world.market.address,
            self._part(share, world.held(holder)),
            after,
            min(before, BLOCKS - 1),
            len(self._authorizations).to_bytes(32),
        )
        signature, signer, really = self._authorize(holder, asked, flaw)
        r, s, v = signature[:32], signature[32:64], signature[64]
        arguments = (asked.holder, *asked[4:], v, r, s)
        self._authorizations.append((arguments, (signer, really)))
        with world.behaving(way):
            world.execute("depositWithAuthorization", sender, *arguments, signed=(signer, really))

    @mostly_a_stablecoin
    @precondition(lambda machine: machine._authorizations)
    @rule(sender=some.actors, pick=some.picks)
    def use_an_authorization_again(self, sender: str, pick: int) -> None:
        arguments, signed = pick_from(self._authorizations[::-1], pick)
        self.world.execute("depositWithAuthorization", sender, *arguments, signed=signed)

    @staticmethod
    def _authorize(
        holder: str, asked: Authorization, flaw: Flaw
    ) -> tuple[bytes, str, Authorization]:
        """The signature, whose it is, and over what."""
        signer = next(n for n in PEOPLE if n != holder) if flaw is Flaw.OTHER_SIGNER else holder
        if flaw is Flaw.OTHER_VALUE:
            asked = asked._replace(amount=asked.amount + 1)
        if flaw is Flaw.OTHER_MARKET:
            asked = asked._replace(payee=OTHER_MARKET)
        key = PEOPLE[signer].key
        signature = bytes(Account.sign_message(asked.signable, key).signature)
        return spoiled(signature, flaw), PEOPLE[signer].address, asked

    # --- Out ----------------------------------------------------------------------------------

    @rule(who=some.actors, share=some.withdrawals, to=some.receivers, way=ways)
    def withdraw(self, who: str, share: Share, to: str | None, way: Way) -> None:
        amount = self._part(share, self.world.balance(who))
        with self.world.behaving(way):
            self.world.execute("withdraw", who, amount, self.world.address(to or who))

    @rule(
        who=people,
        sender=some.actors,
        share=some.withdrawals,
        to=some.receivers,
        deadline=some.deadlines,
        flaw=some.bid_flaws,
        way=ways,
        kept=some.seldom,
    )
    def withdraw_by_signature(
        self,
        *,
        who: str,
        sender: str,
        share: Share,
        to: str | None,
        deadline: int | None,
        flaw: Flaw,
        way: Way,
        kept: bool,
    ) -> None:
        """Somebody signs a withdrawal; somebody sends it, now or later."""
        amount = self._part(share, self.world.balance(who))
        last = UINT256 if deadline is None else self.world.now + deadline
        withdrawal = self._sign(who, amount, self.world.address(to or who), last, flaw)
        self._withdrawals.append(withdrawal)
        if not kept:
            with self.world.behaving(way):
                self._send(sender, withdrawal)

    @precondition(lambda machine: machine._withdrawals)
    @rule(sender=some.actors, pick=some.picks)
    def send_an_earlier_withdrawal(self, sender: str, pick: int) -> None:
        self._send(sender, pick_from(self._withdrawals[::-1], pick))

    @now_and_then
    @rule(who=people)
    def revoke(self, who: str) -> None:
        self.world.execute("revokeBids", who)

    def _send(self, sender: str, withdrawal: SignedWithdrawal) -> bool:
        *arguments, signed = withdrawal
        return self.world.execute(
            "withdrawFor", sender, *arguments, signed.signature, signed=signed
        )

    def _sign(
        self, who: str, amount: int, to: str, deadline: int, flaw: Flaw, more: int = 0
    ) -> SignedWithdrawal:
        """What somebody signs, by its sequence and `more`."""
        world, account = self.world, self.world.address(who)
        sequence = world.model.sequences[account] + more
        chain_id, market = world.chain.chain_id, world.market.address
        draft = Draft(
            Message(chain_id, market, "Withdrawal", (amount, to, sequence, deadline)),
            {
                Flaw.OTHER_VALUE: (amount + 1, to, sequence, deadline),
                Flaw.OTHER_NONCE: (amount, to, sequence + 1, deadline),
                Flaw.OTHER_TERMS: (amount, OTHER_MARKET, sequence, deadline),
                Flaw.OTHER_AUCTION: (amount, to, sequence, deadline - 1),
            },
            Message(chain_id, market, "Bid", (int(to, 16), 1, 1, 1, amount, sequence, deadline)),
            PEOPLE[who].key,
            next(one.key for name, one in PEOPLE.items() if name != who),
        )
        return SignedWithdrawal(account, amount, to, deadline, draft.sign(flaw))

    # --- Tokens and their issuers -------------------------------------------------------------

    @is_odd
    @now_and_then
    @rule(
        who=people,
        outer=st.sampled_from(["deposit", "withdraw", "withdrawFor"]),
        inner=inner_calls,
        before=st.booleans(),
    )
    def call_back(self, who: str, outer: str, inner: str, before: bool) -> None:
        """In the middle of a transfer, the token has another one begun."""
        world, account = self.world, self.world.address(who)
        for one in (who, MALLORY):
            world.allow(one, UINT256)
            self._deposit(one, one, min(100, world.held(one)))
        # The outer one has counted when the inner one comes.
        inside = self._sign(who, 1, account, UINT256, Flaw.NONE, more=outer == "withdrawFor")
        calls: dict[str, tuple[Any, ...]] = {
            "deposit": (1,),
            "depositFor": (account, 1),
            "withdraw": (1, world.address(MALLORY)),
            "withdrawFor": (*inside[:4], inside.signed.signature),
        }
        with world.calling_back(inner, *calls[inner], before=before):
            if outer == "deposit":
                self._deposit(who, who, min(10, world.held(who)))
            elif outer == "withdraw":
                world.execute("withdraw", who, min(10, world.balance(who)), account)
            else:
                self._send(MALLORY, self._sign(who, 10, account, UINT256, Flaw.NONE))

    @is_a_stablecoin
    @rule(who=st.sampled_from((*ACTORS, THE_MARKET)), blocked=some.mostly, paused=some.seldom)
    def the_issuer_acts(self, who: str, blocked: bool, paused: bool) -> None:
        """Block somebody, or the market, or nobody any more; or pause the token for a while."""
        self.world.set_paused(paused)
        self.world.set_blocked(self.world.address(who), blocked)

    @is_a_stablecoin
    @now_and_then
    @rule()
    def the_issuer_relents(self) -> None:
        self.world.set_paused(False)
        for who in (*ACTORS, THE_MARKET):
            self.world.set_blocked(self.world.address(who), False)

    @now_and_then
    @rule(amount=st.sampled_from([1, 1_000, 10**9]))
    def tokens_come_from_nowhere(self, amount: int) -> None:
        self.world.mint(self.world.market.address, amount)

    @rule(seconds=some.pauses)
    def time_passes(self, seconds: int) -> None:
        self.world.wait(seconds)

    @staticmethod
    def _part(share: Share, whole: int) -> int:
        return {
            Share.NOTHING: 0,
            Share.ONE: 1,
            Share.QUARTER: whole // 4,
            Share.ALL: whole,
            Share.ALL_AND_ONE: whole + 1,
        }[share]


def fuzz(
    artifacts: Artifacts,
    number: int,
    steps: int,
    *,
    phases: Collection[Phase] = SHRINKING,
    tally: CurrencyTally | None = None,
) -> CurrencyTally:
    """Let people, tokens and issuers loose on the currency room, and count what they reach."""
    counts = CurrencyTally() if tally is None else tally

    class Machine(CurrencyMachine):
        def __init__(self) -> None:
            super().__init__(fast_chain, artifacts, counts)

    run_machine(Machine, number, steps, phases, counts)
    return counts
