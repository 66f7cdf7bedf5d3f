"""Every command of `ape v2v`, by the words that it is called with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ape_v2v._cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The commands of each topic, and topics that are a command themselves."""
    with click.Context(cli) as context:
        for topic in cli.list_commands(context):
            found = cli.get_command(context, topic)
            assert found is not None, topic
            if isinstance(found, click.Group):
                assert found.commands, topic
                yield from (((topic, name), command) for name, command in found.commands.items())
            else:
                yield (topic,), found
