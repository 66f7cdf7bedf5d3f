"""Merkle proofs of an account and of its storage (EIP-1186), from a state root on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rlp
from eth_utils.address import to_canonical_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from rlp.exceptions import RLPException
from trie import HexaryTrie
from trie.exceptions import BadTrieProof

from ape_v2v.lightnode.answers import AccountAnswer, SlotAnswer, parsed
from ape_v2v.lightnode.faults import AccountAbsent, InvalidProof

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_WORD = 32
_ACCOUNT_FIELDS = 4


class ProvenAccount:
    """An account whose code hash and storage root are proven, and slots that can be proven."""

    def __init__(self, address: str, state_root: bytes, answer: object) -> None:
        """Check the answer of eth_getProof for an account.

        Raises:
            MalformedAnswer: It is none.
            AccountAbsent: There is no such account, and that is proven.
            InvalidProof: The proof does not hold, or the node says something else beside it.
        """
        claim: AccountAnswer = parsed(AccountAnswer, answer, "one of eth_getProof")
        what = f"the account {address}"
        value = _proven(state_root, to_canonical_address(address), claim.account_proof, what)
        if not value:
            raise AccountAbsent(
                f"there is nothing at {address} in the trusted block: check the market's address, "
                "and that the block is not older than the market"
            )
        nonce, balance, storage_root, code_hash = _account(value)
        for name, claimed, proven in (
            ("nonce", claim.nonce, nonce),
            ("balance", claim.balance, balance),
            ("storageHash", claim.storage_hash, storage_root),
            ("codeHash", claim.code_hash, code_hash),
        ):
            _require_same(f"the {name} of {address}", claimed, proven)
        self.address = address
        self.nonce = nonce
        self.balance = balance
        self.code_hash = code_hash
        self._storage_root = storage_root
        self._slots = {entry.key: entry for entry in claim.storage_proof}

    def slot(self, number: int) -> int:
        """What the account has in a slot of its storage; 0 where there is nothing.

        Raises:
            InvalidProof: There is no proof, it does not hold, or the node says something else.
        """
        what = f"slot {hex(number)} of {self.address}"
        entry: SlotAnswer | None = self._slots.get(number)
        if entry is None:
            raise InvalidProof(f"the node gives no proof of {what}: ask another node")
        encoded = _proven(self._storage_root, number.to_bytes(_WORD, "big"), entry.proof, what)
        value = int.from_bytes(_decoded(encoded, what)) if encoded else 0
        _require_same(what, entry.value, value)
        return value


def _proven(root: bytes, key: bytes, nodes: Sequence[bytes], what: str) -> bytes:
    """What a trie has under a key, empty for nothing: the keys of both tries are hashed."""
    try:
        decoded = [rlp.decode(node) for node in nodes]
        value: bytes = HexaryTrie.get_from_proof(root, keccak(key), decoded)
    except BadTrieProof as error:
        raise InvalidProof(
            f"the proof of {what} does not lead up to the trusted block: the node lies, or does "
            "not have the state of that block; ask another node"
        ) from error
    except Exception as error:  # over foreign nodes the library raises errors of many kinds
        raise InvalidProof(
            f"the proof of {what} is malformed ({error}): ask another node"
        ) from error
    return value


def _decoded(encoded: bytes, what: str) -> Any:
    try:
        return rlp.decode(encoded)
    except RLPException as error:
        raise InvalidProof(f"the trie holds no value for {what}: {error}") from error


def _account(encoded: bytes) -> tuple[int, int, bytes, bytes]:
    fields = _decoded(encoded, "an account")
    nonce, balance, storage_root, code_hash = fields
    return int.from_bytes(nonce), int.from_bytes(balance), storage_root, code_hash


def _require_same(what: str, claimed: int | bytes, proven: int | bytes) -> None:
    if claimed != proven:
        claimed_, proven_ = (to_hex(value) for value in (claimed, proven))
        raise InvalidProof(
            f"the node says that {what} is {claimed_}, and its own proof says {proven_}: the node "
            "lies; ask another one"
        )
