"""A reverse-auction market in which electric vehicles sell energy to one another.

The objects of this package are imported when they are first used: Ape imports it for each of its
commands.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from ape.api import PluginConfig

    from ape_v2v.errors import (
        ConfigurationError,
        DeploymentError,
        NotMined,
        OutcomeUnknown,
        SentAs,
        V2VError,
        VerificationError,
    )
    from ape_v2v.market.auction import Auction
    from ape_v2v.market.connection import Connection
    from ape_v2v.market.interface.parameters import Parameters
    from ape_v2v.market.interface.records import AuctionInfo, SignedBid
    from ape_v2v.market.interface.refusals import Refused
    from ape_v2v.market.interface.states import State
    from ape_v2v.market.market import EV, Market
    from ape_v2v.market.statements import EnergyStatement, SignedKey
    from ape_v2v.units import (
        Energy,
        Money,
        Rate,
        UnitError,
    )

_HOMES = {
    "market.auction": ("Auction",),
    "market.connection": ("Connection",),
    "errors": (
        "ConfigurationError",
        "DeploymentError",
        "NotMined",
        "OutcomeUnknown",
        "SentAs",
        "V2VError",
        "VerificationError",
    ),
    "market.market": ("EV", "Market"),
    "market.interface.parameters": ("Parameters",),
    "market.interface.records": ("AuctionInfo", "SignedBid"),
    "market.interface.refusals": ("Refused",),
    "market.statements": ("EnergyStatement", "SignedKey"),
    "market.interface.states": ("State",),
    "units": ("Energy", "Money", "Rate", "UnitError"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "EV",
    "Auction",
    "AuctionInfo",
    "ConfigurationError",
    "Connection",
    "DeploymentError",
    "Energy",
    "EnergyStatement",
    "Market",
    "Money",
    "NotMined",
    "OutcomeUnknown",
    "Parameters",
    "Rate",
    "Refused",
    "SentAs",
    "SignedBid",
    "SignedKey",
    "State",
    "UnitError",
    "V2VError",
    "VerificationError",
]


@pluggy.HookimplMarker("ape")  # what `ape.plugins.register` comes to, without loading Ape
def config_class() -> type[PluginConfig]:
    """Tell Ape about the `v2v:` section of its configuration."""
    from ape_v2v.plugin import V2VConfig  # noqa: PLC0415

    return V2VConfig


def __getattr__(name: str) -> Any:
    if home := _HOME_OF.get(name):
        return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "config_class"])  # pluggy looks here for what a plugin has
