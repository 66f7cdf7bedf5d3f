"""What the property tests do on a chain, taken down so that it can be done again, fast.

A program is the calls of one run and what came of them. On a changed market the same calls come
out differently, or they do not: where they do, the property tests fail, because they compare all
of what is taken down here with the model. What no model knows is in fullest.py.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from ethpm_types import ContractType
from fuzz.actors import DEPLOYER, PEOPLE
from fuzz.campaign import fuzz
from fuzz.world import Artifacts
from hypothesis import Phase
from model.market import Parameters

from ape_v2v.testing.chains import ZERO_ADDRESS, Chain, ChainError, PyrevmChain, Receipt, Reverted
from ape_v2v.testing.contracts import Contract, Interface

MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Step(NamedTuple):
    """Something done on a chain: a method's name and arguments, and the outcome."""

    timestamp: int
    method: str
    arguments: tuple[Any, ...]
    outcome: Any


Program = Sequence[Step]


class Recorder(Chain):
    """Passes everything on to a chain, and takes it down."""

    def __init__(self, chain: Chain | None = None) -> None:
        self._chain = chain or PyrevmChain()
        self.chain_id = self._chain.chain_id
        self.program: list[Step] = []

    @property
    def timestamp(self) -> int:
        return self._chain.timestamp

    @timestamp.setter
    def timestamp(self, timestamp: int) -> None:
        self._chain.timestamp = timestamp

    def deploy(self, sender: str, code: bytes) -> str:
        outcome = self._do("deploy", sender, code)
        if isinstance(outcome, Reverted):
            raise outcome
        return str(outcome)

    def transact(self, sender: str, to: str, data: bytes = b"", value: int = 0) -> Receipt:
        receipt = self._chain.transact(sender, to, data, value)
        arguments = (sender, to, data, value)
        self.program.append(Step(self.timestamp, "transact", arguments, _seen(receipt)))
        return receipt

    def call(self, to: str, data: bytes, sender: str = ZERO_ADDRESS) -> bytes:
        outcome = self._do("call", to, data, sender)
        if isinstance(outcome, Reverted):
            raise outcome
        return bytes(outcome)

    def balance(self, account: str) -> int:
        return int(self._do("balance", account))

    def set_balance(self, account: str, amount: int) -> None:
        self._do("set_balance", account, amount)

    def set_storage(self, account: str, slot: int, word: int) -> None:
        self._do("set_storage", account, slot, word)

    def snapshot(self) -> int:
        return int(self._do("snapshot"))

    def revert(self, snapshot: int) -> None:
        self._do("revert", snapshot)

    def _do(self, method: str, *arguments: Any) -> Any:
        outcome = _outcome(self._chain, method, arguments)
        self.program.append(Step(self.timestamp, method, arguments, _comparable(outcome)))
        return outcome


def campaign(artifacts: Artifacts, seed: int, steps: int) -> list[Program]:
    """The programs of a campaign of the stateful tests."""
    recorders: list[Recorder] = []

    def record() -> Chain:
        recorders.append(Recorder())
        return recorders[-1]

    fuzz(artifacts, seed, steps, new_chain=record, phases=[Phase.generate])
    return [recorder.program for recorder in recorders]


def deployments(market: ContractType) -> Program:
    """Deploy with every parameter at both ends of its range, and just beyond."""
    recorder, interface = Recorder(), Interface(market)
    for parameters in _at_the_bounds():
        for owner in (PEOPLE["organization"].address, ZERO_ADDRESS):
            try:
                code = interface.creation_code(owner, parameters)
                address = recorder.deploy(DEPLOYER.address, code)
            except Reverted:
                continue
            contract = Contract(recorder, address, interface)
            for view in ("parameters", "owner", "active"):
                contract.view(view)
    return recorder.program


def _at_the_bounds() -> Iterator[Parameters]:
    usual = Parameters(10_000, 1_000, 100, 60, HOUR, DAY)
    uint16, uint32 = 2**16 - 1, 2**32 - 1
    bounds = {
        "bond_bps": (0, 1, 999, 1_000, 1_001, uint16),
        "penalty_bps": (0, 1, 9_999, 10_000, 10_001),
        "min_decrement_bps": (0, 1, 4_999, 5_000, 5_001, uint16),
        "extension_window": (0, 1, HOUR - 1, HOUR, HOUR + 1, uint32),
        "award_window": (10 * MINUTE - 1, 10 * MINUTE, 7 * DAY - 1, 7 * DAY, 7 * DAY + 1),
        "settlement_window": (10 * MINUTE - 1, 10 * MINUTE, 7 * DAY - 1, 7 * DAY, 7 * DAY + 1),
    }
    for name, values in bounds.items():
        yield from (usual._replace(**{name: value}) for value in values)
    shares = (1, 2, 9_999, 10_000, 10_001, uint16)
    for bond, penalty in product(shares, shares):
        yield usual._replace(bond_bps=bond, penalty_bps=penalty)


class Difference(NamedTuple):
    """Where a changed market shows: a step of a program, and what came of it instead."""

    step: int
    outcome: Any


def first_difference(program: Program, original: bytes, changed: bytes) -> Difference | None:
    """Do a program's calls with the changed creation code in the original's place."""
    chain = PyrevmChain(timestamp=program[0].timestamp)
    for number, (timestamp, method, recorded, expected) in enumerate(program):
        if chain.timestamp != timestamp:
            chain.timestamp = timestamp
        arguments = recorded
        if method == "deploy" and arguments[1].startswith(original):
            sender, code = arguments
            arguments = (sender, changed + code[len(original) :])
        try:
            outcome = _comparable(_outcome(chain, method, arguments))
        except ChainError as error:
            return Difference(number, str(error))
        if outcome != expected:
            return Difference(number, outcome)
    return None


def _outcome(chain: Chain, method: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return getattr(chain, method)(*arguments)
    except Reverted as reverted:
        return reverted


def _comparable(outcome: Any) -> Any:
    if isinstance(outcome, Receipt):
        return _seen(outcome)
    if isinstance(outcome, Reverted):
        return "reverted", outcome.output
    return outcome


def _seen(receipt: Receipt) -> Any:
    """What the property tests look at in a receipt: not the gas."""
    return receipt.success, receipt.output, receipt.logs
