"""How thoroughly the market's contracts are tested, and what analysis tools find in them."""
