"""How fast it goes: that all ways can be measured, not how fast they are."""

from benchmarks.gas import throughput
from benchmarks.gas.sources import Sources


def test_every_way_of_bidding_is_measured(project, chain):
    """A bid that is not accepted would raise."""
    speed = throughput.measure(Sources.of(project).own, runs=1)

    assert speed.runs == 1
    assert min(speed.batched_bids, speed.raw_bids, speed.api_bids) > 0
    assert min(speed.raw_trades, speed.api_trades) > 0
