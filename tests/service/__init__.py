"""The service, asked by HTTP, over a market on an Anvil of its own."""
