"""What the market costs: measured beside the paper's own design, on the same chain, in one run.

`ape run gas_report` runs it. contracts/benchmarks/PaperMarket.sol is the paper's design, rebuilt.
"""
