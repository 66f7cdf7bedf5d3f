"""The options by which auctions are filtered, for every command that looks at several."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from ape_v2v._cli.shared.parameters import DURATION, ENERGY, PLACE, RATE
from ape_v2v.index.board import DEFAULT_WITHIN_KM, Filters

if TYPE_CHECKING:
    from collections.abc import Callable

_FILTERS = (
    click.option("--min-energy", type=ENERGY, help="Asked for at least."),
    click.option("--max-energy", type=ENERGY, help="Asked for at most."),
    click.option("--min-rate", type=RATE, help="The consumer's maximum rate is at least this."),
    click.option("--min-validity", type=DURATION, help="Time to meet, at least."),
    click.option("--near", type=PLACE, help="No farther than --within from here."),
    click.option(
        "--within",
        "within_km",
        metavar="KM",
        type=click.FloatRange(min=0),
        default=DEFAULT_WITHIN_KM,
        show_default=True,
        help="As the crow flies.",
    ),
    click.option("--connector", metavar="NAME", help="With this connector."),
)
_FILTER_NAMES = (
    "min_energy", "max_energy", "min_rate", "min_validity", "near", "within_km", "connector",
)  # fmt: skip


def filtering(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that filter auctions, and hand it the `Filters`."""

    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> None:
        filters = Filters(**{name: options.pop(name) for name in _FILTER_NAMES})
        function(*arguments, filters=filters, **options)

    for option in reversed(_FILTERS):
        command = option(command)
    return command
