"""The contract in the user's units, and what is signed for it."""
