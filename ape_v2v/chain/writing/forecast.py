"""What a transaction would do and cost, asked of the node in one batch: that costs nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.chain import blocks, fees, rollups, signing
from ape_v2v.chain.line.faults import NodeError, Rejected, Reverted
from ape_v2v.errors import V2VError
from ape_v2v.units import Money

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.chain.node import Call, Node
    from ape_v2v.chain.price import GasPrice
    from ape_v2v.config import Fees

_RESERVE_PERCENT = 20
# A bid that meets another one in its block writes another one's balance as well.
_RESERVE = 30_000
_MOST_OF_ONE = 2**24  # EIP-7825
_ANVIL = "anvil"


class Underfunded(V2VError):
    """The sender has too little ether."""


@dataclass(frozen=True)
class Request:
    """A transaction to be: who wants what of whom."""

    sender: AccountAPI
    to: str | None
    """None creates a contract."""
    data: bytes
    value: int = 0
    """Wei."""
    intent: bytes = b""
    """What it is for, where a second try of the same may carry other data."""
    authorizations: tuple[signing.Authorization, ...] = ()
    """Of accounts that delegate with it (EIP-7702)."""

    def as_call(self) -> dict[str, Any]:
        """As `eth_call` and its kin take it."""
        sender = self.sender.address
        return signing.call(sender, self.to, self.value, self.data, self.authorizations)


@dataclass(frozen=True)
class Forecast:
    """What would become of it in the next block."""

    nonce: int
    gas: int
    """The node's estimate."""
    gas_limit: int
    """What is allowed beyond it is only paid where it is used."""
    price: GasPrice
    base_fee: int
    wallet: Money
    """What the sender has outside of every contract."""
    timestamp: int
    """The block's time, seconds since 1970."""
    asked_at: float
    """When the node was asked, by the monotonic clock."""
    data_fee: int = 0
    """What the data cost at most on layer 1, beside the gas, wei."""

    @property
    def cost(self) -> Money:
        """What it is expected to cost."""
        rate = min(self.price.max_fee, self.base_fee + self.price.priority_fee)
        return Money(self.gas * rate + self.data_fee)

    @property
    def most(self) -> Money:
        """What it can cost at most."""
        return Money(self.gas_limit * self.price.max_fee + self.data_fee)


def forecast(node: Node, request: Request, policy: Fees) -> Forecast:
    """Ask what a transaction would do.

    Raises:
        Reverted: It would revert.
        Underfunded: The sender has too little ether.
        V2VError: The policy allows too little.
        NodeError: The node does not say.
    """
    sender = request.sender.address
    asked_at = time.monotonic()
    answers = _ask(node, request)
    estimate, nonce, block, called, balance, *rest = answers
    offers, of_data = rest[: len(fees.QUESTIONS)], rest[len(fees.QUESTIONS) :]
    wallet = Money(_number(balance, "the sender's ether"))
    if wallet < (value := Money(request.value)):
        raise Underfunded(
            f"{sender} has {wallet} in its wallet, and this would send {value}: "
            "fund it first, or send less"
        )
    for answer in (called, estimate, block):
        if isinstance(answer, Reverted):
            raise answer
        if isinstance(answer, Rejected):
            raise NodeError(f"the node cannot execute the call: {answer}")
        if isinstance(answer, NodeError):
            raise answer
    head = blocks.read(block, node.pending)
    gas = _number(estimate, "how much gas it would take")
    found = Forecast(
        nonce=_number(_nonce(node, sender, nonce), "the sender's nonce"),
        gas=gas,
        gas_limit=gas_limit(gas, head.gas_limit),
        price=fees.price(policy, node, head, offers),
        base_fee=head.base_fee or 0,
        wallet=wallet,
        timestamp=head.timestamp,
        asked_at=asked_at,
        data_fee=rollups.data_fee(of_data),
    )
    if wallet < Money(request.value + int(found.most)):
        sends = f"would send {value}, and " if value else ""
        raise Underfunded(
            f"{sender} has {wallet} in its wallet, and this {sends}costs gas of "
            f"about {found.cost}, at most {found.most}: fund it first"
        )
    return found


def gas_limit(estimate: int, of_block: int | None = None) -> int:
    """What to allow a transaction: somewhat more than the estimate."""
    allowed = estimate * (100 + _RESERVE_PERCENT) // 100 + _RESERVE
    most = min(_MOST_OF_ONE, of_block or _MOST_OF_ONE)
    return max(estimate, min(allowed, most))


def _ask(node: Node, request: Request) -> list[Any]:
    sender = request.sender.address
    call = request.as_call()

    def asked(tag: str) -> list[Any]:
        called: Call = ("eth_call", (call, tag))
        others: list[Call] = [
            ("eth_estimateGas", (call, tag)),
            ("eth_getTransactionCount", (sender, blocks.PENDING)),
            ("eth_getBlockByNumber", (tag, False)),
        ]
        of_now: list[Call] = [
            ("eth_getBalance", (sender, blocks.LATEST)),
            *fees.QUESTIONS,
            *rollups.data_question(node, request.data, len(request.authorizations)),
        ]
        if _ANVIL not in node.client:
            return node.batch([*others, called, *of_now], errors=True)
        # It works on a batch at once, and two questions about pending state can stop it.
        return node.one_by_one(others, errors=True) + node.batch([called, *of_now], errors=True)

    answers = asked(node.pending)
    if node.pending == blocks.PENDING and _has_no_pending_state(answers):
        again = asked(blocks.LATEST)
        if not _has_no_pending_state(again):
            node.pending = blocks.LATEST
        return again
    return answers


def _has_no_pending_state(answers: list[Any]) -> bool:
    _, _, block, called, *_ = answers
    return block is None or type(block) is Rejected or type(called) is Rejected


def _nonce(node: Node, sender: str, answer: Any) -> Any:
    """The nonce, where a node does not count what is in no block."""
    if isinstance(answer, Rejected):
        return node.request("eth_getTransactionCount", (sender, blocks.LATEST))
    return answer


def _number(answer: Any, what: str) -> int:
    if isinstance(answer, Rejected):
        raise NodeError(f"the node does not say {what} ({answer}): try again, or ask another node")
    if isinstance(answer, NodeError):
        raise answer
    found = blocks.number(answer)
    if found is None:
        raise NodeError(f"the node does not say {what}: try again, or ask another node")
    return found
