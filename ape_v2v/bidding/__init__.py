"""Policies for bids, and the process that bids by them."""
