"""The state of a trusted block, proven piece by piece as it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.lightnode.answers import Data, parsed
from ape_v2v.lightnode.faults import AccountAbsent, WrongCode
from ape_v2v.lightnode.proofs import ProvenAccount

if TYPE_CHECKING:
    from ape_v2v.lightnode.answers import Rpc
    from ape_v2v.lightnode.header import Header

_NO_CODE = keccak(b"")


class Account(NamedTuple):
    """What a state has of an account beside its storage; of one that is absent, nothing."""

    nonce: int
    balance: int
    """Wei."""
    code_hash: bytes


_ABSENT = Account(0, 0, _NO_CODE)


class ProvenState:
    """What an untrusted node says of one block's state, after it has proven it.

    Each piece is asked for once. Every method raises `ProofError` when it cannot be proven, and
    lets through what the node's own failures raise.
    """

    def __init__(self, rpc: Rpc, header: Header) -> None:
        self.header = header
        self._rpc = rpc
        self._accounts: dict[str, Account] = {}
        self._slots: dict[tuple[str, int], int] = {}
        self._codes: dict[bytes, bytes] = {_NO_CODE: b""}

    def account(self, address: str | bytes) -> Account:
        key = to_checksum_address(address)
        if key not in self._accounts:
            self._prove(key)
        return self._accounts[key]

    def slot(self, address: str | bytes, number: int) -> int:
        """A word of an account's storage."""
        key = to_checksum_address(address), number
        if key not in self._slots:
            self._prove(key[0], number)
        return self._slots[key]

    def code(self, address: str | bytes) -> bytes:
        proven = self.account(address)
        if proven.code_hash not in self._codes:
            where = to_checksum_address(address)
            answer = self._rpc("eth_getCode", [where, hex(self.header.number)])
            code: bytes = parsed(Data, answer, "a contract's code")
            if keccak(code) != proven.code_hash:
                raise WrongCode(
                    f"the node gives a code of {where} that hashes to {to_hex(keccak(code))}, and "
                    f"it is proven that it hashes to {to_hex(proven.code_hash)}: the node lies; "
                    "ask another one"
                )
            self._codes[proven.code_hash] = code
        return self._codes[proven.code_hash]

    def _prove(self, address: str, *numbers: int) -> None:
        slots = [to_hex(number.to_bytes(32, "big")) for number in numbers]
        answer = self._rpc("eth_getProof", [address, slots, hex(self.header.number)])
        try:
            proven = ProvenAccount(address, self.header.state_root, answer)
        except AccountAbsent:
            self._accounts[address] = _ABSENT
            self._slots |= {(address, number): 0 for number in numbers}
            return
        self._slots |= {(address, number): proven.slot(number) for number in numbers}
        self._accounts[address] = Account(proven.nonce, proven.balance, proven.code_hash)
