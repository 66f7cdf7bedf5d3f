"""A node: blocks, fees, transactions, networks."""
