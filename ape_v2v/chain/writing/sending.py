"""How a transaction is sent: one way for every one of them.

It is signed, noted, given to the node and waited for. The note lasts until its outcome is told: who
tries the same again, after a lost line or a killed process, takes up the first one's transaction.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from ape_v2v.chain import blocks
from ape_v2v.chain.line.faults import NodeError, Rejected
from ape_v2v.chain.signing import Signed, Unsigned, sign
from ape_v2v.chain.writing.broadcasting import NonceTaken, broadcast, first_receipt, is_known, wait
from ape_v2v.errors import ConfigurationError, OutcomeUnknown, SentAs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.notes import Note
    from ape_v2v.chain.writing.forecast import Forecast, Request
    from ape_v2v.chain.writing.receipts import Mined

_COUNT = "eth_getTransactionCount"
_ATTEMPTS = 3
_PAUSE = 0.2


class _Turn:
    """Whose turn it is to send from one account: its nonces follow one another."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.last = 0.0
        """When the last one was sent, by the monotonic clock."""


_turns: dict[tuple[int, str], _Turn] = {}
_turns_lock = threading.Lock()


def purpose(request: Request) -> bytes:
    """What a transaction is to do: the same for a second try of it."""
    to = (request.to or "").lower()
    what = request.intent or request.data
    return keccak(f"{request.sender.address} {to} {request.value} ".encode() + what)


def send(
    node: Node,
    request: Request,
    expected: Forecast,
    confirmations: int,
    *,
    before_sending: Callable[[Signed], None] = lambda _: None,
) -> Mined:
    """Sign a transaction, send it, and wait until it lies deep enough.

    Args:
        node: Where to.
        request: What, and who signs.
        expected: What it was found to do a moment ago.
        confirmations: Blocks that have to lie on top of it.
        before_sending: Told the signed transaction; what it raises stops it.

    Raises:
        NotMined: It was sent, and no block has it yet.
        OutcomeUnknown: It was or may have been sent, and the node does not tell what became of it.
        NodeError: The node does not take it; nothing was sent.
        ConfigurationError: It cannot be noted; nothing was sent.
        V2VError: The account does not sign; nothing was sent.
    """
    unsigned = Unsigned(
        chain_id=node.chain_id,
        sender=request.sender.address,
        nonce=expected.nonce,
        to=request.to,
        value=request.value,
        data=request.data,
        gas_limit=expected.gas_limit,
        price=expected.price,
        authorizations=request.authorizations,
    )
    with _turn(node, unsigned.sender) as turn:
        if turn.last >= expected.asked_at:  # another one of ours may have taken the nonce
            unsigned = unsigned.with_nonce(_free_nonce(node, unsigned.sender))
        signed = _give(
            node,
            request.sender,
            unsigned,
            purpose(request),
            may_move=True,
            before_sending=before_sending,
        )
        turn.last = time.monotonic()
    return _outcome(node, signed, confirmations)


def send_in_place(
    node: Node,
    account: AccountAPI,
    unsigned: Unsigned,
    what_for: bytes,
    *,
    confirmations: int,
    before_sending: Callable[[Signed], None],
) -> Mined:
    """Sign a transaction with the nonce that it has, send it, and wait until it lies deep enough.

    Raises:
        SentAs: It was sent, and its outcome is not known.
        NodeError: The node does not take it.
        V2VError: The account does not sign, or it cannot be noted; nothing was sent.
    """
    with _turn(node, unsigned.sender) as turn:
        signed = _give(
            node, account, unsigned, what_for, may_move=False, before_sending=before_sending
        )
        turn.last = time.monotonic()
    return _outcome(node, signed, confirmations)


def take_up(node: Node, request: Request, confirmations: int) -> Mined | None:
    """Finish what an earlier try of the same has sent, if there was one that told no outcome.

    Returns:
        The transaction, if it has done what it was to do; None where nothing of it can come any
        more, so that it may be sent anew.

    Raises:
        SentAs: It was sent, and its outcome is still not known.
    """
    for note in node.notes.abandoned(purpose(request)):
        if not node.notes.take(note):
            continue
        try:
            alive = _revive(node, note)
        except NodeError as error:
            _give_up(node, note.signed.hash)
            raise OutcomeUnknown(note.signed.hash, str(error)) from error
        if not alive:
            node.notes.settle(note.signed.hash)
            continue
        mined = _outcome(node, note.signed, confirmations)
        if mined.succeeded:
            return mined
    return None


def _revive(node: Node, note: Note) -> bool:
    """See to it that the node has what was sent before; False when that is void."""
    if first_receipt(node, [note.signed.hash]) or is_known(node, note.signed.hash):
        return True
    count = blocks.number(node.request(_COUNT, [note.sender, blocks.LATEST]))
    if count is not None and count > note.nonce:
        # A block may have it before the node finds it by its hash.
        time.sleep(_PAUSE)
        return is_known(node, note.signed.hash)
    try:
        broadcast(node, note.signed)
    except NonceTaken:
        return False
    except Rejected:  # it offers too little by now, or has lost its ether
        return False
    return True


def _give(
    node: Node,
    account: AccountAPI,
    unsigned: Unsigned,
    what_for: bytes,
    *,
    may_move: bool,
    before_sending: Callable[[Signed], None],
) -> Signed:
    """Sign, note and broadcast; with another nonce if that one is taken."""
    problem: Exception = NodeError("the nonce is taken")
    for _ in range(_ATTEMPTS):
        signed = sign(account, unsigned)
        if signed is None:  # an account that only a development node has
            return Signed(str(node.request("eth_sendTransaction", [unsigned.as_call()])), "")
        before_sending(signed)
        node.notes.add(signed, unsigned, what_for)
        try:
            broadcast(node, signed)
            return signed
        except NonceTaken as error:
            node.notes.settle(signed.hash)
            problem = error
        except NodeError as error:
            node.notes.settle(signed.hash)
            raise NodeError(f"{_refusal(error)}: nothing was sent") from error
        time.sleep(_PAUSE)
        if may_move:
            unsigned = unsigned.with_nonce(_free_nonce(node, unsigned.sender))
    raise NodeError(f"the node does not take the transaction ({problem}): nothing was sent")


def _refusal(error: NodeError) -> str:
    return (
        f"the node does not take the transaction ({error})"
        if isinstance(error, Rejected)
        else str(error)
    )


def _outcome(node: Node, signed: Signed, confirmations: int) -> Mined:
    """Wait for a transaction, and forget it once its outcome is known."""
    try:
        mined = wait(node, [signed.hash], confirmations, signed.raw or None)
    except SentAs:
        _give_up(node, signed.hash)
        raise
    with suppress(ConfigurationError):  # the chain has it: that is what is to be told
        node.notes.settle(signed.hash)
    return mined


def _give_up(node: Node, transaction: str) -> None:
    with suppress(ConfigurationError):
        node.notes.give_up(transaction)


def _free_nonce(node: Node, sender: str) -> int:
    """The first nonce that none of the account's transactions has, as far as the node knows them.

    Raises:
        NodeError: The node does not say.
    """
    try:
        nonce = blocks.number(node.request(_COUNT, [sender, blocks.PENDING]))
    except Rejected:  # it only counts what is in blocks
        nonce = blocks.number(node.request(_COUNT, [sender, blocks.LATEST]))
    if nonce is None:
        raise NodeError("the node does not say the sender's nonce: nothing was sent; try again")
    for note in node.notes.of(sender, nonce):
        if note.nonce == nonce and is_known(node, note.signed.hash):
            nonce += 1
    return nonce


@contextmanager
def _turn(node: Node, sender: str) -> Iterator[_Turn]:
    with _turns_lock:
        turn = _turns.setdefault((node.chain_id, sender), _Turn())
    with turn.lock:
        yield turn
