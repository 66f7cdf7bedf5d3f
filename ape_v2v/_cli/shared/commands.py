"""How commands are declared: with the options that they share, and their errors as one line.

A command that only reads is declared with `@reading`, one that sends transactions with
`@writing`; both get a `Context` as their first argument, and turn every error that a user can do
something about into one line on standard error.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import ape
import click
from ape.cli import AccountAliasPromptChoice, ConnectedProviderCommand
from ape.cli.commands import parse_network
from ape.logging import logger
from ape_accounts import KeyfileAccount

from ape_v2v._cli.shared.context import Context, prompts_on_stderr
from ape_v2v._cli.shared.endings import find_ending, in_words
from ape_v2v._cli.shared.failures import EXPECTED_ERRORS, exit_code, require_node, sentence
from ape_v2v._cli.shared.groups import did_you_mean
from ape_v2v._cli.shared.parameters import ADDRESS, PRICE, Stated
from ape_v2v._cli.shared.sponsored import through
from ape_v2v.errors import SentAs, V2VError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI

    from ape_v2v.units import Price

_NEGATIVE = re.compile(r"-\.?[0-9]")


class _Command(ConnectedProviderCommand):
    """A command on the connected network whose errors are one line, those of connecting too."""

    writes = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)  # which parsing empties
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if found := next((word for word in words if _NEGATIVE.match(word)), None):
                raise click.UsageError(
                    f"{found!r} is negative: energies, rates and amounts are at least 0", ctx
                ) from error
            raise

    def invoke(self, ctx: click.Context) -> Any:
        # Ape reports each transaction and its Anvil's comings and goings: the commands say it.
        logger.set_level(logging.WARNING)
        try:
            connection = parse_network(ctx)  # connects to nothing yet
            if connection is not None:
                require_node(connection._provider, writes=self.writes)
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except EXPECTED_ERRORS as error:
            raise click.ClickException(sentence(error, None, writes=self.writes)) from error


class _Account(AccountAliasPromptChoice):
    """An account by its alias; asked for on standard error where it is not named."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AccountAPI | None:
        known = isinstance(value, str) and (value in ape.accounts.aliases or value.isdecimal())
        if isinstance(value, str) and not known and not value.upper().startswith("TEST::"):
            self.fail(
                f"there is no account {value!r} here: see `ape accounts list`"
                f"{did_you_mean(value, ape.accounts.aliases)}",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)

    def print_choices(self) -> None:
        for number, alias in enumerate(self.choices):
            click.echo(f"{number}. {alias}")

    def select_account(self) -> AccountAPI:
        try:
            with prompts_on_stderr():
                return super().select_account()
        except click.Abort as error:
            if sys.stdin.isatty():
                raise
            raise click.UsageError("name the account that acts with --account ALIAS") from error


def account_named(alias: str) -> AccountAPI:
    """The account of this alias, which signs unasked where its passphrase is in Ape's variable.

    Raises:
        V2VError: There is none.
    """
    try:
        account = _Account().convert(alias, None, None)
    except click.BadParameter as error:
        raise V2VError(error.message) from error
    assert account is not None, "one that is not there is an error"
    _unlock(account)
    return account


def account_option() -> Callable[[Any], Any]:
    """Who acts, or signs."""

    def chosen(_ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        assert isinstance(param.type, _Account)
        return value or param.type.select_account()

    return click.option(
        "--account",
        metavar="ALIAS",
        type=_Account(),
        callback=chosen,
        help="The account that acts: its alias, or TEST::0 and so on on a local chain.",
    )


def _failure(said: str, code: int) -> click.ClickException:
    failure = click.ClickException(said)
    failure.exit_code = code
    return failure


def _unlock(account: AccountAPI) -> None:
    """Let a keyfile sign without asking, where its passphrase is in Ape's variable for it.

    Else Ape asks when it signs.
    """
    passphrase = os.environ.get(f"APE_ACCOUNTS_{account.alias}_PASSPHRASE")
    if passphrase and isinstance(account, KeyfileAccount):
        with logger.at_level(logging.ERROR):  # that it does not ask is what --yes says
            account.set_autosign(True, passphrase=passphrase)


def _read(context: Context, value: Any) -> Any:
    """What an option says; an amount in another currency than ether by what the market has."""
    return value.read(context.market.currency) if isinstance(value, Stated) else value


def _command(
    function: Callable[..., None], *, writes: bool, sponsored: bool = False, **attributes: Any
) -> ConnectedProviderCommand:
    @functools.wraps(function)
    def callback(
        *,
        market_address: str | None,
        as_json: bool,
        prices: tuple[Price, ...],
        yes: bool = False,
        account: AccountAPI | None = None,
        sponsor: str | None = None,
        **rest: Any,
    ) -> None:
        if account is not None and (yes or not writes):  # to sign is all that those are for
            _unlock(account)
        context = Context(market_address, as_json, yes, account, prices=prices)
        try:
            if sponsor is not None:
                through(sponsor, context)
            function(context, **{name: _read(context, value) for name, value in rest.items()})
        except BrokenPipeError:  # who read the output has gone: click ends the command
            raise
        except EXPECTED_ERRORS as error:
            over = None if isinstance(error, SentAs) else find_ending(context, error)
            said = in_words(context, over) if over else sentence(error, context, writes=writes)
            raise _failure(said, exit_code(error, context)) from error
        except (KeyboardInterrupt, click.Abort):
            if context.underway is not None:
                click.echo(
                    f"sent as {context.underway}: `ape v2v transaction show {context.underway}` "
                    "tells what has become of it",
                    err=True,
                )
            raise

    decorated: Any = callback
    if sponsored:
        decorated = click.option(
            "--sponsor",
            metavar="URL",
            help="Sign only: the sponsor that serves there sends it, and pays the gas.",
        )(decorated)
    if writes:
        decorated = click.option("--yes", "-y", is_flag=True, help="Send without asking.")(
            decorated
        )
        decorated = account_option()(decorated)
    decorated = click.option(
        "--fiat",
        "prices",
        metavar="EUR=3100",
        type=PRICE,
        multiple=True,
        help="What one ether costs, or EUR=0.92/USDC one token, to see amounts in that currency "
        "too; more than once for several.  [default: as configured]",
    )(decorated)
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
    assert isinstance(command, _Command)
    command.writes = writes
    return command


def reading(**attributes: Any) -> Callable[[Callable[..., None]], ConnectedProviderCommand]:
    """Declare a command that sends nothing: it never asks for an account."""
    return lambda function: _command(function, writes=False, **attributes)


def writing(
    *, sponsored: bool = True, **attributes: Any
) -> Callable[[Callable[..., None]], ConnectedProviderCommand]:
    """Declare a command that sends transactions, from --account.

    With `sponsored`, all of them go through the context's gateway, so that a sponsor may send them.
    """
    return lambda function: _command(function, writes=True, sponsored=sponsored, **attributes)
