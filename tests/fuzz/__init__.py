"""Random people do random things to a market, and a model knows what must come of it."""
