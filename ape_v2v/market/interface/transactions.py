"""How a call reaches the market: one gateway for every write.

The objects of this package hand each write to a gateway. The default one sends it. The command
line puts one in its place that shows the call and its cost first, and asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ape_v2v.chain import fees
from ape_v2v.chain.line.faults import NodeError, Reverted
from ape_v2v.chain.writing import forecast, sending
from ape_v2v.currency import ETHER
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.records import NO_MONEY
from ape_v2v.market.interface.refusals import Refused, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.signing import Signed
    from ape_v2v.chain.writing.forecast import Forecast, Request
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.config import Fees
    from ape_v2v.currency import Currency
    from ape_v2v.market.interface.access import Callee
    from ape_v2v.units import Money

Stake: TypeAlias = "Money | Callable[[], Money]"


@dataclass(frozen=True)
class Write:
    """A call that is about to be made."""

    contract: Callee
    method: str
    arguments: tuple[Any, ...]
    sender: AccountAPI
    value: Money = NO_MONEY
    """Ether sent along."""
    locking: Stake = NO_MONEY
    """What `locks` gives, or how to find it out: only who shows it asks the node."""
    paying: Stake = NO_MONEY
    """What `pays` gives, or how to find it out."""
    moves: Money = NO_MONEY
    """What leaves the wallet of an account for the market, in its token."""
    intent: bytes = b""
    """What it is for, where a second try of the same carries another signature."""

    @property
    def locks(self) -> Money:
        """What the call will lock out of the sender's balance, at most."""
        return self.locking() if callable(self.locking) else self.locking

    @property
    def pays(self) -> Money:
        """What it will give away of what the sender has locked, at most: a price or a penalty."""
        return self.paying() if callable(self.paying) else self.paying

    @property
    def request(self) -> Request:
        """The transaction that it becomes."""
        return forecast.Request(
            self.sender,
            self.contract.address,
            self.contract.call_data(self.method, *self.arguments),
            int(self.value),
            intent=self.intent,
        )


Gateway: TypeAlias = "Callable[[Write], Any]"
"""Sends a write and gives the `Mined` transaction; raises `Refused` when the market refuses it."""


def simulate(write: Write) -> Forecast:
    """Ask the node what a call would do in the next block: that costs nothing.

    Raises:
        Refused: The market would refuse it.
        V2VError: The sender has too little ether, or the node has a problem.
    """
    return foresee(write.contract.node, write.request, currency=write.contract.currency)


def foresee(
    node: Node, request: Request, policy: Fees | None = None, currency: Currency = ETHER
) -> Forecast:
    """Ask the node what a transaction of the market, its creation too, would do.

    Args:
        node: Who is asked.
        request: The transaction.
        policy: What it may cost. None: as configured.
        currency: What the market is paid in.

    Raises:
        Refused: It would be refused.
        V2VError: The sender has too little ether, or the node has a problem.
    """
    try:
        return forecast.forecast(node, request, policy or fees.configured_fees(node))
    except Reverted as error:
        raise refusal(error.output, error.said, currency) from error


def creation_code(
    organization: str, parameters: tuple[int, ...], currency: Currency = ETHER
) -> bytes:
    """What deploys a market that is paid in this currency."""
    token = () if currency.is_ether else (currency.address,)
    return artifact.interface(artifact.name_for(currency)).creation_code(
        organization, parameters, *token
    )


def creation(
    sender: AccountAPI,
    organization: str,
    parameters: tuple[int, ...],
    currency: Currency = ETHER,
) -> Request:
    """The transaction that deploys a market."""
    return forecast.Request(sender, None, creation_code(organization, parameters, currency))


def send(
    write: Write,
    expected: Forecast | None = None,
    *,
    before_sending: Callable[[Signed], None] = lambda _: None,
) -> Mined:
    """Send a transaction and wait for its receipt, unless it would be refused.

    Args:
        write: What to send.
        expected: What it was found to do a moment ago; left out, that is asked first.
        before_sending: Told the signed transaction.

    Raises:
        Refused: The market refuses it.
        SentAs: It was sent, and its outcome is not known: the next try of the same takes it up.
    """
    if expected is None and (mined := take_up(write)) is not None:
        return mined
    return deliver(
        write.contract.node,
        write.request,
        expected or simulate(write),
        before_sending=before_sending,
        currency=write.contract.currency,
    )


def take_up(write: Write) -> Mined | None:
    """Finish what an earlier try of the same has sent without telling its outcome.

    Returns:
        Its transaction; None where there was none, or none that has done it.

    Raises:
        SentAs: It was sent, and its outcome is still not known.
    """
    node = write.contract.node
    return sending.take_up(node, write.request, _confirmations(node))


def deliver(
    node: Node,
    request: Request,
    expected: Forecast,
    *,
    before_sending: Callable[[Signed], None] = lambda _: None,
    currency: Currency = ETHER,
) -> Mined:
    """Send a transaction of the market, and wait for its receipt.

    Raises:
        Refused: It has reverted: something has come in between.
        SentAs: It was sent, and its outcome is not known.
    """
    mined = sending.send(
        node, request, expected, _confirmations(node), before_sending=before_sending
    )
    if not mined.succeeded:
        raise _reverted(node, request, mined, currency)
    return mined


def _confirmations(node: Node) -> int:
    return fees.confirmations(fees.configured_fees(node), node)


def _reverted(node: Node, request: Request, mined: Mined, currency: Currency) -> Refused:
    """Why a transaction has reverted, as far as the state after its block tells."""
    call = request.as_call()
    reason = "the node does not say why"
    for block in (mined.block, mined.block - 1):
        try:
            node.request("eth_call", [call, hex(block)])
        except Reverted as error:
            return refusal(error.output, error.said, currency)
        except NodeError as error:
            reason = str(error)
    return Refused("Reverted", {"reason": f"{mined.transaction}: {reason}"})
