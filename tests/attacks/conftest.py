"""What an attack is measured by: who has more or less in the market than before it.

Wealth is the free balance and what is locked as reserve or bond. Gas is not in it: it goes to
whoever builds the block, and every attacker pays its own.
"""

import pytest

from tests.helpers.scenario import FUNDS, ZERO_ADDRESS

BURNT = "burnt"


@pytest.fixture
def wealth(market, organization, consumer, provider, rival, stranger):
    """Return a function that tells the wealth in the market of everybody, by role."""
    people = {
        "organization": organization,
        "consumer": consumer,
        "provider": provider,
        "rival": rival,
        "stranger": stranger,
        BURNT: ZERO_ADDRESS,
    }

    def wealth():
        found = {role: market.evs(account).balance for role, account in people.items()}
        for account in (consumer, provider, rival):
            auction_id = market.currentAuctionId(account)
            leader = market.auctions(auction_id).provider
            for role, party in people.items():
                if party == account:
                    found[role] += market.reserve(auction_id)
                elif party == leader != ZERO_ADDRESS:
                    found[role] += market.bond(auction_id)
        return found

    return wealth


@pytest.fixture
def gains(wealth, market, consumer, provider, rival):
    """Return a function that tells who has gained (or lost) what since the test began, in wei."""
    began = wealth()
    assert [began[role] for role in ("consumer", "provider", "rival")] == [FUNDS] * 3

    def gains():
        return {role: now - began[role] for role, now in wealth().items() if now != began[role]}

    return gains


@pytest.fixture
def close(market, clock):
    """Return a function that gives the next transaction the second of an auction's close."""

    def close(auction_id, offset=0):
        clock.next_block_at(market.auctions(auction_id).closingTime + offset)

    return close
