"""The options that commands share, and the context that they make of them.

A command that only reads is declared with `@reading`, one that sends transactions with
`@writing`; both get a `Context` as their first argument, and turn every error that a user can do
something about into one line on standard error.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ape
import click
from ape.cli import AccountAliasPromptChoice, ConnectedProviderCommand, account_option
from ape.exceptions import ApeException, ConversionError
from ape.logging import logger
from ape.types import AddressType
from ape_accounts import KeyfileAccount
from eth_utils.address import is_hex_address, to_checksum_address
from rich.console import Console
from rich.table import Table
from rich.text import Text
from web3.exceptions import Web3Exception

from ape_v2v import deployment
from ape_v2v.chain.networks import connected_node
from ape_v2v.config import Configuration
from ape_v2v.errors import V2VError
from ape_v2v.market.market import Market
from ape_v2v.market.transactions import Write, send, simulate
from ape_v2v.units import (
    Energy,
    Money,
    Rate,
    UnitError,
    parse_duration,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import TextIO

    from ape.api import AccountAPI

    from ape_v2v.chain.forecast import Forecast
    from ape_v2v.chain.node import Node
    from ape_v2v.chain.receipts import Mined


EXPECTED_ERRORS = (V2VError, UnitError, ApeException, Web3Exception, OSError)
"""What a user, a node or a disk can be the cause of: told in one line, without a traceback."""


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
    transaction: str | None = None
    """The hash of the last one sent."""

    @cached_property
    def market(self) -> Market:
        """The market: --market, else the configured one, else the last one deployed from here."""
        address = self.market_address or deployment.default_market(ape.project.path, self.node)
        return Market.at(address, self.node, gateway=self.gateway)

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
        if self.as_json:
            click.echo(json.dumps(data, default=str))
        else:
            self.console.print(rendered, soft_wrap=isinstance(rendered, str))

    def gateway(self, write: Write) -> Mined:
        """Show what a transaction will do and cost, ask, and send it."""
        expected = simulate(write)
        with prompts_on_stderr():
            if not self.yes:
                self.announce(write, expected)
                click.confirm("send it?", abort=True, err=True)
            mined = send(write, expected)
        self.transaction = mined.transaction
        return mined

    def announce(self, write: Write, expected: Forecast) -> None:
        """Say on standard error what a transaction will do."""
        lines = [
            f"{write.method} on market {write.contract.address}",
            f"  by {write.sender.address}",
            f"  costs about {self.money(expected.cost)} ({expected.gas:,} gas)",
        ]
        if write.value:
            lines.append(f"  sends {self.money(write.value)} into the market")
        if write.locks:
            lines.append(f"  locks {self.money(write.locks)} until it is over")
        if write.pays:
            lines.append(f"  pays {self.money(write.pays)} out of what is locked")
        click.echo("\n".join(lines), err=True)

    def energy(self, value: Energy) -> str:
        return value.format(self.config.units.energy)

    def rate(self, value: Rate) -> str:
        return value.format(self.config.units.rate)

    def money(self, value: Money) -> str:
        return value.format(self.config.units.money)


def prompts_on_stderr() -> contextlib.redirect_stdout[TextIO]:
    """Keep what Ape asks while it signs, a passphrase say, out of the output."""
    return contextlib.redirect_stdout(click.get_text_stream("stderr"))


def grid(data: dict[str, Any]) -> Table:
    """Names and values, one below the other."""
    table = Table.grid(padding=(0, 2))
    for name, value in data.items():
        table.add_row(Text(name, style="dim"), Text(str(value)))
    return table


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


class AddressParamType(click.ParamType):
    """An address on the command line, an account's alias, or a name that a plugin can resolve."""

    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AddressType:
        if is_hex_address(value):
            address = to_checksum_address(value)
            # Ape would take it: but capitals that do not fit tell that a digit was mistyped.
            digits = value[-40:]
            if digits not in (address[2:], digits.lower(), digits.upper()):
                self.fail(f"{value!r} fails its checksum: copy the address again", param, ctx)
            return address
        if value.upper().startswith("TEST::") or value in ape.accounts.aliases:
            account = AccountAliasPromptChoice().convert(value, param, ctx)
            assert account is not None, "an alias that is not found fails"
            return account.address
        try:
            return ape.convert(value, AddressType)
        except ConversionError:
            self.fail(
                f"{value!r} is not an address: expected 0x and 40 digits, or the alias of an "
                "account (`ape accounts list`)",
                param,
                ctx,
            )


ADDRESS = AddressParamType()
ENERGY = QuantityType(Energy)
RATE = QuantityType(Rate)
MONEY = QuantityType(Money)
DURATION = DurationType()


class _Command(ConnectedProviderCommand):
    """A command on the connected network whose errors are one line, those of connecting too."""

    def invoke(self, ctx: click.Context) -> Any:
        # Ape reports each transaction and its Anvil's comings and goings: the commands say it.
        logger.set_level(logging.WARNING)
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # who read the output has gone: click ends the command
            raise
        except EXPECTED_ERRORS as error:
            raise click.ClickException(" ".join(str(error).split())) from error


def _unlock(account: AccountAPI) -> None:
    """Let a keyfile sign without asking, where its passphrase is in Ape's variable for it.

    Else Ape asks when it signs.
    """
    passphrase = os.environ.get(f"APE_ACCOUNTS_{account.alias}_PASSPHRASE")
    if passphrase and isinstance(account, KeyfileAccount):
        with logger.at_level(logging.ERROR):  # that it does not ask is what --yes says
            account.set_autosign(True, passphrase=passphrase)


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
        if account is not None and (yes or not writes):  # to sign is all that those are for
            _unlock(account)
        function(Context(market_address, as_json, yes, account), **rest)

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
        type=ADDRESS,
        help="The market.  [default: the configured one, else the last one deployed]",
    )(decorated)
    command = click.command(cls=_Command, **attributes)(decorated)
    assert isinstance(command, ConnectedProviderCommand)
    return command


def reading(**attributes: Any) -> Callable[[Callable[..., None]], ConnectedProviderCommand]:
    """Declare a command that sends nothing: it never asks for an account."""
    return lambda function: _command(function, writes=False, **attributes)


def writing(**attributes: Any) -> Callable[[Callable[..., None]], ConnectedProviderCommand]:
    """Declare a command that sends transactions, from --account."""
    return lambda function: _command(function, writes=True, **attributes)
