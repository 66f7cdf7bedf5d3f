"""What reading, keeping and asking a market's history costs: `python -m benchmarks.index`."""
