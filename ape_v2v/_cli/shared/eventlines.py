"""Events as people read them, one after the other."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from eth_utils.conversions import to_hex

from ape_v2v.market.details import printable
from ape_v2v.market.interface import events
from ape_v2v.market.interface.records import consumer_of, moment
from ape_v2v.market.interface.states import Ending
from ape_v2v.units import Energy, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.market.interface.events import Event

_TIME = "%Y-%m-%d %H:%M:%S"
_WIDE = 160
"""From so many columns on, addresses are shown in full."""
_NARROWEST = 20
_NO_BREAK = "\N{NO-BREAK SPACE}"


class Lines:
    """Events as people read them.

    A table of rich's would not be shown before the last event is read, and takes a multiple of the
    time.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.width = context.console.width if context.console.is_terminal else None

    def of(self, event: Event, mark: str = "") -> str:
        """An event: in one line for a program, in the width of a terminal for people."""
        head = f"{event.timestamp:{_TIME}}  {event.name:<20}  "
        parts = [part for name in event.args if (part := self._shown(name, event.args))]
        if self.width is None:
            return head + mark + ", ".join(parts)
        width = max(self.width - len(head), _NARROWEST)
        # A name stays beside its value.
        parts = [part.replace(" ", _NO_BREAK) if len(part) < width else part for part in parts]
        lines = textwrap.wrap(mark + ", ".join(parts), width, break_on_hyphens=False) or [""]
        return head + f"\n{'':{len(head)}}".join(lines).replace(_NO_BREAK, " ")

    def address(self, address: str) -> str:
        """An address, shortened where there is little room, and on a terminal its alias."""
        return self._named(events.checksummed(address), "")

    def auction(self, auction_id: int) -> str:
        """An auction by its consumer, and its number among the consumer's."""
        consumer = events.checksummed(consumer_of(auction_id))
        return self._named(consumer, f"/{auction_id & 0xFFFF_FFFF}")

    def money(self, units: int) -> str:
        """An amount, in the market's currency."""
        return self.context.money(self.context.market.money(units))

    def rate(self, units: int) -> str:
        """A rate, in the market's currency."""
        return self.context.rate(self.context.market.rate(units))

    def _named(self, address: str, suffix: str) -> str:
        if self.width is None:
            return address + suffix
        shown = address if self.width >= _WIDE else f"{address[:6]}…{address[-4:]}"
        alias = self.context.aliases.get(address)
        return shown + suffix + (f" ({alias}{suffix})" if alias else "")

    def _shown(self, name: str, args: dict[str, Any]) -> str:
        """An argument, or nothing if it says nothing that the others do not."""
        value = args[name]
        if readable := _READABLE.get(name):
            return readable(self, value)
        if isinstance(value, bytes):
            return f"{name} {to_hex(value)}" if any(value) else ""
        in_id = name == "consumer" and events.AUCTION_ID in args
        same = name in {"from", "to"} and value == args["account"]
        if in_id or same:
            return ""
        return f"{name} {self.address(value)}" if int(value, 16) else f"no {name}"


_READABLE: dict[str, Callable[[Lines, Any], str]] = {
    "auctionId": lambda lines, value: f"auction {lines.auction(value)}",
    "energyWh": lambda lines, value: f"energy {lines.context.energy(Energy(value))}",
    "maxRate": lambda lines, value: f"maxRate {lines.rate(value)}",
    "rate": lambda lines, value: f"rate {lines.rate(value)}" if value else "",
    "amount": lambda lines, value: f"amount {lines.money(value)}",
    "cost": lambda lines, value: f"cost {lines.money(value)}" if value else "",
    "penalty": lambda lines, value: f"penalty {lines.money(value)}" if value else "",
    "closingTime": lambda _, value: f"closingTime {moment(value):{_TIME}}",
    "validity": lambda _, value: f"validity {format_duration(timedelta(seconds=value))}",
    "how": lambda _, value: Ending(value).shown,
    "openAward": lambda _, value: "open award" if value else "",
    "active": lambda _, value: "open" if value else "closed",
    "infos": lambda _, value: printable(value),
    "details": lambda _, value: printable(value),
}
