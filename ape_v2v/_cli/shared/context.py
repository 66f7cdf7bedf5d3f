"""What every command has: the market, who acts, and how to show things."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ape
import click
from eth_utils.address import to_checksum_address
from rich.console import Console

from ape_v2v import deployment
from ape_v2v.chain.networks import connected_node
from ape_v2v.config import Configuration
from ape_v2v.currency import ETHER
from ape_v2v.market.interface.records import consumer_of
from ape_v2v.market.interface.transactions import Write, send, simulate, take_up
from ape_v2v.market.market import Market
from ape_v2v.units import Energy, Money, WrongCurrency

if TYPE_CHECKING:
    from typing import TextIO

    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.signing import Signed
    from ape_v2v.chain.writing.forecast import Forecast
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.currency import Currency
    from ape_v2v.lightnode.beacon.head import Head
    from ape_v2v.units import Price, Rate

_KWH = Energy(1_000)
_ROUND = 2**32 - 1


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:  # a file, or a program that looks for whole addresses
        console.width = max(console.width, 200)
    return console


@dataclass
class Context:
    """What every command has: the market, who acts, and how to show things."""

    market_address: str | None
    as_json: bool
    yes: bool = False
    account: AccountAPI | None = None
    console: Console = field(default_factory=_console)
    config: Configuration = field(default_factory=Configuration.current)
    prices: tuple[Price, ...] = ()
    """What ether and tokens cost in the user's money; the first that fits counts."""
    transaction: str | None = None
    """The hash of the last one sent."""
    head: Head | None = None
    """The block by which all that is shown is proven, if it is."""
    underway: str | None = None
    """The hash of one that has been signed, and of which nothing more is known yet."""
    advice: str | None = None
    """What to do when the node goes while something is sent otherwise than by the gateway."""

    def __post_init__(self) -> None:
        self._given, self.prices = self.prices, (*self.prices, *self.config.fiat)

    @cached_property
    def market(self) -> Market:
        """The market: --market, else the configured one, else the last one deployed from here."""
        address = self.market_address or deployment.default_market(ape.project.path, self.node)
        market = Market.at(address, self.node, gateway=self.gateway)
        self._require_fitting(market.currency)
        return market

    def _require_fitting(self, currency: Currency) -> None:
        """A price that was typed has to be of what is shown; configured ones are for any market."""
        for price in self._given:
            if not (price.is_of(ETHER) or price.is_of(currency)):
                raise WrongCurrency(
                    f"--fiat says what one {price.per} costs, and this market is paid in "
                    f"{currency}: give it like '{price.currency}=1.5/{currency}'"
                )

    @cached_property
    def node(self) -> Node:
        """The node of the connected network."""
        return connected_node()

    @property
    def sender(self) -> AccountAPI:
        """Who acts, in a command that writes."""
        assert self.account is not None, "a command that only reads has no account"
        return self.account

    def show(self, data: dict[str, Any] | list[dict[str, Any]], rendered: Any) -> None:
        """Print the outcome: as JSON for programs, rendered for people."""
        if self.head is not None:
            if isinstance(data, dict):
                data |= {"provenBy": self.head.as_json()}
            click.echo(f"proven by {self.head}", err=True)
        if self.as_json:
            click.echo(json.dumps(data, default=str))
        else:
            self.console.print(rendered, soft_wrap=True)  # what is too long runs on: see tables.py

    def tell(self, rendered: Any) -> None:
        """Print what comes before the outcome: beside it, where the outcome is for programs."""
        console = Console(stderr=True, highlight=False) if self.as_json else self.console
        console.print(rendered, soft_wrap=True)

    def emit(self, data: dict[str, Any], text: str) -> None:
        """Print one of many lines: JSON for programs."""
        click.echo(json.dumps(data) if self.as_json else text)

    def notice(self, text: str) -> None:
        """Tell on standard error what a transaction means, before it is asked for."""
        if not self.yes:
            click.echo(text, err=True)

    def gateway(self, write: Write) -> Mined:
        """Show what a transaction will do and cost, ask, and send it."""
        if (mined := take_up(write)) is not None:
            self.transaction = mined.transaction
            click.echo(
                f"sent before as {mined.transaction}, whose outcome was not known then: that one "
                "counts, and nothing is sent again",
                err=True,
            )
            return mined
        expected = simulate(write)
        with prompts_on_stderr():
            if not self.yes:
                self.announce(write, expected)
                click.confirm("send it?", abort=True, err=True)
            mined = send(write, expected, before_sending=self.on_its_way)
        self.transaction, self.underway = mined.transaction, None
        return mined

    def on_its_way(self, signed: Signed) -> None:
        """Remember what was signed: it may have been sent, whatever happens now."""
        self.underway = signed.hash

    def announce(self, write: Write, expected: Forecast | None) -> None:
        """Say on standard error what a transaction will do; None: another one pays its gas."""
        lines = [
            f"{write.method} on {write.contract.what} {write.contract.address}",
            f"  by {self.who(write.sender.address)}",
        ]
        if expected is not None:
            lines.append(f"  costs about {self.cost(expected)}")
        if write.value:
            lines.append(f"  sends {self.money(write.value)} into the market")
        if write.moves:
            lines.append(f"  takes {self.money(write.moves)} out of a wallet into the market")
        if write.locks:
            lines.append(f"  locks {self.money(write.locks)} until it is over")
        if write.pays:
            lines.append(f"  pays {self.money(write.pays)} out of what is locked")
        click.echo("\n".join(lines), err=True)

    def energy(self, value: Energy) -> str:
        return value.format(self.config.units.energy)

    def rate(self, value: Rate) -> str:
        shown = value.format(self.config.units.rate) if value.currency.is_ether else str(value)
        worth = self._worth(value * _KWH)
        return f"{shown} ({worth}/kWh)" if worth else shown

    def money(self, value: Money) -> str:
        shown = value.format(self.config.units.money) if value.currency.is_ether else str(value)
        worth = self._worth(value)
        return f"{shown} ({worth})" if worth else shown

    def _worth(self, value: Money) -> str:
        """An amount in the user's money; nothing where no price is known for its currency."""
        fitting = (price for price in self.prices if price.is_of(value.currency))
        return next((price.format(value) for price in fitting), "")

    def cost(self, expected: Forecast) -> str:
        """What a transaction is expected to cost, and for what."""
        beside = ""
        if expected.data_fee:
            beside = f", and {self.money(Money(expected.data_fee))} for its data on layer 1"
        return f"{self.money(expected.cost)} ({expected.gas:,} gas{beside})"

    @cached_property
    def aliases(self) -> dict[str, str]:
        """The accounts that Ape has keys of, by their addresses: what they are called."""
        accounts = list(ape.accounts)
        if self.node.network.is_dev:
            accounts += ape.accounts.test_accounts
        return {account.address: account.alias or "" for account in accounts}

    def who(self, address: str) -> str:
        """An account for people: its address, and its alias where it has one here."""
        alias = self.aliases.get(address)
        return f"{address} ({alias})" if alias else address

    def auction_name(self, auction_id: int) -> str:
        """An auction as people can name it: the consumer, and its number among the consumer's."""
        consumer, number = to_checksum_address(consumer_of(auction_id)), auction_id & _ROUND
        alias = self.aliases.get(consumer)
        return f"{consumer}/{number}" + (f" ({alias}/{number})" if alias else "")


def prompts_on_stderr() -> contextlib.redirect_stdout[TextIO]:
    """Keep what Ape asks while it signs, a passphrase say, out of the output."""
    return contextlib.redirect_stdout(click.get_text_stream("stderr"))
