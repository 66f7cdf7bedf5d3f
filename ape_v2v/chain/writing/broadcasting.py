"""A signed transaction given to a node and waited for, whatever the node answers or does not.

What counts is what the chain says of its hash. The same signed transaction may be given to a node
any number of times, and counts once.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from ape_v2v.chain import blocks, transactions
from ape_v2v.chain.line.faults import AccessDenied, NodeError, NodeSilent, RateLimited, Rejected
from ape_v2v.chain.writing import receipts
from ape_v2v.errors import NotMined, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.signing import Signed
    from ape_v2v.chain.writing.receipts import Mined

_SEND = "eth_sendRawTransaction"
_FIRST_POLL, _LONGEST_POLL = 0.005, 1.0
_ATTEMPTS = 3
_FIRST_PAUSE = 0.2
# A block may have it before the node finds it by its hash.
_LOOKS, _BETWEEN_LOOKS = 3, 0.3
# A node that has taken a transaction may lose it again: after so many seconds it gets it once more.
_RESEND_SECONDS = 2.0
_MAX_SILENCES = 2
_INTERNAL_ERROR = -32_603
_HAS_IT = re.compile(r"already (?:known|imported|exists)|known transaction|already_exists", re.I)
_VAGUE = re.compile(r"time.?out|timed out|deadline|unavailable|internal|upstream|gateway", re.I)
_NONCE_TAKEN = re.compile(
    r"nonce (?:is )?too low|nonce has already been used|old ?nonce|underpriced|same nonce", re.I
)


class NonceTaken(Exception):
    """Another transaction has the nonce, or waits with it: this one the node does not have."""


def broadcast(node: Node, signed: Signed) -> None:
    """Give a signed transaction to a node.

    Afterwards the node has it, or may have it: `wait` tells.

    Raises:
        NonceTaken: The node does not have it, and its nonce is another transaction's.
        NodeError: The node does not take it, and surely has not got it.
    """
    unsure, end = False, time.monotonic() + node.timeout
    for attempt in range(1, _ATTEMPTS + 1):
        problem = _refused(node, signed)
        if problem is None:
            return
        said = problem.said if isinstance(problem, Rejected) else ""
        unsure = unsure or not _is_surely_untaken(problem)
        if _HAS_IT.search(said) or _has(node, signed.hash, looks=_LOOKS if said else 1):
            return
        if _NONCE_TAKEN.search(said) and not unsure:
            raise NonceTaken(said)
        if attempt == _ATTEMPTS or isinstance(problem, AccessDenied) or time.monotonic() > end:
            if unsure:
                return
            raise problem
        time.sleep(_FIRST_PAUSE * attempt)


def wait(
    node: Node, transactions: Sequence[str], confirmations: int, raw: str | None = None
) -> Mined:
    """Wait until one of them lies as deep as it has to, and give up when no block comes any more.

    Args:
        node: Who is asked.
        transactions: A transaction, and what has replaced it, the latest last.
        confirmations: Blocks that have to lie on top of it.
        raw: The latest one as it was signed, for a node that has lost it.

    Raises:
        NotMined: None does within the network's patience.
        OutcomeUnknown: The node does not tell.
    """
    watch = _Watch(node, transactions, confirmations, raw)
    pause = _FIRST_POLL
    while (found := watch.look()) is None:
        time.sleep(pause)
        pause = min(_LONGEST_POLL, pause * 1.5)
    return found


def is_known(node: Node, transaction: str) -> bool:
    """Whether a node knows a transaction, in a block or not.

    Raises:
        NodeError: It does not say.
    """
    return transactions.find(node, transaction) is not None


def has_unmined(node: Node, account: str) -> bool:
    """Whether a transaction of an account is in no block yet: of this process, or of any other.

    Raises:
        NodeError: The node does not say.
    """
    mined, sent = node.batch(
        [
            ("eth_getTransactionCount", (account, state))
            for state in (blocks.LATEST, blocks.PENDING)
        ],
        errors=True,
    )
    if isinstance(mined, NodeError):
        raise mined
    if isinstance(sent, NodeError):  # it has no pending state
        return False
    return (blocks.number(sent) or 0) > (blocks.number(mined) or 0)


def first_receipt(node: Node, transactions: Sequence[str]) -> Mined | None:
    """The receipt of the one of them that is in a block.

    Raises:
        NodeError: The node does not say.
    """
    for transaction in transactions:
        if (found := receipts.receipt(node, transaction)) is not None:
            return found
    return None


class _Watch:
    """Looks for one of several transactions until it is deep enough or patience ends."""

    def __init__(
        self, node: Node, transactions: Sequence[str], confirmations: int, raw: str | None
    ) -> None:
        self._node = node
        self._transactions = transactions
        self._confirmations = confirmations
        self._raw = raw
        self._head = -1
        self._block: int | None = None
        self._end = time.monotonic() + node.network.patience
        self._resend = time.monotonic() + _RESEND_SECONDS
        self._silences = 0

    def look(self) -> Mined | None:
        """The transaction, once it is deep enough.

        Raises:
            NotMined: It is not, and patience has ended.
            OutcomeUnknown: The node does not tell.
        """
        problem: NodeError | None = None
        try:
            if (found := self._deep_enough()) is not None:
                return found
            self._silences = 0
        except NodeError as error:
            problem = error
            self._silences += isinstance(error, NodeSilent) and error.late
        latest, now = self._transactions[-1], time.monotonic()
        if problem is not None and (
            now > self._end or self._silences >= _MAX_SILENCES or isinstance(problem, AccessDenied)
        ):
            raise OutcomeUnknown(latest, str(problem))
        if now > self._end:
            if self._block is None and not self._is_known():
                raise OutcomeUnknown(latest, "the node does not know it")
            raise NotMined(latest, self._node.network.patience, self._block)
        return None

    def _deep_enough(self) -> Mined | None:
        found = first_receipt(self._node, self._transactions)
        self._block = None if found is None else found.block
        if found is not None and (not self._confirmations or not found.succeeded):
            return found
        if found is None and time.monotonic() > self._resend:
            self._give_again()
        height = blocks.height(self._node)
        if height > self._head and (self._head < 0 or found is not None):
            self._head, self._end = height, time.monotonic() + self._node.network.patience
        if found is not None and height - found.block >= self._confirmations:
            return found
        return None

    def _is_known(self) -> bool:
        try:
            return any(is_known(self._node, transaction) for transaction in self._transactions)
        except NodeError:
            return False

    def _give_again(self) -> None:
        """Give the node what it has lost, if it has."""
        self._resend = time.monotonic() + _RESEND_SECONDS
        if self._raw is None or is_known(self._node, self._transactions[-1]):
            return
        try:
            self._node.request(_SEND, [self._raw])
        except Rejected:  # its nonce is taken, say: patience will end
            return


def _refused(node: Node, signed: Signed) -> NodeError | None:
    """Why a node does not say that it has taken a transaction; None when it says so."""
    try:
        node.request(_SEND, [signed.raw])
    except NodeError as error:
        return error
    return None


def _is_surely_untaken(problem: NodeError) -> bool:
    """Whether a node that answers so cannot have taken the transaction."""
    if isinstance(problem, NodeSilent):
        return problem.unreached
    if isinstance(problem, Rejected):
        return problem.code not in (None, _INTERNAL_ERROR) and not _VAGUE.search(problem.said)
    return isinstance(problem, AccessDenied | RateLimited)


def _has(node: Node, transaction: str, *, looks: int) -> bool:
    """Whether a node is seen to have a transaction, in one of several looks."""
    for look in range(looks):
        if look:
            time.sleep(_BETWEEN_LOOKS)
        try:
            if is_known(node, transaction):
                return True
        except NodeError:
            continue
    return False
