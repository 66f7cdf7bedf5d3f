"""`ape v2v wallet`: money in the market."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ape_v2v._cli.catchup import open_history
from ape_v2v._cli.commands import reading, writing
from ape_v2v._cli.groups import Group
from ape_v2v._cli.parameters import ADDRESS, MONEY
from ape_v2v._cli.tables import Facts, Rows
from ape_v2v.errors import V2VError
from ape_v2v.market.records import NO_MONEY
from ape_v2v.market.states import State

if TYPE_CHECKING:
    from ape_v2v._cli.context import Context
    from ape_v2v.index.history import History
    from ape_v2v.units import Money


@click.group(cls=Group, short_help="Money in the market: deposit, withdraw, balance")
def cli() -> None:
    """Reserves and bonds are locked out of an account's balance, payments go into it."""


@cli.add_command
@writing(name="deposit")
@click.argument("amount", type=MONEY)
@click.option("--for", "ev", metavar="EV", type=ADDRESS, help="Whose balance.  [default: yours]")
def deposit(context: Context, amount: Money, ev: str | None) -> None:
    """Add to your balance in the market, or to that of a registered EV."""
    market = context.market
    if ev is None:
        market.deposit(amount, sender=context.sender)
    else:
        market.deposit_for(ev, amount, sender=context.sender)
    _show_change(context, ev or context.sender.address, amount)


@cli.add_command
@writing(name="withdraw")
@click.argument("amount", type=MONEY, required=False)
@click.option("--all", "everything", is_flag=True, help="The whole balance.")
def withdraw(context: Context, amount: Money | None, everything: bool) -> None:
    """Pay out your balance, or part of it. What is locked is not in it."""
    if (amount is None) != everything:
        raise click.UsageError("withdraw takes either an amount, such as '0.05 ether', or --all")
    market, account = context.market, context.sender
    if amount is None and not (amount := market.balance(account.address)):
        raise V2VError(f"{account.address} has no free balance in the market")
    market.withdraw(amount, sender=account)
    _show_change(context, account.address, amount)


@cli.add_command
@reading(name="balance")
@click.argument("holder", metavar="[ADDRESS]", type=ADDRESS, required=False)
def balance(context: Context, holder: str | None) -> None:
    """Show what an account has in the market: free, and locked as its reserve and its bonds.

    Without an address, of each of your accounts.
    """
    holders = list(context.aliases) if holder is None else [holder]
    with open_history(context, confirmations=0) as history:
        found = {address: _amounts(context, address, history) for address in holders}
    entries = [
        {"address": address} | {name: str(int(amount)) for name, amount in amounts.items()}
        for address, amounts in found.items()
    ]
    if holder is not None:
        shown = {"account": context.who(holder)} | _readable(context, found[holder])
        context.show(entries[0], Facts(shown))
        return
    columns = ("account", "address", "free", "reserve", "bonds", "total")
    rows = [
        (context.aliases[address], address, *_readable(context, amounts).values())
        for address, amounts in found.items()
    ]
    context.show(entries, Rows(columns, rows))


def _amounts(context: Context, account: str, history: History) -> dict[str, Money]:
    amounts = {
        "free": context.market.balance(account),
        "reserve": context.market.reserve_of(account),
        "bonds": _bonds(context, account, history),
    }
    return amounts | {"total": sum(amounts.values(), NO_MONEY)}


def _readable(context: Context, amounts: dict[str, Money]) -> dict[str, str]:
    return {name: context.money(amount) for name, amount in amounts.items()}


def _bonds(context: Context, provider: str, history: History) -> Money:
    """What an account has locked as a provider: in the auctions where its bid still stands."""
    bonds = NO_MONEY
    for auction in history.auctions(ev=provider):
        # Not taken from blocks of before.
        info = context.market.contract.view("auctions", auction.id)
        if State(info.state) is not State.NONE and info.provider == provider:
            bonds += context.market.auction(auction.id).bond
    return bonds


def _show_change(context: Context, account: str, amount: Money) -> None:
    balance = context.market.balance(account)
    data = {
        "account": account,
        "amount": str(int(amount)),
        "balance": str(int(balance)),
        "transaction": context.transaction,
    }
    shown = {
        "account": context.who(account),
        "amount": context.money(amount),
        "balance": context.money(balance),
        "transaction": context.transaction,
    }
    context.show(data, Facts(shown))
