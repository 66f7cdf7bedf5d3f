"""Transactions that no block takes: what has become of one, and another in its place.

A transaction can be replaced while it waits: by one of the same account and nonce that pays more.
Whichever of them a block takes first, the other is void, so nothing happens twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.chain import blocks, fees, transactions
from ape_v2v.chain.connected import or_connected
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.price import GasPrice
from ape_v2v.chain.signing import Unsigned
from ape_v2v.chain.writing import receipts, sending
from ape_v2v.errors import V2VError
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.notes import Note
    from ape_v2v.chain.transactions import Transaction
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.config import Fees

_GAS_OF_NOTHING = 21_000


@dataclass(frozen=True)
class Sent:
    """A transaction, as the node knows it."""

    transaction: str
    sender: str
    nonce: int
    price: GasPrice
    block: int | None
    """None while it waits."""
    succeeded: bool | None
    """None while it waits."""

    @property
    def state(self) -> str:
        """`waits`, `succeeded` or `reverted`."""
        return "waits" if self.block is None else "succeeded" if self.succeeded else "reverted"

    def as_json(self) -> dict[str, Any]:
        """For programs; fees are wei per gas."""
        return {
            "transaction": self.transaction,
            "state": self.state,
            "sender": self.sender,
            "nonce": self.nonce,
            "block": self.block,
            "maxFee": str(self.price.max_fee),
            "priorityFee": str(self.price.priority_fee),
        }


def look_up(transaction: str, node: Node | None = None) -> Sent:
    """What has become of a transaction.

    Args:
        transaction: Its hash.
        node: Who is asked. None: the node that Ape is connected to now.

    Raises:
        V2VError: The node does not know it.
    """
    node = or_connected(node)
    found = _find(node, transaction)
    mined = receipts.receipt(node, transaction)
    if mined is not None:  # told: who tries the same again means it
        node.notes.settle(transaction)
    return Sent(
        transaction=transaction,
        sender=found.sender,
        nonce=found.nonce,
        price=_price(found),
        block=None if mined is None else mined.block,
        succeeded=None if mined is None else mined.succeeded,
    )


def replace(
    transaction: str,
    sender: AccountAPI,
    policy: Fees,
    node: Node | None = None,
    *,
    cancel: bool = False,
    before_sending: Callable[[str, str], None] = lambda _hash, _signed: None,
) -> Mined:
    """Send a transaction again for more per gas, or one that does nothing in its place.

    Args:
        transaction: The hash of one that waits.
        sender: The account that sent it.
        policy: What to pay; at least a good tenth more than before, whatever this says.
        node: Where it waits. None: the node that Ape is connected to now.
        cancel: Send a transfer of nothing to oneself instead.
        before_sending: Told the new hash and the signed transaction, before it is sent.

    Raises:
        V2VError: The node does not know the transaction or has it in a block, it is another
            account's, the policy does not allow to pay enough, or the account does not sign.
        NotMined: The new one waits as well.
    """
    node = or_connected(node)
    found = _find(node, transaction)
    _require_replaceable(node, transaction, found, sender)
    new = Unsigned(
        chain_id=node.chain_id,
        sender=sender.address,
        nonce=found.nonce,
        to=sender.address if cancel else found.to,
        value=0 if cancel else found.value,
        data=b"" if cancel else found.data,
        gas_limit=_GAS_OF_NOTHING if cancel else found.gas_limit,
        price=_offer(node, _price(found), policy),
        authorizations=() if cancel else found.authorizations,
    )
    # In the place of the same it is the same; in its place, nothing, is something else.
    what_for = note.purpose if (note := node.notes.find(transaction)) else b""
    return sending.send_in_place(
        node,
        sender,
        new,
        b"" if cancel else what_for,
        confirmations=fees.confirmations(policy, node),
        before_sending=lambda signed: before_sending(signed.hash, signed.raw),
    )


def _find(node: Node, transaction: str) -> Transaction:
    found = transactions.find(node, transaction)
    if found is None:
        if (note := node.notes.find(transaction)) is not None:
            raise V2VError(_missing(node, note))
        raise V2VError(
            f"the node does not know {transaction}: it was never sent, was replaced, or has been "
            "dropped; ask again in a minute, or another node"
        )
    return found


def _missing(node: Node, note: Note) -> str:
    """What to tell of a transaction that was sent from here, and that the node does not know."""
    hash_ = note.signed.hash
    count = blocks.number(node.request("eth_getTransactionCount", [note.sender, blocks.LATEST]))
    if count is not None and count > note.nonce:
        return (
            f"{hash_} is void, unless the node is behind: another transaction of {note.sender} has "
            f"nonce {note.nonce}"
        )
    return (
        f"the node does not know {hash_}, which was signed here with nonce {note.nonce}: the same "
        "command once more sends this transaction again, and no other one"
    )


def _require_replaceable(
    node: Node, transaction: str, found: Transaction, sender: AccountAPI
) -> None:
    if found.sender != sender.address:
        raise V2VError(
            f"{transaction} is {found.sender}'s, and the account is {sender.address}: only who "
            "has sent it can replace it"
        )
    block = found.block
    if block is None and (mined := receipts.receipt(node, transaction)) is not None:
        block = mined.block
    if block is not None:
        raise V2VError(f"{transaction} is in block {block}: it cannot be replaced any more")


def _price(found: Transaction) -> GasPrice:
    if found.price is None:
        raise NodeError("the node does not say what the transaction offers: ask another node")
    return found.price


def _offer(node: Node, before: GasPrice, policy: Fees) -> GasPrice:
    """What the network asks now, and enough for nodes to take it in the other one's place."""
    least = before.raised()
    _, now = fees.ask(node, policy)
    offer = GasPrice(
        max(least.max_fee, now.max_fee), max(least.priority_fee, now.priority_fee), now.legacy
    )
    if policy.max_fee is not None and offer.max_fee > int(policy.max_fee):
        raise V2VError(
            f"max_fee is {policy.max_fee} per gas, and a replacement has to offer "
            f"{Money(least.max_fee)} at least: allow more"
        )
    return offer
