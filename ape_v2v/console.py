"""What `ape console` has ready: the default market, and the types to talk to one.

A project gets it with an ape_console_extras.py of one line:

    from ape_v2v.console import ape_init_extras
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ape_v2v import deployment
from ape_v2v.chain.networks import connected_node
from ape_v2v.errors import V2VError
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.market.market import Market
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from ape.managers.project import ProjectManager


def ape_init_extras(project: ProjectManager) -> dict[str, Any]:
    """Give Ape's console its names. Without a default market, `market` is None, and a hint says so.

    Ape calls it by this name, and passes the project.
    """
    market: Market | None = None
    node = connected_node()
    try:
        market = Market.at(deployment.default_market(project.path, node), node)
    except V2VError as error:
        click.echo(f"market is None: {error}; for any other one, Market.at('0x…')", err=True)
    return {
        "Energy": Energy,
        "Market": Market,
        "Money": Money,
        "Parameters": Parameters,
        "Rate": Rate,
        "market": market,
    }
