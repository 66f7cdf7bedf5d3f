"""Mutation testing: whether the tests notice when one thing in the contracts is wrong."""
