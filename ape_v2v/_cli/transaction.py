"""`ape v2v transaction`: what has become of a transaction, and another in its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ape
import click
from pydantic import ValidationError

from ape_v2v import deployment
from ape_v2v._cli.shared.commands import reading, writing
from ape_v2v._cli.shared.context import Context, prompts_on_stderr
from ape_v2v._cli.shared.groups import Group
from ape_v2v._cli.shared.parameters import MONEY
from ape_v2v._cli.shared.tables import Facts
from ape_v2v.chain.fees import configured_fees
from ape_v2v.chain.writing.replacement import look_up, replace
from ape_v2v.config import Fees
from ape_v2v.errors import V2VError
from ape_v2v.units import Money
from ape_v2v.validation import first_problem

if TYPE_CHECKING:
    from ape_v2v.chain.price import GasPrice
    from ape_v2v.chain.writing.replacement import Sent


class _HashType(click.ParamType):
    """A transaction on the command line."""

    name = "hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"0x[0-9a-fA-F]{64}", value):
            self.fail(f"{value!r} is not a hash: expected 0x and 64 digits", param, ctx)
        return str(value).lower()


_HASH = _HashType()


@click.group(cls=Group, short_help="What has become of a transaction, and another in its place")
def cli() -> None:
    """A transaction that offers too little waits, and can be replaced until a block has it."""


@cli.add_command
@reading(name="show")
@click.argument("transaction", metavar="HASH", type=_HASH)
def show(context: Context, transaction: str) -> None:
    """Show whether a block has a transaction, and what it offers per gas."""
    sent = look_up(transaction, context.node)
    context.show(sent.as_json(), Facts(_described(context, sent)))


@cli.add_command
@writing(sponsored=False, name="replace")
@click.argument("transaction", metavar="HASH", type=_HASH)
@click.option("--max-fee", type=MONEY, help="The most to pay per gas, such as '30 gwei'.")
@click.option("--priority-fee", type=MONEY, help="What the block's maker gets of it per gas.")
@click.option("--cancel", is_flag=True, help="Send nothing to yourself in its place.")
def replace_(
    context: Context,
    transaction: str,
    max_fee: Money | None,
    priority_fee: Money | None,
    cancel: bool,
) -> None:
    """Send a transaction that waits again, for more per gas, or void it with --cancel.

    The new one has the same nonce, so only one of the two ever counts. Without --max-fee it offers
    what the network asks for now, and at least an eighth more than before.
    """
    sent = look_up(transaction, context.node)
    records = deployment.records(ape.project.path, context.node)
    if not context.yes:
        click.echo(
            f"{'voids' if cancel else 'sends again'} {transaction}\n  by {sent.sender}, nonce "
            f"{sent.nonce}\n  which offers {_per_gas(sent.price)}",
            err=True,
        )
        click.confirm("send it?", abort=True, err=True)

    def before_sending(by: str, signed: str) -> None:
        # A deployment that waits is found again by its new hash.
        records.replaced(transaction, by, signed)
        context.underway = by

    with prompts_on_stderr():
        mined = replace(
            transaction,
            context.sender,
            _fees(max_fee, priority_fee).over(configured_fees(context.node)),
            context.node,
            cancel=cancel,
            before_sending=before_sending,
        )
    sent = look_up(mined.transaction, context.node)
    data = sent.as_json() | {"replaces": transaction}
    context.show(data, Facts(_described(context, sent)))


def _fees(max_fee: Money | None, priority_fee: Money | None) -> Fees:
    try:
        return Fees(max_fee=max_fee, priority_fee=priority_fee)
    except ValidationError as error:
        raise V2VError(first_problem(error)[1]) from error


def _described(context: Context, sent: Sent) -> dict[str, object]:
    return {
        "transaction": sent.transaction,
        "state": sent.state,
        "sender": context.who(sent.sender),
        "nonce": sent.nonce,
        "block": sent.block,
        "offers": _per_gas(sent.price),
    }


def _per_gas(price: GasPrice) -> str:
    priority = Money(price.priority_fee).format("gwei")
    return f"at most {Money(price.max_fee).format('gwei')} per gas, {priority} of it on top"
