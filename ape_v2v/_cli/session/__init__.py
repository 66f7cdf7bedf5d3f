"""`ape v2v session`: charging, what it is asked with, and what is left of it."""

from ape_v2v._cli.session.commands import cli

__all__ = ["cli"]
