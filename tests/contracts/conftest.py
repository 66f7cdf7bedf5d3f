"""What the tests of all rooms look at, and markets with other rules."""

from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.helpers.scenario import ZERO_ADDRESS


class Balances(NamedTuple):
    """Free balances, wei. The burnt ether is the zero address's."""

    consumer: int
    provider: int
    rival: int
    burnt: int


@pytest.fixture
def ledger(balance, consumer, provider, rival):
    """Return a function that reads everybody's balance."""
    return lambda: Balances(*map(balance, (consumer, provider, rival, ZERO_ADDRESS)))


@pytest.fixture
def untouched(chain, market):
    """A context in which neither the market's storage nor its ether may change."""

    def fingerprint():
        proof = chain.provider.make_request("eth_getProof", [market.address, [], "latest"])
        return proof["storageHash"], proof["balance"]

    @contextmanager
    def untouched():
        before = fingerprint()
        yield
        assert fingerprint() == before

    return untouched


@pytest.fixture
def open_market(deploy_market, organization, consumer, provider, rival):
    """A factory of markets with other rules, in which the EVs have no ether."""

    def open_market(**parameters):
        market = deploy_market(**{"minPenalty": 1, **parameters})
        market.addEVs([consumer, provider, rival], ["", "", ""], sender=organization)
        return market

    return open_market
