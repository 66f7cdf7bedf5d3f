"""The commands on a market in a token."""
