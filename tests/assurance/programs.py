"""What the property tests do on a chain, taken down so that it can be done again, fast.

A program is the calls of one run and what came of them. On a changed market the same calls come
out differently, or they do not: where they do, the property tests fail, because they compare all
of what is taken down here with the model. What no model knows is in fullest.py.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from ethpm_types import ContractType
from hypothesis import Phase

from ape_v2v.evm.chains import GENESIS, ZERO_ADDRESS, Chain, ChainError, EvmReverted
from ape_v2v.evm.contracts import Contract, Interface
from ape_v2v.evm.inprocess import PyrevmChain
from tests.fuzz.actors import DEPLOYER, PEOPLE
from tests.fuzz.campaign import fuzz
from tests.fuzz.recording import (
    Program,
    Recorder,
    comparable,
    outcome_of,
)
from tests.fuzz.world import Artifacts
from tests.model.market import Parameters

MINUTE, HOUR, DAY = 60, 3_600, 86_400


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
            except EvmReverted:
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
        "min_penalty": (0, 1, 10**18, 10**18 + 1, 2**64 - 1),
    }
    for name, values in bounds.items():
        yield from (usual._replace(**{name: value}) for value in values)
    shares = (
        1,
        2,
        4_999,
        5_000,
        5_001,
        9_999,
        10_000,
        10_001,
        19_998,
        19_999,
        20_000,
        20_002,
        uint16,
    )
    for bond, penalty in product(shares, shares):
        yield usual._replace(bond_bps=bond, penalty_bps=penalty)


class BareChain(PyrevmChain):
    """Where accounts can have a contract's code (EIP-7702), and what is stored can be looked at."""

    def delegate(self, account: str, contract: str) -> None:
        info = self._evm.basic(account)
        code = self._evm.basic(contract).code
        self._evm.insert_account_info(
            account,
            self._pyrevm.AccountInfo(balance=info.balance, nonce=info.nonce, code=code),
        )

    def storage(self, account: str, slot: int) -> int:
        return int(self._evm.storage(account, slot))


class BareRecorder(Recorder):
    """Takes those down, too: tests/contracts says what of them has to come out."""

    def __init__(self, timestamp: int = GENESIS) -> None:
        super().__init__(BareChain(timestamp=timestamp))

    def delegate(self, account: str, contract: str) -> None:
        self._do("delegate", account, contract)

    def storage(self, account: str, slot: int) -> int:
        return int(self._do("storage", account, slot))


def slot_of(account: str, mapping: int) -> int:
    """The slot of an account in a mapping, which is at a slot itself."""
    return int.from_bytes(keccak(encode(["address", "uint256"], [account, mapping])))


class Difference(NamedTuple):
    """Where a changed market shows: a step of a program, and what came of it instead."""

    step: int
    outcome: Any


def first_difference(program: Program, original: bytes, changed: bytes) -> Difference | None:
    """Do a program's calls with the changed creation code in the original's place."""
    chain = BareChain(timestamp=program[0].timestamp)
    for number, (timestamp, method, recorded, expected) in enumerate(program):
        if chain.timestamp != timestamp:
            chain.timestamp = timestamp
        arguments = recorded
        if method == "deploy" and arguments[1].startswith(original):
            sender, code = arguments
            arguments = (sender, changed + code[len(original) :])
        try:
            outcome = comparable(outcome_of(chain, method, arguments))
        except ChainError as error:
            return Difference(number, str(error))
        if outcome != expected:
            return Difference(number, outcome)
    return None
