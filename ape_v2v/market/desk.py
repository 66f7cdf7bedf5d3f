"""What a market, its auctions and its connections share: contract, node, gateway and signatures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from ape_v2v.chain import blocks
from ape_v2v.chain.persistent import persistent
from ape_v2v.errors import V2VError
from ape_v2v.market.interface import events, messages
from ape_v2v.market.interface.access import require_signer
from ape_v2v.market.interface.fields import with_v_27_or_28
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.market.interface.records import NO_MONEY, moment
from ape_v2v.market.interface.transactions import Gateway, Stake, Write, send
from ape_v2v.units import Money, Rate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ape.api import AccountAPI
    from eip712 import EIP712Message

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.currency import Currency
    from ape_v2v.market.interface.access import MarketContract
    from ape_v2v.market.interface.events import Fact


class Desk:
    """Where calls of one market are made, on one node."""

    def __init__(self, contract: MarketContract, gateway: Gateway = send) -> None:
        self.contract = contract
        self.gateway = gateway

    @property
    def address(self) -> str:
        """The market's, with a checksum."""
        return self.contract.address

    @property
    def node(self) -> Node:
        """Who is asked; always this one."""
        return self.contract.node

    @property
    def parameters(self) -> Parameters:
        """The market's rules, which never change."""
        return Parameters.from_contract(self.contract.view("parameters"))

    @property
    def currency(self) -> Currency:
        """What the market is paid in: ether, or a token."""
        return self.contract.currency

    def money(self, units: int) -> Money:
        """So many of the currency's smallest units."""
        return Money(units, self.currency)

    def rate(self, units: int) -> Rate:
        """So many of the currency's smallest units per Wh."""
        return Rate(units, self.currency)

    def money_of(self, value: Money | str) -> Money:
        """An amount in the market's currency as it is, or read; nothing is nothing in any.

        Raises:
            WrongCurrency: It is in another one.
            UnitError: It is no amount.
        """
        if isinstance(value, Money) and not value:
            return self.money(0)
        return Money.of(value, self.currency)

    def rate_of(self, value: Rate | str) -> Rate:
        """A rate in the market's currency as it is, or read.

        Raises:
            WrongCurrency: It is in another one.
            UnitError: It is no rate.
        """
        return Rate.of(value, self.currency)

    def along(self, value: Money | str) -> Money:
        """The ether that a call brings into the market.

        Raises:
            WrongCurrency: It is in another currency than the market's.
            V2VError: The market is paid in a token, which no call can bring along.
            UnitError: It is no amount.
        """
        money = self.money_of(value)
        if self.currency.is_ether:
            return money
        if money:
            raise V2VError(
                f"this market is paid in {self.currency}, which no call brings along: deposit "
                f"{money} first, and leave the value out"
            )
        return NO_MONEY

    @property
    def now(self) -> datetime:
        """When the next block would be made, if that were now: the time that a call would meet."""
        return moment(blocks.next_timestamp(self.node))

    def balance(self, account: str) -> Money:
        """The free balance of an account; what it has locked is not in it."""
        return self.money(self.contract.view("evs", account).balance)

    def is_ev(self, account: str) -> bool:
        """Whether an account is registered."""
        return bool(self.contract.view("isEV", account))

    def are_evs(self, accounts: Sequence[str]) -> list[bool]:
        """Which accounts are registered, in their order; asked at once."""
        return self.contract.views([("isEV", (account,)) for account in accounts])

    def domain(self) -> Any:
        """The EIP-712 domain of this market."""
        return messages.domain(self.address, self.node.chain_id)

    def sign(
        self,
        message: type[EIP712Message],
        *,
        signer: AccountAPI,
        **fields: int | bytes | str | None,
    ) -> bytes:
        """Sign one of `ape_v2v.market.interface.messages` for this market: 65 bytes.

        Raises:
            V2VError: The account cannot sign, or did not.
        """
        require_signer(signer)
        typed: Any = message  # its domain is a keyword that the class does not declare
        signature = signer.sign_message(typed(**fields, eip712_domain=self.domain()))
        if signature is None:
            raise V2VError(f"{signer.address} did not sign the {message.__name__}")
        return with_v_27_or_28(signature.encode_rsv())

    def lasting(self) -> Self:
        """The same market, over a node that is asked again whatever goes wrong.

        For a process that goes on for days; at a prompt one wants to be told at once.
        """
        return type(self)(replace(self.contract, node=persistent(self.node)), self.gateway)

    def transact(
        self,
        method: str,
        *arguments: Any,
        sender: AccountAPI,
        value: Money = NO_MONEY,
        locks: Stake = NO_MONEY,
        pays: Stake = NO_MONEY,
        moves: Money = NO_MONEY,
        intent: bytes = b"",
    ) -> Mined:
        """Send a call through the gateway.

        `locks`, `pays` and `moves`, what leaves a wallet, are for people to see before; `intent`
        is by what a second try of the same is known, where it is not the call itself.

        Raises:
            V2VError: The sender cannot sign.
            Refused: The market refuses it.
        """
        require_signer(sender)
        write = Write(self.contract, method, arguments, sender, value, locks, pays, moves, intent)
        mined: Mined = self.gateway(write)
        return mined

    def facts(self, mined: Mined) -> list[Fact]:
        """What the market has reported in a transaction."""
        return events.facts(mined.logs, self.address)
