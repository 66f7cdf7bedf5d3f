"""`ape v2v ev`: who may take part, and ether for who has none."""

from ape_v2v._cli.ev.commands import cli

__all__ = ["cli"]
