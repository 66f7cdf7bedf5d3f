"""What the market costs: measured beside the paper's own design, on the same chain, in one run.

`ape v2v gas report` runs it. contracts/benchmarks/PaperMarket.sol is the paper's design, rebuilt.
"""
