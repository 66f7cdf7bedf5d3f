"""`ape v2v wallet`: money in the market."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import IO, TYPE_CHECKING

import click

from ape_v2v._cli.shared.batches import FILES, Gathering, name_of, show_results
from ape_v2v._cli.shared.catchup import open_history
from ape_v2v._cli.shared.commands import account_option, reading, writing
from ape_v2v._cli.shared.context import prompts_on_stderr
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.parameters import ADDRESS, DURATION, MONEY
from ape_v2v._cli.shared.tables import Facts, Rows
from ape_v2v.errors import V2VError
from ape_v2v.index.holdings import Holdings, holdings
from ape_v2v.market.batch import Relayed, signed_withdrawal
from ape_v2v.market.documents.withdrawals import WithdrawalDocument
from ape_v2v.market.shapes import BalanceChange, TokenAllowance

if TYPE_CHECKING:
    from ape_v2v._cli.shared.context import Context
    from ape_v2v.market.batch import SignedCall
    from ape_v2v.market.till import SignedWithdrawal
    from ape_v2v.units import Money


_VALIDITY = timedelta(hours=1)
"""How long a signed deposit may wait for its block."""


@click.group(cls=Group, short_help="Money in the market: deposit, withdraw, balance")
def cli() -> None:
    """Reserves and bonds are locked out of an account's balance, payments go into it."""


@cli.add_command
@writing(name="deposit")
@click.argument("amount", type=MONEY)
@click.option("--for", "ev", metavar="EV", type=ADDRESS, help="Whose balance.  [default: yours]")
@click.option(
    "--authorize", is_flag=True, help="Of a token: sign for this deposit, instead of `approve`."
)
def deposit(context: Context, amount: Money, ev: str | None, *, authorize: bool) -> None:
    """Add to your balance in the market, or to that of a registered EV.

    A market in a token takes what it may take of yours: `approve` it before, or sign with
    --authorize, which tokens with EIP-3009 know.
    """
    market = context.market
    if authorize and ev is not None:
        raise click.UsageError("--authorize signs for a deposit of your own: leave --for out")
    if authorize:
        with prompts_on_stderr():
            signed = market.authorize(amount, market.now + _VALIDITY, signer=context.sender)
        market.deposit_authorized(signed, sender=context.sender)
    elif ev is None:
        market.deposit(amount, sender=context.sender)
    else:
        market.deposit_for(ev, amount, sender=context.sender)
    _show_change(context, ev or context.sender.address, amount)


@cli.add_command
@writing(name="approve")
@click.argument("amount", type=MONEY)
def approve(context: Context, amount: Money) -> None:
    """Allow a market in a token to take AMOUNT out of your wallet, and no more, for a deposit."""
    market, account = context.market, context.sender
    market.approve(amount, sender=account)
    allowed = market.allowance(account.address)
    allowance = TokenAllowance(account.address, allowed, context.transaction)
    shown = {
        "account": context.who(account.address),
        "allowed": context.money(allowed),
        "transaction": context.transaction,
    }
    context.show(allowance.as_json(), Facts(shown))


@cli.add_command
@writing(name="withdraw")
@click.argument("amount", type=MONEY, required=False)
@click.option("--all", "everything", is_flag=True, help="The whole balance.")
@click.option("--to", metavar="ADDRESS", type=ADDRESS, help="Who is paid.  [default: you]")
def withdraw(context: Context, amount: Money | None, everything: bool, to: str | None) -> None:
    """Pay out your balance, or part of it. What is locked is not in it."""
    if (amount is None) != everything:
        raise click.UsageError("withdraw takes either an amount, such as '0.05 ether', or --all")
    market, account = context.market, context.sender
    if amount is None and not (amount := market.balance(account.address)):
        raise V2VError(f"{account.address} has no free balance in the market")
    market.withdraw(amount, sender=account, to=to)
    _show_change(context, account.address, amount)


@cli.add_command
@reading(name="sign-withdrawal")
@account_option()
@click.argument("amount", type=MONEY)
@click.option("--to", metavar="ADDRESS", type=ADDRESS, help="Who is paid.  [default: you]")
@click.option(
    "--valid",
    type=DURATION,
    default="1 h",
    show_default=True,
    help="How long others may send it.",
)
def sign_withdrawal(context: Context, amount: Money, to: str | None, valid: timedelta) -> None:
    """Sign a withdrawal of a token for anyone to send with withdraw-signed, and print it as JSON.

    Sends nothing. It is good once, until it has run out, unless you revoke-bids before it is sent.
    """
    market, account = context.market, context.sender
    with prompts_on_stderr():
        document = WithdrawalDocument.sign(
            market, amount, to or account.address, market.now + valid, account
        )
    click.echo(document.text())


@cli.add_command
@writing(sponsored=False, name="withdraw-signed")
@FILES
def withdraw_signed(context: Context, file: tuple[IO[bytes], ...]) -> None:
    """Send the withdrawal in each FILE that others have signed; - is standard input. Anyone.

    The gas is yours, the money comes out of the signers' balances. Several come in one
    transaction, in this order; what the market would refuse is left out, with the reason.
    """
    if len(file) == 1:
        _send_one(context, file[0])
        return
    found = Gathering()
    for one in file:
        found.add(name_of(one), partial(_call, context, one))
    found.bring(context)


@cli.add_command
@reading(name="balance")
@click.argument("holder", metavar="[ADDRESS]", type=ADDRESS, required=False)
def balance(context: Context, holder: str | None) -> None:
    """Show what an account has in the market: free, and locked as its reserve and its bonds.

    Without an address, of each of your accounts.
    """
    holders = list(context.aliases) if holder is None else [holder]
    with open_history(context, confirmations=0) as history:
        found = [holdings(history, address) for address in holders]
    data = [one.as_json() for one in found]
    if holder is not None:
        shown = {"account": context.who(holder)} | _amounts(context, found[0])
        context.show(data[0], Facts(shown))
        return
    columns = ("account", "address", "free", "reserve", "bonds", "total")
    rows = [
        (context.aliases[one.address], one.address, *_amounts(context, one).values())
        for one in found
    ]
    context.show(data, Rows(columns, rows))


def _send_one(context: Context, file: IO[bytes]) -> None:
    withdrawal = _signed(context, file)
    amount, whose = context.money(withdrawal.amount), context.who(withdrawal.account)
    context.notice(f"pays {amount} out of the balance of {whose} to {context.who(withdrawal.to)}")
    context.market.withdraw_signed(withdrawal, sender=context.sender)
    show_results(context, [Relayed(name_of(file), None, context.transaction)])


def _call(context: Context, file: IO[bytes]) -> SignedCall:
    return signed_withdrawal(name_of(file), context.market, _signed(context, file))


def _signed(context: Context, file: IO[bytes]) -> SignedWithdrawal:
    return WithdrawalDocument.load(file.read()).withdrawal_for(context.market)


def _amounts(context: Context, one: Holdings) -> dict[str, str]:
    return {
        name: context.money(getattr(one, name)) for name in ("free", "reserve", "bonds", "total")
    }


def _show_change(context: Context, account: str, amount: Money) -> None:
    balance = context.market.balance(account)
    change = BalanceChange(account, amount, balance, context.transaction)
    shown = {
        "account": context.who(account),
        "amount": context.money(amount),
        "balance": context.money(balance),
        "transaction": context.transaction,
    }
    context.show(change.as_json(), Facts(shown))
