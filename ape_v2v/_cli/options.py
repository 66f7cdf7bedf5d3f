"""The options that commands share, and the context that they make of them.

A command that only reads is declared with `@reading`, one that sends transactions with
`@writing`; both get a `Context` as their first argument, and turn every error that a user can do
something about into one line on standard error.
"""

from __future__ import annotations

import functools
import json
import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ape
import click
from ape.cli import ConnectedProviderCommand, account_option
from ape.exceptions import ApeException
from ape.logging import logger
from rich.console import Console

from ape_v2v import deployment
from ape_v2v.config import V2VConfig
from ape_v2v.errors import ConfigurationError, V2VError
from ape_v2v.market import Market
from ape_v2v.transactions import Write, send, simulate
from ape_v2v.units import Energy, Money, Rate, UnitError, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from ape.api import AccountAPI, ReceiptAPI


@dataclass
class Context:
    """What every command has: the market, who acts, and how to show things."""

    market_address: str | None
    as_json: bool
    yes: bool = False
    account: AccountAPI | None = None
    console: Console = field(default_factory=lambda: Console(highlight=False))
    config: V2VConfig = field(default_factory=V2VConfig.current)

    @cached_property
    def market(self) -> Market:
        """The market: --market, else the configured one, else the last one deployed from here."""
        return Market.at(self.market_address or self._default_market(), self.gateway)

    @property
    def sender(self) -> AccountAPI:
        """Who acts, in a command that writes."""
        assert self.account is not None, "a command that only reads has no account"
        return self.account

    def _default_market(self) -> str:
        network = deployment.network_name()
        if settings := self.config.markets.get(network):
            return settings.address
        if standing := deployment.records(ape.project.path).standing():
            return standing[-1].address
        raise ConfigurationError(
            f"no market is known on {network}: give --market ADDRESS, set v2v: markets: {network}: "
            "in ape-config.yaml, or deploy one with `ape v2v market deploy`"
        )

    def show(self, data: dict[str, Any] | list[dict[str, Any]], rendered: Any) -> None:
        """Print the outcome: as JSON for programs, rendered for people."""
        if self.as_json:
            click.echo(json.dumps(data, default=str))
        else:
            self.console.print(rendered, soft_wrap=isinstance(rendered, str))

    def gateway(self, write: Write) -> ReceiptAPI:
        """Show what a transaction will do and cost, ask, and send it."""
        simulate(write)
        if not self.yes:
            self.announce(write)
            click.confirm("send it?", abort=True, err=True)
        return send(write)

    def announce(self, write: Write) -> None:
        """Say on standard error what a transaction will do."""
        gas = write.handler.estimate_gas_cost(*write.arguments, **write.options)
        provider = ape.chain.provider
        price = max(provider.gas_price, provider.base_fee + provider.priority_fee)
        lines = [
            f"{write.method} on market {write.contract.address}",
            f"  by {write.sender.address}",
            f"  costs about {self.money(Money(gas * price))} ({gas:,} gas)",
        ]
        if write.value:
            lines.append(f"  sends {self.money(write.value)} into the market")
        if write.locks:
            lines.append(f"  locks {self.money(write.locks)} until it is over")
        click.echo("\n".join(lines), err=True)

    def energy(self, value: Energy) -> str:
        return value.format(self.config.units.energy)

    def rate(self, value: Rate) -> str:
        return value.format(self.config.units.rate)

    def money(self, value: Money) -> str:
        return value.format(self.config.units.money)


class QuantityType(click.ParamType):
    """An energy, a rate or an amount on the command line."""

    def __init__(self, kind: type[Energy | Rate | Money]) -> None:
        self.kind = kind
        self.name = kind.__name__.lower()

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Energy | Rate | Money:
        try:
            return self.kind.of(value)
        except UnitError as error:
            self.fail(str(error), param, ctx)


class DurationType(click.ParamType):
    """A duration on the command line."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        try:
            return parse_duration(value) if isinstance(value, str) else value
        except UnitError as error:
            self.fail(str(error), param, ctx)


ENERGY = QuantityType(Energy)
RATE = QuantityType(Rate)
MONEY = QuantityType(Money)
DURATION = DurationType()


def _command(
    function: Callable[..., None], *, writes: bool, **attributes: Any
) -> ConnectedProviderCommand:
    @functools.wraps(function)
    def callback(
        *,
        market_address: str | None,
        as_json: bool,
        yes: bool = False,
        account: AccountAPI | None = None,
        **rest: Any,
    ) -> None:
        # Ape reports each transaction and its Anvil's comings and goings: the commands say it.
        logger.set_level(logging.WARNING)
        try:
            function(Context(market_address, as_json, yes, account), **rest)
        except (V2VError, UnitError, ApeException) as error:
            raise click.ClickException(str(error)) from error

    decorated: Any = callback
    if writes:
        decorated = click.option("--yes", "-y", is_flag=True, help="Send without asking.")(
            decorated
        )
        decorated = account_option()(decorated)
    decorated = click.option("--json", "as_json", is_flag=True, help="Output for programs.")(
        decorated
    )
    decorated = click.option(
        "--market",
        "market_address",
        metavar="ADDRESS",
        help="The market.  [default: the configured one, else the last one deployed]",
    )(decorated)
    command = click.command(cls=ConnectedProviderCommand, **attributes)(decorated)
    assert isinstance(command, ConnectedProviderCommand)
    return command


def reading(**attributes: Any) -> Callable[[Callable[..., None]], ConnectedProviderCommand]:
    """Declare a command that sends nothing: it never asks for an account."""
    return lambda function: _command(function, writes=False, **attributes)


def writing(**attributes: Any) -> Callable[[Callable[..., None]], ConnectedProviderCommand]:
    """Declare a command that sends transactions, from --account."""
    return lambda function: _command(function, writes=True, **attributes)
