"""How soon a bidder looks again."""

import math

from ape_v2v.bidding.pace import Pace
from ape_v2v.chain.blocks import Block


def pause(*blocks):
    pace = Pace()
    for number, timestamp in blocks:
        pace.saw(Block(number, b"", timestamp, None, None))
    return pace.pause


def test_it_looks_several_times_a_block():
    assert pause((1, 100), (2, 112)) == 3
    assert pause((1, 100), (1, 100), (4, 106)) == 0.5


def test_it_does_not_ask_without_a_pause():
    assert pause((1, 100), (9, 101)) == pause((1, 100), (2, 100)) == 0.25


def test_one_block_tells_nothing():
    assert pause((1, 100)) == pause((5, 100), (4, 90)) == math.inf
