"""The link between two EVs: server, client, limits."""
