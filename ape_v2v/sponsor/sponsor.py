"""Who pays the gas of others: checks an order, tries it, remembers it, and sends it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.chain import blocks, fees
from ape_v2v.chain.writing import broadcasting
from ape_v2v.chain.writing.forecast import Request
from ape_v2v.errors import SentAs, V2VError
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.transactions import deliver, foresee
from ape_v2v.sponsor.delegation import (
    delegate_of,
    ensure_deployed,
    next_nonce,
    transaction_count,
)
from ape_v2v.units import Money

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.chain.signing import Authorization
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.market import Market
    from ape_v2v.sponsor.ledger import Ledger
    from ape_v2v.sponsor.order import Order

_AT_ONCE = 64
LONGEST_SECONDS = 3_600
"""How far ahead the deadline of an order may be."""


class NotSponsored(V2VError):
    """An order that this sponsor does not send, whatever the market would say of it."""


@dataclass(frozen=True)
class Carried:
    """An order that was carried out."""

    transaction: str
    block: int
    cost: Money
    """What the sponsor has paid."""

    def as_json(self) -> dict[str, Any]:
        return {
            "transaction": self.transaction,
            "block": self.block,
            "cost": self.cost.as_json(),
        }


class Sponsor:
    """Pays for the orders of one market's EVs. Any thread may bring one."""

    def __init__(self, market: Market, payer: AccountAPI, ledger: Ledger) -> None:
        """Be ready to pay; the contract that EVs delegate to is deployed if it has to be.

        Args:
            market: The one market whose calls are sent.
            payer: Who pays; nobody's money but its own is at stake.
            ledger: What may be spent, and what was.

        Raises:
            V2VError: The contract cannot be deployed.
        """
        self.market = market
        self.payer = payer
        self.ledger = ledger
        self.delegate = ensure_deployed(market.node, payer)
        # One account's orders wait for each other; as many locks as orders are carried out at once.
        self._locks = [threading.Lock() for _ in range(_AT_ONCE)]

    def as_json(self) -> dict[str, Any]:
        """What an EV has to know of it."""
        return {
            "chainId": self.market.node.chain_id,
            "market": self.market.address,
            "delegate": self.delegate,
            "payer": self.payer.address,
            "left": self.ledger.left.as_json(),
            "longestSeconds": LONGEST_SECONDS,
        }

    def carry_out(self, order: Order) -> Carried:
        """Send an order, and wait for its transaction; one that was sent before is not sent again.

        Raises:
            NotSponsored: It is none that this sponsor sends.
            LimitReached: It would cost more than this sponsor pays for now.
            Refused: The market would refuse it, or has refused it.
            SentAs: It was sent, and its outcome is not known.
            V2VError: The sponsor has too little ether, or its node a problem; nothing was sent.
        """
        self._require_ours(order)
        with self._locks[int(order.account, 16) % _AT_ONCE]:
            if (sent := self.ledger.transaction_of(order.digest)) is not None:
                return self._outcome(order, sent)
            return self._send(order)

    def _send(self, order: Order) -> Carried:
        node = self.market.node
        self._require_timely(order)
        self._require_known(order.account)
        authorizations = self._authorizations(order)
        request = Request(self.payer, order.account, order.data, authorizations=authorizations)
        expected = foresee(node, request, currency=self.market.currency)
        self.ledger.take(order.digest, order.account, expected.most)
        try:
            mined = deliver(
                node,
                request,
                expected,
                before_sending=lambda signed: self.ledger.sent(order.digest, signed.hash),
                currency=self.market.currency,
            )
        except (SentAs, Refused):  # it may cost something yet, or has
            raise
        except V2VError:
            self.ledger.drop(order.digest)
            raise
        return self._carried(order, mined)

    def _outcome(self, order: Order, transaction: str) -> Carried:
        """What has become of an order that was sent before."""
        node = self.market.node
        confirmations = fees.confirmations(fees.configured_fees(node), node)
        mined = broadcasting.wait(node, [transaction], confirmations)
        if not mined.succeeded:
            raise NotSponsored(
                f"this order was sent as {transaction}, and reverted: sign another one"
            )
        return self._carried(order, mined)

    def _carried(self, order: Order, mined: Mined) -> Carried:
        cost = Money(mined.cost)
        self.ledger.paid(order.digest, cost)
        return Carried(mined.transaction, mined.block, cost)

    def _require_ours(self, order: Order) -> None:
        """Refuse what is for another chain, calls others, or is not signed."""
        chain_id, market = self.market.node.chain_id, self.market.address
        if order.chain_id != chain_id:
            raise NotSponsored(
                f"the order is for chain {order.chain_id}, and this sponsor sends to {chain_id}"
            )
        for call in order.calls:
            if call.to != market:
                raise NotSponsored(
                    f"the order calls {call.to}, and this sponsor pays for calls of the market at "
                    f"{market} only"
                )
        if not order.is_signed:
            raise NotSponsored(f"{order.account} has not signed exactly this order: sign it again")

    def _require_timely(self, order: Order) -> None:
        node = self.market.node
        now = blocks.next_timestamp(node)
        if order.deadline < now:
            raise Refused("SignatureExpired", {"deadline": order.deadline, "timestamp": now})
        if order.deadline > now + LONGEST_SECONDS:
            raise NotSponsored(
                f"the order is valid for {order.deadline - now} s, and this sponsor takes none "
                f"that is for more than {LONGEST_SECONDS}: choose an earlier deadline"
            )
        if order.nonce != (nonce := next_nonce(node, order.account)):
            raise NotSponsored(
                f"the order has the nonce {order.nonce}, and the next one of {order.account} is "
                f"{nonce}: sign it again"
            )

    def _require_known(self, account: str) -> None:
        record = self.market.contract.view("evs", account)
        if not record.addedAt and not record.balance:
            raise NotSponsored(
                f"{account} is no EV of this market, and has nothing in it: ask the organization "
                "to add it"
            )

    def _authorizations(self, order: Order) -> tuple[Authorization, ...]:
        node = self.market.node
        current = delegate_of(node, order.account)
        if current == self.delegate:
            return ()
        if current is not None:
            raise NotSponsored(
                f"{order.account} delegates to {current}, and not to {self.delegate}: trade with "
                "another account"
            )
        try:
            found = order.authorization(self.delegate)
        except V2VError as error:
            raise NotSponsored(str(error)) from error
        if found is None:
            raise NotSponsored(
                f"{order.account} does not delegate yet: its first order has to bring its "
                f"authorization of {self.delegate}"
            )
        if found.nonce != (count := transaction_count(node, order.account)):
            raise NotSponsored(
                f"{order.account} has authorized with the nonce {found.nonce}, and it is {count}: "
                "sign that again"
            )
        return (found,)
