"""A second opinion on the market: what it must do, in Python, from docs/protocol.md."""
