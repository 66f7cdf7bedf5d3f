"""What reading, keeping and asking a market's history costs: `ape run bench_index`."""
