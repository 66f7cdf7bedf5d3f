"""`ape v2v auction`: asking, bidding, awarding, and a program that bids."""

from ape_v2v._cli.auction.commands import cli

__all__ = ["cli"]
