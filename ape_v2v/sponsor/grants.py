"""Ether for the wallets of EVs that pay their gas themselves: up to a level, on a budget."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape_v2v.chain import blocks
from ape_v2v.chain.writing.forecast import Request
from ape_v2v.errors import SentAs, V2VError
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.transactions import deliver, foresee
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.signing import Signed
    from ape_v2v.sponsor.ledger import Ledger


@dataclass(frozen=True)
class Grant:
    """Ether for one account, or why it got none."""

    account: str
    wallet: Money
    """What it had."""
    amount: Money
    transaction: str | None = None
    refusal: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "address": self.account,
            "wallet": self.wallet.as_json(),
            "amount": self.amount.as_json(),
            "transaction": self.transaction,
            "refusal": self.refusal,
        }


@dataclass(frozen=True)
class Purse:
    """Who gives, out of what."""

    node: Node
    payer: AccountAPI
    ledger: Ledger
    """What was given, and the most that is given in a day: to all, and how often to one."""

    def due(self, accounts: Sequence[str], below: Money, level: Money) -> list[Grant]:
        """What would bring those that have less than `below` up to a level.

        Raises:
            V2VError: The level is below the threshold, or the node has a problem.
        """
        if level < below:
            raise V2VError(
                f"wallets with less than {below} would be filled up to {level}: expected a level "
                "that is not below the threshold"
            )
        wallets = map(Money, blocks.balances(self.node, accounts))
        return [
            Grant(account, wallet, level - wallet)
            for account, wallet in zip(accounts, wallets, strict=True)
            if wallet < below
        ]

    def give(self, due: Grant, before_sending: Callable[[Signed], None] = lambda _: None) -> Grant:
        """Send it, unless a limit is reached or the account does not take it: the rest can go on.

        Raises:
            SentAs: It was sent, and its outcome is not known. It counts as given.
        """
        name = secrets.token_hex(32)

        def sending(signed: Signed) -> None:
            self.ledger.sent(name, signed.hash)
            before_sending(signed)

        try:
            request = Request(self.payer, due.account, b"", int(due.amount))
            expected = foresee(self.node, request)
            self.ledger.take(name, due.account, due.amount + expected.most)
            mined = deliver(self.node, request, expected, before_sending=sending)
        except SentAs:
            raise
        except V2VError as error:
            if not isinstance(error, Refused):  # what has reverted has cost its gas
                self.ledger.drop(name)
            return Grant(due.account, due.wallet, Money(0), refusal=str(error))
        self.ledger.paid(name, due.amount + Money(mined.cost))
        return Grant(due.account, due.wallet, due.amount, mined.transaction)
