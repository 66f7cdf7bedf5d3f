"""A market on a chain and its model: every call is made to both, and both have to agree.

The world knows who is who and what time it is; rules and tests only say who does what.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any, NamedTuple

from ape_v2v.evm.chains import Chain, EvmReverted, Execution
from ape_v2v.evm.contracts import (
    Contract,
    DecodedEvent,
    Failure,
    Interface,
)
from tests.model.hostile import Answer, HostileEV
from tests.model.ledger import wallet
from tests.model.market import (
    ZERO_ADDRESS,
    Call,
    Market,
    Parameters,
    State,
)
from tests.model.refusal import Refused

from .actors import ACTORS, DEPLOYER, MALLORY, NOBODY, OPERATOR, PEOPLE, THE_MARKET
from .invariants import Invariants, Step
from .observation import Lens, differences, expect
from .signing import Signed
from .tally import Tally
from .transitions import Transition

# More than anybody can lock or lose in a run, and a small part of what 128 bits hold.
ENDOWMENT = 10**33

# The model's method for each function of the contract, by the number of its arguments too.
METHODS: dict[tuple[str, int], Callable[..., list[DecodedEvent]]] = {
    ("acceptOwnership", 0): Market.accept_ownership,
    ("addEV", 2): Market.add_ev,
    ("addEVs", 2): Market.add_evs,
    ("cancelAuction", 2): Market.cancel_auction,
    ("changeStatus", 0): Market.change_status,
    ("deposit", 0): Market.deposit,
    ("depositFor", 1): Market.deposit_for,
    ("endAuction", 1): Market.end_auction,
    ("endConnection", 1): Market.end_connection,
    ("expireConnection", 1): Market.expire_connection,
    ("forfeit", 1): Market.forfeit,
    ("placeBid", 3): Market.place_bid,
    ("placeBidFor", 5): Market.place_bid_for,
    ("removeBid", 1): Market.remove_bid,
    ("removeEV", 1): Market.remove_ev,
    ("renounceOwnership", 0): Market.renounce_ownership,
    ("revokeBids", 0): Market.revoke_bids,
    ("setActive", 1): Market.set_active,
    ("settle", 3): Market.settle,
    ("startAuction", 6): Market.start_auction,
    ("transferOwnership", 1): Market.transfer_ownership,
    ("withdraw", 2): Market.withdraw,
}

# What of a world changes with its chain.
_CHANGING = (
    "model", "mallory", "removed", "turn", "_spent_by_operator", "_invariants", "_observation"
)  # fmt: skip


class Artifacts(NamedTuple):
    """The compiled contracts: the market that is tested, and those that take part in the test."""

    market: Interface
    hostile: Interface
    lens: Interface


class World:
    def __init__(
        self, chain: Chain, artifacts: Artifacts, parameters: Parameters, tally: Tally
    ) -> None:
        self.chain = chain
        self.tally = tally
        self.broken = False
        """Whether model and contract have come apart."""
        for person in (*PEOPLE.values(), OPERATOR):
            chain.set_balance(person.address, ENDOWMENT)

        organization = PEOPLE["organization"].address
        code = artifacts.market.creation_code(organization, parameters)
        market = chain.deploy(DEPLOYER.address, code)
        hostile = chain.deploy(DEPLOYER.address, artifacts.hostile.creation_code(market))
        lens = chain.deploy(DEPLOYER.address, artifacts.lens.creation_code())
        self.contract = Contract(chain, market, artifacts.market)
        self._hostile_interface = artifacts.hostile
        self.model = Market(chain.chain_id, market, organization, parameters)
        self.mallory = HostileEV(hostile)
        self.model.receivers[hostile] = self.mallory

        self.addresses = {name: person.address for name, person in PEOPLE.items()}
        self.addresses[MALLORY] = hostile
        self._names = {address: name for name, address in self.addresses.items()}
        self._accounts = (*self.addresses.values(), OPERATOR.address, ZERO_ADDRESS)
        self._lens = Lens(Contract(chain, lens, artifacts.lens), market, self._accounts)
        self._spent_by_operator = 0
        self.removed: set[str] = set()
        """Who was an EV at some time, and was removed."""
        self.turn = 0
        """How many steps have been made."""
        self._invariants = Invariants(chain.chain_id, market, self.model.ledger)
        self._agree()

    @property
    def now(self) -> int:
        return self.chain.timestamp

    def wait_until(self, moment: int) -> None:
        """Let time pass. It never goes back."""
        self.chain.timestamp = max(self.now, moment)

    def address(self, name: str) -> str:
        others = {NOBODY: ZERO_ADDRESS, THE_MARKET: self.contract.address}
        return others.get(name) or self.addresses[name]

    def name(self, address: str) -> str:
        return self._names[address]

    def balance(self, name: str) -> int:
        """What somebody has in the market."""
        return self.model.balance(self.address(name))

    # --- Calls ------------------------------------------------------------------------------------

    def execute(
        self,
        function: str,
        who: str,
        *arguments: Any,
        value: int = 0,
        signed: Sequence[Signed] = (),
    ) -> bool:
        """Let somebody call the market. `signed` tells where the signatures in it come from.

        Returns whether it succeeded, on which model and contract agree.
        """
        data = self.contract.interface.call_data(function, *arguments)
        call = Call(self.address(who), self.now, value)
        method = METHODS[function, len(arguments)]
        return self._transact(
            function, call, data, partial(method, self.model, call, *arguments), signed
        )

    def transfer(self, who: str, value: int) -> bool:
        """Let somebody send ether to the market without calling a function."""
        call = Call(self.address(who), self.now, value)
        return self._transact("plain transfer", call, b"", partial(self.model.plain_transfer, call))

    def call_unknown(self, who: str, data: bytes, value: int) -> bool:
        """Let somebody call a function that the market does not have."""
        call = Call(self.address(who), self.now, value)
        return self._transact("unknown function", call, data, self.model.unknown_function)

    def force(self, amount: int) -> None:
        """Let Mallory force ether upon the market."""
        self._operate("force", self.contract.address, value=amount)
        self.model.force(OPERATOR.address, amount)
        self._invariants.forced += amount
        self.tally.transitions[Transition.FORCED] += 1
        self._agree()

    def prepare(self, answer: Answer) -> None:
        """Let Mallory decide what it does with ether that the market sends."""
        self._operate("prepare", answer)
        self.mallory.answer = answer

    def _transact(
        self,
        function: str,
        call: Call,
        data: bytes,
        ask_model: Callable[[], list[DecodedEvent]],
        signed: Sequence[Signed] = (),
    ) -> bool:
        self.broken = True
        expected = _outcome(ask_model)
        receipt = self._send(call, data)
        actual = self._decoded(receipt)
        assert actual == expected, (
            f"{function} by {self.name(call.sender)} at {call.now}:\n"
            f"  model:    {expected}\n  contract: {actual}"
        )
        if function == "startAuction" and receipt.success and call.sender != self.mallory.address:
            assert int.from_bytes(receipt.output) == self.model.current_auction_id(call.sender)
        before = self._observation
        self._agree()
        step = Step(
            function=function,
            sender=call.sender,
            value=call.value,
            now=call.now,
            gas_used=receipt.gas_used,
            failure=None if isinstance(actual, list) else actual,
            events=actual if isinstance(actual, list) else [],
            before=before,
            after=self._observation,
            signed=tuple(signed),
        )
        self._invariants.check(step)
        self.tally.add(step, self.model.parameters, self.removed)
        self.removed.update(event.values[0] for event in step.events if event.name == "EVRemoved")
        self.broken = False
        return receipt.success

    def _decoded(self, receipt: Execution) -> list[DecodedEvent] | Failure:
        if not receipt.success:
            return self.contract.interface.failure(receipt.output)
        assert all(log.address == self.contract.address for log in receipt.logs)
        return self.contract.interface.events(receipt.logs)

    def _send(self, call: Call, data: bytes) -> Execution:
        if call.sender != self.mallory.address:
            return self.chain.transact(call.sender, self.contract.address, data, call.value)

        act = self._hostile_interface.call_data("act", data)
        receipt = self.chain.transact(OPERATOR.address, call.sender, act, call.value)
        if receipt.success:
            self._spent_by_operator += call.value
        return receipt

    def _operate(self, method: str, *arguments: Any, value: int = 0) -> None:
        data = self._hostile_interface.call_data(method, *arguments)
        receipt = self.chain.transact(OPERATOR.address, self.mallory.address, data, value)
        assert receipt.success, f"Mallory cannot {method}"

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """What succeeds in here is undone in the end, on the chain and in the model."""
        snapshot = self.chain.snapshot()
        # In one copy: they refer to one another.
        before = deepcopy({name: vars(self)[name] for name in _CHANGING})
        yield
        self.chain.revert(snapshot)
        vars(self).update(before)

    # --- Observations -----------------------------------------------------------------------------

    def _agree(self) -> None:
        """Compare everything that can be seen of the contract with the model."""
        self._observation = self._lens.observe()
        expected = expect(self.model, self._accounts, self._wallets())
        different = "\n  ".join(differences(expected, self._observation))
        assert not different, f"model and contract disagree:\n  {different}"
        self._check_some_id()

    def _wallets(self) -> dict[str, int]:
        """What everybody should have outside of the market. The operator pays for Mallory."""
        ledger = self.model.ledger
        wallets = {
            person.address: ENDOWMENT + ledger[wallet(person.address)]
            for person in (*PEOPLE.values(), OPERATOR)
        }
        wallets[OPERATOR.address] -= self._spent_by_operator
        mallory = self.mallory.address
        wallets[mallory] = ledger[wallet(mallory)] + self._spent_by_operator
        return wallets

    def _check_some_id(self) -> None:
        """What names nothing has nothing, and what is not connected has no access token.

        Each turn checks another consumer, or another id beside its current one.
        """
        self.turn += 1
        consumer = self.address(ACTORS[self.turn % len(ACTORS)])
        current = self.model.current_auction_id(consumer)
        first = current - self.model.rounds[consumer]
        ids = (current, first, current - 1, current + 1, current + (1 << 192))
        auction_id = ids[self.turn % len(ids)]
        state = self.model.state(auction_id)
        if state is State.NONE:
            assert set(self.contract.view("auctions", auction_id)) == {0, ZERO_ADDRESS}
            for view in ("reserve", "bond", "penalty"):
                assert self.contract.view(view, auction_id) == 0, f"{auction_id:#x} has a {view}"
        if state is not State.CONNECTED:
            try:
                token = self.contract.view("accessToken", auction_id)
            except EvmReverted as error:
                token = self.contract.interface.failure(error.output)
            assert token == Failure("UnexpectedState", (auction_id, state, State.CONNECTED))


def _outcome(ask_model: Callable[[], list[DecodedEvent]]) -> list[DecodedEvent] | Failure:
    try:
        return ask_model()
    except Refused as refusal:
        return Failure(refusal.name, refusal.values)
