"""`ape v2v`: the commands.

Each topic is a module of its own, imported when one of its commands is asked for, so that
`ape --help` stays fast. Commands only read arguments, call the package and show the outcome.
"""

from __future__ import annotations

from importlib import import_module

import click

from ape_v2v._cli.shared.groups import Group

_TOPICS = {
    "market": "Deploy a market, look at it, open or close it",
    "ev": "Register EVs, and look them up",
    "wallet": "Money in the market: deposit, withdraw, balance",
    "auction": "Ask for energy, bid, award",
    "connection": "Access token, receipts, settlement",
    "sponsor": "Pay the gas of EVs that hold no ether",
    "session": "Charge: two vehicles, meters and receipts",
    "car": "A car that trades by itself",
    "serve": "A market for phones and other programs, by HTTP",
    "transaction": "What has become of a transaction, and another in its place",
    "light": "Follow the chain as a light node, trusting nobody",
    "simulate": "Simulate a market, on its very bytecode",
    "history": "What has happened: events and charge records",
}


class LazyGroup(Group):
    """A group that knows its topics by name, and imports one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_TOPICS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _TOPICS:
            return None
        try:
            command = import_module(f"{__name__}.{cmd_name}").cli
        except ImportError as error:
            raise click.ClickException(
                f"`ape v2v {cmd_name}` cannot be loaded ({error}): install ape-v2v again, with the "
                "dependencies that it names"
            ) from error
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_TOPICS.items()))


@click.group(cls=LazyGroup, short_help="A V2V energy market")
def cli() -> None:
    """Electric vehicles sell each other charge in a reverse auction.

    Energy, rates and money are given with their units: "7.2 kWh", "0.0003 ether/kWh",
    "30 gwei/Wh", "0.05 ether"; durations as "90 s", "10 min", "2 h".

    Reading never asks for an account. Writing shows what will happen, what it costs and what is
    locked, and asks, unless --yes is given. With --json, the output is for programs.
    """
