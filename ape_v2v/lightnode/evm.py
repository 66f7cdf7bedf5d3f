"""Calls of contracts, executed here on proven state: what they return needs no trust in a node.

By py-evm. A call is run on what is known of the state; where it reads something else, that is
proven, and the call is run anew, until all that it reads is proven.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

from eth import EVM_RECURSION_LIMIT
from eth.constants import BLANK_ROOT_HASH, ZERO_ADDRESS
from eth.db.atomic import AtomicDB
from eth.exceptions import InsufficientFunds, Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message
from eth_typing import BlockNumber, Hash32
from eth_utils.address import to_canonical_address

from ape_v2v.lightnode.faults import NotExecutable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eth_typing import Address

    from ape_v2v.lightnode.state import ProvenState

# What comes with py-evm has raised it to ten times what an EVM takes: so deep, a lying node's JSON
# would crash Python instead of failing.
sys.setrecursionlimit(EVM_RECURSION_LIMIT)

# As nodes do it: a view may take more than a block has gas for.
_GAS = 50_000_000
# A call that reads more is none of the market's views.
_MOST_READS = 256


class CallReverted(Exception):
    """The contract has refused the call.

    Attributes:
        output: What it says.
    """

    def __init__(self, output: bytes) -> None:
        self.output = output
        super().__init__("execution reverted")


_Known: TypeAlias = "dict[tuple[Address, int | None], Any]"
"""Words of storage by account and number; under None an account's nonce, balance and code."""


class _Unknown(Exception):
    """Something that is not proven yet."""

    def __init__(self, address: Address, slot: int | None = None) -> None:
        self.address, self.slot = address, slot
        super().__init__()


def call(
    state: ProvenState,
    to: str | bytes,
    data: bytes,
    *,
    sender: str | bytes = ZERO_ADDRESS,
    value: int = 0,
    timestamp: int | None = None,
    chain_id: int = 1,
) -> bytes:
    """What a contract returns.

    Args:
        state: Of the block that it is called at.
        to: The contract.
        data: Selector and arguments.
        sender: Who calls.
        value: Wei that come along; the sender must have them.
        timestamp: When, in seconds since 1970; by default that of the block.
        chain_id: Of the chain.

    Raises:
        Reverted: The contract refuses.
        NotExecutable: It cannot be executed here.
        ProofError: What it reads cannot be proven.
    """
    known: _Known = {}
    message = {
        "to": to_canonical_address(to),
        "sender": to_canonical_address(sender),
        "data": data,
        "value": value,
    }
    for _ in range(_MOST_READS):
        try:
            return _run(state, known, message, timestamp=timestamp, chain_id=chain_id)
        except _Unknown as unknown:
            address, slot = unknown.address, unknown.slot
            if slot is None:
                account = state.account(address)
                known[address, None] = account.nonce, account.balance, state.code(address)
            else:
                known[address, slot] = state.slot(address, slot)
    raise NotExecutable(f"the call reads more than {_MOST_READS} words: it is no view of a market")


def _run(
    state: ProvenState,
    known: _Known,
    message: dict[str, Any],
    *,
    timestamp: int | None,
    chain_id: int,
) -> bytes:
    header = state.header
    context = ExecutionContext(
        coinbase=ZERO_ADDRESS,
        timestamp=header.timestamp if timestamp is None else timestamp,
        block_number=BlockNumber(header.number),
        difficulty=0,
        mix_hash=Hash32(bytes(32)),
        gas_limit=max(header.gas_limit, _GAS),
        prev_hashes=_no_hashes(),
        chain_id=chain_id,
        base_fee_per_gas=header.base_fee,
        excess_blob_gas=0,
    )
    evm = _EVM(AtomicDB(), context, BLANK_ROOT_HASH)
    evm.take(known)
    try:
        computation = evm.computation_class.apply_message(
            evm,
            Message(gas=_GAS, code=evm.get_code(message["to"]), **message),
            evm.transaction_context_class(gas_price=0, origin=message["sender"]),
        )
    except InsufficientFunds as error:
        raise NotExecutable(f"the sender does not have what comes along: {error}") from error
    if computation.is_success:
        return computation.output
    if isinstance(computation.error, Revert):
        raise CallReverted(computation.output)
    raise CallReverted(b"")  # out of gas, say, or no code that can be executed


class _EVM(PragueState):
    """A state that tells what is asked of it and is not known yet."""

    def set_system_contracts(self) -> None:
        """Put nothing in place: all is as it is proven."""

    def take(self, known: _Known) -> None:
        """Begin with what is known."""
        self._known = known
        for (address, slot), value in known.items():
            if slot is not None:
                self.set_storage(address, slot, value)
                continue
            nonce, balance, code = value
            self.set_nonce(address, nonce)
            self.set_balance(address, balance)
            self.set_code(address, code)
        self.lock_changes()

    def _require(self, address: Address, slot: int | None = None) -> None:
        if (address, slot) not in self._known:
            raise _Unknown(address, slot)

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        self._require(address, slot)
        return super().get_storage(address, slot, from_journal)

    def get_balance(self, address: Address) -> int:
        self._require(address)
        return super().get_balance(address)

    def get_nonce(self, address: Address) -> int:
        self._require(address)
        return super().get_nonce(address)

    def get_code(self, address: Address) -> bytes:
        self._require(address)
        return super().get_code(address)

    def get_code_hash(self, address: Address) -> Hash32:
        self._require(address)
        return super().get_code_hash(address)

    def account_exists(self, address: Address) -> bool:
        self._require(address)
        return super().account_exists(address)

    def account_is_empty(self, address: Address) -> bool:
        self._require(address)
        return super().account_is_empty(address)

    def has_code_or_nonce(self, address: Address) -> bool:
        self._require(address)
        return super().has_code_or_nonce(address)


def _no_hashes() -> Iterator[Hash32]:
    """Of blocks before, which are not proven here: zeros would be a wrong answer."""
    raise NotExecutable("the call asks for the hash of an earlier block: it is no view of a market")
    yield Hash32(b"")  # what makes this a generator: it fails when it is asked
