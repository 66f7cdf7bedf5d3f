"""A whole trade on a local chain, told as it happens."""
