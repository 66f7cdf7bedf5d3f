"""Transactions that no block takes: what has become of one, and another in its place.

A transaction can be replaced while it waits: by one of the same account and nonce that pays more.
Whichever of them a block takes first, the other is void, so nothing happens twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape import chain
from ape.exceptions import TransactionNotFoundError
from eth_utils.conversions import to_hex
from web3.exceptions import TransactionNotFound, Web3RPCError

from ape_v2v.chain.fees import Price, confirmations, price
from ape_v2v.errors import NotMined, V2VError
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI, ReceiptAPI
    from web3.types import TxData

    from ape_v2v.config import Fees


@dataclass(frozen=True)
class Sent:
    """A transaction, as the node knows it."""

    transaction: str
    sender: str
    nonce: int
    price: Price
    block: int | None
    """None while it waits."""
    succeeded: bool | None
    """None while it waits."""


def look_up(transaction: str) -> Sent:
    """What has become of a transaction.

    Raises:
        V2VError: The node does not know it.
    """
    found = _find(transaction)
    block = found.get("blockNumber")
    succeeded = None
    if block is not None:
        receipt = chain.provider.web3.eth.get_transaction_receipt(found["hash"])
        succeeded = bool(receipt["status"])
    return Sent(transaction, found["from"], found["nonce"], _price(found), block, succeeded)


def replace(
    transaction: str,
    sender: AccountAPI,
    fees: Fees,
    *,
    cancel: bool = False,
    before_sending: Callable[[str, str], None] = lambda _hash, _signed: None,
) -> ReceiptAPI:
    """Send a transaction again for more per gas, or one that does nothing in its place.

    Args:
        transaction: The hash of one that waits.
        sender: The account that sent it.
        fees: What to pay; at least a good tenth more than before, whatever this says.
        cancel: Send a transfer of nothing to oneself instead.
        before_sending: Told the new hash and the signed transaction, before it is sent.

    Raises:
        V2VError: The node does not know the transaction or has it in a block, it is another
            account's, `fees` do not allow to pay enough, or the account does not sign.
        NotMined: The new one waits as well.
    """
    found = _find(transaction)
    _require_replaceable(transaction, found, sender)
    offer = _offer(_price(found), fees)
    ecosystem = chain.provider.network.ecosystem
    same: dict[str, Any] = {"receiver": sender.address, "value": 0, "gas": 21_000}
    if not cancel:
        same = {"data": bytes(found["input"]), "value": found["value"], "gas": found["gas"]}
        if found.get("to"):
            same["receiver"] = found["to"]
    new = ecosystem.create_transaction(
        sender=sender.address,
        nonce=found["nonce"],
        required_confirmations=confirmations(fees),
        **same,
        **offer.options,
    )
    signed = sender.sign_transaction(sender.prepare_transaction(new))
    if signed is None:
        raise V2VError(f"{sender.address} did not sign: nothing was sent")
    new_hash = str(to_hex(signed.txn_hash))
    before_sending(new_hash, str(to_hex(signed.serialize_transaction())))
    try:
        return chain.provider.send_transaction(signed)
    except TransactionNotFoundError as error:
        patience = chain.provider.network.transaction_acceptance_timeout
        raise NotMined(new_hash, patience) from error
    except Web3RPCError as error:
        raise V2VError(f"the node does not take the replacement: {error.message}") from error


def _find(transaction: str) -> TxData:
    try:
        return chain.provider.web3.eth.get_transaction(transaction)
    except TransactionNotFound as error:
        raise V2VError(
            f"the node does not know {transaction}: it was never sent, was replaced, or has been "
            "dropped; ask again in a minute, or another node"
        ) from error


def _require_replaceable(transaction: str, found: TxData, sender: AccountAPI) -> None:
    if found["from"] != sender.address:
        raise V2VError(
            f"{transaction} is {found['from']}'s, and the account is {sender.address}: only who "
            "has sent it can replace it"
        )
    if (block := found.get("blockNumber")) is not None:
        raise V2VError(f"{transaction} is in block {block}: it cannot be replaced any more")


def _price(found: TxData) -> Price:
    if "maxFeePerGas" in found:
        return Price(int(found["maxFeePerGas"]), int(found["maxPriorityFeePerGas"]))
    return Price(int(found["gasPrice"]), int(found["gasPrice"]))


def _offer(before: Price, fees: Fees) -> Price:
    """What the network asks now, and enough for nodes to take it in the other one's place."""
    least, now = before.raised(), price(fees)
    offer = Price(max(least.max_fee, now.max_fee), max(least.priority_fee, now.priority_fee))
    if fees.max_fee is not None and offer.max_fee > int(fees.max_fee):
        raise V2VError(
            f"max_fee is {fees.max_fee} per gas, and a replacement has to offer "
            f"{Money(least.max_fee)} at least: allow more"
        )
    return offer
