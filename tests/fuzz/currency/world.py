"""A market in a token and the model of its currency room: each call is made to both.

Both have to agree. What has to hold besides is checked on what the chain says, without the model.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from ethpm_types import ContractType

from ape_v2v.evm.chains import ZERO_ADDRESS, Chain, Execution
from ape_v2v.evm.contracts import Contract, DecodedEvent, Failure, Interface
from tests.helpers.scenario import PARAMETERS
from tests.helpers.token_stage import Way
from tests.model.currency import (
    Authorization,
    Caller,
    CurrencyRoom,
    OddToken,
    Stablecoin,
)
from tests.model.refusal import Refused

from ..actors import DEPLOYER, MALLORY, NOBODY, OPERATOR, PEOPLE, THE_MARKET
from ..signing import Signed
from ..tally import Tally

FUNDS = 10**12 + 7
"""What everybody has at first, units of the token."""

METHODS: dict[str, Callable[..., list[DecodedEvent]]] = {
    "deposit": CurrencyRoom.deposit,
    "depositFor": CurrencyRoom.deposit_for,
    "depositWithAuthorization": CurrencyRoom.deposit_with_authorization,
    "revokeBids": CurrencyRoom.revoke_bids,
    "withdraw": CurrencyRoom.withdraw,
    "withdrawFor": CurrencyRoom.withdraw_for,
}
_INS = ("deposit", "depositFor", "depositWithAuthorization")
_OUTS = ("withdraw", "withdrawFor")
_REFUSALS = {
    "", "BalanceTooLow", "Blocked", "ECDSAInvalidSignature", "ECDSAInvalidSignatureLength",
    "ECDSAInvalidSignatureS", "ERC20InsufficientAllowance", "ERC20InsufficientBalance",
    "ERC3009InvalidAuthorizationTime", "ERC3009InvalidSignature", "ERC3009UsedAuthorization",
    "EnforcedPause", "InexactTransfer", "InvalidReceiver", "NotEV", "Panic", "Refused",
    "SafeERC20FailedOperation", "SignatureExpired", "TooMuchHeld", "WrongSigner", "ZeroAmount",
}  # fmt: skip
_CALLED_BACK = "a token calls back"


class CurrencyTally(Tally):
    """Counts what has been done to the currency room."""

    def missing(self) -> list[str]:
        refused = {name for counter in self.refusals.values() for name in counter}
        undone = [one for one in (*METHODS, _CALLED_BACK) if not self.successes[one]]
        return [*undone, *(f"refused with {name!r}" for name in sorted(_REFUSALS - refused))]


class Artifacts(NamedTuple):
    """The compiled contracts: the market that is tested, and those that take part in the test."""

    market: Interface
    hostile: Interface
    odd: Interface
    stablecoin: Interface
    proxy: Interface


class Build(NamedTuple):
    market: ContractType
    hostile: ContractType
    odd: ContractType
    stablecoin: ContractType
    proxy: ContractType

    @classmethod
    def of(cls, project: Any) -> "Build":
        names = ("V2VTokenMarket", "HostileEV", "OddToken", "Stablecoin", "StablecoinProxy")
        return cls(*(getattr(project, name).contract_type for name in names))

    def artifacts(self) -> Artifacts:
        market, hostile, odd, stablecoin, proxy = self
        return Artifacts(
            # A market passes on what a token refuses it with.
            Interface(market, odd, stablecoin),
            Interface(hostile, market, odd),
            Interface(odd),
            Interface(stablecoin),
            Interface(proxy),
        )


class Seen(NamedTuple):
    """What the chain says of everybody's money."""

    balances: dict[str, int]
    sequences: dict[str, int]
    tokens: dict[str, int]


class CurrencyWorld:
    def __init__(self, chain: Chain, artifacts: Artifacts, odd: bool, tally: Tally) -> None:
        self.chain = chain
        self.tally = tally
        self.broken = False
        """Whether model and contract have come apart."""
        self.strays = 0
        """Tokens that came to the market past it: nobody's."""
        self._paid_in: defaultdict[str, int] = defaultdict(int)
        self._paid_out: defaultdict[str, int] = defaultdict(int)
        self._used: set[object] = set()

        token = self._deploy_token(artifacts, odd)
        rules = tuple({**PARAMETERS, "minPenalty": 1}.values())
        organization = PEOPLE["organization"].address
        code = artifacts.market.creation_code(organization, rules, token.address)
        self.market = Contract(chain, chain.deploy(DEPLOYER.address, code), artifacts.market)
        code = artifacts.hostile.creation_code(self.market.address)
        hostile = chain.deploy(DEPLOYER.address, code)
        self.hostile = Contract(chain, hostile, artifacts.hostile)
        self.token = token
        kind = OddToken if odd else Stablecoin
        self.model = CurrencyRoom(chain.chain_id, self.market.address, kind(token.address))
        self.addresses = {name: one.address for name, one in PEOPLE.items()}
        self.addresses |= {MALLORY: hostile, NOBODY: ZERO_ADDRESS}
        self._names = {address: name for name, address in self.addresses.items()}
        for who in (*PEOPLE, MALLORY):
            self.mint(self.addresses[who], FUNDS)

    @property
    def now(self) -> int:
        return self.chain.timestamp

    def wait(self, seconds: int) -> None:
        self.chain.timestamp += seconds

    def address(self, name: str) -> str:
        return self.market.address if name == THE_MARKET else self.addresses[name]

    def held(self, name: str) -> int:
        """What somebody has outside."""
        return self.model.token.balances[self.address(name)]

    def balance(self, name: str) -> int:
        """What somebody has inside."""
        return self.model.balances[self.address(name)]

    # --- Around the market --------------------------------------------------------------------

    def admit(self, names: list[str]) -> None:
        addresses = [self.address(name) for name in names]
        data = self.market.interface.call_data("addEVs", addresses, [""] * len(names))
        organization = PEOPLE["organization"].address
        assert self.chain.transact(organization, self.market.address, data).success
        self.model.evs.update(addresses)

    def mint(self, account: str, amount: int) -> None:
        """Let tokens come from nowhere, unless their issuer has stopped that."""
        token = self.model.token
        if isinstance(token, Stablecoin) and (token.paused or account in token.blocked):
            return
        self._tell("mint", account, amount)
        self.model.token.balances[account] += amount
        if account == self.market.address:
            self.strays += amount
        self._compare()

    def allow(self, who: str, amount: int) -> None:
        """Let the market take so much from somebody."""
        owner, data = self.address(who), (self.market.address, amount)
        if isinstance(self.model.token, OddToken):
            self._tell("allow", owner, *data)
        elif who != MALLORY:  # which has no key and no words for it
            call = self.token.interface.call_data("approve", *data)
            assert self.chain.transact(owner, self.token.address, call).success
        else:
            return
        self.model.token.allowances[owner, self.market.address] = amount

    def set_paused(self, paused: bool) -> None:
        assert isinstance(self.model.token, Stablecoin)
        if self.model.token.paused is not paused:
            self._tell("setPaused", paused)
            self.model.token.paused = paused

    def set_blocked(self, account: str, blocked: bool) -> None:
        assert isinstance(self.model.token, Stablecoin)
        self._tell("setBlocked", account, blocked)
        (self.model.token.blocked.add if blocked else self.model.token.blocked.discard)(account)

    @contextmanager
    def behaving(self, way: Way) -> Iterator[None]:
        """The token behaves like this, and afterwards well again."""
        token = self.model.token
        if not isinstance(token, OddToken) or way is Way.HONEST:
            yield
            return
        self._tell("behave", way)
        token.way = way
        self._hidden = way is Way.HIDES_BALANCES
        yield
        self._tell("behave", Way.HONEST)
        token.way = Way.HONEST
        self._hidden = False
        self._compare()

    _hidden = False

    @contextmanager
    def calling_back(self, method: str, *arguments: Any, before: bool) -> Iterator[None]:
        """In the next transfer the token lets the hostile contract call the market."""
        call = self.market.interface.call_data(method, *arguments)
        act = self.hostile.interface.call_data("act", call)
        self._tell("callBack", self.hostile.address, act, before)
        yield
        assert self.token.view("calledBack") is False, f"{method} while money moves"
        answer = self.token.view("answer")
        self._tell("callBack", ZERO_ADDRESS, b"", False)
        if answer:
            self.tally.count(_CALLED_BACK, None)

    def _tell(self, method: str, *arguments: Any) -> None:
        data = self.token.interface.call_data(method, *arguments)
        assert self.chain.transact(OPERATOR.address, self.token.address, data).success, method

    def _deploy_token(self, artifacts: Artifacts, odd: bool) -> Contract:
        def deploy(interface: Interface, *arguments: Any) -> str:
            return self.chain.deploy(DEPLOYER.address, interface.creation_code(*arguments))

        if odd:
            return Contract(self.chain, deploy(artifacts.odd), artifacts.odd)
        code = deploy(artifacts.stablecoin)
        return Contract(self.chain, deploy(artifacts.proxy, code), artifacts.stablecoin)

    # --- Calls --------------------------------------------------------------------------------

    def execute(self, function: str, who: str, *arguments: Any, signed: Any = None) -> bool:
        """Let somebody call the market, with what somebody has `signed` perhaps.

        Returns whether it succeeded, on which model and contract agree.
        """
        self.broken = True
        caller = Caller(self.address(who), self.now)
        expected = self._expect(partial(METHODS[function], self.model, caller, *arguments))
        data = self.market.interface.call_data(function, *arguments)
        actual = self._decoded(self._send(caller.sender, data))
        assert actual == expected, (
            f"{function}{arguments} by {who} at {self.now}:\n"
            f"  model:    {expected}\n  contract: {actual}"
        )
        failure = actual if isinstance(actual, Failure) else None
        before = self._seen
        if not self._hidden:
            self._compare()
        if failure is None:
            self._check(function, caller, arguments, before)
            if signed is not None:
                self._check_signed(arguments, signed)
        elif not self._hidden:
            assert self._seen == before, f"{function} was refused and has moved money"
        self.tally.count(function, failure)
        self.broken = False
        return failure is None

    def _expect(self, ask: Callable[[], list[DecodedEvent]]) -> list[DecodedEvent] | Failure:
        try:
            with self.model.all_or_nothing():
                return ask()
        except Refused as refusal:
            return Failure(refusal.name, refusal.values)

    def _send(self, sender: str, data: bytes) -> Execution:
        if sender != self.hostile.address:
            return self.chain.transact(sender, self.market.address, data)
        act = self.hostile.interface.call_data("act", data)
        return self.chain.transact(OPERATOR.address, sender, act)

    def _decoded(self, receipt: Execution) -> list[DecodedEvent] | Failure:
        if not receipt.success:
            return self.market.interface.failure(receipt.output)
        # The token's are its own affair.
        logs = [log for log in receipt.logs if log.address == self.market.address]
        return self.market.interface.events(logs)

    # --- What has to hold ---------------------------------------------------------------------

    def _look(self) -> Seen:
        records = {one: self.market.view("evs", one) for one in self._names}
        places = (*self._names, self.market.address, self.token.address)
        return Seen(
            {one: record[0] for one, record in records.items()},
            {one: record[4] for one, record in records.items()},
            {one: self.token.view("balanceOf", one) for one in places},
        )

    def _compare(self) -> None:
        """The chain and the model, and the first invariant: what is held is what is credited."""
        self._seen = self._look()
        balances, sequences, tokens = self._seen
        assert balances == {one: self.model.balances[one] for one in balances}
        assert sequences == {one: self.model.sequences[one] for one in sequences}
        assert tokens == {one: self.model.token.balances[one] for one in tokens}
        held = tokens[self.market.address]
        assert held == sum(balances.values()) + self.strays, "held is not what is credited"

    def _check(
        self, function: str, caller: Caller, arguments: tuple[Any, ...], before: Seen
    ) -> None:
        """What came is credited, to one account; what is paid is taken from one; never more."""
        account = {
            "depositFor": arguments[:1],
            "depositWithAuthorization": arguments[:1],
            "withdrawFor": arguments[:1],
        }.get(function, (caller.sender,))[0]
        market, now = self.market.address, self._seen
        moved = now.tokens[market] - before.tokens[market]
        changed = {one: n - before.balances[one] for one, n in now.balances.items()}
        assert changed.pop(account) == moved, f"{function}: {moved} moved"
        assert not any(changed.values()), f"{function}: somebody else's balance has changed"
        assert moved > 0 if function in _INS else moved < 0 if function in _OUTS else moved == 0
        self._paid_in[account] += max(moved, 0)
        self._paid_out[account] += max(-moved, 0)
        assert self._paid_out[account] <= self._paid_in[account], f"{account} got too much"

    def _check_signed(
        self, arguments: tuple[Any, ...], signed: Signed | tuple[str, Authorization]
    ) -> None:
        """It was signed by the account, over just this, is in time, and used for the first time."""
        if isinstance(signed, Signed):
            account, amount, to, deadline, _ = arguments
            assert signed.signer == account, "a signature of somebody else"
            message = signed.message
            assert message.purpose == "Withdrawal"
            assert (message.chain_id, message.market) == (self.chain.chain_id, self.market.address)
            assert (*message.values[:2], message.values[3]) == (amount, to, deadline)
            assert self.now <= deadline, "a signature out of time"
            use: object = (signed.signer, message)
        else:
            signer, asked = signed
            assert signer == arguments[0] == asked.holder, "a signature of somebody else"
            assert asked.payee == self.market.address
            assert asked[4:] == arguments[1:5]
            assert asked.valid_after < self.now < asked.valid_before, "a signature out of time"
            use = (asked.holder, asked.nonce)
        assert use not in self._used, "a signature was used twice"
        self._used.add(use)

    # --- The end ------------------------------------------------------------------------------

    def everybody_leaves(self) -> None:
        """All get out what is theirs, whatever has been done; what is nobody's stays."""
        token = self.model.token
        if isinstance(token, Stablecoin):
            self.set_paused(False)
            for account in sorted(token.blocked):
                self.set_blocked(account, False)
        for who in (*PEOPLE, MALLORY):
            if amount := self.balance(who):
                assert self.execute("withdraw", who, amount, self.address(who))
        assert self._seen.tokens[self.market.address] == self.strays
        for account, paid in self._paid_in.items():
            assert self._paid_out[account] == paid
