"""Who takes part. Anybody may be organization, EV or neither, and that changes in a run."""

from typing import NamedTuple

from eth_account import Account
from eth_utils.crypto import keccak


class Person(NamedTuple):
    """An account with a key."""

    address: str
    key: bytes


def _person(name: str) -> Person:
    key = keccak(text=name)
    return Person(Account.from_key(key).address.lower(), key)


PEOPLE = {
    name: _person(name)
    for name in ("organization", "successor", "alice", "bob", "carol", "dave", "erin")
}
# A contract (HostileEV), through which the operator acts.
MALLORY = "mallory"
OPERATOR = _person("operator")
# What the people let sign readings for them.
SESSION_KEY = _person("a key in a car")
# Who deploys the contracts, and nothing else.
DEPLOYER = _person("deployer")
# A market on the same chain that the people sign for too.
OTHER_MARKET = _person("another market").address

# Addresses that are nobody's.
NOBODY = "nobody"
THE_MARKET = "the market"

ACTORS = (*PEOPLE, MALLORY)
