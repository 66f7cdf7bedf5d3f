"""What a trade costs of which somebody else pays all gas, by two contracts to delegate to.

The accounts hold no ether. Each signs what it wants to have done; a sponsor sends it, each call by
itself or the same step of ten trades at once.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from ethpm_types import ContractType

from ape_v2v.evm.contracts import Interface
from ape_v2v.evm.node import AnvilChain
from ape_v2v.market.interface import batcher
from benchmarks.gas.designs import (
    BIDDING_TIME,
    ENERGY,
    MAX_RATE,
    ORGANIZATION,
    RELAYER,
    TERMS,
    VALIDITY,
    rate_of,
)
from benchmarks.gas.stage import ScenarioError, Stage, person
from benchmarks.gas.tokens import TokenMarket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ape.managers import ProjectManager
    from eth_account.signers.local import LocalAccount

    Step = tuple[LocalAccount, str, tuple[Any, ...]]

TOGETHER = 10
CREATION = "creation, once for everybody"
FIRST_USE = "an account's first call, besides"
SINGLE = "a trade, all by the delegate"
BATCHED = f"one of {TOGETHER} such, step by step together"
SIGNED = "a trade, by signed documents where the market takes them"
SIGNED_BATCHED = f"one of {TOGETHER} such, step by step together "
LABELS = (SINGLE, BATCHED, SIGNED, SIGNED_BATCHED, FIRST_USE, CREATION)
CHOSEN = "`SponsoredAccount`"
"""The delegate that this project has accounts delegate to."""
OF_THE_PAPER = 0.75
"""What a sponsored trade may cost at most, as a share of the paper's."""
OF_THE_SINGLE = 0.7
"""What one of ten together may cost at most, as a share of one alone, by signed documents."""
OF_THE_SINGLE_BY_THE_DELEGATE = 0.74
"""The same where each step takes the delegate."""

FOREVER = 2**47
_COUNT = ("eth_getTransactionCount", RELAYER.address, "latest")
_DELEGATED = b"\xef\x01\x00"
_ENTRY_POINT = "0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108"
_ARTIFACTS = Path("node_modules/@account-abstraction/contracts/artifacts")
_TRADERS = [
    tuple(person(f"{role} {number} without ether") for role in ("consumer", "rival", "provider"))
    for number in range(TOGETHER)
]


class Delegate(ABC):
    """A contract that accounts delegate to, and how a sponsor has them do something."""

    name: str
    address: str
    creation: int

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._nonces: dict[str, int] = {}

    @abstractmethod
    def transaction(self, steps: Sequence[Step]) -> tuple[str, bytes]:
        """Whom a sponsor calls, and with what, to have accounts make calls of the market."""

    def send(self, steps: Sequence[Step]) -> int:
        """Have accounts make calls of the market, in one transaction; gives its gas."""
        return self.transact(*self.transaction(steps))

    def transact(self, to: str, data: bytes) -> int:
        """Send what needs no account's leave; gives the gas."""
        chain = self.stage.chain
        chain.timestamp += 1
        receipt = chain.transact(RELAYER.address.lower(), to, data)
        if not receipt.success:
            raise ScenarioError(f"{self.name} reverted with 0x{receipt.output.hex()}")
        return receipt.gas_used

    def send_first(self, step: Step) -> int:
        """The same with what an account signs once, to delegate; gives the gas."""
        chain = self.stage.chain
        assert isinstance(chain, AnvilChain), "another one knows no such transactions"
        account = step[0]
        to, data = self.transaction([step])
        fields = {"chainId": chain.chain_id, "address": self.address, "nonce": 0}
        transaction: dict[str, Any] = {
            "type": 4,
            "chainId": chain.chain_id,
            "nonce": int(chain.request("eth_getTransactionCount", RELAYER.address, "latest"), 16),
            "to": to_checksum_address(to),
            "value": 0,
            "data": data,
            "gas": 1_000_000,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "authorizationList": [account.sign_authorization(fields)],
        }
        signed = RELAYER.sign_transaction(transaction)
        raw = f"0x{bytes(signed.raw_transaction).hex()}"
        receipt = chain.receipt(chain.request("eth_sendRawTransaction", raw))
        if receipt["status"] != "0x1":
            raise ScenarioError(f"{self.name} reverted at its first call")
        return int(receipt["gasUsed"], 16)

    def nonce(self, account: LocalAccount) -> int:
        """The next of an account."""
        number = self._nonces.get(account.address, 0)
        self._nonces[account.address] = number + 1
        return number

    def _deploy(self, code: bytes) -> str:
        chain = self.stage.chain
        address = chain.deploy(ORGANIZATION.address.lower(), code)
        self.creation = self.stage.last_gas()
        return address


class OwnDelegate(Delegate):
    """This project's, of OpenZeppelin's parts."""

    name = CHOSEN

    def __init__(self, stage: Stage, interface: Interface) -> None:
        super().__init__(stage)
        self._interface = interface
        self.address = self._deploy(interface.creation_code())

    def transaction(self, steps: Sequence[Step]) -> tuple[str, bytes]:
        calls = [self._signed(*step) for step in steps]
        if len(calls) == 1:
            return calls[0]
        return batcher.deployed()[0], batcher.batched_for(calls, strict=True)

    def _signed(
        self, account: LocalAccount, method: str, arguments: tuple[Any, ...]
    ) -> tuple[str, bytes]:
        data = self.stage.interface.call_data(method, *arguments)
        call = {"to": self.stage.address, "value": 0, "data": data}
        typed = encode_typed_data(
            domain_data={
                "name": "V2VSponsoredAccount",
                "version": "1",
                "chainId": self.stage.chain.chain_id,
                "verifyingContract": account.address,
            },
            message_types={
                "Call": [
                    {"name": "to", "type": "address"},
                    {"name": "value", "type": "uint256"},
                    {"name": "data", "type": "bytes"},
                ],
                "Batch": [
                    {"name": "calls", "type": "Call[]"},
                    {"name": "nonce", "type": "uint256"},
                    {"name": "deadline", "type": "uint256"},
                ],
            },
            message_data={"calls": [call], "nonce": self.nonce(account), "deadline": FOREVER},
        )
        signature = bytes(account.sign_message(typed).signature)
        rows = [(self.stage.address, 0, data)]
        return account.address, self._interface.call_data("execute", rows, FOREVER, signature)


class FinishedDelegate(Delegate):
    """Simple7702Account with its entry point; the sponsor bundles for itself, for nothing."""

    name = "`Simple7702Account` and its entry point"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        entry, account = (_packaged(name) for name in ("EntryPoint", "Simple7702Account"))
        code = stage.chain.request("eth_getCode", self._deploy(entry.creation_code()), "latest")
        of_entry = self.creation
        stage.chain.request("anvil_setCode", _ENTRY_POINT, code)
        self._entry, self._interface = entry, account
        self.address = self._deploy(account.creation_code())
        self.creation += of_entry

    def transaction(self, steps: Sequence[Step]) -> tuple[str, bytes]:
        operations = [self._signed(*step) for step in steps]
        return _ENTRY_POINT, self._entry.call_data("handleOps", operations, RELAYER.address)

    def _signed(
        self, account: LocalAccount, method: str, arguments: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        data = self.stage.interface.call_data(method, *arguments)
        limits = (100_000 << 128 | 200_000).to_bytes(32)
        operation = (
            account.address,
            self.nonce(account),
            b"",
            self._interface.call_data("execute", self.stage.address, 0, data),
            limits,
            0,
            bytes(32),
            b"",
        )
        question = self._entry.call_data("getUserOpHash", (*operation, b""))
        digest = self.stage.chain.call(_ENTRY_POINT, question)
        return (*operation, bytes(Account.unsafe_sign_hash(digest, account.key).signature))


def _packaged(name: str) -> Interface:
    """A contract as its package has it compiled."""
    found = json.loads((_ARTIFACTS / f"{name}.json").read_text("utf-8"))
    return Interface(
        ContractType.model_validate(
            {
                "contractName": name,
                "abi": found["abi"],
                "deploymentBytecode": {"bytecode": found["bytecode"]},
            }
        )
    )


def _steps(market: TokenMarket, who: tuple[LocalAccount, ...]) -> Iterator[Step]:
    """A trade with two bids, call by call; what each takes is read when it is its turn."""
    consumer, rival, provider = who
    yield consumer, "startAuction", (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
    yield rival, "placeBid", (market.auction_id(consumer), rate_of(1), TERMS)
    yield provider, "placeBid", (market.auction_id(consumer), rate_of(2), TERMS)
    yield consumer, "endAuction", (market.auction_id(consumer),)
    yield consumer, "endConnection", (market.auction_id(consumer),)


def _trades(market: TokenMarket, delegate: Delegate, count: int) -> int:
    """What so many trades cost, the same step of all of them together, gas."""
    running = [_steps(market, who) for who in _TRADERS[:count]]
    gas = 0
    for steps in zip(*running, strict=True):
        if steps[0][1] == "endAuction":
            market.wait(BIDDING_TIME)
        gas += delegate.send(steps)
    return gas


def _signed_trades(market: TokenMarket, delegate: Delegate, count: int) -> int:
    """As `_trades`: bids and readings are signed, and anybody may award.

    Only to start takes the delegate.
    """
    traders = _TRADERS[:count]
    terms = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, True, "")
    gas = delegate.send([(consumer, "startAuction", terms) for consumer, _, _ in traders])
    for number in (1, 2):
        gas += _relay(
            market,
            delegate,
            [market.bid_of(who[0], who[number], rate_of(number)) for who in traders],
        )
    market.wait(BIDDING_TIME)
    gas += _relay(market, delegate, [("endAuction", market.auction_id(who[0])) for who in traders])
    return gas + _relay(market, delegate, [market.reading_of(who[0], who[2]) for who in traders])


def _relay(market: TokenMarket, delegate: Delegate, calls: Sequence[tuple[Any, ...]]) -> int:
    """Send what counts by the signatures in it."""
    address = market.stage.address
    data = [market.stage.interface.call_data(method, *values) for method, *values in calls]
    if len(data) == 1:
        return delegate.transact(address, data[0])
    return delegate.transact(batcher.deployed()[0], batcher.batched(address, data, strict=True))


def _costs(market: TokenMarket, delegate: Delegate) -> dict[str, int]:
    """What it costs with one delegate: by label, gas."""
    stage, found = market.stage, {CREATION: delegate.creation}
    first, *others = (account for who in _TRADERS for account in who)
    for account in others:
        code = _DELEGATED + bytes.fromhex(delegate.address[2:])
        stage.chain.request("anvil_setCode", account.address, f"0x{code.hex()}")
    revoke: Step = (first, "revokeBids", ())
    found[FIRST_USE] = delegate.send_first(revoke) - delegate.send([revoke])
    _trades(market, delegate, TOGETHER)  # everybody has traded before
    for plays, single, batched in (
        (_trades, SINGLE, BATCHED),
        (_signed_trades, SIGNED, SIGNED_BATCHED),
    ):
        found[single] = plays(market, delegate, 1)
        found[batched] = plays(market, delegate, TOGETHER) // TOGETHER
    return found


def _prepared(project: ProjectManager, chain: AnvilChain) -> TokenMarket:
    """A market in a plain token, in which everybody has money, and nobody ether."""
    own = Interface(project.TestToken.contract_type)
    token = chain.deploy(ORGANIZATION.address.lower(), own.creation_code(18))
    stage = Stage(chain, Interface(project.V2VTokenMarket.contract_type), trace=False)
    market = TokenMarket(stage, token, own)
    people = [account for who in _TRADERS for account in who]
    market.register(people)
    market.fund(RELAYER)
    for account in people:
        market.deposit_for(account, RELAYER)
    address, code = batcher.deployed()
    chain.request("anvil_setCode", address, f"0x{code.hex()}")
    return market


def measured(project: ProjectManager) -> dict[str, dict[str, int]]:
    """All of it, by delegate."""
    own = Interface(project.SponsoredAccount.contract_type)
    makers: tuple[Callable[[Stage], Delegate], ...] = (
        lambda stage: OwnDelegate(stage, own),
        FinishedDelegate,
    )
    found = {}
    for maker in makers:
        with AnvilChain() as chain:
            market = _prepared(project, chain)
            delegate = maker(market.stage)
            found[delegate.name] = _costs(market, delegate)
    return found


def table(found: dict[str, dict[str, int]]) -> list[str]:
    """The lines of a table in Markdown: what costs what, by delegate."""
    columns = list(found.values())
    lines = [f"| gas | {' | '.join(found)} |", f"| --- |{' ---: |' * len(columns)}"]
    for label in LABELS:
        cells = (f"{column[label]:,}" for column in columns)
        lines.append(f"| {label.strip()} | {' | '.join(cells)} |")
    return lines
