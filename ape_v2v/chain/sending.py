"""How a transaction is sent and waited for: one way for every one of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ape_v2v.chain import blocks, receipts
from ape_v2v.chain.faults import NodeError, Rejected
from ape_v2v.chain.signing import Signed, Unsigned, sign
from ape_v2v.errors import NotMined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape.api import AccountAPI

    from ape_v2v.chain.forecast import Forecast, Request
    from ape_v2v.chain.node import Node
    from ape_v2v.chain.receipts import Mined

_FIRST_POLL, _LONGEST_POLL = 0.005, 1.0


def unsigned(node: Node, request: Request, expected: Forecast) -> Unsigned:
    """A request as the transaction that it becomes."""
    return Unsigned(
        chain_id=node.chain_id,
        sender=request.sender.address,
        nonce=expected.nonce,
        to=request.to,
        value=request.value,
        data=request.data,
        gas_limit=expected.gas_limit,
        price=expected.price,
    )


def send(
    node: Node,
    account: AccountAPI,
    transaction: Unsigned,
    confirmations: int,
    *,
    before_sending: Callable[[Signed], None] = lambda _: None,
) -> Mined:
    """Sign a transaction, send it, and wait until it lies deep enough.

    Args:
        node: Where to.
        account: Who signs.
        transaction: What.
        confirmations: Blocks that have to lie on top of it.
        before_sending: Told the signed transaction.

    Raises:
        NotMined: It was sent, and no block has it yet.
        NodeError: The node does not take it.
        V2VError: The account does not sign.
    """
    signed = sign(account, transaction)
    if signed is None:
        return wait(
            node, [node.request("eth_sendTransaction", [transaction.as_call()])], confirmations
        )
    before_sending(signed)
    broadcast(node, signed)
    return wait(node, [signed.hash], confirmations)


def broadcast(node: Node, signed: Signed) -> None:
    """Give a signed transaction to the node.

    Raises:
        NodeError: The node does not take it.
    """
    try:
        node.request("eth_sendRawTransaction", [signed.raw])
    except Rejected as error:
        raise NodeError(f"the node does not take the transaction: {error}") from error


def is_known(node: Node, transaction: str) -> bool:
    """Whether the node knows a transaction, in a block or not."""
    return node.request("eth_getTransactionByHash", [transaction]) is not None


def wait(node: Node, transactions: Sequence[str], confirmations: int) -> Mined:
    """Wait until one of them lies as deep as it has to, and give up when no block comes any more.

    Args:
        node: Who is asked.
        transactions: A transaction, and what has replaced it, the latest last.
        confirmations: Blocks that have to lie on top of it.

    Raises:
        NotMined: None does within the network's patience.
    """
    patience = node.network.patience
    head, end, pause = -1, time.monotonic() + patience, _FIRST_POLL
    while True:
        found = first_receipt(node, transactions)
        if found is not None and (not confirmations or not found.succeeded):
            return found
        height = blocks.height(node)
        if height > head and (head < 0 or found is not None):
            head, end = height, time.monotonic() + patience
        if found is not None and height - found.block >= confirmations:
            return found
        if time.monotonic() > end:
            raise NotMined(transactions[-1], patience, None if found is None else found.block)
        time.sleep(pause)
        pause = min(_LONGEST_POLL, pause * 1.5)


def first_receipt(node: Node, transactions: Sequence[str]) -> Mined | None:
    """The receipt of the one of them that is in a block."""
    for transaction in transactions:
        if (found := receipts.receipt(node, transaction)) is not None:
            return found
    return None
