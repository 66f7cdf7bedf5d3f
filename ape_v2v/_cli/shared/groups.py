"""Groups of commands that know what was meant by a name that they have not."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """What may have been meant, to be put after a sentence; nothing if nothing is near."""
    names = {name.lower(): name for name in known}
    near = [names[name] for name in get_close_matches(typed.lower(), list(names), n=2, cutoff=0.6)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


class Group(click.Group):
    """A group of commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if meant := did_you_mean(args[0], self.list_commands(ctx)):
                error.message = error.message.rstrip(".") + meant
            raise
