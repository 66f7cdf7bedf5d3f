"""The chain of a simulation: an EVM in this process, blocks, fees and what is on its way."""
