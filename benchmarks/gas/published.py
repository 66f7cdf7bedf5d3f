"""Table II of the paper, and which of its functions does what ours does."""

from __future__ import annotations

# Function as the paper writes it, gas.
TABLE_II = {
    "create": 2_302_980,
    "addEV": 76_821,
    "removeEV": 33_469,
    "StartAuction": 121_350,
    "PlaceBid": 165_107,
    "EndAuction": 29_167,
    "EndConnection": 21_136,
    "changeStatus": 30_163,
}
TRADE = ("StartAuction", "PlaceBid", "PlaceBid", "EndAuction", "EndConnection")
"""A trade with two bids."""
COUNTERPARTS = {
    "addEV": "addEV",
    "removeEV": "removeEV",
    "changeStatus": "changeStatus",
    "startAuction": "StartAuction",
    "placeBid, first": "PlaceBid",
    "placeBid, overtaking": "PlaceBid",
    "endAuction": "EndAuction",
    "endConnection": "EndConnection",
}
"""By the labels of `benchmarks.gas.scenarios`."""


def trade() -> int:
    """What the paper's functions add up to for a trade with two bids, gas."""
    return sum(TABLE_II[name] for name in TRADE)
