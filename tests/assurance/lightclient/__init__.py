"""The light client beside the executable specification of Ethereum's consensus."""
