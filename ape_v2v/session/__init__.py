"""The charging session: the off-chain half of a trade, between two vehicles that have met."""
